package postgres

import (
	"context"
	"database/sql/driver"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
)

// rewriter makes what it likes of a statement and its arguments.
type rewriter struct{}

func (rewriter) RewriteQuery(_ context.Context, _ *pgx.Conn, sql string, args []any) (string, []any, error) {
	return sql, args, nil
}

// That pgx does so is seen on servers, in the tests of the root.
func TestTextsAreSentAsTheyAreByTheModeAndItsOptions(t *testing.T) {
	for _, tc := range []struct {
		name        string
		mode        pgx.QueryExecMode
		args        []any
		query, exec bool
	}{
		{"default", pgx.QueryExecModeCacheStatement, nil, false, true},
		{"default with arguments", pgx.QueryExecModeCacheStatement, []any{1}, false, false},
		{"descriptions", pgx.QueryExecModeCacheDescribe, nil, false, true},
		{"descriptions with arguments", pgx.QueryExecModeCacheDescribe, []any{1}, false, false},
		{"describe", pgx.QueryExecModeDescribeExec, []any{1}, true, true},
		{"exec", pgx.QueryExecModeExec, []any{1}, true, true},
		{"simple protocol", pgx.QueryExecModeSimpleProtocol, []any{1}, true, true},
		{"mode of the call", pgx.QueryExecModeCacheStatement, []any{pgx.QueryExecModeExec, 1}, true, true},
		{"mode of the call behind formats", pgx.QueryExecModeExec, []any{pgx.QueryResultFormats{1}, pgx.QueryExecModeCacheDescribe, 1}, false, false},
		{"mode of the call alone", pgx.QueryExecModeExec, []any{pgx.QueryExecModeCacheStatement}, false, true},
		{"mode behind an argument is an argument", pgx.QueryExecModeExec, []any{1, pgx.QueryExecModeCacheStatement}, true, true},
		{"named arguments", pgx.QueryExecModeCacheStatement, []any{pgx.NamedArgs{"a": 1}}, false, false},
		{"arguments that nobody knows", pgx.QueryExecModeCacheStatement, []any{rewriter{}}, false, false},
		{"arguments that nobody knows in simple protocol", pgx.QueryExecModeSimpleProtocol, []any{rewriter{}}, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var args []driver.NamedValue
			for i, arg := range tc.args {
				args = append(args, driver.NamedValue{Ordinal: i + 1, Value: arg})
			}
			sends := sendsText(tc.mode)
			assert.Equal(t, tc.query, sends(true, args))
			assert.Equal(t, tc.exec, sends(false, args))
		})
	}
}
