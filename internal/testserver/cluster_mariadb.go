package testserver

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/gopooled/pooled/internal/testserver/process"
)

// mariaDatabase is the database of all nodes.
const mariaDatabase = "pooled"

// mariaFamily runs the MariaDB that is installed.
type mariaFamily struct{ bin string }

// MariaDBCluster starts a MariaDB with replicas, which replicate by GTID and have read_only.
func MariaDBCluster(t T, replicas int) *Cluster {
	t.Helper()
	bin, err := process.MariaDBProgram("mariadbd")
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	f := mariaFamily{bin}
	c := newCluster(t, f, 1+replicas)
	f.install(c)
	primary := c.Nodes[0]
	for _, n := range c.Nodes {
		n.readOnly = n != primary
		f.copyTemplate(n)
		c.spawn(n) // all at once: each needs some time
	}
	for _, n := range c.Nodes {
		n.await("an answer", "select 1", "1")
	}
	for _, n := range c.Nodes[1:] {
		n.Follow(primary)
	}
	return c
}

// install makes the data that all nodes begin with. Each one makes the account by itself, without logging it, or a replica would get it twice.
func (f mariaFamily) install(c *Cluster) {
	c.t.Helper()
	template := filepath.Join(c.dir, "template")
	c.directory("mysql", template)
	c.directory("mysql", filepath.Join(c.dir, "tmp"))
	c.run("mysql", nil, "mariadb-install-db", "--no-defaults", "--datadir="+template, "--tmpdir="+filepath.Join(c.dir, "tmp"),
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=8M",
		"--innodb-flush-log-at-trx-commit=0", "--cross-bootstrap")
	init := filepath.Join(c.dir, "init.sql")
	text := fmt.Sprintf("SET sql_log_bin=0;\nCREATE DATABASE IF NOT EXISTS %s CHARACTER SET utf8mb4;\nCREATE OR REPLACE USER '%s'@'%%' IDENTIFIED BY %s;\n"+
		"GRANT ALL PRIVILEGES ON *.* TO '%s'@'%%' WITH GRANT OPTION;\n", mariaDatabase, clusterUser, mariaQuote(clusterPassword), clusterUser)
	c.must(os.WriteFile(init, []byte(text), 0o600))
	c.give("mysql", init)
}

func (mariaFamily) copyTemplate(n *Node) {
	n.cluster.t.Helper()
	n.cluster.directory("mysql", n.data())
	n.cluster.run("mysql", nil, "cp", "-r", filepath.Join(n.cluster.dir, "template")+"/.", n.data())
}

func mariaQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

func (mariaFamily) driver() string { return "mysql" }

func (mariaFamily) dsn(address string) string {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName = clusterUser, clusterPassword, "tcp", address, mariaDatabase
	return cfg.FormatDSN()
}

// server makes a small one. What is committed is in the system's memory, where it outlives a killed server.
func (f mariaFamily) server(n *Node) (user string, command []string) {
	readOnly := 0
	if n.readOnly {
		readOnly = 1
	}
	return "mysql", []string{
		f.bin, "--no-defaults", "--datadir=" + n.data(), "--tmpdir=" + filepath.Join(n.cluster.dir, "tmp"),
		"--init-file=" + filepath.Join(n.cluster.dir, "init.sql"), "--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", n.port),
		"--socket=" + filepath.Join(n.data(), "socket"), "--pid-file=" + filepath.Join(n.data(), "pid"), "--skip-name-resolve",
		fmt.Sprintf("--server-id=%d", n.id), "--log-bin=binlog", "--log-slave-updates", "--gtid-strict-mode=1", "--relay-log=relay",
		fmt.Sprintf("--read-only=%d", readOnly), "--max-connections=100", "--innodb-flush-log-at-trx-commit=2", "--sync-binlog=0",
		"--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--slave-net-timeout=5",
	}
}

func (mariaFamily) stopSignal() string { return "KILL" }

func (mariaFamily) killed(*Node) {}

func (mariaFamily) pause(n *Node) { n.cluster.t.Helper(); n.Exec("stop slave sql_thread") }

func (mariaFamily) resume(n *Node) { n.cluster.t.Helper(); n.Exec("start slave sql_thread") }

func (mariaFamily) promote(n *Node) {
	n.cluster.t.Helper()
	n.Exec("stop slave", "reset slave all", "set global read_only = 0")
	n.readOnly = false
}

// follow begins where the server is: what it has logged itself, if it was a primary, is in its own binary log.
func (mariaFamily) follow(n, primary *Node) {
	n.cluster.t.Helper()
	host, port, err := net.SplitHostPort(primary.Address())
	n.cluster.must(err)
	n.Exec("set global read_only = 1", "stop slave", "set global gtid_slave_pos = @@global.gtid_current_pos",
		fmt.Sprintf("change master to master_host = '%s', master_port = %s, master_user = '%s', master_password = %s, master_use_gtid = slave_pos, "+
			"master_connect_retry = 1, master_heartbeat_period = 1", host, port, clusterUser, mariaQuote(clusterPassword)),
		"start slave")
	n.readOnly = true
	n.await("replication", "select variable_value from information_schema.global_status where variable_name = 'SLAVES_RUNNING'", "1")
}

// rejoin replicates from the beginning: every node logs everything.
func (f mariaFamily) rejoin(n, primary *Node) {
	n.cluster.t.Helper()
	f.copyTemplate(n)
	n.id += len(n.cluster.Nodes)
	n.readOnly = true
	n.Start()
	n.Follow(primary)
}
