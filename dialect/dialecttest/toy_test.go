package dialecttest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
)

// toy is a database in the program, with the smallest dialect that holds all that is asked for. Statements are a verb and its words:
//
//	set NAME VALUE, make NAME, nail, begin, commit, rollback    what a session has
//	add WORD                                                    stores a word
//	show data, show session                                     rows
//	noop, mystery, oops                                         nothing, who knows, an error
//
// Its fields are how a test breaks the dialect.
type toy struct {
	dialect.Generic
	name string
	db   *toyDB

	judge     func(text string, s *dialect.Statement) // changes what is said of a text
	reset     func(c *toyConn)                        // runs behind each reset
	leftovers func(left map[string]string)            // changes what is told of a session
	classify  func(err error) (dialect.ErrorClass, bool)
	mask      func(text string) string
	summary   func(text string) string
	open      func(s *dialect.Server)
	state     func(c *toyConn) dialect.ConnState
	owns      func(d driver.Driver) bool
}

var toys atomic.Int32

// newToy registers a driver and its dialect, as change makes it.
func newToy(change func(*toy)) *toy {
	t := &toy{db: &toyDB{}, name: fmt.Sprintf("toy-%d", toys.Add(1))}
	if change != nil {
		change(t)
	}
	sql.Register(t.name, t.db)
	dialect.Register(t.name, t)
	return t
}

// config is all that is known of a toy.
func (t *toy) config() Config {
	return Config{
		Driver: t.name, DSN: "password", Password: "password", BadDSNs: []string{"bad:password"}, Begin: "begin", Rollback: "rollback",
		Setup: []string{"add first"}, Look: []string{"show session"}, Data: []string{"show data"}, Init: "set z 9",
		Traces: []Trace{
			{Name: "setting", SQL: []string{"set a 1"}, Effects: dialect.Setting},
			{Name: "temporary", SQL: []string{"make t"}, Effects: dialect.TempTable},
			{Name: "transaction", SQL: []string{"begin"}, Effects: dialect.OpenTx},
			{Name: "nail", SQL: []string{"nail"}, Effects: dialect.Permanent, Discards: true},
		},
		Clean: []string{"noop"}, Reads: []string{"show data"}, Writes: []string{"add w"}, Unknown: []string{"mystery"},
		Secrets: []string{"show 's3cret'"}, Mistakes: []string{"oops"},
		Break: func(_ context.Context, real driver.Conn) error {
			real.(*toyConn).dead = true
			return errDead
		},
	}
}

func (t *toy) Name() string { return "toy" }

func (t *toy) Owns(d driver.Driver) bool {
	if t.owns != nil {
		return t.owns(d)
	}
	return d == driver.Driver(t.db)
}

func (t *toy) Open(dsn string) (dialect.Server, error) {
	if strings.HasPrefix(dsn, "bad") {
		return dialect.Server{}, errors.New("a bad DSN")
	}
	s := t.Adopt(toyConnector{t.db})
	if t.open != nil {
		t.open(&s)
	}
	return s, nil
}

func (t *toy) Adopt(c driver.Connector) dialect.Server {
	return dialect.Server{
		Connector: c, Address: "toy", Traits: dialect.Traits{TellsTx: true},
		Sessions: &toySessions{toy: t, ByText: statement.NewByText(t.said)},
	}
}

func (t *toy) Classify(err error) dialect.ErrorClass {
	if t.classify != nil {
		if class, ok := t.classify(err); ok {
			return class
		}
	}
	switch {
	case errors.Is(err, errDead):
		return dialect.Dead | dialect.Infrastructure
	case errors.Is(err, errMistake):
		return dialect.Application
	}
	return 0
}

func (t *toy) Code(err error) string {
	if errors.Is(err, errMistake) {
		return "42"
	}
	return ""
}

func (t *toy) State(conn driver.Conn) dialect.ConnState {
	c := conn.(*toyConn)
	if t.state != nil {
		return t.state(c)
	}
	switch {
	case c.dead:
		return dialect.StateClosed
	case c.tx:
		return dialect.StateInTx
	default:
		return dialect.StateIdle
	}
}

func (t *toy) Mask(text string) string {
	if t.mask != nil {
		return t.mask(text)
	}
	return t.Generic.Mask(text)
}

func (t *toy) Summary(text string) string {
	if t.summary != nil {
		return t.summary(text)
	}
	return t.Generic.Summary(text)
}

// said is what the dialect says of a text.
func (t *toy) said(text string) *dialect.Statement {
	s, h := &dialect.Statement{}, statement.Hints{}
	t.Comments(text, h.Note)
	s.Hint, s.CallerClass = h.Role, h.Class
	words := strings.Fields(withoutComment(text))
	switch verb := append(words, "")[0]; verb {
	case "show", "noop":
		s.Class = dialect.Read
	case "add":
		s.Class, s.Why = dialect.Write, "stores a word"
	case "set":
		s.Class, s.Effects, s.Undo = dialect.SessionControl, dialect.Setting, []dialect.Undo{{Effect: dialect.Setting, Name: words[1]}}
	case "make":
		s.Class, s.Effects = dialect.SessionControl, dialect.TempTable
	case "begin":
		s.Class, s.Effects = dialect.TxControl, dialect.OpenTx
	case "commit", "rollback":
		s.Class = dialect.TxControl
	case "nail":
		s.Class = dialect.SessionControl
		statement.Costs(s, dialect.Permanent, dialect.Reason{What: "nails something"})
	default:
		statement.Unknown(s, "is no verb")
	}
	if t.judge != nil {
		t.judge(text, s)
	}
	return s
}

func withoutComment(text string) string {
	if _, behind, ok := strings.Cut(text, "*/"); ok && strings.HasPrefix(text, "/*") {
		return behind
	}
	return text
}

// toySessions are the sessions of a toy.
type toySessions struct {
	*statement.ByText
	toy   *toy
	fresh atomic.Pointer[map[string]string]
}

func (s *toySessions) Baseline(_ context.Context, conn driver.Conn, _ bool) (bool, error) {
	set := maps.Clone(conn.(*toyConn).set)
	s.fresh.Store(&set)
	return false, nil
}

func (s *toySessions) Reset(_ context.Context, conn driver.Conn, changes *dialect.Changes, _ string) error {
	c := conn.(*toyConn)
	if changes.Effects&dialect.Unprovable != 0 {
		return dialect.ErrDiscard
	}
	if changes.Effects.Has(dialect.OpenTx) {
		c.tx = false
	}
	if changes.Effects.Has(dialect.TempTable) {
		c.made = nil
	}
	if changes.Effects.Has(dialect.Setting) {
		fresh := s.fresh.Load()
		if fresh == nil {
			return dialect.ErrOutdated
		}
		for _, name := range changes.Names(dialect.Setting) {
			delete(c.set, name)
			if value, ok := (*fresh)[name]; ok {
				c.set[name] = value
			}
		}
	}
	if s.toy.reset != nil {
		s.toy.reset(c)
	}
	return nil
}

func (s *toySessions) Leftovers(_ context.Context, conn driver.Conn) (map[string]string, error) {
	left := map[string]string{}
	for i, line := range conn.(*toyConn).told() {
		left[fmt.Sprint(i)] = line
	}
	if s.toy.leftovers != nil {
		s.toy.leftovers(left)
	}
	return left, nil
}

var errDead, errMistake = errors.New("the toy is dead"), errors.New("a mistake")

// toyDB is the driver, and what is stored.
type toyDB struct {
	mu    sync.Mutex // guards words
	words []string
}

func (d *toyDB) Open(string) (driver.Conn, error) {
	return &toyConn{db: d, set: map[string]string{}}, nil
}

type toyConnector struct{ db *toyDB }

func (c toyConnector) Connect(context.Context) (driver.Conn, error) { return c.db.Open("") }
func (c toyConnector) Driver() driver.Driver                        { return c.db }

// toyConn is a session.
type toyConn struct {
	db               *toyDB
	set              map[string]string
	made             []string
	tx, nailed, dead bool
}

// told is all that a session tells of itself.
func (c *toyConn) told() []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(c.set)) {
		lines = append(lines, name+"="+c.set[name])
	}
	lines = append(lines, c.made...)
	return append(lines, fmt.Sprint(c.tx, c.nailed))
}

func (c *toyConn) run(text string) (rows []string, err error) {
	if c.dead {
		return nil, errDead
	}
	words := strings.Fields(withoutComment(text))
	switch words[0] {
	case "show":
		if words[1] == "session" {
			return c.told(), nil
		}
		c.db.mu.Lock()
		defer c.db.mu.Unlock()
		return slices.Clone(c.db.words), nil
	case "add":
		c.db.mu.Lock()
		defer c.db.mu.Unlock()
		c.db.words = append(c.db.words, words[1])
	case "set":
		c.set[words[1]] = words[2]
	case "make":
		c.made = append(c.made, words[1])
	case "nail":
		c.nailed = true
	case "begin":
		c.tx = true
	case "commit", "rollback":
		c.tx = false
	case "noop":
	default:
		return nil, errMistake
	}
	return nil, nil
}

func (c *toyConn) ExecContext(_ context.Context, text string, _ []driver.NamedValue) (driver.Result, error) {
	_, err := c.run(text)
	return driver.RowsAffected(0), err
}

func (c *toyConn) QueryContext(_ context.Context, text string, _ []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.run(text)
	if err != nil {
		return nil, err
	}
	return &toyRows{rows}, nil
}

func (c *toyConn) Prepare(text string) (driver.Stmt, error) { return &toyStmt{c, text}, nil }
func (c *toyConn) Close() error                             { c.dead = true; return nil }
func (c *toyConn) Begin() (driver.Tx, error)                { c.tx = true; return c, nil }
func (c *toyConn) Commit() error                            { c.tx = false; return nil }
func (c *toyConn) Rollback() error                          { c.tx = false; return nil }
func (c *toyConn) IsValid() bool                            { return !c.dead }

type toyStmt struct {
	conn *toyConn
	text string
}

func (s *toyStmt) Close() error  { return nil }
func (s *toyStmt) NumInput() int { return 0 }
func (s *toyStmt) Exec([]driver.Value) (driver.Result, error) {
	return s.conn.ExecContext(context.Background(), s.text, nil)
}

func (s *toyStmt) Query([]driver.Value) (driver.Rows, error) {
	return s.conn.QueryContext(context.Background(), s.text, nil)
}

type toyRows struct{ left []string }

func (r *toyRows) Columns() []string { return []string{"word"} }
func (r *toyRows) Close() error      { return nil }
func (r *toyRows) Next(row []driver.Value) error {
	if len(r.left) == 0 {
		return io.EOF
	}
	row[0], r.left = r.left[0], r.left[1:]
	return nil
}
