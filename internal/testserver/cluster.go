package testserver

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gopooled/pooled/internal/testserver/process"
)

// T is what a cluster needs of a test. A program that is none can be one to it.
type T interface {
	Helper()
	Cleanup(f func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Cluster is a primary and its replicas, for one test. All have the same user, password and database, whose user may do everything.
//
// The servers end with the test, and also when the test process is killed. Their methods fail the test that made the cluster, and return when what they
// do is done.
type Cluster struct {
	// Nodes are the servers. The first one begins as the primary.
	Nodes []*Node

	t      T
	dir    string
	family family
}

// family is what differs between PostgreSQL, MariaDB and MySQL.
type family interface {
	driver() string
	dsn(address string) string
	// server is the user, if tests run as root, and the command of a server.
	server(n *Node) (user string, command []string)
	// stopSignal makes a server leave nothing behind.
	stopSignal() string
	// killed cleans up what a killed server has left outside of its directory.
	killed(n *Node)

	pause(n *Node)
	resume(n *Node)
	promote(n *Node)
	follow(n, primary *Node)
	rejoin(n, primary *Node)
}

// Node is a server of a cluster.
type Node struct {
	cluster *Cluster
	name    string
	port    int
	process *process.Process // nil: it does not run

	id       int  // of MariaDB and MySQL: a new one for new data, as a replica takes what has its id for its own
	readOnly bool // what they are started with
}

// The account of all nodes. The password is odd on purpose, as that of the script's servers.
const (
	clusterUser     = "pooled"
	clusterPassword = `p@ss/w?rd%25 'x\`
)

// clusterTimeout bounds each step: servers on a busy machine are slow.
const clusterTimeout = 60 * time.Second

// newCluster makes a cluster of servers that do not run yet.
func newCluster(t T, f family, nodes int) *Cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "pooled-cluster.") // not TempDir of a test, which no other user could enter
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	c := &Cluster{t: t, dir: dir, family: f}
	guardDirectory(t, dir)
	c.must(os.Chmod(dir, 0o711)) // the servers' users have directories of their own in it
	for i := range nodes {
		port, err := process.FreePort()
		c.must(err)
		c.Nodes = append(c.Nodes, &Node{cluster: c, name: fmt.Sprintf("node%d", i+1), port: port, id: i + 1})
	}
	return c
}

// Address returns host:port.
func (n *Node) Address() string { return fmt.Sprintf("127.0.0.1:%d", n.port) }

// DSN returns what the bare driver takes.
func (n *Node) DSN() string { return n.cluster.family.dsn(n.Address()) }

// Start starts a server that was killed, on its port and with its data, and waits until it answers.
func (n *Node) Start() {
	n.cluster.t.Helper()
	if n.process != nil {
		n.cluster.t.Fatalf("testserver: %s runs already", n.name)
	}
	n.cluster.spawn(n)
	n.await("an answer", "select 1", "1")
}

// Kill ends all processes of the server with SIGKILL.
func (n *Node) Kill() {
	n.cluster.t.Helper()
	n.cluster.must(n.running().Kill())
	n.process = nil
	n.cluster.family.killed(n)
}

// Stop stops all processes of the server with SIGSTOP: connections to it stay open, and get no answer.
func (n *Node) Stop() { n.cluster.t.Helper(); n.cluster.must(n.running().Stop()) }

// Continue ends a Stop.
func (n *Node) Continue() { n.cluster.t.Helper(); n.cluster.must(n.running().Continue()) }

// Pause makes a replica receive what the primary does, and not apply it.
func (n *Node) Pause() { n.cluster.t.Helper(); n.cluster.family.pause(n) }

// Resume ends a Pause.
func (n *Node) Resume() { n.cluster.t.Helper(); n.cluster.family.resume(n) }

// Promote makes a replica a primary that replicates from nobody. What it has received and not applied may be lost.
func (n *Node) Promote() { n.cluster.t.Helper(); n.cluster.family.promote(n) }

// Follow makes a server replicate from another primary than before. It must not have anything that the primary has not.
func (n *Node) Follow(primary *Node) { n.cluster.t.Helper(); n.cluster.family.follow(n, primary) }

// Rejoin makes a server, which may have been killed, a new replica: its data are lost.
func (n *Node) Rejoin(primary *Node) {
	n.cluster.t.Helper()
	if n.process != nil {
		n.Kill()
	}
	n.cluster.must(os.RemoveAll(n.data()))
	n.cluster.family.rejoin(n, primary)
}

// Exec runs statements on the server, each by itself, over one connection.
func (n *Node) Exec(queries ...string) {
	n.cluster.t.Helper()
	if err := n.exec(queries...); err != nil {
		n.cluster.t.Fatalf("testserver: %s: %v", n.name, err)
	}
}

// ExecOver is Exec with another DSN.
func (n *Node) ExecOver(dsn string, queries ...string) {
	n.cluster.t.Helper()
	if err := n.execOver(dsn, queries...); err != nil {
		n.cluster.t.Fatalf("testserver: %s: %v", n.name, err)
	}
}

func (n *Node) exec(queries ...string) error { return n.execOver(n.DSN(), queries...) }

func (n *Node) execOver(dsn string, queries ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), clusterTimeout)
	defer cancel()
	db, err := sql.Open(n.cluster.family.driver(), dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, query := range queries {
		if _, err := db.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

// Await asks the server until the answer is the wanted one.
func (n *Node) Await(query, want string) {
	n.cluster.t.Helper()
	n.await("the answer to "+query, query, want)
}

// await asks until the answer is the wanted one.
func (n *Node) await(what, query, want string) {
	t := n.cluster.t
	t.Helper()
	db, err := sql.Open(n.cluster.family.driver(), n.DSN())
	n.cluster.must(err)
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), clusterTimeout)
	defer cancel()
	var got string
	var failed error
	err = n.running().Await(ctx, func() bool {
		failed = db.QueryRowContext(ctx, query).Scan(&got)
		return failed == nil && got == want
	})
	if err != nil {
		t.Fatalf("testserver: %s: %s does not come: %q, error %v: %v", n.name, what, got, failed, err)
	}
}

func (n *Node) running() *process.Process {
	n.cluster.t.Helper()
	if n.process == nil {
		n.cluster.t.Fatalf("testserver: %s does not run", n.name)
	}
	return n.process
}

// data is the server's directory.
func (n *Node) data() string { return filepath.Join(n.cluster.dir, n.name) }
