package resettest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// MySQLState shows the isolation as well: it is a variable of the session, whatever its name.
var MySQLState = []string{
	"show session variables where variable_name not in (" + MovingVariables + ")",
	`select 'database', database()`,
	`select 'role', current_role()`,
	`select 'last_insert_id', last_insert_id()`,
	`select 'lock', coalesce(is_used_lock('pooled_lock') = connection_id(), 0)`,
	`select 'variable', @tenant, @_odd$name, @rows_seen`,
}

// BackupLocks counts the backup locks of the session.
const BackupLocks = `select count(*) from performance_schema.metadata_locks where object_type = 'BACKUP LOCK' and owner_thread_id = ps_current_thread_id()`

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

// MySQLFamily makes a database, and opens it with a DSN that sets something: that is part of a fresh session.
func MySQLFamily(t *testing.T, s realtest.MySQLServer, change func(*mysql.Config)) Family {
	t.Helper()
	cfg, err := mysql.ParseDSN(s.Database(t))
	require.NoError(t, err)
	cfg.MultiStatements = true
	admin := realtest.Open(t, "mysql", cfg.FormatDSN())
	_, err = admin.Exec(mysqlSchema)
	require.NoError(t, err)
	if s.Name == "MariaDB" {
		_, err = admin.Exec(mariaDBSchema)
		require.NoError(t, err)
	}

	cfg.MultiStatements = false
	cfg.Params = map[string]string{"group_concat_max_len": "2048"}
	if s.Name == "MariaDB" {
		cfg.Params["max_statement_time"] = "100"
	} else {
		cfg.Params["max_execution_time"] = "100000"
	}
	cfg.Collation = "utf8mb4_unicode_ci"
	change(cfg)
	ways := SharedWays()
	ways["by Raw"] = func(ctx context.Context, conn *sql.Conn, t Trace) error {
		return pooled.Raw(ctx, conn, func(real driver.Conn) error {
			for _, text := range t.Sql {
				if _, err := real.(driver.ExecerContext).ExecContext(ctx, text, nil); err != nil {
					return fmt.Errorf("%s: %w", text, err)
				}
			}
			return nil
		})
	}
	return Family{
		Driver: "mysql", DSN: cfg.FormatDSN(), State: append(slices.Clone(MySQLState), "select 'transaction', ("+s.InTx+")"), ID: "select connection_id()", Sleep: "do sleep(10)", Ways: ways,
	}
}

// MySQLInOneText needs multiStatements.
func MySQLInOneText(ctx context.Context, conn *sql.Conn, t Trace) error {
	if t.Alone {
		return ErrNotThisWay
	}
	_, err := conn.ExecContext(ctx, "do 1; "+strings.Join(t.Sql, "; "))
	return err
}

// MovingVariables tell of the moment or of the connection.
const MovingVariables = `'timestamp', 'error_count', 'warning_count', 'last_insert_id', 'identity', 'insert_id', 'rand_seed1', 'rand_seed2', 'statement_id',
	'last_gtid', 'gtid_current_pos', 'gtid_binlog_pos', 'gtid_binlog_state', 'gtid_executed', 'gtid_owned', 'pseudo_thread_id'`
