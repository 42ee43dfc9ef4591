package catalogue_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// What looks as if only a new connection could undo it, and what only looks like that.
var keptOnMySQL = []struct {
	name, only string
	borrower   []string // some of these fail
	want       becomes
}{
	{"XA, committed", "", []string{"xa start 'kept1'", "insert into others values (1)", "xa end 'kept1'", "xa prepare 'kept1'", "xa commit 'kept1'"}, reset},
	{"XA, committed in one phase", "", []string{"xa start 'kept2'", "xa end 'kept2'", "xa commit 'kept2' one phase"}, reset},
	{"XA, rolled back", "", []string{"xa start 'kept3'", "insert into others values (1)", "xa end 'kept3'", "xa rollback 'kept3'"}, reset},
	{"XA, refused", "", []string{"begin", "xa start 'kept4'"}, reset},
	{"XA, begun", "", []string{"xa start 'kept5'", "insert into others values (1)"}, lost},
	{"XA, ended", "", []string{"xa start 'kept6'", "insert into others values (1)", "xa end 'kept6'"}, lost},
	{"XA, with a variable", "", []string{"set wait_timeout = 77", "xa start 'kept7'", "xa end 'kept7'"}, lost},
	{"a lock for a backup", "MySQL", []string{"lock instance for backup", "unlock instance"}, reset},
	{"a lock for a backup that is left", "MySQL", []string{"lock instance for backup", "lock tables things read"}, reset},
	{"a lock that there is not", "MariaDB", []string{"lock instance for backup"}, reset},
	{"a table that is made and used", "", []string{"create table if not exists kept8 (id int auto_increment primary key, n int)", "insert into kept8 (n) values (1)", "alter table kept8 add m int", "create index kept8 on kept8 (n)",
		"select * from kept8", "update kept8 set m = 2", "drop table kept8", "set @tenant = 7"}, reset},
	{"a trigger that is made, used and dropped", "", []string{"create trigger kept9 before insert on others for each row set @tenant = 7", "insert into others values (2)", "drop trigger kept9"}, reset},
	{"a table that gets the name of another", "", []string{"create table kept10 (name varchar(100))", "drop table kept10", "rename table watched to kept10", "insert into kept10 values ('x')", "rename table kept10 to watched"}, reset},
	{"a table that gets the name of another by ALTER", "", []string{"alter table watched rename kept11", "insert into kept11 values ('x')", "alter table kept11 rename watched"}, reset},
	{"a view that is made, used and dropped", "", []string{"create view kept12 as select hidden_set() as a", "select * from kept12", "drop view kept12"}, reset},
	{"a table with the default of another", "MariaDB", []string{"create table kept13 like counted", "insert into kept13 (name) values ('x')", "drop table kept13"}, lost},
	{"a procedure that makes and uses a table", "", []string{"call kept_maker()", "call kept_maker()"}, clean},
	{"the database that is dropped and made again", "", []string{"create database kept_DB", "use kept_DB", "drop database kept_DB"}, lost},
	{"an unknown variable", "", []string{"set wait_timout = 77"}, reset},
	{"an unknown variable among others", "", []string{"set @tenant = 7", "set wait_timout = 77", "set wait_timeout = 78"}, reset},
	{"an unknown variable with a dot", "", []string{"set app.tenant = 7"}, reset},
	{"a variable of the server's alone", "", []string{"set port = 7", "set @tenant = 7, wait_timeout = 77"}, reset},
	{"a variable that nobody may set", "", []string{"set version_comment = 'x'", "set @@session.version_comment = 'y', wait_timeout = 77"}, reset},
	{"a wrong value", "", []string{"set sql_mode = 'nonsense'", "set lock_wait_timeout = 'x'"}, reset},
	{"an assignment that fails behind others", "", []string{"set wait_timeout = 77, sql_mode = 'nonsense'", "set @@tx_isolation = 'READ-UNCOMMITTED', @@transaction_isolation = 'READ-UNCOMMITTED'"}, reset},
	{"the isolation of the next transaction, and what is refused", "MySQL", []string{"set @@transaction_isolation = 'READ-UNCOMMITTED'", "set port = 7"}, reset},
	{"an unknown variable, and a session that nothing undoes", "", []string{"set wait_timout = 77", "set rand_seed1 = 7"}, lost},
}

func TestMySQLConnectionsAreKeptWhereTheSessionIsProvedToBeClean(t *testing.T) {
	t.Parallel()
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		f := resettest.MySQLFamily(t, s, func(*mysql.Config) {})
		dsn, err := mysql.ParseDSN(f.DSN)
		require.NoError(t, err)
		bare := realtest.Open(t, f.Driver, f.DSN)
		bare.SetMaxIdleConns(0)
		admin := realtest.Open(t, f.Driver, f.DSN)
		_, err = admin.ExecContext(t.Context(), "create procedure kept_maker() begin drop table if exists kept_made; create table kept_made (id int); insert into kept_made values (1); drop table kept_made; end")
		require.NoError(t, err)
		db, log := resettest.OpenForReset(t, f, nil)
		realtest.Borrow(t, db, "set @tenant = 7") // and the catalogue is read
		state := append(slices.Clone(resettest.MySQLState), "select 'transaction', ("+s.InTx+")", "select count(*) from others where id = 1", "xa start 'look'", "xa end 'look'", "xa rollback 'look'")
		if s.Name == "MySQL" {
			state = append(state, resettest.BackupLocks)
		} else {
			state = append(state, "select lastval(numbers)")
		}
		for _, k := range keptOnMySQL {
			if k.only != "" && k.only != s.Name {
				continue
			}
			var borrower []string
			for _, text := range k.borrower {
				borrower = append(borrower, strings.ReplaceAll(text, "DB", dsn.DBName[len(dsn.DBName)-24:]))
			}
			t.Run(k.name, func(t *testing.T) {
				for round := range 2 {
					became := whatBecomes(t, db, f, borrower, true)
					got, _ := resettest.Look(t.Context(), t, db, state, f.ID)
					want, _ := resettest.Look(t.Context(), t, bare, state, f.ID)
					assert.Empty(t, resettest.Differences(want, got), log)
					if round == 1 { // it is known by now what cannot be set, and what names are of
						assert.Equal(t, k.want, became, log)
					}
					assert.Zero(t, resettest.Resets(t, db).AuditFailures, log)
				}
			})
		}
	})
}
