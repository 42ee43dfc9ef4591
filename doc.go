// Package pooled is a database/sql driver that wraps a real one with policy: bounded and explained waits for
// connections, sane pool defaults, validation, a statement cache, and middlewares that see every call.
//
// Change one word and import the dialect of the database:
//
//	import (
//		"database/sql"
//
//		_ "github.com/gopooled/pooled"
//		_ "github.com/gopooled/pooled/postgres" // or .../mysql
//	)
//
//	db, err := sql.Open("pooled", "postgres://user:password@host/database?pool_max_conns=20&pool_acquire_timeout=2s")
//
// The rest of the program stays as it is: *sql.DB, GORM, sqlx. The real driver's DSN stays as it is too; pooled's own parameters
// start with pool_ and are taken out of it. Package policy documents each of them.
//
// # DSN forms
//
//	postgres://...  postgresql://...  host=... dbname=...     pgx (import .../pooled/postgres)
//	mysql://user:pw@tcp(host:3306)/db, or without mysql://    go-sql-driver/mysql (import .../pooled/mysql)
//	NAME:rest, or pool_driver=NAME                            any other driver registered in database/sql
//
// The names "pooled-pgx" and "pooled-mysql" are the same driver with the real one fixed, for libraries that choose
// placeholders by driver name.
//
// # In Go
//
// [ParseDSN] and [NewConnector] do the same without a DSN's limits: the settings are a [Config], middlewares are values, and
// sql.OpenDB makes the *sql.DB. [From] finds the [Connector] of a *sql.DB, whose Stats tell what its connections do, and [Raw] reaches the real
// driver's connection.
//
// # What it is not
//
// It is not a database driver, and not a proxy: there is no process to run, and statements reach the server as they were
// written. And it is not a second API: everything is done through database/sql.
package pooled
