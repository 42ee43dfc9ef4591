package testserver

import (
	"fmt"
	"path/filepath"

	"github.com/gopooled/pooled/internal/testserver/process"
)

// mysqlFamily runs the MySQL that was fetched.
type mysqlFamily struct{ mysqlKind }

// MySQLCluster starts a MySQL with replicas, which replicate by GTID and have read_only and super_read_only.
func MySQLCluster(t T, replicas int) *Cluster {
	t.Helper()
	f := mysqlFamily{mysqlKind{process.MySQLAccount}}
	c := newCluster(t, f, 1+replicas)
	c.must(process.LayOutMySQL(f.account, c.dir))
	f.startAll(c)
	return c
}

// server makes one that is quick to start: the tables of performance_schema are the smaller, the fewer sessions and tables there may be.
func (f mysqlFamily) server(n *Node) (user string, command []string) {
	return f.account, append([]string{filepath.Join(n.cluster.dir, "software", "mysqld")}, append(f.options(n),
		fmt.Sprintf("--super-read-only=%t", n.readOnly), "--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--innodb-redo-log-capacity=8M",
		"--innodb-log-buffer-size=1M", "--innodb-flush-method=nosync", "--table-open-cache=400", "--table-definition-cache=400",
		"--replica-net-timeout=5")...)
}

func (mysqlFamily) follow(n, primary *Node) {
	n.cluster.t.Helper()
	n.Exec("set global super_read_only = 1", "stop replica",
		fmt.Sprintf("change replication source to source_host = '127.0.0.1', source_port = %d, source_user = '%s', source_password = %s, "+
			"source_auto_position = 1, get_source_public_key = 1, source_connect_retry = 1, source_heartbeat_period = 1",
			primary.port, clusterUser, mysqlQuote(clusterPassword)),
		"start replica")
	n.readOnly = true
	n.await("replication", "select count(*) from performance_schema.replication_connection_status where service_state = 'ON'", "1")
}
