package transparency_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	_ "github.com/gopooled/pooled/mysql"
	"github.com/gopooled/pooled/policy"
	_ "github.com/gopooled/pooled/postgres"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// realServers are the servers that a table of behaviours runs on, with the real driver's name and an empty database.
var realServers = []struct {
	name     string
	driver   string
	database func(t testing.TB) string
}{
	{"PostgreSQL 15", "pgx", testserver.PostgresDatabase},
	{"PostgreSQL 18", "pgx", testserver.Postgres18Database},
	{"MariaDB", "mysql", func(t testing.TB) string { return talkative(t, testserver.MariaDBDatabase(t)) }},
	{"MySQL", "mysql", func(t testing.TB) string { return talkative(t, testserver.MySQLDatabase(t)) }},
}

// talkative has go-sql-driver/mysql read times, and take texts of several statements.
func talkative(t testing.TB, dsn string) string {
	t.Helper()
	return realtest.WithParams(t, dsn, func(c *mysql.Config) { c.ParseTime, c.MultiStatements = true, true })
}

// asBare is a DSN for pooled that leaves sessions as the bare driver does. With resets, two calls in a row may meet two
// server connections, of which each has prepared other statements.
func asBare(t testing.TB, dsn string) string {
	t.Helper()
	cfg, err := pooled.ParseDSN(dsn)
	require.NoError(t, err)
	cfg.Reset.Mode, cfg.Pool.Cancel = policy.ResetOff, policy.CancelClose // what bare drivers do
	return policy.FormatDSN(cfg)
}

// testReal runs behaviours on the servers of a driver, bare and through pooled.
func testReal(t *testing.T, driver string, behaviours []behaviour) {
	for _, s := range realServers {
		if s.driver != driver {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			dsn := s.database(t)
			for _, b := range behaviours {
				t.Run(b.name, func(t *testing.T) {
					bare := observeReal(t, b, s.driver, dsn)
					for _, driver := range []string{"pooled", "pooled-" + s.driver} {
						wrapped := observeReal(t, b, driver, asBare(t, dsn))
						if diff := compare(b, bare, wrapped); diff != "" {
							t.Errorf("%s differs:\n%s", driver, diff)
						}
					}
				})
			}
		})
	}
}

// observeReal runs a behaviour on a new DB, twice, so that the second time meets used connections and cached statements.
func observeReal(t *testing.T, b behaviour, driver, dsn string) *world {
	w := &world{ctx: t.Context(), db: realtest.Open(t, driver, dsn)}
	for range 2 {
		_, err := w.db.ExecContext(w.ctx, "drop table if exists t")
		require.NoError(t, err)
		b.run(w)
	}
	require.NotEmpty(t, w.seen)
	for w.db.Stats().InUse > 0 { // a leak hangs here; database/sql gives back off the caller's path what was cancelled
		runtime.Gosched()
	}
	return w
}

// code notes an error as programs such as GORM look at it: by a type assertion, without errors.As.
func (w *world) code(what string, err error) {
	switch e := err.(type) { //nolint:errorlint // this is the point
	case *pgconn.PgError:
		w.err(what+" SQLSTATE "+e.Code, err)
	case *mysql.MySQLError:
		w.err(fmt.Sprintf("%s number %d", what, e.Number), err)
	default:
		w.err(fmt.Sprintf("%s %T", what, err), err)
	}
}

// oddArgs are arguments that not every driver takes. They are made once: some drivers show their addresses in errors.
var oddArgs = func() []any {
	number := 7
	return []any{
		1, int64(2), uint8(3), uint64(1 << 63), 4.5, "5", []byte("6"), nil, &number, (*int)(nil), true,
		sql.NullInt64{Int64: 8, Valid: true}, sql.NullString{}, text("9"), struct{}{}, make(chan int), byValue{int64(10)},
		(*byValue)(nil), failing{}, sql.Named("x", 1), sql.Out{}, []int64{11},
	}
}()

// codes runs statements that fail, each in every way.
func (w *world) codes(c caller, texts ...string) {
	for _, text := range texts {
		_, err := c.ExecContext(w.ctx, text)
		w.code("exec "+text, err)
		rows, err := c.QueryContext(w.ctx, text)
		if err == nil {
			for rows.Next() {
			}
			err = errors.Join(rows.Err(), rows.Close())
			if joined, ok := err.(interface{ Unwrap() []error }); ok {
				err = joined.Unwrap()[0]
			}
		}
		w.code("query "+text, err)
		st, err := c.PrepareContext(w.ctx, text)
		if err == nil {
			_, err = st.ExecContext(w.ctx)
			_ = st.Close()
		}
		w.code("prepared "+text, err)
	}
}

// isolations runs a query in a transaction of every kind.
func (w *world) isolations(text, write string) {
	for level := sql.LevelDefault; level <= sql.LevelLinearizable; level++ {
		for _, readOnly := range []bool{false, true} {
			tx := w.begin(w.ctx, &sql.TxOptions{Isolation: level, ReadOnly: readOnly})
			if tx == nil {
				continue
			}
			w.query(w.ctx, tx, text)
			_, err := tx.ExecContext(w.ctx, write)
			w.code("write", err)
			w.err("rollback", tx.Rollback())
		}
	}
}

// prepared uses a statement with one argument in all the ways there are.
func (w *world) prepared(text string, good, bad any) {
	use := func(st *sql.Stmt) {
		w.stmtQuery(w.ctx, st, good)
		w.stmtQuery(w.ctx, st, bad)
		w.stmtQuery(w.ctx, st)
		w.stmtQuery(w.ctx, st, good, good)
		w.stmtQuery(w.ctx, st, nil)
	}
	st := w.prepare(w.ctx, w.db, text)
	use(st)
	c := w.conn()
	onConn := w.prepare(w.ctx, c, text)
	use(onConn)
	use(st)
	w.err("close", onConn.Close())
	w.err("give back", c.Close())
	tx := w.begin(w.ctx, nil)
	w.stmtQuery(w.ctx, tx.StmtContext(w.ctx, st), good)
	inTx := w.prepare(w.ctx, tx, text)
	w.stmtQuery(w.ctx, inTx, good)
	w.err("commit", tx.Commit())
	w.stmtQuery(w.ctx, inTx, good)
	use(st)
	w.err("close", st.Close())
	w.stmtQuery(w.ctx, st, good)
}

// cancelled lets contexts end before and during calls. The second text, with the slow one for %s, asks the server how many
// connections run it.
func (w *world) cancelled(slow, running string) {
	ended, cancel := context.WithCancel(w.ctx)
	cancel()
	w.query(ended, w.db, "select 1")
	w.exec(ended, w.db, "select 1")
	w.err("ping", w.db.PingContext(ended))
	w.begin(ended, nil)
	c := w.conn()
	w.exec(w.ctx, c, "select 1")
	w.exec(ended, c, "select 1")
	w.err("give back", c.Close())

	calls := []func(ctx context.Context, slow string) error{
		func(ctx context.Context, slow string) error { _, err := w.db.ExecContext(ctx, slow); return err },
		func(ctx context.Context, slow string) error {
			var x any
			return w.db.QueryRowContext(ctx, slow).Scan(&x)
		},
		func(ctx context.Context, slow string) error {
			tx, err := w.db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback()
			_, err = tx.ExecContext(ctx, slow)
			return err
		},
	}
	for _, call := range calls {
		ctx, cancel := context.WithCancel(w.ctx)
		answer := make(chan error, 1)
		slow := fmt.Sprintf("%s /* %s */", slow, rand.Text()) // the server may still run the one before
		go func() { answer <- call(ctx, slow) }()
		for n := 0; n == 0; {
			if err := w.db.QueryRowContext(w.ctx, fmt.Sprintf(running, slow)).Scan(&n); err != nil {
				w.err("running", err)
				break
			}
		}
		cancel()
		w.code("during a call", <-answer)
	}
	w.query(w.ctx, w.db, "select 2")
}

func TestConnectionSurvivesACancelledTransaction(t *testing.T) {
	for _, s := range []struct {
		name, id, open string // open counts the transactions that are
		dsn            func(testing.TB) string
	}{
		{
			"PostgreSQL", "select pg_backend_pid()",
			"select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'", testserver.PostgresDatabase,
		},
		{"MariaDB", "select connection_id()", realtest.MySQLServers[0].InTx, testserver.MariaDBDatabase},
		{"MySQL", "select connection_id()", realtest.MySQLServers[1].InTx, testserver.MySQLDatabase},
	} {
		t.Run(s.name, func(t *testing.T) {
			db := realtest.OpenWith(t, s.dsn(t), nil)
			before := realtest.ScanInt(t, db, s.id)
			ctx, cancel := context.WithCancel(t.Context())
			tx, err := db.BeginTx(ctx, nil)
			require.NoError(t, err)
			require.Equal(t, before, realtest.ScanInt(t, tx, s.id))
			cancel()
			for tx.Commit() != sql.ErrTxDone { // it is rolled back by a goroutine of database/sql
			}
			db.SetMaxOpenConns(1) // wait until that has given the session back
			assert.Equal(t, before, realtest.ScanInt(t, db, s.id))
			assert.Zero(t, realtest.ScanInt(t, db, s.open))
		})
	}
}
