package pooled_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
)

// mysqlState shows the isolation as well: it is a variable of the session, whatever its name.
var mysqlState = []string{
	"show session variables where variable_name not in (" + movingVariables + ")",
	`select 'database', database()`,
	`select 'role', current_role()`,
	`select 'last_insert_id', last_insert_id()`,
	`select 'lock', coalesce(is_used_lock('pooled_lock') = connection_id(), 0)`,
	`select 'variable', @tenant, @_odd$name, @rows_seen`,
}

var mysqlTraces = []trace{
	{name: "nothing", sql: []string{`select 1`, `select lower(name) from things where id = 1`, `update things set name = 'b' where id = 1`}},
	{name: "variables", sql: []string{`set sql_mode = ''`, `set @@session.wait_timeout = 77, time_zone = '+09:00'`, "set local `lock_wait_timeout` := 7"}},
	{name: "variables set by the DSN", only: "MariaDB", sql: []string{`set max_statement_time = 7`, `set group_concat_max_len = default`}},
	{name: "names", sql: []string{`set names latin1`}, probes: []string{`select @@character_set_client`}},
	{name: "names and collation", sql: []string{`set names 'utf8mb3' collate 'utf8mb3_bin'`}},
	{name: "character set", sql: []string{`set character set latin1`}},
	{name: "charset results", sql: []string{`set character_set_results = null`}},
	{name: "isolation of the session", sql: []string{`set session transaction isolation level serializable, read only`}},
	{name: "isolation of the next transaction", sql: []string{`set transaction isolation level read uncommitted`}, alone: true},
	{name: "read only next transaction", sql: []string{`set transaction read only`}, probes: []string{`do 1`}, alone: true},
	{name: "autocommit", sql: []string{`set autocommit = 0`, `select * from things`}},
	{name: "open transaction", sql: []string{`begin`, `insert into things (name) values ('open')`}, probes: []string{`select count(*) from things where name = 'open'`}, alone: true},
	{name: "start transaction", sql: []string{`start transaction with consistent snapshot`}, alone: true},
	{name: "commit and chain", sql: []string{`begin`, `commit and chain`}, alone: true},
	{name: "use", sql: []string{`use information_schema`}, alone: true},
	{name: "lock tables", sql: []string{`lock tables things read`}, probes: []string{`select count(*) from others`}, alone: true},
	{name: "flush tables with read lock", sql: []string{`flush tables things with read lock`}, probes: []string{`select count(*) from others`}, alone: true},
	{name: "user lock", sql: []string{`select get_lock('pooled_lock', 1)`}},
	{name: "user lock by do", sql: []string{`do get_lock('pooled_lock', 1)`}},
	{name: "SQL-level prepare", sql: []string{`prepare p from 'select 1'`}, probes: []string{`execute p`}, alone: true},
	{name: "SQL-level execute", hides: true, sql: []string{`prepare p from 'set @tenant = 7'`, `execute p`}, probes: []string{`execute p`}, alone: true},
	{name: "execute immediate", only: "MariaDB", hides: true, sql: []string{`execute immediate 'set @tenant = 7'`}, alone: true},
	{name: "handler", sql: []string{"handler things open as `odd h`"}, probes: []string{"handler `odd h` read first"}, alone: true},
	{name: "temporary table", sql: []string{"create temporary table `odd ``pets` (id int)"}, probes: []string{"select * from `odd ``pets`"}},
	{name: "temporary table like", sql: []string{`create temporary table if not exists pets like things`}, probes: []string{`select * from pets`}},
	{name: "temporary table by select", only: "MariaDB", sql: []string{`create or replace temporary table pets select 1 as id`}, probes: []string{`select * from pets`}},
	{name: "temporary table shadows another", sql: []string{`create temporary table things (x int)`}, probes: []string{`select name from things where id = 1`}},
	{name: "temporary table renamed", sql: []string{`create temporary table pets (id int)`, `alter table pets rename to beasts`}, probes: []string{`select * from beasts`}},
	{name: "role", sql: []string{`set role pooled_tenant`}},
	{name: "user variable", sql: []string{`set @tenant = 7`}},
	{name: "user variables", sql: []string{"set @tenant := 7, @`_odd$name` = 'x'"}},
	{name: "user variable in a query", sql: []string{`select @tenant := 7`}},
	{name: "user variable by into", sql: []string{`select name into @tenant from things where id = 1`}},
	{name: "user variable counting rows", sql: []string{`select id, @rows_seen := coalesce(@rows_seen, 0) + 1 from things`}},
	{name: "user variable in DML", sql: []string{`update things set name = (@tenant := 'x')`}},
	{name: "executable comment", sql: []string{`/*!50000 set @tenant = 7 */`}},
	{name: "executable comment of MariaDB", only: "MariaDB", sql: []string{`/*M! set @tenant = 7 */`}},
	{name: "last_insert_id", sql: []string{`insert into things (name) values ('x')`}},
	{name: "last_insert_id of an expression", sql: []string{`select last_insert_id(77)`}},
	{name: "sequence", only: "MariaDB", sql: []string{`select nextval(numbers)`}, probes: []string{`select lastval(numbers)`}, permanent: true},
	{name: "insert with a default from a sequence", only: "MariaDB", sql: []string{`insert into counted (name) values ('x')`}, probes: []string{`select lastval(numbers)`}, permanent: true, hides: true},
	{name: "stored function named like a built-in one elsewhere", only: "MariaDB", sql: []string{`select bin_to_uuid('x')`}, hides: true},
	{name: "sequence by the standard", only: "MariaDB", sql: []string{`select next value for numbers`}, probes: []string{`select previous value for numbers`}, permanent: true},
	{name: "stored function", sql: []string{`select hidden_set()`}},
	{name: "qualified stored function", sql: []string{`do (select max(hidden_set()) from things)`}},
	{name: "procedure", sql: []string{`call setting_procedure()`}},
	{name: "trigger", sql: []string{`insert into watched (name) values ('x')`}},
	{name: "trigger that sets a variable of the server's", sql: []string{`insert into zoned (name) values ('x')`}, hides: true},
	{name: "harmless trigger", sql: []string{`insert into touched (name) values ('x')`}},
	{name: "view over a view with a stored function", sql: []string{`select * from outer_view`}, hides: true},
	{name: "insert through a view", sql: []string{`insert into watched_view (name) values ('x')`}, hides: true},
	{name: "trigger made in the session", only: "MariaDB", sql: []string{`create or replace trigger o before insert on others for each row set @tenant = 7`, `insert into others values (1)`}, alone: true},
	{name: "profiling", sql: []string{`set profiling = 1`}, permanent: true},
	{name: "view with a stored function", sql: []string{`select * from setting_view`}},
	{name: "compound statement", only: "MariaDB", sql: []string{`begin not atomic set @tenant = 7; end`}, permanent: true, alone: true},
	{name: "set statement", only: "MariaDB", sql: []string{`set statement max_statement_time = 7 for select 1`}},
	{name: "timestamp", sql: []string{`set timestamp = 1000000000`}, probes: []string{`select now() > '2020-01-01'`}},
	{name: "checks", sql: []string{`set foreign_key_checks = 0, unique_checks = off`}, probes: []string{`insert into children values (7)`}},
	{name: "checks that were off for a while", sql: []string{`set foreign_key_checks = 0`, `set foreign_key_checks = 1, unique_checks = 1`}, probes: []string{`insert into children values (7)`}},
	{name: "isolation by its variable", only: "MySQL", sql: []string{`set @@transaction_isolation = 'READ-UNCOMMITTED', @@transaction_read_only = 1`}, alone: true},
	{name: "isolation by its older variable", only: "MariaDB", sql: []string{`set @@tx_isolation = 'READ-UNCOMMITTED', @@tx_read_only = 1`}, alone: true},
	{name: "variables that few may set", only: "MySQL", sql: []string{`set sql_log_bin = 0, gtid_next = 'AUTOMATIC', sql_require_primary_key = 1`}, alone: true},
	{name: "charset and collation of the connection", sql: []string{`set collation_connection = latin1_bin`, `set character_set_connection = latin1`}},
	{name: "charset of the connection", sql: []string{`set character_set_connection = latin1`}},
	{name: "limits of a SELECT", sql: []string{`set max_join_size = 10, sql_select_limit = 1`}},
	{name: "completion type", sql: []string{`set completion_type = 1`, `begin`, `insert into things (name) values ('open')`, `commit`}, alone: true},
	{name: "completion type that ends the session", sql: []string{`set completion_type = 2`, `begin`}, alone: true},
	{name: "transaction without autocommit", sql: []string{`set autocommit = 0`, `insert into things (name) values ('open')`}, probes: []string{`select count(*) from things where name = 'open'`}, alone: true},
	{name: "procedure that begins a transaction", sql: []string{`call beginning_procedure()`}, alone: true},
	{name: "rand_seed", sql: []string{`set rand_seed1 = 1, rand_seed2 = 2`}, permanent: true},
	{name: "insert_id", sql: []string{`set insert_id = 777`}, permanent: true},
	{name: "variables set by the DSN of MySQL", only: "MySQL", sql: []string{`set max_execution_time = 7000`, `set group_concat_max_len = default`}},
	{name: "temporary table by select without or replace", only: "MySQL", sql: []string{`create temporary table pets select 1 as id`}, probes: []string{`select * from pets`}},
	{name: "executable comment of a current version", only: "MySQL", sql: []string{`/*!90000 set @tenant = 7 */`}},
	{name: "hint that sets a variable", only: "MySQL", sql: []string{`select /*+ set_var(sql_mode = '') */ name from things`}},
	{name: "trigger made in the session of MySQL", only: "MySQL", sql: []string{`drop trigger if exists o`, `create trigger o before insert on others for each row set @tenant = 7`, `insert into others values (1)`}, alone: true},
	{name: "backup lock", only: "MySQL", sql: []string{`lock instance for backup`}, probes: []string{backupLocks}, alone: true},
	{name: "optimizer trace", only: "MySQL", sql: []string{`set optimizer_trace = 'enabled=on'`}, permanent: true},
	{name: "tracked variables", only: "MySQL", sql: []string{`set session_track_system_variables = '*'`}},
	{name: "all roles", only: "MySQL", sql: []string{`set role all`}},
	{name: "XA", only: "MySQL", sql: []string{`xa start 'pooled'`}, probes: []string{`do 1`}, permanent: true, alone: true},
}

// backupLocks counts the backup locks of the session.
const backupLocks = `select count(*) from performance_schema.metadata_locks where object_type = 'BACKUP LOCK' and owner_thread_id = ps_current_thread_id()`

// mariaDBSchema is what only MariaDB has.
const mariaDBSchema = `
	create sequence numbers;
	create table counted (id int default nextval(numbers), name varchar(10));
	create function bin_to_uuid(x text) returns int begin set @tenant = 7; return 1; end`

const mysqlSchema = `
	create table things (id int auto_increment primary key, name varchar(100));
	insert into things (name) values ('a');
	create table others (id int);
	create table watched (name varchar(100));
	create table parents (id int primary key);
	create table children (id int, foreign key (id) references parents (id));
	create procedure beginning_procedure() begin set autocommit = 0; insert into others values (1); end;
	create function hidden_set() returns int no sql begin set @tenant = 7; return 1; end;
	create procedure setting_procedure() begin set @tenant = 7; end;
	create trigger w before insert on watched for each row set @tenant = 7;
	create view setting_view as select hidden_set() as a;
	create view outer_view as select * from setting_view;
	create view watched_view as select * from watched;
	create table zoned (name varchar(100));
	create trigger z before insert on zoned for each row set time_zone = '+05:00';
	create table touched (name varchar(100), at datetime);
	create trigger t before insert on touched for each row set new.at = now(), new.name = concat(new.name, 'x, y');
	create role if not exists pooled_tenant;
	grant pooled_tenant to current_user`

// mysqlFamily makes a database, and opens it with a DSN that sets something: that is part of a fresh session.
func mysqlFamily(t *testing.T, s mysqlServer, change func(*mysql.Config)) family {
	t.Helper()
	cfg, err := mysql.ParseDSN(s.database(t))
	require.NoError(t, err)
	cfg.MultiStatements = true
	admin := openReal(t, "mysql", cfg.FormatDSN())
	_, err = admin.Exec(mysqlSchema)
	require.NoError(t, err)
	if s.name == "MariaDB" {
		_, err = admin.Exec(mariaDBSchema)
		require.NoError(t, err)
	}

	cfg.MultiStatements = false
	cfg.Params = map[string]string{"group_concat_max_len": "2048"}
	if s.name == "MariaDB" {
		cfg.Params["max_statement_time"] = "100"
	} else {
		cfg.Params["max_execution_time"] = "100000"
	}
	cfg.Collation = "utf8mb4_unicode_ci"
	change(cfg)
	ways := sharedWays()
	ways["by Raw"] = func(ctx context.Context, conn *sql.Conn, t trace) error {
		return pooled.Raw(ctx, conn, func(real driver.Conn) error {
			for _, text := range t.sql {
				if _, err := real.(driver.ExecerContext).ExecContext(ctx, text, nil); err != nil {
					return fmt.Errorf("%s: %w", text, err)
				}
			}
			return nil
		})
	}
	return family{
		driver: "mysql", dsn: cfg.FormatDSN(), state: append(slices.Clone(mysqlState), "select 'transaction', ("+s.inTx+")"), id: "select connection_id()", sleep: "do sleep(10)", ways: ways,
	}
}

// tracesOf are those that a server knows.
func tracesOf(s mysqlServer) []trace {
	return slices.DeleteFunc(slices.Clone(mysqlTraces), func(tr trace) bool { return tr.only != "" && tr.only != s.name })
}

// mysqlInOneText needs multiStatements.
func mysqlInOneText(ctx context.Context, conn *sql.Conn, t trace) error {
	if t.alone {
		return errNotThisWay
	}
	_, err := conn.ExecContext(ctx, "do 1; "+strings.Join(t.sql, "; "))
	return err
}

func TestMySQLBorrowerFindsACleanSession(t *testing.T) {
	t.Parallel()
	onMySQLServers(t, func(t *testing.T, s mysqlServer) {
		t.Run("one statement in a text", func(t *testing.T) {
			testResetMatrix(t, mysqlFamily(t, s, func(*mysql.Config) {}), tracesOf(s))
		})
		t.Run("several statements in a text", func(t *testing.T) {
			f := mysqlFamily(t, s, func(cfg *mysql.Config) { cfg.MultiStatements = true })
			f.ways = map[string]way{"in one text": mysqlInOneText}
			testResetMatrix(t, f, tracesOf(s))
		})
	})
}

// A session that cannot be made clean is asked for the catalogue once more, with all that was set in it.
func TestCatalogueIsReadWholeWhateverWasSetInTheSessionThatReadsIt(t *testing.T) {
	onMySQLServers(t, func(t *testing.T, s mysqlServer) {
		for _, set := range []string{
			"select 1", "set sql_select_limit = 0", "set sql_select_limit = 1", "set sql_big_selects = 0, max_join_size = 1", "set sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'", "set names latin1",
		} {
			t.Run(set, func(t *testing.T) {
				f := mysqlFamily(t, s, func(*mysql.Config) {})
				db, _ := openForReset(t, f, nil)
				borrow(t, db, "create function gives() returns int deterministic return 1", "create table größe (n int)")
				borrow(t, db,
					"create trigger füllt before insert on größe for each row set @tenant = 7", // so the catalogue is read anew
					"select gives()", // in a session that cannot be made clean
					set)
				borrow(t, db, "insert into größe values (1)")
				assert.Empty(t, scalar(t, db, "select coalesce(@tenant, '')"))
			})
		}
	})
}
