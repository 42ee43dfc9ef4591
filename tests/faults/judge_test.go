package main

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/markdown"
)

func TestErrorsAreSortedByTheirTypes(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for _, c := range []struct {
		err  error
		want string
	}{
		{&pooled.BreakerOpenError{Cause: refused}, breakerOpen},
		{&pooled.AcquireTimeoutError{Cause: context.DeadlineExceeded}, acquireTimeout},
		{&pooled.ConnectTimeoutError{Cause: refused}, connectTimeout},
		{fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: "57P01"}), "server 57P01"},
		{&mysql.MySQLError{Number: 1053}, "server 1053"},
		{context.DeadlineExceeded, deadline},
		{refused, broken},
		{io.ErrUnexpectedEOF, broken},
		{mysql.ErrInvalidConn, broken},
		{driver.ErrBadConn, "bad connection"},
		{errors.New("text"), "*errors.errorString"},
	} {
		assert.Equal(t, c.want, kindOf(c.err))
	}
}

// at is a moment of a made-up trial.
func at(seconds float64) time.Time {
	return time.Unix(1_000_000, 0).Add(time.Duration(seconds * float64(time.Second)))
}

func TestTrialIsJudgedByWhatCallersSaw(t *testing.T) {
	tr := &trial{server: &server{family: postgres}, fault: fault{codes: ending}, watch: &watch{opened: []opened{{at(2), at(6)}}}}
	r := tr.judge([]call{
		{id: 1, begin: at(0), end: at(0.5)},
		{begin: at(1), end: at(4), kind: "server 57P01", dialled: at(0)},
		{phase: during, begin: at(3), end: at(3), kind: breakerOpen},
		{phase: during, begin: at(4.5), end: at(5.5)},
		{phase: after, begin: at(6), end: at(6.2), kind: broken, dialled: at(0)},   // dead
		{phase: after, begin: at(6), end: at(7)},                                   // the first success
		{phase: after, begin: at(8), end: at(9), kind: deadline, dialled: at(4)},   // dead
		{phase: after, begin: at(8), end: at(9), kind: deadline, dialled: at(5.5)}, // dialled since
		{phase: after, begin: at(8), end: at(9), kind: acquireTimeout, dialled: at(0)},
		{phase: after, begin: at(8), end: at(9), kind: "bad connection"},
	}, at(5))
	assert.Equal(t, 10, r.calls)
	assert.Equal(t, 3, r.succeeded)
	assert.Equal(t, 3*time.Second, r.longest)
	assert.Equal(t, 2*time.Second, r.back)
	assert.Equal(t, time.Second, r.waited)
	assert.Equal(t, 2, r.dead)
	assert.Equal(t, []string{"bad connection"}, r.unexpected)
	assert.Equal(t, "2 deadline, 1 acquire timeout, 1 bad connection, 1 breaker open, 1 network, 1 server 57P01", r.failures())
}

func TestFaultExplainsTheCodesThatItNames(t *testing.T) {
	f := fault{codes: ending}
	assert.True(t, f.expects(postgres, "server 57P01"))
	assert.False(t, f.expects(mariadb, "server 57P01"))
	assert.False(t, f.expects(postgres, "server 42P01"))
	assert.False(t, fault{gentle: true}.expects(postgres, deadline), "no call may fail")
}

func TestPromiseIsBrokenByItsWorstResult(t *testing.T) {
	good := result{family: "A", fault: "good", calls: 1, succeeded: 1, mostConns: 20, mostDials: 4, longest: 2 * time.Second, back: 2 * time.Second}
	for _, change := range []func(*result){
		func(r *result) { r.lost = 1 },
		func(r *result) { r.doubled = 1 },
		func(r *result) { r.dead = 1 },
		func(r *result) { r.mostConns = 21 },
		func(r *result) { r.mostDials = 5 },
		func(r *result) { r.unexpected = []string{"surprise"} },
		func(r *result) { r.gentle, r.calls = true, 2 },
		func(r *result) { r.longest = 2200 * time.Millisecond },
		func(r *result) { r.silent, r.longest = true, 3200*time.Millisecond },
		func(r *result) { r.back = 2100 * time.Millisecond },
		func(r *result) { r.waited, r.back = 2*time.Second, 3100*time.Millisecond },
	} {
		bad := good
		bad.fault = "bad"
		change(&bad)
		var failing []string
		for _, q := range append(steady([]result{good, bad, good}), timed([]result{good, bad, good})...) {
			if !q.holds {
				failing = append(failing, q.got)
			}
		}
		require.Len(t, failing, 1, "%+v", bad)
		assert.Contains(t, failing[0], "(A, bad)")
	}
	for _, q := range append(steady([]result{good}), timed([]result{good})...) {
		assert.True(t, q.holds, q.what)
	}
}

func TestReportNamesABrokenPromiseAndReplacesTheOneBefore(t *testing.T) {
	text := report([]string{"PostgreSQL 15"}, []result{{family: "PostgreSQL", fault: "it", failed: map[string]int{deadline: 2}}},
		[]requirement{{"this", "none", "1", false}})
	assert.Contains(t, text, "| this | none     | 1              | **no** |")
	assert.Contains(t, text, "2 deadline")
	assert.NotContains(t, text, "MariaDB", "it was not tried")

	path := filepath.Join(t.TempDir(), "FAULTS.md")
	require.ErrorIs(t, markdown.Replace(path, text), os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, []byte("before\n<!-- tables -->\nold\n<!-- /tables -->\nafter\n"), 0o600))
	require.NoError(t, markdown.Replace(path, "new\n"))
	replaced, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "before\n<!-- tables -->\nnew\n<!-- /tables -->\nafter\n", string(replaced))
	require.NoError(t, os.WriteFile(path, []byte("text"), 0o600))
	require.ErrorContains(t, markdown.Replace(path, "new\n"), "no place for the tables")
}

func TestCommandRefusesWhatItCannotDo(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"-only", "earthquake"}, "no such fault"},
		{[]string{"-only", "reset", "-o", "x.md"}, "leave out -only"},
		{[]string{"reset"}, "unexpected argument"},
	} {
		var out bytes.Buffer
		require.ErrorContains(t, command(t.Context(), c.args, &out), c.says)
		assert.Empty(t, out.String())
	}
}
