package transparency_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/policy"
)

// What a program sees of a driver through pooled must be what it sees of the bare driver, whichever optional interfaces the
// driver has. The tables of behaviours are in the files transparency_*_test.go; each behaviour runs over every combination.

// behaviour is something that programs do with a *sql.DB, as a sentence, and how to do it.
type behaviour struct {
	name string
	run  func(w *world)
	// stmts says that prepared statements matter, so that every combination of their interfaces is tried.
	stmts bool
	// own names what pooled does by rules of its own, and so is not compared.
	own own
	// share, of a family of many alike, says that each is tried on one of so many combinations, and the next one on others. 0 = all.
	share int
}

// own is a set of documented differences.
type own uint8

const (
	// preparesPerBorrow: an *sql.Stmt is prepared again when it is used on a connection that is not known to have it. Compared are
	// the calls without prepare and stmt.close.
	preparesPerBorrow own = 1 << iota
	// dialsLate: a session dials when its first call needs a server, not when it is made. Not compared are calls and connections.
	dialsLate
	// distrusts: a connection in whose call something panicked is dropped. One of which a call said that it is dead is dropped, also where database/sql keeps it, and idle ones that nobody
	// can validate are not tried after it. Not compared are calls and connections.
	distrusts
)

// The ways that a DB is opened. The bare one is what the others are compared with.
var wrappings = []struct {
	name      string
	cacheSize int // of statements; -1: bare
}{
	{"bare", -1},
	{"pooled without statement cache", 0},
	{"pooled", policy.NewConfig().Statements.CacheSize},
}

// driverTypes is one combination of optional interfaces.
type driverTypes struct {
	conns faultdriver.ConnCaps
	stmts faultdriver.StmtCaps
}

// every lists the combinations that a behaviour is tried on: all of connections and, where statements matter, all of
// statements with all of what decides whether a connection needs one.
func every(b behaviour, turn int) []driverTypes {
	var all []driverTypes
	stmts := faultdriver.AllStmtCaps()
	for i, c := range faultdriver.AllConnCaps() {
		if b.share > 0 && (i+i/5+i/29+turn)%b.share != 0 { // not in step with the order of the combinations
			continue
		}
		all = append(all, driverTypes{c, stmts[(i/36+i)%len(stmts)]})
		if b.stmts && (c.SessionResetter && c.Validator && c.BeginTx && c.Pinger) {
			for _, s := range stmts {
				all = append(all, driverTypes{c, s})
			}
		}
	}
	return all
}

func testBehaviours(t *testing.T, behaviours []behaviour) {
	for turn, b := range behaviours {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				combinations, failed := every(b, turn), 0
				for _, types := range combinations {
					bare := observe(t, b, types, wrappings[0].cacheSize)
					for _, w := range wrappings[1:] {
						wrapped := observe(t, b, types, w.cacheSize)
						diff := compare(b, bare, wrapped)
						if diff == "" {
							continue
						}
						if failed++; failed <= 3 {
							t.Errorf("%s, %s, %s:\n%s", w.name, types.conns, types.stmts, diff)
						}
					}
				}
				if failed > 3 {
					t.Errorf("%d of %d differ", failed, (len(wrappings)-1)*len(combinations))
				}
			})
		})
	}
}

// world is what a behaviour runs in, and what it observes.
type world struct {
	ctx    context.Context
	driver *faultdriver.Driver
	db     *sql.DB

	cacheSize  int
	seen       []observation
	calls      []string
	kept       []int
	leftOpen   []int
	violations []string
}

// observation is something seen: a text, or an error.
type observation struct {
	what string
	err  error
}

func (o observation) String() string {
	if o.err == nil {
		return o.what
	}
	return fmt.Sprintf("%s: %T: %v", o.what, o.err, o.err)
}

func (w *world) note(format string, args ...any) {
	w.seen = append(w.seen, observation{what: fmt.Sprintf(format, args...)})
}

func (w *world) err(what string, err error) {
	w.seen = append(w.seen, observation{what, err})
}

// observe runs a behaviour on a new DB.
func observe(t *testing.T, b behaviour, types driverTypes, cacheSize int) *world {
	d := faultdriver.New(types.conns, types.stmts)
	d.Checker = checkArg
	w := &world{ctx: context.Background(), driver: d, db: open(t, d, cacheSize), cacheSize: cacheSize}
	b.run(w)
	synctest.Wait()
	w.calls, w.kept = d.Calls(), d.OpenConns()
	require.NoError(t, w.db.Close())
	synctest.Wait()
	w.leftOpen, w.violations = d.OpenConns(), d.Violations()
	return w
}

func open(t *testing.T, c driver.Connector, cacheSize int) *sql.DB {
	if cacheSize < 0 {
		db := sql.OpenDB(c)
		db.SetMaxIdleConns(100) // pooled keeps as many connections as were in use
		return db
	}
	cfg := pooled.NewConfig()
	cfg.Pool.MaxIdleConns = policy.AllIdle // as the bare pool keeps them
	cfg.Connector = c
	cfg.Statements.CacheSize = cacheSize
	cfg.Pool.ValidateAfter, cfg.Pool.Keepalive = policy.NeverValidate, 0
	connector, err := pooled.NewConnector(cfg)
	require.NoError(t, err)
	return sql.OpenDB(connector)
}

// compare tells what a wrapped driver did unlike the bare one; empty: nothing.
func compare(b behaviour, bare, wrapped *world) string {
	var diff []string
	different := func(what string, bare, wrapped any) {
		diff = append(diff, fmt.Sprintf("  %s\n    bare:   %v\n    pooled: %v", what, bare, wrapped))
	}
	if len(bare.seen) != len(wrapped.seen) {
		different("seen", bare.seen, wrapped.seen)
	} else {
		for i, want := range bare.seen {
			if got := wrapped.seen[i]; got.what != want.what || !sameError(want.err, got.err) {
				different("seen", want, got)
			}
		}
	}
	if b.own&(dialsLate|distrusts) == 0 && wrapped.cacheSize == 0 && bare.ordered(b) != wrapped.ordered(b) {
		different("calls", bare.ordered(b), wrapped.ordered(b))
	}
	if count(wrapped.calls, "prepare") > count(bare.calls, "prepare") && b.own&preparesPerBorrow == 0 {
		different("prepares", bare.calls, wrapped.calls)
	}
	if b.own&(dialsLate|distrusts) == 0 && !slices.Equal(bare.kept, wrapped.kept) {
		different("connections kept", bare.kept, wrapped.kept)
	}
	if len(bare.leftOpen) > 0 || len(wrapped.leftOpen) > 0 {
		different("open after Close", bare.leftOpen, wrapped.leftOpen)
	}
	if len(bare.violations) > 0 || len(wrapped.violations) > 0 {
		different("violations", bare.violations, wrapped.violations)
	}
	return strings.Join(diff, "\n")
}

// ordered are the calls whose order and number must be the same. Connections are closed off the caller's path, so at any time, and
// their statements with them.
func (w *world) ordered(b behaviour) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(w.calls), func(call string) bool {
		switch {
		case isCall(call, "close"):
			return true
		case isCall(call, "stmt.close"):
			return b.own&preparesPerBorrow != 0 || !w.keeps(call)
		case isCall(call, "prepare"):
			return b.own&preparesPerBorrow != 0
		default:
			return false
		}
	}), ", ")
}

// keeps reports whether the connection of a call was open in the end.
func (w *world) keeps(call string) bool {
	return slices.ContainsFunc(w.kept, func(number int) bool {
		return strings.HasPrefix(call, fmt.Sprintf("#%d.", number))
	})
}

func isCall(call, op string) bool {
	_, rest, _ := strings.Cut(call, ".")
	return rest == op || strings.HasPrefix(rest, op+" ")
}

func count(calls []string, op string) (n int) {
	for _, call := range calls {
		if isCall(call, op) {
			n++
		}
	}
	return n
}

// identities are errors that programs compare with ==.
var identities = []error{
	errBoom, errOther, driver.ErrBadConn, driver.ErrSkip, driver.ErrRemoveArgument,
	sql.ErrNoRows, sql.ErrTxDone, sql.ErrConnDone, context.Canceled, context.DeadlineExceeded,
}

// Errors of the scripts.
var (
	errBoom  = errors.New("boom")
	errOther = errors.New("other")
)

// sameError compares errors as strictly as a program can: by identity where there is one to know, and otherwise by type, text
// and what they wrap.
func sameError(a, b error) bool {
	if a == nil || b == nil || slices.Contains(identities, a) || slices.Contains(identities, b) {
		return a == b
	}
	return reflect.TypeOf(a) == reflect.TypeOf(b) && a.Error() == b.Error() && sameError(errors.Unwrap(a), errors.Unwrap(b))
}

// caller is what *sql.DB, *sql.Tx and *sql.Conn have in common.
type caller interface {
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row
	PrepareContext(ctx context.Context, text string) (*sql.Stmt, error)
}

// query runs a query and notes all there is to see of its rows.
func (w *world) query(ctx context.Context, c caller, text string, args ...any) {
	rows, err := c.QueryContext(ctx, text, args...)
	w.read(rows, err)
}

// stmtQuery is query for a prepared statement.
func (w *world) stmtQuery(ctx context.Context, st *sql.Stmt, args ...any) {
	rows, err := st.QueryContext(ctx, args...)
	w.read(rows, err)
}

func (w *world) read(rows *sql.Rows, err error) {
	w.err("query", err)
	if err != nil {
		return
	}
	for more := true; more; more = rows.NextResultSet() {
		w.readSet(rows)
	}
	w.err("rows.Err", rows.Err())
	w.err("rows.Close", rows.Close())
}

func (w *world) readSet(rows *sql.Rows) {
	columns, err := rows.Columns()
	w.err(fmt.Sprintf("columns %q", columns), err)
	types, err := rows.ColumnTypes()
	w.err("column types", err)
	for _, c := range types {
		length, hasLength := c.Length()
		nullable, knowsNull := c.Nullable()
		precision, scale, decimal := c.DecimalSize()
		w.note("%s %s %v %d %t %t %t %d %d %t", c.Name(), c.DatabaseTypeName(), c.ScanType(),
			length, hasLength, nullable, knowsNull, precision, scale, decimal)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		dest := make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		w.err("scan", rows.Scan(dest...))
		w.note("row %#v", values)
	}
}

// exec runs a statement and notes its result.
func (w *world) exec(ctx context.Context, c caller, text string, args ...any) {
	result, err := c.ExecContext(ctx, text, args...)
	w.result(result, err)
}

// stmtExec is exec for a prepared statement.
func (w *world) stmtExec(ctx context.Context, st *sql.Stmt, args ...any) {
	result, err := st.ExecContext(ctx, args...)
	w.result(result, err)
}

func (w *world) result(result sql.Result, err error) {
	w.err("exec", err)
	if err != nil {
		return
	}
	id, err := result.LastInsertId()
	w.err(fmt.Sprintf("last insert id %d", id), err)
	n, err := result.RowsAffected()
	w.err(fmt.Sprintf("%d rows affected", n), err)
}

// prepare prepares a statement for use; nil if that failed.
func (w *world) prepare(ctx context.Context, c caller, text string) *sql.Stmt {
	st, err := c.PrepareContext(ctx, text)
	w.err("prepare", err)
	return st
}

// begin begins a transaction; nil if that failed.
func (w *world) begin(ctx context.Context, opts *sql.TxOptions) *sql.Tx {
	tx, err := w.db.BeginTx(ctx, opts)
	w.err("begin", err)
	return tx
}

// conn takes a connection out of the pool.
func (w *world) conn() *sql.Conn {
	c, err := w.db.Conn(w.ctx)
	w.err("conn", err)
	return c
}

// idle leaves n idle connections in the pool.
func (w *world) idle(n int) {
	conns := make([]*sql.Conn, n)
	for i := range conns {
		conns[i] = w.conn()
		w.exec(w.ctx, conns[i], "use")
	}
	for _, c := range conns {
		w.err("give back", c.Close())
	}
	time.Sleep(time.Millisecond) // nobody borrows in the same nanosecond, where a bubble's clock would stand still
}
