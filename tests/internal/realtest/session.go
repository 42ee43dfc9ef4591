package realtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// ReadAll reads all results to the end.
func ReadAll(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for more := true; more; more = rows.NextResultSet() {
		for rows.Next() {
		}
	}
	return rows.Err()
}

type scanner interface {
	QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row
}

// ScanInt is what a query of one number returns.
func ScanInt(t *testing.T, c scanner, text string) (n int) {
	t.Helper()
	require.NoError(t, c.QueryRowContext(t.Context(), text).Scan(&n))
	return n
}

// Borrow runs statements on one session and gives it back.
func Borrow(t *testing.T, db *sql.DB, texts ...string) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	for _, text := range texts {
		_, err := conn.ExecContext(t.Context(), text)
		require.NoError(t, err, text)
	}
	require.NoError(t, conn.Close())
}

// Scalar is what a query of one value returns, as text.
func Scalar(t *testing.T, db *sql.DB, query string, args ...any) string {
	t.Helper()
	var s sql.NullString
	require.NoError(t, db.QueryRowContext(t.Context(), query, args...).Scan(&s))
	return s.String
}

// QueryPrepared has a query prepared, and reads its rows.
func QueryPrepared(ctx context.Context, conn *sql.Conn, text string) error {
	st, err := conn.PrepareContext(ctx, text)
	if err != nil {
		return err
	}
	defer st.Close()
	rows, err := st.QueryContext(ctx)
	if err != nil {
		return err
	}
	return Drain(rows)
}

// Outcome writes down what a query returns, or the code of its error.
func Outcome(ctx context.Context, conn *sql.Conn, query string) string {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return Code(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return err.Error()
		}
		for _, v := range values {
			fmt.Fprintf(&b, "%s ", v.String)
		}
		b.WriteString("\n")
	}
	if err := rows.Err(); err != nil {
		return Code(err)
	}
	return b.String()
}

// Code is the server's code of an error, or the text of one that is no server's.
func Code(err error) string {
	var pg *pgconn.PgError
	var my *mysql.MySQLError
	switch {
	case errors.As(err, &pg):
		return "SQLSTATE " + pg.Code
	case errors.As(err, &my):
		return fmt.Sprint("error ", my.Number)
	default:
		return err.Error()
	}
}

// Drain reads rows to their end and closes them.
func Drain(rows *sql.Rows) error {
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}

// Prepared reads how many statements the server has prepared, executed and closed for the one connection.
func Prepared(t *testing.T, db *sql.DB) (prepares, executes, closes int) {
	t.Helper()
	rows, err := db.Query("show session status like 'Com_stmt_%'")
	require.NoError(t, err)
	defer rows.Close()
	counts := map[string]int{}
	for rows.Next() {
		var name, value string
		require.NoError(t, rows.Scan(&name, &value))
		counts[name], err = strconv.Atoi(value)
		require.NoError(t, err)
	}
	require.NoError(t, rows.Err())
	// MySQL prepares some statements again when they are executed, as it did not guess the types of the arguments, and counts that twice.
	return counts["Com_stmt_prepare"] - counts["Com_stmt_reprepare"], counts["Com_stmt_execute"], counts["Com_stmt_close"]
}
