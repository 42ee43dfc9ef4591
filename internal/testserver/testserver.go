// Package testserver tells tests where the real database servers are, and makes databases on them.
//
// The servers come from scripts/test-servers.sh, which "make test" runs, or from the environment variables named below.
// A server that is missing fails the test: what only a real server can show must not go unseen.
//
// DSNs are as the bare drivers take them, pgx and go-sql-driver/mysql. Only tests import this package, and
// programs of bench and examples, which need clusters.
package testserver

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver named pgx
)

// Environment variables that hold the DSNs of the servers.
const (
	EnvPostgres         = "POOLED_TEST_POSTGRES"
	EnvPostgres18       = "POOLED_TEST_POSTGRES18"
	EnvMariaDB          = "POOLED_TEST_MARIADB"
	EnvMySQL            = "POOLED_TEST_MYSQL"
	EnvPgBouncer        = "POOLED_TEST_PGBOUNCER"
	EnvPgBouncerCurrent = "POOLED_TEST_PGBOUNCER_CURRENT"
)

// adminTimeout bounds the statements that make and drop databases.
const adminTimeout = 30 * time.Second

// Postgres returns the URL of a PostgreSQL of version 15 or later. The user is a superuser.
func Postgres(t testing.TB) string { t.Helper(); return fromEnv(t, EnvPostgres) }

// Postgres18 returns the URL of a PostgreSQL 18. The user is a superuser.
func Postgres18(t testing.TB) string { t.Helper(); return fromEnv(t, EnvPostgres18) }

// MariaDB returns the go-sql-driver/mysql DSN of a MariaDB. The user has all privileges.
func MariaDB(t testing.TB) string { t.Helper(); return fromEnv(t, EnvMariaDB) }

// MySQL returns the go-sql-driver/mysql DSN of a MySQL 9.7, Oracle's. The user has all privileges.
func MySQL(t testing.TB) string { t.Helper(); return fromEnv(t, EnvMySQL) }

// PgBouncer returns the URL of a PgBouncer in transaction mode, in front of a PostgreSQL. One before 1.21 knows no
// prepared statements: add default_query_exec_mode=exec or simple_protocol.
func PgBouncer(t testing.TB) string { t.Helper(); return fromEnv(t, EnvPgBouncer) }

// PgBouncerCurrent is [PgBouncer] of version 1.21 or later, which knows the prepared statements of its clients.
func PgBouncerCurrent(t testing.TB) string { t.Helper(); return fromEnv(t, EnvPgBouncerCurrent) }

// PostgresDatabase creates an empty database on the server of [Postgres] and returns its URL. The database is dropped when the
// test ends, whoever is still connected to it.
func PostgresDatabase(t testing.TB) string {
	t.Helper()
	return postgresDatabase(t, Postgres(t))
}

// Postgres18Database is [PostgresDatabase] on the server of [Postgres18].
func Postgres18Database(t testing.TB) string {
	t.Helper()
	return postgresDatabase(t, Postgres18(t))
}

func postgresDatabase(t testing.TB, server string) string {
	t.Helper()
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal("testserver: the DSN of the PostgreSQL server is not a URL") // the error would show the password
	}
	name := uniqueName()
	create(t, "pgx", server, `create database `+name, `drop database if exists `+name+` with (force)`)
	address.Path = "/" + name
	return address.String()
}

// MariaDBDatabase creates an empty database on the server of [MariaDB] and returns its DSN. The database is dropped when the
// test ends.
func MariaDBDatabase(t testing.TB) string {
	t.Helper()
	return mysqlDatabase(t, MariaDB(t))
}

// MySQLDatabase is [MariaDBDatabase] on the server of [MySQL].
func MySQLDatabase(t testing.TB) string {
	t.Helper()
	return mysqlDatabase(t, MySQL(t))
}

func mysqlDatabase(t testing.TB, server string) string {
	t.Helper()
	config, err := mysql.ParseDSN(server)
	if err != nil {
		t.Fatalf("testserver: the DSN of the MySQL or MariaDB server: %v", err)
	}
	name := uniqueName()
	create(t, "mysql", server, "create database "+name, "drop database if exists "+name)
	t.Cleanup(func() { // before the database is dropped
		if err := administer("mysql", server, func(ctx context.Context, db *sql.DB) error { return endMySQLStatements(ctx, db, name) }); err != nil {
			t.Errorf("testserver: end what runs in %s: %v", name, err)
		}
	})
	config.DBName = name
	return config.FormatDSN()
}

// endMySQLStatements ends the sessions in a database. The server would go on with their statements, also with one that it has not begun yet, when
// nobody waits for the answer any more, and there is no database.
func endMySQLStatements(ctx context.Context, db *sql.DB, database string) error {
	rows, err := db.QueryContext(ctx, "select id from information_schema.processlist where db = ?", database)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		if _, err := db.ExecContext(ctx, fmt.Sprintf("kill %d", id)); err != nil && !hasEnded(err) {
			return err
		}
	}
	return rows.Err()
}

// hasEnded reports whether a connection could not be killed because there is none.
func hasEnded(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && refused.Number == 1094
}

// create runs one statement now and the other when the test ends.
func create(t testing.TB, driver, dsn, createSQL, dropSQL string) {
	t.Helper()
	exec := func(query string) error {
		return administer(driver, dsn, func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, query)
			return err
		})
	}
	if err := exec(createSQL); err != nil {
		t.Fatalf("testserver: %s: %v", createSQL, err)
	}
	t.Cleanup(func() {
		if err := exec(dropSQL); err != nil {
			t.Errorf("testserver: %s: %v", dropSQL, err)
		}
	})
}

// administer does something on a server, over connections of its own.
func administer(driver, dsn string, do func(ctx context.Context, db *sql.DB) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	return do(ctx, db)
}

// uniqueName returns a name that needs no quotes and that no other test run uses on the same server.
func uniqueName() string {
	return "pooled_" + strings.ToLower(rand.Text())
}

func fromEnv(t testing.TB, variable string) string {
	t.Helper()
	dsn := os.Getenv(variable)
	if dsn == "" {
		t.Fatalf("testserver: %s is not set: run \"make test\", or \"scripts/test-servers.sh run go test ./...\"", variable)
	}
	return dsn
}
