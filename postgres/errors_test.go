package postgres

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
)

func TestErrorsOfTheServerAreWhatTheirSQLStateSays(t *testing.T) {
	const (
		app   = dialect.Application
		infra = dialect.Infrastructure
		dead  = dialect.Dead
		down  = dialect.ShuttingDown
	)
	tests := []struct {
		severity string
		codes    []string
		want     dialect.ErrorClass
	}{
		{"ERROR", []string{"22001", "22P02", "23505", "23503", "42601", "42501", "55P03", "P0001", "44000", "25P02", "28P01"}, app},
		{"ERROR", []string{"57014"}, app | dialect.Cancelled},
		{"ERROR", []string{"08P01", "08001"}, app}, // of a Bind message, of dblink
		{"ERROR", []string{"53100", "53200", "58030", "F0000", "XX000", "XX001"}, infra},
		{"ERROR", []string{"40001", "40P01"}, app | dialect.Conflict},
		{"ERROR", []string{"25006"}, app | dialect.WriteRefused},
		{"ERROR", []string{"40003", "01000", "HV000"}, 0},
		{"FATAL", []string{"08006", "53200", "58030", "XX000"}, infra | dead},
		{"FATAL", []string{"57P01"}, dead | down},
		{"FATAL", []string{"57P02"}, dead | down | infra | dialect.Crashed},
		{"FATAL", []string{"25P03", "25P04"}, dead | app},
		{"FATAL", []string{"57P05"}, dead | app | dialect.NotExecuted},
		{"ERROR", []string{"57P05"}, dead | app}, // raised by a function
		{"FATAL", []string{"57P04"}, dead | app | dialect.Misconfigured},
		{"PANIC", []string{"HV000"}, dead},
	}
	for _, tc := range tests {
		for _, code := range tc.codes {
			err := fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: code, Severity: "FATALE", SeverityUnlocalized: tc.severity})
			assert.Equal(t, tc.want.String(), Dialect{}.Classify(err).String(), "%s %s", tc.severity, code)
		}
	}
	assert.True(t, Dialect{}.Classify(&pgconn.PgError{Code: "HV000", Severity: "FATAL"}).Has(dead), "a server that is too old for untranslated severities")
}

func TestStaleStatementsAreKnownByTheRoutineAndNeverFromInsideAFunction(t *testing.T) {
	const stale = dialect.StaleStatement
	assert.True(t, Dialect{}.Classify(&pgconn.PgError{Code: "0A000", Routine: "RevalidateCachedQuery"}).Has(stale))
	assert.True(t, Dialect{}.Classify(&pgconn.PgError{Code: "26000", Routine: "FetchPreparedStatement"}).Has(stale))
	for _, other := range []*pgconn.PgError{
		{Code: "0A000"}, {Code: "26000"}, {Code: "26000", Routine: "dblink_res_error"},
		{Code: "26000", Routine: "FetchPreparedStatement", Where: "PL/pgSQL function f()"},
		{Code: "0A000", Routine: "RevalidateCachedQuery", Where: "SQL statement"},
	} {
		assert.Equal(t, dialect.Application, Dialect{}.Classify(other), "%+v", other)
	}
}

func TestErrorsOfADialTellWhetherItIsOfUseToTryAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	assert.NoError(t, l.Close())
	_, err = pgx.Connect(t.Context(), "postgres://x@"+l.Addr().String()+"/x?sslmode=disable")
	assert.Equal(t, dialect.Infrastructure|dialect.NotExecuted, Dialect{}.Classify(err), err)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = pgx.Connect(ctx, "postgres://x@"+l.Addr().String()+"/x?sslmode=disable")
	assert.Zero(t, Dialect{}.Classify(err), err)
}

func TestOtherErrorsAreWhatTheyComeFrom(t *testing.T) {
	tests := []struct {
		err  error
		want dialect.ErrorClass
	}{
		{nil, 0},
		{io.ErrUnexpectedEOF, dialect.Infrastructure | dialect.Dead},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, dialect.Infrastructure | dialect.Dead},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, dialect.Infrastructure | dialect.NotExecuted},
		{&net.DNSError{IsNotFound: true}, dialect.Infrastructure | dialect.NotExecuted},
		{context.DeadlineExceeded, 0},
		{&net.OpError{Op: "read", Err: context.Canceled}, 0},
		{driver.ErrSkip, 0},
	}
	for _, tc := range tests {
		assert.Equal(t, tc.want.String(), Dialect{}.Classify(tc.err).String(), "%v", tc.err)
	}
}
