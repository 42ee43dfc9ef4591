package testserver

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gopooled/pooled/internal/testserver/process"
)

// postgresFamily runs the PostgreSQL that is installed.
type postgresFamily struct{ bin string }

// postgresConf is small, quick to start, quick to reconnect, and keeps what a standby may still need. Without fsync, what a killed server has
// written is in the system's memory. Files of 1 MB let tests meet their ends.
const postgresConf = `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = 16MB
fsync = off
full_page_writes = off
hot_standby = on
max_wal_senders = 10
wal_keep_size = 256MB
min_wal_size = 8MB
wal_retrieve_retry_interval = 100ms
wal_receiver_status_interval = 1s
`

// PostgresCluster starts a PostgreSQL with streaming standbys.
func PostgresCluster(t T, standbys int) *Cluster {
	t.Helper()
	bin, err := process.PostgresBin()
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	f := postgresFamily{bin}
	c := newCluster(t, f, 1+standbys)
	primary := c.Nodes[0]
	passwordFile := filepath.Join(c.dir, "password")
	c.must(os.WriteFile(passwordFile, []byte(clusterPassword), 0o600))
	c.give("postgres", passwordFile)
	c.directory("postgres", primary.data())
	c.run("postgres", nil, filepath.Join(f.bin, "initdb"), "-D", primary.data(), "-U", clusterUser, "--pwfile="+passwordFile,
		"--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync", "--wal-segsize=1")
	c.must(add(filepath.Join(primary.data(), "postgresql.conf"), postgresConf))
	for _, standby := range c.Nodes[1:] { // a primary that never ran is its own base backup
		c.directory("postgres", standby.data())
		c.run("postgres", nil, "cp", "-r", primary.data()+"/.", standby.data())
		c.run("postgres", nil, "touch", filepath.Join(standby.data(), "standby.signal"))
		c.must(add(filepath.Join(standby.data(), "postgresql.auto.conf"),
			"primary_conninfo = "+strings.ReplaceAll(f.connInfoLiteral(standby, primary), `\`, `\\`)+"\n")) // unlike SQL, files have escapes
	}
	for _, n := range c.Nodes {
		c.spawn(n) // all at once: each needs some time
	}
	for _, n := range c.Nodes {
		n.await("an answer", "select 1", "1")
	}
	primary.await("all standbys", "select count(*)::text from pg_stat_replication where state = 'streaming'", fmt.Sprint(standbys))
	return c
}

// add writes behind a file.
func add(path, text string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

func (postgresFamily) driver() string { return "pgx" }

func (postgresFamily) dsn(address string) string {
	// The database is one that every PostgreSQL has.
	u := url.URL{Scheme: "postgres", User: url.UserPassword(clusterUser, clusterPassword), Host: address, Path: "postgres", RawQuery: "sslmode=disable"}
	return u.String()
}

func (f postgresFamily) server(n *Node) (user string, command []string) {
	return "postgres", []string{filepath.Join(f.bin, "postgres"), "-D", n.data(), "-p", fmt.Sprint(n.port), "-c", "cluster_name=" + n.name}
}

func (postgresFamily) stopSignal() string { return "QUIT" } // which ends it at once

// killed removes the block of shared memory that tells PostgreSQL whether its directory is in use.
func (postgresFamily) killed(n *Node) {
	state, _ := os.ReadFile(filepath.Join(n.data(), "postmaster.pid")) // there is none if it was killed early
	lines := strings.Split(string(state), "\n")
	const sharedMemory = 6 // the line with key and id
	if len(lines) > sharedMemory {
		if fields := strings.Fields(lines[sharedMemory]); len(fields) == 2 {
			_ = exec.Command("ipcrm", "-m", fields[1]).Run() // some bytes would be left
		}
	}
}

// copyFrom makes the data of a standby.
func (f postgresFamily) copyFrom(n, primary *Node) {
	n.cluster.t.Helper()
	n.cluster.directory("postgres", n.data())
	n.cluster.run("postgres", []string{"PGPASSWORD=" + clusterPassword}, filepath.Join(f.bin, "pg_basebackup"), "-D", n.data(), "-R",
		"-d", f.connInfo(n, primary), "-c", "fast", "-X", "stream", "--no-sync")
}

// connInfo is how a standby reaches a primary, without the password.
func (postgresFamily) connInfo(n, primary *Node) string {
	return fmt.Sprintf("host=127.0.0.1 port=%d user=%s sslmode=disable application_name=%s", primary.port, clusterUser, n.name)
}

// connInfoLiteral is the same with the password, as SQL takes it.
func (f postgresFamily) connInfoLiteral(n, primary *Node) string {
	password := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(clusterPassword)
	info := fmt.Sprintf("%s password='%s'", f.connInfo(n, primary), password)
	return "'" + strings.ReplaceAll(info, "'", "''") + "'"
}

func (postgresFamily) pause(n *Node) {
	n.cluster.t.Helper()
	n.Exec("select pg_wal_replay_pause()")
	n.await("the pause", "select pg_get_wal_replay_pause_state()", "paused")
}

func (postgresFamily) resume(n *Node) {
	n.cluster.t.Helper()
	n.Exec("select pg_wal_replay_resume()")
}

func (postgresFamily) promote(n *Node) {
	n.cluster.t.Helper()
	n.Exec("select pg_promote()")
	n.await("the promotion", "select pg_is_in_recovery()::text", "false")
}

// follow waits until the log comes from the new primary.
func (f postgresFamily) follow(n, primary *Node) {
	n.cluster.t.Helper()
	n.Exec("alter system set primary_conninfo = "+f.connInfoLiteral(n, primary), "select pg_reload_conf()")
	n.await("the new primary", fmt.Sprintf("select coalesce((select sender_port from pg_stat_wal_receiver where status = 'streaming'), 0) = %d", primary.port), "true")
}

func (f postgresFamily) rejoin(n, primary *Node) {
	n.cluster.t.Helper()
	f.copyFrom(n, primary)
	n.Start()
	primary.await("the new standby", fmt.Sprintf("select count(*)::text from pg_stat_replication where state = 'streaming' and application_name = '%s'", n.name), "1")
}
