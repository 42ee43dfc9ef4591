package faultdriver_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/faultdriver"
)

func TestConnectionsHaveTheInterfacesAskedForAndNoOthers(t *testing.T) {
	all := faultdriver.AllConnCaps()
	seen := map[faultdriver.ConnCaps]bool{}
	for _, caps := range all {
		c, err := faultdriver.New(caps, faultdriver.StmtCaps{}).Connect(t.Context())
		require.NoError(t, err)
		has := faultdriver.ConnCaps{
			PrepareContext: is[driver.ConnPrepareContext](c), BeginTx: is[driver.ConnBeginTx](c),
			Execer:            form(is[driver.Execer](c), is[driver.ExecerContext](c)), //nolint:staticcheck // drivers have it
			NamedValueChecker: is[driver.NamedValueChecker](c),
			Queryer:           form(is[driver.Queryer](c), is[driver.QueryerContext](c)), //nolint:staticcheck // drivers have it
			Pinger:            is[driver.Pinger](c), SessionResetter: is[driver.SessionResetter](c), Validator: is[driver.Validator](c),
		}
		require.Equal(t, caps, has)
		seen[has] = true
	}
	assert.Len(t, seen, 576)
	assert.Equal(t, all[len(all)-1], faultdriver.EveryConn)
}

func TestStatementsHaveTheInterfacesAskedForAndNoOthers(t *testing.T) {
	seen := map[faultdriver.StmtCaps]bool{}
	for _, caps := range faultdriver.AllStmtCaps() {
		c, err := faultdriver.New(faultdriver.ConnCaps{}, caps).Connect(t.Context())
		require.NoError(t, err)
		st, err := c.Prepare("select")
		require.NoError(t, err)
		has := faultdriver.StmtCaps{
			ExecContext: is[driver.StmtExecContext](st), QueryContext: is[driver.StmtQueryContext](st),
			NamedValueChecker: is[driver.NamedValueChecker](st),
			ColumnConverter:   is[driver.ColumnConverter](st), //nolint:staticcheck // drivers have it
		}
		require.Equal(t, caps, has)
		seen[has] = true
	}
	assert.Len(t, seen, 16)
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

func form(legacy, context bool) faultdriver.Form {
	switch {
	case legacy && context:
		return 99
	case legacy:
		return faultdriver.Legacy
	case context:
		return faultdriver.Context
	default:
		return faultdriver.Absent
	}
}

func TestCallsAreWrittenDownInOrder(t *testing.T) {
	d := faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt)
	db := sql.OpenDB(d)
	var text, args string
	require.NoError(t, db.QueryRow("select ?", 1).Scan(&text, &args))
	assert.Equal(t, "select ?", text)
	assert.Equal(t, "[$1 int64(1)]", args)
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	require.NoError(t, err)
	_, err = tx.Exec("update", sql.Named("x", "y"))
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	assert.Equal(t, []int{1}, d.OpenConns())
	require.NoError(t, db.Close())
	assert.Equal(t, []string{
		"connect#1", "#1.check [$1 int(1)]", `#1.query "select ?" [$1 int64(1)]`, "#1.rows.close",
		"#1.reset", "#1.begin iso=0 ro=true", "#1.check [$1:x string(y)]", `#1.exec "update" [$1:x string(y)]`, "#1.commit", "#1.close",
	}, d.Calls())
	assert.Equal(t, []string{"#1.isvalid", "#1.isvalid"}, d.Questions())
	assert.Empty(t, d.Violations())
	assert.Empty(t, d.OpenConns())
}

func TestScriptDecidesWhatCallsDo(t *testing.T) {
	d := faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt)
	db := sql.OpenDB(d)
	defer db.Close()
	boom, other := errors.New("boom"), errors.New("other")
	d.Always(faultdriver.Ping, faultdriver.Outcome{Err: other})
	d.Next(faultdriver.Ping, faultdriver.Outcome{Err: driver.ErrBadConn}, faultdriver.Outcome{Err: boom})
	assert.Same(t, driver.ErrBadConn, db.Ping())
	assert.Same(t, boom, db.Ping())
	assert.Same(t, other, db.Ping())
	assert.Same(t, other, db.Ping())
	assert.Equal(t, []int{2}, d.OpenConns())
	d.Next(faultdriver.Exec, faultdriver.Outcome{Invalid: true})
	_, err := db.Exec("update")
	require.NoError(t, err)
	assert.Empty(t, d.OpenConns())
}

func TestCallWaitsForTheScriptOrItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt)
		db := sql.OpenDB(d)
		defer db.Close()
		d.Always(faultdriver.Ping, faultdriver.Outcome{Wait: make(chan struct{})})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.Equal(t, context.DeadlineExceeded, db.PingContext(ctx))
		answer := make(chan struct{})
		d.Always(faultdriver.Ping, faultdriver.Outcome{Wait: answer})
		time.AfterFunc(time.Hour, func() { close(answer) })
		assert.NoError(t, db.PingContext(t.Context()))
	})
}

func TestMistakesOfCallersAreViolations(t *testing.T) {
	connect := func(d *faultdriver.Driver) driver.Conn {
		c, err := d.Connect(t.Context())
		require.NoError(t, err)
		return c
	}
	mistakes := map[string]func(d *faultdriver.Driver){
		"#1: ping during ping": func(d *faultdriver.Driver) {
			c := connect(d).(driver.Pinger)
			d.Hook(faultdriver.Ping, func(ctx context.Context, _ faultdriver.Call) faultdriver.Outcome {
				d.Hook(faultdriver.Ping, nil)
				_ = c.Ping(ctx)
				return faultdriver.Outcome{}
			})
			_ = c.Ping(t.Context())
		},
		"#1: ping after close": func(d *faultdriver.Driver) {
			c := connect(d)
			_ = c.Close()
			_ = c.(driver.Pinger).Ping(t.Context())
		},
		"#1: close after close": func(d *faultdriver.Driver) {
			c := connect(d)
			_ = c.Close()
			_ = c.Close()
		},
		"#1: begin in a transaction": func(d *faultdriver.Driver) {
			c := connect(d)
			_, _ = c.Begin() //nolint:staticcheck // drivers have it
			_, _ = c.Begin() //nolint:staticcheck // drivers have it
		},
		"#1: rollback of a transaction that has ended": func(d *faultdriver.Driver) {
			tx, _ := connect(d).Begin() //nolint:staticcheck // drivers have it
			_ = tx.Commit()
			_ = tx.Rollback()
		},
		`#1: stmt.close of the closed "select"`: func(d *faultdriver.Driver) {
			st, _ := connect(d).Prepare("select")
			_ = st.Close()
			_ = st.Close()
		},
		"#1: rows closed twice": func(d *faultdriver.Driver) {
			rows, _ := connect(d).(driver.QueryerContext).QueryContext(t.Context(), "select", nil)
			_ = rows.Close()
			_ = rows.Close()
		},
	}
	for violation, mistake := range mistakes {
		d := faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt)
		mistake(d)
		assert.Equal(t, []string{violation}, d.Violations())
	}
}
