// Package pooled is a database/sql driver that wraps a real one with policy: bounded and explained waits for connections, clean sessions,
// leaks with a name, a circuit breaker, reads on replicas, traces and metrics, and middlewares that see every call.
//
// Change one word and import the package of the database, which registers the driver:
//
//	import (
//		"database/sql"
//
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
// # What to set first
//
//	pool_max_conns=20                 connections to each server; who wants one more waits in line. No limit unless it is set
//	pool_acquire_timeout=2s           how long; the error tells who holds them. As long as the context allows unless it is set
//	pool_breaker=on                   a server in trouble is cut off, and probed by the pool
//	pool_min_idle_conns=2             connections that are ready before somebody wants them
//	pool_replicas=db2:5432,db3:5432   reads go to replicas that have what they must see, and failovers are followed
//
// On by default: every borrower finds a clean session (pool_reset), connections that are held and not used for a minute are logged (pool_leak), idle
// ones are validated and kept alive, statements stay prepared, and calls are told to OpenTelemetry where the program has set a provider (pool_trace).
//
// # Errors
//
// Those of the real driver arrive as they are. pooled's own match one of the sentinels below, such as [ErrAcquireTimeout], and are values with fields,
// such as [AcquireTimeoutError]. Nothing was sent to a server when one of them is returned, but for [ErrReclaimed], where earlier statements were.
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
