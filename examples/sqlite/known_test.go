package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
)

// column returns the first column of a query's rows.
func column(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var v string
		require.NoError(t, rows.Scan(&v))
		all = append(all, v)
	}
	require.NoError(t, rows.Err())
	return all
}

func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "a.db"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestEveryPragmaOfTheDriverIsKnown(t *testing.T) {
	there := column(t, open(t), "select name from pragma_pragma_list")
	for _, name := range there {
		assert.Contains(t, pragmas, name)
	}
	for name := range pragmas {
		assert.Contains(t, there, name)
	}
}

// A function that is not known makes a statement no read, so one that is missing here costs a replica's answer. One too many would be believed.
func TestEveryFunctionThatIsKnownIsTheDriversOwn(t *testing.T) {
	notRead := map[string]bool{
		"load_extension": true, "last_insert_rowid": true, "changes": true, "total_changes": true, // see calls
		"sqlite_log": true, // writes to the log of the process
	}
	there := map[string]bool{"json_each": true, "json_tree": true, "jsonb_each": true, "jsonb_tree": true} // tables that are called
	for _, name := range column(t, open(t), "select distinct lower(name) from pragma_function_list") {
		there[name] = true
		if name != "->" && name != "->>" && !notRead[name] {
			assert.True(t, functions[name], name)
		}
	}
	for name := range functions {
		assert.True(t, there[name], name)
	}
}

// What a reset sets back has to tell its value.
func TestEverySettingTellsItsValue(t *testing.T) {
	db := open(t)
	for _, name := range settable() {
		assert.Len(t, column(t, db, "pragma main."+name), 1, name)
	}
}

// Two things outlast a reset, and are no secrets: there is no statement that takes them back.
func TestWhatOutlastsAReset(t *testing.T) {
	db, err := sql.Open("pooled", filepath.Join(t.TempDir(), "a.db")+"?pool_driver=sqlite&pool_max_conns=1")
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "create table t (a); insert into t values (1); create temp table u (a)")
	require.NoError(t, err)
	assert.NotEqual(t, []string{"0"}, column(t, db, "select total_changes()"), "rows that were changed since the connection was opened")
	assert.Contains(t, column(t, db, "select name from pragma_database_list"), "temp", "there was something temporary once")
	assert.Equal(t, []string{"0"}, column(t, db, "select changes()"))
}

// What belongs to the file may change at any time, and is nothing that a borrower has left.
func TestPagesOfAnotherSizeAreNoLeftover(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.db")
	db, err := sql.Open("pooled", file+"?pool_driver=sqlite&pool_max_conns=1&pool_reset_audit=1")
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "create table t (a)")
	require.NoError(t, err)
	connector, ok := pooled.From(db)
	require.True(t, ok)
	require.NoError(t, db.PingContext(t.Context())) // the first session is clean by now
	require.NoError(t, connector.Evict(""))
	bare, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	defer bare.Close()
	for connector.Stats().Endpoints[0].Open > 0 {
		runtime.Gosched()
	}
	_, err = bare.ExecContext(t.Context(), "pragma page_size = 16384; vacuum")
	require.NoError(t, err)
	for range 2 {
		_, err = db.ExecContext(t.Context(), "insert into t values (1)")
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"16384"}, column(t, db, "select page_size from pragma_page_size"))
	require.NoError(t, db.Close()) // which waits for the audits
	assert.Zero(t, connector.Stats().Endpoints[0].Reset.AuditFailures)
}

// Closing a pool ends the context of an audit. That is no transaction which somebody has left open.
func TestAContextThatEndsIsNoTransaction(t *testing.T) {
	conn, err := open(t).Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.Raw(func(real any) error {
		ended := endsAtBegin{real.(driver.Conn)}
		_, err := newSessions().Leftovers(t.Context(), ended)
		assert.ErrorIs(t, err, context.Canceled)
		return nil
	}))
}

// endsAtBegin is a connection on which the context ends when a transaction is to begin.
type endsAtBegin struct{ driver.Conn }

func (endsAtBegin) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return nil, context.Canceled
}

func (c endsAtBegin) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}
