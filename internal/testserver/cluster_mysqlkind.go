package testserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// mysqlDatabaseName is the database of all nodes.
const mysqlDatabaseName = "pooled"

// mysqlKind is what MariaDB and MySQL have in common. All nodes begin with a copy of the cluster's directory "template".
type mysqlKind struct {
	account string // who runs the servers if tests run as root
}

// writeInit makes what every server executes when it starts. Each makes the account by itself, without logging it, or a replica would get it twice.
func (k mysqlKind) writeInit(c *Cluster) {
	c.t.Helper()
	c.directory(k.account, filepath.Join(c.dir, "tmp"))
	text := fmt.Sprintf("SET sql_log_bin=0;\nCREATE DATABASE IF NOT EXISTS %s CHARACTER SET utf8mb4;\nCREATE USER IF NOT EXISTS '%s'@'%%' IDENTIFIED BY %s;\n"+
		"GRANT ALL PRIVILEGES ON *.* TO '%[2]s'@'%%' WITH GRANT OPTION;\n", mysqlDatabaseName, clusterUser, mysqlQuote(clusterPassword))
	init := filepath.Join(c.dir, "init.sql")
	c.must(os.WriteFile(init, []byte(text), 0o600))
	c.give(k.account, init)
}

// startAll starts a primary and its replicas.
func (k mysqlKind) startAll(c *Cluster) {
	c.t.Helper()
	k.writeInit(c)
	primary := c.Nodes[0]
	for _, n := range c.Nodes {
		n.readOnly = n != primary
		k.copyTemplate(n)
		c.spawn(n) // all at once: each needs some time
	}
	for _, n := range c.Nodes {
		n.await("an answer", "select 1", "1")
	}
	for _, n := range c.Nodes[1:] {
		n.Follow(primary)
	}
}

func (k mysqlKind) copyTemplate(n *Node) {
	n.cluster.t.Helper()
	n.cluster.directory(k.account, n.data())
	n.cluster.run(k.account, nil, "cp", "-r", filepath.Join(n.cluster.dir, "template")+"/.", n.data())
}

func mysqlQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

func (mysqlKind) driver() string { return "mysql" }

func (mysqlKind) dsn(address string) string {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName = clusterUser, clusterPassword, "tcp", address, mysqlDatabaseName
	return cfg.FormatDSN()
}

// options are those that both take, for a small server. What is committed is in the system's memory, where it outlives a killed server.
func (mysqlKind) options(n *Node) []string {
	readOnly := 0
	if n.readOnly {
		readOnly = 1
	}
	return []string{
		"--datadir=" + n.data(), "--tmpdir=" + filepath.Join(n.cluster.dir, "tmp"), "--init-file=" + filepath.Join(n.cluster.dir, "init.sql"),
		"--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", n.port), "--socket=" + filepath.Join(n.data(), "socket"),
		"--pid-file=" + filepath.Join(n.data(), "pid"), "--skip-name-resolve", fmt.Sprintf("--server-id=%d", n.id), "--log-bin=binlog",
		"--relay-log=relay", fmt.Sprintf("--read-only=%d", readOnly), "--max-connections=100", "--innodb-flush-log-at-trx-commit=2",
		"--sync-binlog=0", "--innodb-buffer-pool-size=16M",
	}
}

func (mysqlKind) stopSignal() string { return "KILL" }

func (mysqlKind) killed(*Node) {}

func (mysqlKind) pause(n *Node) { n.cluster.t.Helper(); n.Exec("stop replica sql_thread") }

func (mysqlKind) resume(n *Node) { n.cluster.t.Helper(); n.Exec("start replica sql_thread") }

func (mysqlKind) promote(n *Node) {
	n.cluster.t.Helper()
	n.Exec("stop replica", "reset replica all", "set global read_only = 0") // which ends MySQL's super_read_only as well
	n.readOnly = false
}

// rejoin replicates from the beginning: every node logs everything.
func (k mysqlKind) rejoin(n, primary *Node) {
	n.cluster.t.Helper()
	k.copyTemplate(n)
	n.id += len(n.cluster.Nodes)
	n.readOnly = true
	n.Start()
	n.Follow(primary)
}
