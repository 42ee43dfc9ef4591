package realtest

import (
	"testing"

	"github.com/gopooled/pooled/internal/testserver"
)

// MySQLServer is a server of go-sql-driver/mysql.
type MySQLServer struct {
	Name                      string
	Server, Database, Private func(testing.TB) string
	Cluster                   func(t testserver.T, replicas int) *testserver.Cluster
	InTx                      string // whether the session has a transaction, as 1 or 0
}

// MySQLServers are both. What differs in a small part of a text is an executable comment of one or the other: MariaDB reads none of
// MySQL's from version 50700 on, and MySQL none of MariaDB's.
var MySQLServers = []MySQLServer{
	{
		"MariaDB", testserver.MariaDB, testserver.MariaDBDatabase, testserver.PrivateMariaDB, testserver.MariaDBCluster,
		"select @@in_transaction",
	},
	{
		"MySQL", testserver.MySQL, testserver.MySQLDatabase, testserver.PrivateMySQL, testserver.MySQLCluster,
		"select count(*) from performance_schema.events_transactions_current where state = 'ACTIVE' and thread_id = ps_current_thread_id()",
	},
}

// OnMySQLServers runs a test on each.
func OnMySQLServers(t *testing.T, test func(t *testing.T, s MySQLServer)) {
	for _, s := range MySQLServers {
		t.Run(s.Name, func(t *testing.T) { test(t, s) })
	}
}
