package postgres

import (
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopooled/pooled/dialect"
)

// states says what SQLSTATEs mean (PostgreSQL documentation, appendix A), those of two characters for a whole class. A longer one
// wins. What is not here means nothing that could be relied on.
var states = map[string]dialect.ErrorClass{
	"08": dialect.Infrastructure, // connection exception
	"53": dialect.Infrastructure, // insufficient resources
	"58": dialect.Infrastructure, // system error
	"F0": dialect.Infrastructure, // configuration file error
	"XX": dialect.Infrastructure, // internal error

	"22": dialect.Application, // data exception
	"23": dialect.Application, // integrity constraint violation
	"25": dialect.Application, // invalid transaction state
	"40": dialect.Application, // transaction rollback: serialization failures and deadlocks
	"42": dialect.Application, // syntax error or access rule violation
	"44": dialect.Application, // with check option violation
	"55": dialect.Application, // object not in prerequisite state: locks that are not available
	"P0": dialect.Application, // raised by PL/pgSQL

	"0A000": dialect.Application,                                                            // feature_not_supported; see stale
	"25006": dialect.Application | dialect.WriteRefused,                                     // read_only_sql_transaction
	"25P03": dialect.Application | dialect.Dead,                                             // idle_in_transaction_session_timeout
	"25P04": dialect.Application | dialect.Dead,                                             // transaction_timeout
	"26000": dialect.Application,                                                            // invalid_sql_statement_name; see stale
	"28000": dialect.Application | dialect.Misconfigured | dialect.LoginRefused,             // invalid_authorization_specification, no pg_hba.conf entry
	"28P01": dialect.Application | dialect.Misconfigured | dialect.LoginRefused,             // invalid_password
	"3D000": dialect.Application | dialect.Misconfigured,                                    // invalid_catalog_name: no such database
	"40001": dialect.Application | dialect.Conflict,                                         // serialization_failure, also of a replica that has to catch up
	"40P01": dialect.Application | dialect.Conflict,                                         // deadlock_detected
	"40003": 0,                                                                              // statement_completion_unknown
	"42501": dialect.Application | dialect.Misconfigured,                                    // insufficient_privilege, such as CONNECT
	"53300": dialect.Infrastructure | dialect.TooManyConnections,                            // too_many_connections
	"57014": dialect.Application | dialect.Cancelled,                                        // query_canceled
	"57P01": dialect.Dead | dialect.ShuttingDown,                                            // admin_shutdown, or pg_terminate_backend
	"57P02": dialect.Dead | dialect.ShuttingDown | dialect.Crashed | dialect.Infrastructure, // crash_shutdown
	"57P03": dialect.Infrastructure,                                                         // cannot_connect_now: starting up or shutting down
	"57P04": dialect.Dead | dialect.Application | dialect.Misconfigured,                     // database_dropped
	"57P05": dialect.Dead | dialect.Application,                                             // idle_session_timeout
}

// Classify sorts errors: those of the server by SQLSTATE, the others by where they come from.
func (Dialect) Classify(err error) dialect.ErrorClass {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return classify(pg, dialling(err))
	}
	if err != nil && strings.HasSuffix(err.Error(), "conn closed") && pgconn.SafeToRetry(err) { // pgx's own, also of a connection that is lost during a call
		return dialect.Dead | dialect.Infrastructure
	}
	if dialling(err) && strings.HasSuffix(err.Error(), "server refused TLS connection") {
		return dialect.Misconfigured | dialect.NotExecuted
	}
	class := dialect.ClassifyNetwork(err)
	if class != 0 && pgconn.SafeToRetry(err) {
		class |= dialect.NotExecuted
	}
	return class
}

// idleSessionTimeout is the SQLSTATE of a session that was idle for too long (idle_session_timeout).
const idleSessionTimeout = "57P05"

// endedIdle is [dialect.Server].EndedIdle. The server looks whether that time is over once more before it does what it has read
// (PostgresMain in PostgreSQL's tcop/postgres.c, steps 4 and 5), and never inside a transaction. A function can raise the SQLSTATE too, but not
// end the session with it.
func endedIdle(conn driver.Conn, err error) bool {
	var pg *pgconn.PgError
	c, isPgx := conn.(*stdlib.Conn)
	return isPgx && c.Conn().IsClosed() && errors.As(err, &pg) && pg.Code == idleSessionTimeout && fatal(pg)
}

// fatal reports whether the server has ended the session with an error.
func fatal(pg *pgconn.PgError) bool {
	severity := pg.SeverityUnlocalized
	if severity == "" { // PostgreSQL before 9.6
		severity = pg.Severity
	}
	return severity == "FATAL" || severity == "PANIC"
}

// Code returns the SQLSTATE.
func (Dialect) Code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// dialling reports whether an error is that of a dial.
func dialling(err error) bool {
	var connect *pgconn.ConnectError
	return errors.As(err, &connect)
}

func classify(pg *pgconn.PgError, dialling bool) dialect.ErrorClass {
	class, ok := states[pg.Code]
	if !ok && len(pg.Code) == 5 {
		class = states[pg.Code[:2]]
	}
	switch {
	case dialling:
		class |= dialect.NotExecuted
		if class.Has(dialect.Application) { // a parameter that is not there, a database that takes no connections: it is the same the next time
			class |= dialect.Misconfigured
		}
	case fatal(pg):
		class |= dialect.Dead
		if pg.Code == idleSessionTimeout {
			class |= dialect.NotExecuted // see endedIdle
		}
	default: // it is about the statement alone: a password of dblink's, an ERROR of class 08 at Bind
		class &^= dialect.Misconfigured | dialect.LoginRefused
		if pg.Code[:min(2, len(pg.Code))] == "08" {
			class = dialect.Application
		}
	}
	if stale(pg) {
		class |= dialect.StaleStatement
	}
	return class
}

// stale reports whether a prepared statement has to be prepared again: its result type changed (0A000), or it was deallocated (26000). The
// routine tells, as the message is translated, and other routines, those of foreign data among them, may use these codes as well. With a
// context (Where) the error comes from inside a function, which may have executed something before.
func stale(pg *pgconn.PgError) bool {
	if pg.Where != "" {
		return false
	}
	return pg.Code == "26000" && pg.Routine == "FetchPreparedStatement" || pg.Code == "0A000" && pg.Routine == "RevalidateCachedQuery"
}
