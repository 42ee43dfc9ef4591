package dialects_test

import (
	"context"
	"database/sql/driver"
	"testing"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/dialecttest"
	_ "github.com/gopooled/pooled/mysql"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

func TestMySQLHoldsWhatEveryDialectMust(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) { dialecttest.Run(t, mysql(s, s.Database(t))) })
}

func mysql(s realtest.MySQLServer, dsn string) dialecttest.Config {
	return dialecttest.Config{
		Driver: "mysql", DSN: dsn, Password: "s3cr3t", BadDSNs: []string{"app:s3cr3t@tcp(localhost:3306"},
		Setup: []string{
			"create table things (id int auto_increment primary key, name varchar(100))", "insert into things (name) values ('a'), ('b')", "create table others (id int)",
			"create view clean_view as select name from things",
		},
		Look: append(resettest.MySQLState[:len(resettest.MySQLState):len(resettest.MySQLState)], "select 'transaction', ("+s.InTx+")"),
		Data: []string{"select * from things order by id"},
		Init: "set session sort_buffer_size = 300000",
		Traces: []dialecttest.Trace{
			{Name: "setting", SQL: []string{"set session lock_wait_timeout = 77"}, Effects: dialect.Setting},
			{Name: "setting of pool_init", SQL: []string{"set session sort_buffer_size = 400000"}, Effects: dialect.Setting},
			{Name: "variable", SQL: []string{"set @tenant = 7"}, Effects: dialect.UserVariable},
			{Name: "temporary table", SQL: []string{"create temporary table t (a int)"}, Effects: dialect.TempTable, Probes: []string{"select * from t"}, Hidden: true},
			{Name: "lock", SQL: []string{"do get_lock('pooled_lock', 1)"}, Effects: dialect.AdvisoryLock, Hidden: true},
			{Name: "locked tables", SQL: []string{"lock tables things read"}, Effects: dialect.TableLock, Probes: []string{"select count(*) from others"}, Hidden: true},
			{Name: "prepared", SQL: []string{"prepare p from 'select 1'"}, Effects: dialect.SQLPrepare, Probes: []string{"execute p"}, Hidden: true},
			{Name: "number", SQL: []string{"insert into things (name) values ('n')"}, Effects: dialect.Sequence},
			{Name: "transaction", SQL: []string{"begin", "update things set name = 'x' where id = 1"}, Effects: dialect.OpenTx, Hidden: true},
		},
		Clean:    []string{"show tables", "commit"},
		Reads:    []string{"select * from things", "select count(*) from clean_view", "select 1", "select 1 from things limit 1"},
		Writes:   []string{"insert into things (name) values ('w')", "update things set name = 'x' where id = 1", "select * from things for update", "create table made (a int)", "drop table made", "select connection_id()"},
		Unknown:  []string{"select no_such_library_function(1), @a := load_file('x'); install plugin x soname 'y'"},
		Secrets:  []string{`select "s3cret"`, `select 'a\'s3cret'`, "select 1 # s3cret", "select 1 /*! , 's3cret' */", "select _utf8mb4's3cret', n's3cret'", "set password = 's3cret'"},
		Mistakes: []string{"select nothing from nowhere", "insert into things (id) values (1), (1)"},
		Break: func(ctx context.Context, real driver.Conn) error {
			_ = query(ctx, real, "kill connection_id()")
			return query(ctx, real, "select 1")
		},
	}
}
