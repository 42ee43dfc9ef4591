package routing_test

import (
	"fmt"

	"github.com/gopooled/pooled/internal/testserver"
	_ "github.com/gopooled/pooled/mysql"    // its dialect
	_ "github.com/gopooled/pooled/postgres" // its dialect
)

// family is what differs between the databases.
type family struct {
	name, driver string
	cluster      func(t testserver.T, replicas int) *testserver.Cluster
	port         string                          // asks a server for its port
	idle         string                          // 1 once a replica without a primary has applied all that it has received, as text
	progress     string                          // how much a replica has applied, as a number that grows
	deaf         []string                        // makes a replica receive nothing any more, until it follows another primary
	slow         func(milliseconds int) []string // makes a replica apply everything that much later; nil: it cannot
	increment    string                          // adds 1 to the register $1 and returns the new value; empty: last_insert_id tells it
	argument     string                          // the placeholder for the first argument
	setting      string                          // changes something about a session
	schema       string                          // of the matrix
	cases        []routingCase
}

var families = []*family{postgresFamily, mariaDBFamily, mysqlFamily}

var postgresFamily = &family{
	name: "PostgreSQL", driver: "pgx", cluster: testserver.PostgresCluster,
	port:     "select inet_server_port()",
	idle:     "select count(*)::text from pg_stat_activity where backend_type = 'startup' and wait_event = 'RecoveryRetrieveRetryInterval'",
	progress: "select pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint",
	deaf:     []string{"alter system set primary_conninfo = 'host=127.0.0.1 port=1'", "select pg_reload_conf()"},
	slow: func(milliseconds int) []string {
		return []string{fmt.Sprintf("alter system set recovery_min_apply_delay = '%dms'", milliseconds), "select pg_reload_conf()"}
	},
	increment: "update register set n = n + 1 where id = $1 returning n",
	argument:  "$1",
	setting:   "set statement_timeout = '30s'",
	schema:    postgresRoutingSchema, cases: postgresRoutingCases,
}

var mariaDBFamily = &family{
	name: "MariaDB", driver: "mysql", cluster: testserver.MariaDBCluster,
	port: "select @@port",
	idle: "select (select count(*) from information_schema.processlist where command = 'Slave_SQL' and state like 'Slave has read all relay log%')" +
		" - (select count(*) from information_schema.processlist where command = 'Slave_IO')",
	progress: "select substring_index(@@gtid_slave_pos, '-', -1)",
	deaf:     []string{"stop slave io_thread"},
	argument: "?",
	setting:  "set sql_mode = 'ANSI'",
	schema:   mysqlRoutingSchema + mariaDBRoutingSchema, cases: casesOf("MariaDB"),
}

var mysqlFamily = &family{
	name: "MySQL", driver: "mysql", cluster: testserver.MySQLCluster,
	port: "select @@port",
	idle: "select service_state <> 'ON' and gtid_subset(received_transaction_set, @@global.gtid_executed)" +
		" from performance_schema.replication_connection_status",
	progress: "select substring_index(@@global.gtid_executed, '-', -1)", // of the only primary so far
	deaf:     []string{"stop replica io_thread"},
	argument: "?",
	setting:  "set sql_mode = 'ANSI'",
	schema:   mysqlRoutingSchema, cases: casesOf("MySQL"),
}

// readSQL reads a register.
func (f *family) readSQL() string { return "select n from register where id = " + f.argument }
