package faultdriver

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Driver is a driver and its only connector. It is safe for concurrent use. Make one with [New].
type Driver struct {
	conns ConnCaps
	stmts StmtCaps

	// Checker decides what CheckNamedValue answers, of connections and statements that have it. Nil: driver.ErrSkip.
	Checker func(arg *driver.NamedValue) error
	// Converter is what ColumnConverter returns, of statements that have it. Nil: driver.DefaultParameterConverter.
	Converter driver.ValueConverter
	// NumInput is what statements answer. Nil: the number of question marks in the text.
	NumInput func(text string) int

	mu         sync.Mutex // guards what follows
	next       map[Op][]Outcome
	hooks      map[Op]func(context.Context, Call) Outcome
	calls      []string
	questions  []string
	violations []string
	last       int
	open       []int
	openStmts  int
	leftStmts  int
}

var (
	_ driver.Driver    = (*Driver)(nil)
	_ driver.Connector = (*Driver)(nil)
)

// New makes a driver whose connections and statements have these optional interfaces and no others.
func New(conns ConnCaps, stmts StmtCaps) *Driver {
	return &Driver{
		conns: conns, stmts: stmts,
		next:  map[Op][]Outcome{},
		hooks: map[Op]func(context.Context, Call) Outcome{},
	}
}

// Driver returns d, which is its own connector.
func (d *Driver) Driver() driver.Driver { return d }

// Open is Connect for those who have a driver and a name.
func (d *Driver) Open(string) (driver.Conn, error) { return d.Connect(noContext) }

// Connect dials.
func (d *Driver) Connect(ctx context.Context) (driver.Conn, error) {
	d.mu.Lock()
	d.last++
	number := d.last
	d.mu.Unlock()
	o := d.outcome(ctx, Call{Op: Connect, Conn: number})
	if err := o.play(ctx); err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.open = append(d.open, number)
	d.mu.Unlock()
	c := &conn{driver: d, number: number, invalid: o.Invalid}
	return connTypes[d.conns.index()](c), nil
}

// Calls returns the calls so far, in order, except those of IsValid.
func (d *Driver) Calls() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.calls)
}

// Questions returns the calls of IsValid so far. They are apart because they do nothing.
func (d *Driver) Questions() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.questions)
}

// Violations returns what callers did that no driver has to stand.
func (d *Driver) Violations() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.violations)
}

// OpenConns returns the open connections, by number, in the order in which they were dialled.
func (d *Driver) OpenConns() []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.open)
}

// OpenStmts returns how many prepared statements are open on connections that are.
func (d *Driver) OpenStmts() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.openStmts
}

// LeftStmts returns how many statements were not closed before their connection was. A driver must accept it.
func (d *Driver) LeftStmts() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.leftStmts
}

// record writes a call down. d.mu is held.
func (d *Driver) record(call Call) {
	if call.Op == IsValid {
		d.questions = append(d.questions, fmt.Sprintf("#%d.%s", call.Conn, call.Op))
		return
	}
	if call.Op == Connect {
		d.calls = append(d.calls, fmt.Sprintf("%s#%d", call.Op, call.Conn))
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "#%d.%s", call.Conn, call.Op)
	if call.Text != "" {
		fmt.Fprintf(&b, " %q", call.Text)
	}
	if len(call.Args) > 0 {
		b.WriteString(" " + showArgs(call.Args))
	}
	if call.TxOptions != nil {
		fmt.Fprintf(&b, " iso=%d ro=%t", call.TxOptions.Isolation, call.TxOptions.ReadOnly)
	}
	d.calls = append(d.calls, b.String())
}

func (d *Driver) violation(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.violations = append(d.violations, fmt.Sprintf(format, args...))
}

func (d *Driver) countStmts(delta int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.openStmts += delta
}

func (d *Driver) closed(number, stmts int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = slices.DeleteFunc(d.open, func(n int) bool { return n == number })
	d.openStmts -= stmts
	d.leftStmts += stmts
}

// showArgs shows arguments with their types, as they reached the driver.
func showArgs(args []driver.NamedValue) string {
	shown := make([]string, len(args))
	for i, arg := range args {
		shown[i] = fmt.Sprintf("$%d %T(%v)", arg.Ordinal, arg.Value, arg.Value)
		if arg.Name != "" {
			shown[i] = fmt.Sprintf("$%d:%s %T(%v)", arg.Ordinal, arg.Name, arg.Value, arg.Value)
		}
	}
	return "[" + strings.Join(shown, ", ") + "]"
}
