package reset_test

import (
	"slices"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

var mysqlTraces = []resettest.Trace{
	{Name: "nothing", Sql: []string{`select 1`, `select lower(name) from things where id = 1`, `update things set name = 'b' where id = 1`}},
	{Name: "variables", Sql: []string{`set sql_mode = ''`, `set @@session.wait_timeout = 77, time_zone = '+09:00'`, "set local `lock_wait_timeout` := 7"}},
	{Name: "variables set by the DSN", Only: "MariaDB", Sql: []string{`set max_statement_time = 7`, `set group_concat_max_len = default`}},
	{Name: "names", Sql: []string{`set names latin1`}, Probes: []string{`select @@character_set_client`}},
	{Name: "names and collation", Sql: []string{`set names 'utf8mb3' collate 'utf8mb3_bin'`}},
	{Name: "character set", Sql: []string{`set character set latin1`}},
	{Name: "charset results", Sql: []string{`set character_set_results = null`}},
	{Name: "isolation of the session", Sql: []string{`set session transaction isolation level serializable, read only`}},
	{Name: "isolation of the next transaction", Sql: []string{`set transaction isolation level read uncommitted`}, Alone: true},
	{Name: "read only next transaction", Sql: []string{`set transaction read only`}, Probes: []string{`do 1`}, Alone: true},
	{Name: "autocommit", Sql: []string{`set autocommit = 0`, `select * from things`}},
	{Name: "open transaction", Sql: []string{`begin`, `insert into things (name) values ('open')`}, Probes: []string{`select count(*) from things where name = 'open'`}, Alone: true},
	{Name: "start transaction", Sql: []string{`start transaction with consistent snapshot`}, Alone: true},
	{Name: "commit and chain", Sql: []string{`begin`, `commit and chain`}, Alone: true},
	{Name: "use", Sql: []string{`use information_schema`}, Alone: true},
	{Name: "lock tables", Sql: []string{`lock tables things read`}, Probes: []string{`select count(*) from others`}, Alone: true},
	{Name: "flush tables with read lock", Sql: []string{`flush tables things with read lock`}, Probes: []string{`select count(*) from others`}, Alone: true},
	{Name: "user lock", Sql: []string{`select get_lock('pooled_lock', 1)`}},
	{Name: "user lock by do", Sql: []string{`do get_lock('pooled_lock', 1)`}},
	{Name: "SQL-level prepare", Sql: []string{`prepare p from 'select 1'`}, Probes: []string{`execute p`}, Alone: true},
	{Name: "SQL-level execute", Hides: true, Sql: []string{`prepare p from 'set @tenant = 7'`, `execute p`}, Probes: []string{`execute p`}, Alone: true},
	{Name: "execute immediate", Only: "MariaDB", Hides: true, Sql: []string{`execute immediate 'set @tenant = 7'`}, Alone: true},
	{Name: "handler", Sql: []string{"handler things open as `odd h`"}, Probes: []string{"handler `odd h` read first"}, Alone: true},
	{Name: "temporary table", Sql: []string{"create temporary table `odd ``pets` (id int)"}, Probes: []string{"select * from `odd ``pets`"}},
	{Name: "temporary table like", Sql: []string{`create temporary table if not exists pets like things`}, Probes: []string{`select * from pets`}},
	{Name: "temporary table by select", Only: "MariaDB", Sql: []string{`create or replace temporary table pets select 1 as id`}, Probes: []string{`select * from pets`}},
	{Name: "temporary table shadows another", Sql: []string{`create temporary table things (x int)`}, Probes: []string{`select name from things where id = 1`}},
	{Name: "temporary table renamed", Sql: []string{`create temporary table pets (id int)`, `alter table pets rename to beasts`}, Probes: []string{`select * from beasts`}},
	{Name: "role", Sql: []string{`set role pooled_tenant`}},
	{Name: "user variable", Sql: []string{`set @tenant = 7`}},
	{Name: "user variables", Sql: []string{"set @tenant := 7, @`_odd$name` = 'x'"}},
	{Name: "user variable in a query", Sql: []string{`select @tenant := 7`}},
	{Name: "user variable by into", Sql: []string{`select name into @tenant from things where id = 1`}},
	{Name: "user variable counting rows", Sql: []string{`select id, @rows_seen := coalesce(@rows_seen, 0) + 1 from things`}},
	{Name: "user variable in DML", Sql: []string{`update things set name = (@tenant := 'x')`}},
	{Name: "executable comment", Sql: []string{`/*!50000 set @tenant = 7 */`}},
	{Name: "executable comment of MariaDB", Only: "MariaDB", Sql: []string{`/*M! set @tenant = 7 */`}},
	{Name: "last_insert_id", Sql: []string{`insert into things (name) values ('x')`}},
	{Name: "last_insert_id of an expression", Sql: []string{`select last_insert_id(77)`}},
	{Name: "sequence", Only: "MariaDB", Sql: []string{`select nextval(numbers)`}, Probes: []string{`select lastval(numbers)`}, Permanent: true},
	{Name: "insert with a default from a sequence", Only: "MariaDB", Sql: []string{`insert into counted (name) values ('x')`}, Probes: []string{`select lastval(numbers)`}, Permanent: true, Hides: true},
	{Name: "stored function named like a built-in one elsewhere", Only: "MariaDB", Sql: []string{`select bin_to_uuid('x')`}, Hides: true},
	{Name: "sequence by the standard", Only: "MariaDB", Sql: []string{`select next value for numbers`}, Probes: []string{`select previous value for numbers`}, Permanent: true},
	{Name: "stored function", Sql: []string{`select hidden_set()`}},
	{Name: "qualified stored function", Sql: []string{`do (select max(hidden_set()) from things)`}},
	{Name: "procedure", Sql: []string{`call setting_procedure()`}},
	{Name: "trigger", Sql: []string{`insert into watched (name) values ('x')`}},
	{Name: "trigger that sets a variable of the server's", Sql: []string{`insert into zoned (name) values ('x')`}, Hides: true},
	{Name: "harmless trigger", Sql: []string{`insert into touched (name) values ('x')`}},
	{Name: "view over a view with a stored function", Sql: []string{`select * from outer_view`}, Hides: true},
	{Name: "insert through a view", Sql: []string{`insert into watched_view (name) values ('x')`}, Hides: true},
	{Name: "trigger made in the session", Only: "MariaDB", Sql: []string{`create or replace trigger o before insert on others for each row set @tenant = 7`, `insert into others values (1)`}, Alone: true},
	{Name: "profiling", Sql: []string{`set profiling = 1`}, Permanent: true},
	{Name: "view with a stored function", Sql: []string{`select * from setting_view`}},
	{Name: "compound statement", Only: "MariaDB", Sql: []string{`begin not atomic set @tenant = 7; end`}, Permanent: true, Alone: true},
	{Name: "set statement", Only: "MariaDB", Sql: []string{`set statement max_statement_time = 7 for select 1`}},
	{Name: "timestamp", Sql: []string{`set timestamp = 1000000000`}, Probes: []string{`select now() > '2020-01-01'`}},
	{Name: "checks", Sql: []string{`set foreign_key_checks = 0, unique_checks = off`}, Probes: []string{`insert into children values (7)`}},
	{Name: "checks that were off for a while", Sql: []string{`set foreign_key_checks = 0`, `set foreign_key_checks = 1, unique_checks = 1`}, Probes: []string{`insert into children values (7)`}},
	{Name: "isolation by its variable", Only: "MySQL", Sql: []string{`set @@transaction_isolation = 'READ-UNCOMMITTED', @@transaction_read_only = 1`}, Alone: true},
	{Name: "isolation by its older variable", Only: "MariaDB", Sql: []string{`set @@tx_isolation = 'READ-UNCOMMITTED', @@tx_read_only = 1`}, Alone: true},
	{Name: "variables that few may set", Only: "MySQL", Sql: []string{`set sql_log_bin = 0, gtid_next = 'AUTOMATIC', sql_require_primary_key = 1`}, Alone: true},
	{Name: "charset and collation of the connection", Sql: []string{`set collation_connection = latin1_bin`, `set character_set_connection = latin1`}},
	{Name: "charset of the connection", Sql: []string{`set character_set_connection = latin1`}},
	{Name: "limits of a SELECT", Sql: []string{`set max_join_size = 10, sql_select_limit = 1`}},
	{Name: "completion type", Sql: []string{`set completion_type = 1`, `begin`, `insert into things (name) values ('open')`, `commit`}, Alone: true},
	{Name: "completion type that ends the session", Sql: []string{`set completion_type = 2`, `begin`}, Alone: true},
	{Name: "transaction without autocommit", Sql: []string{`set autocommit = 0`, `insert into things (name) values ('open')`}, Probes: []string{`select count(*) from things where name = 'open'`}, Alone: true},
	{Name: "procedure that begins a transaction", Sql: []string{`call beginning_procedure()`}, Alone: true},
	{Name: "rand_seed", Sql: []string{`set rand_seed1 = 1, rand_seed2 = 2`}, Permanent: true},
	{Name: "insert_id", Sql: []string{`set insert_id = 777`}, Permanent: true},
	{Name: "variables set by the DSN of MySQL", Only: "MySQL", Sql: []string{`set max_execution_time = 7000`, `set group_concat_max_len = default`}},
	{Name: "temporary table by select without or replace", Only: "MySQL", Sql: []string{`create temporary table pets select 1 as id`}, Probes: []string{`select * from pets`}},
	{Name: "executable comment of a current version", Only: "MySQL", Sql: []string{`/*!90000 set @tenant = 7 */`}},
	{Name: "hint that sets a variable", Only: "MySQL", Sql: []string{`select /*+ set_var(sql_mode = '') */ name from things`}},
	{Name: "trigger made in the session of MySQL", Only: "MySQL", Sql: []string{`drop trigger if exists o`, `create trigger o before insert on others for each row set @tenant = 7`, `insert into others values (1)`}, Alone: true},
	{Name: "backup lock", Only: "MySQL", Sql: []string{`lock instance for backup`}, Probes: []string{resettest.BackupLocks}, Alone: true},
	{Name: "optimizer trace", Only: "MySQL", Sql: []string{`set optimizer_trace = 'enabled=on'`}, Permanent: true},
	{Name: "tracked variables", Only: "MySQL", Sql: []string{`set session_track_system_variables = '*'`}},
	{Name: "all roles", Only: "MySQL", Sql: []string{`set role all`}},
	{Name: "XA", Only: "MySQL", Sql: []string{`xa start 'pooled'`}, Probes: []string{`do 1`}, Permanent: true, Alone: true},
}

// tracesOf are those that a server knows.
func tracesOf(s realtest.MySQLServer) []resettest.Trace {
	return slices.DeleteFunc(slices.Clone(mysqlTraces), func(tr resettest.Trace) bool { return tr.Only != "" && tr.Only != s.Name })
}

func TestMySQLBorrowerFindsACleanSession(t *testing.T) {
	t.Parallel()
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		t.Run("one statement in a text", func(t *testing.T) {
			testResetMatrix(t, resettest.MySQLFamily(t, s, func(*mysql.Config) {}), tracesOf(s))
		})
		t.Run("several statements in a text", func(t *testing.T) {
			f := resettest.MySQLFamily(t, s, func(cfg *mysql.Config) { cfg.MultiStatements = true })
			f.Ways = map[string]resettest.Way{"in one text": resettest.MySQLInOneText}
			testResetMatrix(t, f, tracesOf(s))
		})
	})
}

// A session that cannot be made clean is asked for the catalogue once more, with all that was set in it.
func TestCatalogueIsReadWholeWhateverWasSetInTheSessionThatReadsIt(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		for _, set := range []string{
			"select 1", "set sql_select_limit = 0", "set sql_select_limit = 1", "set sql_big_selects = 0, max_join_size = 1", "set sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'", "set names latin1",
		} {
			t.Run(set, func(t *testing.T) {
				f := resettest.MySQLFamily(t, s, func(*mysql.Config) {})
				db, _ := resettest.OpenForReset(t, f, nil)
				realtest.Borrow(t, db, "create function gives() returns int deterministic return 1", "create table größe (n int)")
				realtest.Borrow(t, db,
					"create trigger füllt before insert on größe for each row set @tenant = 7", // so the catalogue is read anew
					"select gives()", // in a session that cannot be made clean
					set)
				realtest.Borrow(t, db, "insert into größe values (1)")
				assert.Empty(t, realtest.Scalar(t, db, "select coalesce(@tenant, '')"))
			})
		}
	})
}
