package pooled_test

import (
	"testing"

	"github.com/gopooled/pooled/internal/testserver"
)

// mysqlServer is a server of go-sql-driver/mysql.
type mysqlServer struct {
	name                      string
	server, database, private func(testing.TB) string
	cluster                   func(t testserver.T, replicas int) *testserver.Cluster
	inTx                      string // whether the session has a transaction, as 1 or 0
}

// mysqlServers are both. What differs in a small part of a text is an executable comment of one or the other: MariaDB reads none of
// MySQL's from version 50700 on, and MySQL none of MariaDB's.
var mysqlServers = []mysqlServer{
	{
		"MariaDB", testserver.MariaDB, testserver.MariaDBDatabase, testserver.PrivateMariaDB, testserver.MariaDBCluster,
		"select @@in_transaction",
	},
	{
		"MySQL", testserver.MySQL, testserver.MySQLDatabase, testserver.PrivateMySQL, testserver.MySQLCluster,
		"select count(*) from performance_schema.events_transactions_current where state = 'ACTIVE' and thread_id = ps_current_thread_id()",
	},
}

// onMySQLServers runs a test on each.
func onMySQLServers(t *testing.T, test func(t *testing.T, s mysqlServer)) {
	for _, s := range mysqlServers {
		t.Run(s.name, func(t *testing.T) { test(t, s) })
	}
}
