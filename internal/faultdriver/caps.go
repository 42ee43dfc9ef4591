package faultdriver

import (
	"context"
	"database/sql/driver"
	"strings"
)

// Form is how a driver implements what has two interfaces, one from before contexts.
type Form uint8

// The forms of Execer and Queryer.
const (
	Absent Form = iota
	// Legacy is the interface without contexts.
	Legacy
	// Context is the interface with contexts.
	Context
)

// ConnCaps says which optional interfaces of driver.Conn the connections have. The zero value is none.
type ConnCaps struct {
	PrepareContext    bool
	BeginTx           bool
	Execer            Form
	NamedValueChecker bool
	Queryer           Form
	Pinger            bool
	SessionResetter   bool
	Validator         bool
}

// StmtCaps says which optional interfaces of driver.Stmt the statements have. The zero value is none.
type StmtCaps struct {
	ExecContext       bool
	QueryContext      bool
	NamedValueChecker bool
	ColumnConverter   bool
}

// EveryConn has all optional interfaces of driver.Conn, in their present form.
var EveryConn = connCaps(len(connTypes) - 1)

// EveryStmt has all optional interfaces of driver.Stmt but ColumnConverter, which NamedValueChecker replaced.
var EveryStmt = StmtCaps{ExecContext: true, QueryContext: true, NamedValueChecker: true}

// AllConnCaps returns every combination, the zero value first.
func AllConnCaps() []ConnCaps {
	all := make([]ConnCaps, len(connTypes))
	for i := range all {
		all[i] = connCaps(i)
	}
	return all
}

// AllStmtCaps returns every combination, the zero value first.
func AllStmtCaps() []StmtCaps {
	all := make([]StmtCaps, len(stmtTypes))
	for i := range all {
		all[i] = stmtCaps(i)
	}
	return all
}

// The tables of types are ordered by mixed-radix numbers, whose digits are the capabilities. The first is the lowest.

func (c ConnCaps) index() int {
	return number([]digit{
		flag(c.PrepareContext), flag(c.BeginTx), {int(c.Execer), 3}, flag(c.NamedValueChecker),
		{int(c.Queryer), 3}, flag(c.Pinger), flag(c.SessionResetter), flag(c.Validator),
	})
}

func connCaps(index int) ConnCaps {
	d := digits(index, 2, 2, 3, 2, 3, 2, 2, 2)
	return ConnCaps{
		PrepareContext: d[0] == 1, BeginTx: d[1] == 1, Execer: Form(d[2]), NamedValueChecker: d[3] == 1,
		Queryer: Form(d[4]), Pinger: d[5] == 1, SessionResetter: d[6] == 1, Validator: d[7] == 1,
	}
}

func (c StmtCaps) index() int {
	return number([]digit{flag(c.ExecContext), flag(c.QueryContext), flag(c.NamedValueChecker), flag(c.ColumnConverter)})
}

func stmtCaps(index int) StmtCaps {
	d := digits(index, 2, 2, 2, 2)
	return StmtCaps{ExecContext: d[0] == 1, QueryContext: d[1] == 1, NamedValueChecker: d[2] == 1, ColumnConverter: d[3] == 1}
}

type digit struct{ value, radix int }

func flag(b bool) digit {
	if b {
		return digit{1, 2}
	}
	return digit{0, 2}
}

func number(digits []digit) int {
	n, weight := 0, 1
	for _, d := range digits {
		n += d.value * weight
		weight *= d.radix
	}
	return n
}

func digits(n int, radixes ...int) []int {
	d := make([]int, len(radixes))
	for i, radix := range radixes {
		d[i] = n % radix
		n /= radix
	}
	return d
}

// String lists the interfaces.
func (c ConnCaps) String() string {
	return list("conn",
		name{c.PrepareContext, "ConnPrepareContext"}, name{c.BeginTx, "ConnBeginTx"},
		name{c.Execer == Legacy, "Execer"}, name{c.Execer == Context, "ExecerContext"},
		name{c.Queryer == Legacy, "Queryer"}, name{c.Queryer == Context, "QueryerContext"},
		name{c.Pinger, "Pinger"}, name{c.SessionResetter, "SessionResetter"}, name{c.Validator, "Validator"},
		name{c.NamedValueChecker, "NamedValueChecker"})
}

// String lists the interfaces.
func (c StmtCaps) String() string {
	return list("stmt", name{c.ExecContext, "StmtExecContext"}, name{c.QueryContext, "StmtQueryContext"},
		name{c.NamedValueChecker, "NamedValueChecker"}, name{c.ColumnConverter, "ColumnConverter"})
}

type name struct {
	present bool
	name    string
}

func list(what string, names ...name) string {
	present := []string{what}
	for _, n := range names {
		if n.present {
			present = append(present, n.name)
		}
	}
	return strings.Join(present, "+")
}

// The mixins of connections: each is the methods of one interface. The generated types are made of them. They have
// a field instead of embedding the connection, so that the methods of several do not collide.
type (
	connBase         struct{ c *conn }
	connPrepare      struct{ c *conn }
	connBegin        struct{ c *conn }
	connExecLegacy   struct{ c *conn }
	connExec         struct{ c *conn }
	connCheck        struct{ c *conn }
	connQueryLegacy  struct{ c *conn }
	connQueryContext struct{ c *conn }
	connPing         struct{ c *conn }
	connReset        struct{ c *conn }
	connValid        struct{ c *conn }
)

// Number tells which connection of its driver this is, beginning with 1. Tests reach it through sql.Conn.Raw.
func (m connBase) Number() int { return m.c.number }

func (m connBase) Prepare(text string) (driver.Stmt, error) { return m.c.prepare(noContext, text) }
func (m connBase) Begin() (driver.Tx, error)                { return m.c.begin(noContext, nil) }
func (m connBase) Close() error                             { return m.c.close() }

func (m connPrepare) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	return m.c.prepare(ctx, text)
}

func (m connBegin) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return m.c.begin(ctx, &opts)
}

func (m connExecLegacy) Exec(text string, args []driver.Value) (driver.Result, error) {
	return m.c.exec(noContext, text, ordinals(args))
}

func (m connExec) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	return m.c.exec(ctx, text, args)
}

func (m connCheck) CheckNamedValue(arg *driver.NamedValue) error { return m.c.check(arg) }

func (m connQueryLegacy) Query(text string, args []driver.Value) (driver.Rows, error) {
	return m.c.query(noContext, text, ordinals(args))
}

func (m connQueryContext) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	return m.c.query(ctx, text, args)
}

func (m connPing) Ping(ctx context.Context) error          { return m.c.ping(ctx) }
func (m connReset) ResetSession(ctx context.Context) error { return m.c.reset(ctx) }
func (m connValid) IsValid() bool                          { return m.c.isValid() }

// The mixins of statements.
type (
	stmtBase    struct{ s *stmt }
	stmtExec    struct{ s *stmt }
	stmtQuery   struct{ s *stmt }
	stmtCheck   struct{ s *stmt }
	stmtConvert struct{ s *stmt }
)

func (m stmtBase) Close() error  { return m.s.close() }
func (m stmtBase) NumInput() int { return m.s.numInput() }

func (m stmtBase) Exec(args []driver.Value) (driver.Result, error) {
	return m.s.exec(noContext, ordinals(args))
}

func (m stmtBase) Query(args []driver.Value) (driver.Rows, error) {
	return m.s.query(noContext, ordinals(args))
}

func (m stmtExec) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return m.s.exec(ctx, args)
}

func (m stmtQuery) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return m.s.query(ctx, args)
}

func (m stmtCheck) CheckNamedValue(arg *driver.NamedValue) error       { return m.s.check(arg) }
func (m stmtConvert) ColumnConverter(column int) driver.ValueConverter { return m.s.converter(column) }

// noContext is what the methods from before contexts have: it is never done.
var noContext = context.Background()

func ordinals(values []driver.Value) []driver.NamedValue {
	args := make([]driver.NamedValue, len(values))
	for i, v := range values {
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return args
}
