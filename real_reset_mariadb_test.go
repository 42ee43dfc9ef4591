package pooled_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
)

var mariaDBState = []string{
	`show session variables where variable_name not in ('timestamp', 'rand_seed1', 'rand_seed2', 'pseudo_thread_id', 'last_gtid',
		'gtid_binlog_pos', 'gtid_current_pos', 'gtid_binlog_state', 'error_count', 'warning_count')`,
	`select 'database', database()`,
	`select 'role', current_role()`,
	`select 'last_insert_id', last_insert_id()`,
	`select 'transaction', @@in_transaction`,
	`select 'lock', coalesce(is_used_lock('pooled_lock') = connection_id(), 0)`,
	`select 'variable', @tenant, @_odd$name, @rows_seen`,
	`select 'isolation', @@tx_isolation, @@tx_read_only`,
}

var mariaDBTraces = []trace{
	{name: "nothing", sql: []string{`select 1`, `select lower(name) from things where id = 1`, `update things set name = 'b' where id = 1`}},
	{name: "variables", sql: []string{`set sql_mode = ''`, `set @@session.wait_timeout = 77, time_zone = '+09:00'`, "set local `lock_wait_timeout` := 7"}},
	{name: "variables set by the DSN", sql: []string{`set max_statement_time = 7`, `set group_concat_max_len = default`}},
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
	{name: "execute immediate", hides: true, sql: []string{`execute immediate 'set @tenant = 7'`}, alone: true},
	{name: "handler", sql: []string{"handler things open as `odd h`"}, probes: []string{"handler `odd h` read first"}, alone: true},
	{name: "temporary table", sql: []string{"create temporary table `odd ``pets` (id int)"}, probes: []string{"select * from `odd ``pets`"}},
	{name: "temporary table like", sql: []string{`create temporary table if not exists pets like things`}, probes: []string{`select * from pets`}},
	{name: "temporary table by select", sql: []string{`create or replace temporary table pets select 1 as id`}, probes: []string{`select * from pets`}},
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
	{name: "executable comment of MariaDB", sql: []string{`/*M! set @tenant = 7 */`}},
	{name: "last_insert_id", sql: []string{`insert into things (name) values ('x')`}},
	{name: "last_insert_id of an expression", sql: []string{`select last_insert_id(77)`}},
	{name: "sequence", sql: []string{`select nextval(numbers)`}, probes: []string{`select lastval(numbers)`}, permanent: true},
	{name: "insert with a default from a sequence", sql: []string{`insert into counted (name) values ('x')`}, probes: []string{`select lastval(numbers)`}, permanent: true, hides: true},
	{name: "stored function named like a built-in one elsewhere", sql: []string{`select bin_to_uuid('x')`}, permanent: true, hides: true},
	{name: "sequence by the standard", sql: []string{`select next value for numbers`}, probes: []string{`select previous value for numbers`}, permanent: true},
	{name: "stored function", sql: []string{`select hidden_set()`}, permanent: true},
	{name: "qualified stored function", sql: []string{`do (select max(hidden_set()) from things)`}, permanent: true},
	{name: "procedure", sql: []string{`call setting_procedure()`}, permanent: true},
	{name: "trigger", sql: []string{`insert into watched (name) values ('x')`}, permanent: true},
	{name: "trigger that sets a variable of the server's", sql: []string{`insert into zoned (name) values ('x')`}, permanent: true, hides: true},
	{name: "harmless trigger", sql: []string{`insert into touched (name) values ('x')`}},
	{name: "view over a view with a stored function", sql: []string{`select * from outer_view`}, permanent: true, hides: true},
	{name: "insert through a view", sql: []string{`insert into watched_view (name) values ('x')`}, permanent: true, hides: true},
	{name: "trigger made in the session", sql: []string{`create or replace trigger o before insert on others for each row set @tenant = 7`, `insert into others values (1)`}, permanent: true, alone: true},
	{name: "profiling", sql: []string{`set profiling = 1`}, permanent: true},
	{name: "view with a stored function", sql: []string{`select * from setting_view`}, permanent: true},
	{name: "compound statement", sql: []string{`begin not atomic set @tenant = 7; end`}, permanent: true, alone: true},
	{name: "set statement", sql: []string{`set statement max_statement_time = 7 for select 1`}},
	{name: "timestamp", sql: []string{`set timestamp = 1000000000`}, probes: []string{`select now() > '2020-01-01'`}},
	{name: "sql_log_bin and checks", sql: []string{`set foreign_key_checks = 0, unique_checks = off`}},
	{name: "rand_seed", sql: []string{`set rand_seed1 = 1, rand_seed2 = 2`}, permanent: true},
	{name: "insert_id", sql: []string{`set insert_id = 777`}, permanent: true},
}

const mariaDBSchema = `
	create table things (id int auto_increment primary key, name varchar(100));
	insert into things (name) values ('a');
	create table others (id int);
	create table watched (name varchar(100));
	create sequence numbers;
	create table counted (id int default nextval(numbers), name varchar(10));
	create function bin_to_uuid(x text) returns int begin set @tenant = 7; return 1; end;
	create function hidden_set() returns int begin set @tenant = 7; return 1; end;
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

// mariaDBFamily makes a database, and opens it with a DSN that sets something: that is part of a fresh session.
func mariaDBFamily(t *testing.T, change func(*mysql.Config)) family {
	t.Helper()
	cfg, err := mysql.ParseDSN(testserver.MariaDBDatabase(t))
	require.NoError(t, err)
	cfg.MultiStatements = true
	admin := openReal(t, "mysql", cfg.FormatDSN())
	_, err = admin.Exec(mariaDBSchema)
	require.NoError(t, err)

	cfg.MultiStatements = false
	cfg.Params = map[string]string{"max_statement_time": "100", "group_concat_max_len": "2048"}
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
		driver: "mysql", dsn: cfg.FormatDSN(), state: mariaDBState, id: "select connection_id()", sleep: "do sleep(10)", ways: ways,
	}
}

// mariaDBInOneText needs multiStatements.
func mariaDBInOneText(ctx context.Context, conn *sql.Conn, t trace) error {
	if t.alone {
		return errNotThisWay
	}
	_, err := conn.ExecContext(ctx, "do 1; "+strings.Join(t.sql, "; "))
	return err
}

func TestMariaDBBorrowerFindsACleanSession(t *testing.T) {
	t.Parallel()
	t.Run("one statement in a text", func(t *testing.T) {
		testResetMatrix(t, mariaDBFamily(t, func(*mysql.Config) {}), mariaDBTraces)
	})
	t.Run("several statements in a text", func(t *testing.T) {
		f := mariaDBFamily(t, func(cfg *mysql.Config) { cfg.MultiStatements = true })
		f.ways = map[string]way{"in one text": mariaDBInOneText}
		testResetMatrix(t, f, mariaDBTraces)
	})
}
