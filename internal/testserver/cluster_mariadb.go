package testserver

import (
	"fmt"
	"path/filepath"

	"github.com/gopooled/pooled/internal/testserver/process"
)

// mariaFamily runs the MariaDB that is installed.
type mariaFamily struct {
	mysqlKind
	bin string
}

// MariaDBCluster starts a MariaDB with replicas, which replicate by GTID and have read_only.
func MariaDBCluster(t T, replicas int) *Cluster {
	t.Helper()
	bin, err := process.MariaDBProgram("mariadbd")
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	f := mariaFamily{mysqlKind{"mysql"}, bin}
	c := newCluster(t, f, 1+replicas)
	f.install(c)
	f.startAll(c)
	return c
}

// install makes the data that all nodes begin with.
func (f mariaFamily) install(c *Cluster) {
	c.t.Helper()
	template := filepath.Join(c.dir, "template")
	c.directory(f.account, template)
	c.run(f.account, nil, "mariadb-install-db", "--no-defaults", "--datadir="+template, "--tmpdir="+template,
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=8M",
		"--innodb-flush-log-at-trx-commit=0", "--cross-bootstrap")
}

func (f mariaFamily) server(n *Node) (user string, command []string) {
	return f.account, append([]string{f.bin, "--no-defaults"}, append(f.options(n),
		"--log-slave-updates", "--gtid-strict-mode=1", "--innodb-log-file-size=8M", "--slave-net-timeout=5")...)
}

// follow begins where the server is: what it has logged itself, if it was a primary, is in its own binary log.
func (mariaFamily) follow(n, primary *Node) {
	n.cluster.t.Helper()
	n.Exec("set global read_only = 1", "stop replica", "set global gtid_slave_pos = @@global.gtid_current_pos",
		fmt.Sprintf("change master to master_host = '127.0.0.1', master_port = %d, master_user = '%s', master_password = %s, master_use_gtid = slave_pos, "+
			"master_connect_retry = 1, master_heartbeat_period = 1", primary.port, clusterUser, mysqlQuote(clusterPassword)),
		"start replica")
	n.readOnly = true
	n.await("replication", "select variable_value from information_schema.global_status where variable_name = 'SLAVES_RUNNING'", "1")
}
