package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopooled/pooled"
)

// The kinds of errors that callers see. Those of a server are named "server " and its code.
const (
	breakerOpen    = "breaker open"
	acquireTimeout = "acquire timeout"
	connectTimeout = "connect timeout"
	deadline       = "deadline" // of the caller's context
	broken         = "network"
)

// kindOf sorts an error by its type, never by its text. Pooled's own come first, since they wrap what they are due to.
func kindOf(err error) string {
	var pg *pgconn.PgError
	var my *mysql.MySQLError
	var op *net.OpError
	switch {
	case errors.Is(err, pooled.ErrBreakerOpen):
		return breakerOpen
	case errors.Is(err, pooled.ErrAcquireTimeout):
		return acquireTimeout
	case errors.Is(err, pooled.ErrConnectTimeout):
		return connectTimeout
	case errors.As(err, &pg):
		return "server " + pg.Code
	case errors.As(err, &my):
		return fmt.Sprintf("server %d", my.Number)
	case errors.Is(err, context.DeadlineExceeded):
		return deadline
	case errors.As(err, &op), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, mysql.ErrInvalidConn):
		return broken
	case errors.Is(err, driver.ErrBadConn):
		return "bad connection" // database/sql is to try again, and not to tell
	default:
		return fmt.Sprintf("%T", err)
	}
}
