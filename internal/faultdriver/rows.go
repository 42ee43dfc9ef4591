package faultdriver

import (
	"database/sql/driver"
	"io"
	"reflect"
)

// Rows is what a query returns.
type Rows struct {
	// Sets are the result sets. A Rows without any has no columns and no rows.
	Sets []Set
	// CloseErr is returned by Close.
	CloseErr error
	// Typed rows have every optional interface of driver.Rows; others have none, so that only the first set can be seen.
	Typed bool
}

// Set is one result set.
type Set struct {
	Columns []string
	Rows    [][]driver.Value
	// Err ends the rows; nil is io.EOF.
	Err error
	// NextErr is what asking for this set returns, for all sets but the first; nil is success.
	NextErr error
}

// rows returns a function that makes the rows of an outcome; by default an echo of the statement.
func (c *conn) rows(text string, args []driver.NamedValue) func(Outcome, error) (driver.Rows, error) {
	// The arguments may be the caller's to change afterwards, so they are shown here.
	shown := showArgs(args)
	return func(o Outcome, err error) (driver.Rows, error) {
		if err != nil {
			return nil, err
		}
		r := o.Rows
		if r == nil {
			r = &Rows{Sets: []Set{{Columns: []string{"text", "args"}, Rows: [][]driver.Value{{text, shown}}}}}
		}
		open := &openRows{conn: c, rows: r}
		if r.Typed {
			return &typedRows{open}, nil
		}
		return open, nil
	}
}

// openRows is a Rows being read, without optional interfaces.
type openRows struct {
	conn   *conn
	rows   *Rows
	set    int
	row    int
	closed bool
}

func (r *openRows) current() Set {
	if r.set < len(r.rows.Sets) {
		return r.rows.Sets[r.set]
	}
	return Set{}
}

func (r *openRows) Columns() []string { return r.current().Columns }

func (r *openRows) Next(dest []driver.Value) error {
	defer r.conn.enter("rows.next")()
	if r.closed {
		r.conn.driver.violation("#%d: next of closed rows", r.conn.number)
	}
	set := r.current()
	if r.row >= len(set.Rows) {
		if set.Err != nil {
			return set.Err
		}
		return io.EOF
	}
	copy(dest, set.Rows[r.row])
	r.row++
	return nil
}

func (r *openRows) Close() error {
	if r.closed {
		r.conn.driver.violation("#%d: rows closed twice", r.conn.number)
	}
	r.closed = true
	if _, err := r.conn.do(noContext, Call{Op: RowsClose}); err != nil {
		return err
	}
	return r.rows.CloseErr
}

// typedRows has all optional interfaces.
type typedRows struct{ *openRows }

var (
	_ driver.RowsNextResultSet              = typedRows{}
	_ driver.RowsColumnTypeScanType         = typedRows{}
	_ driver.RowsColumnTypeDatabaseTypeName = typedRows{}
	_ driver.RowsColumnTypeLength           = typedRows{}
	_ driver.RowsColumnTypeNullable         = typedRows{}
	_ driver.RowsColumnTypePrecisionScale   = typedRows{}
)

func (r typedRows) HasNextResultSet() bool { return r.set+1 < len(r.rows.Sets) }

func (r typedRows) NextResultSet() error {
	defer r.conn.enter("rows.nextresultset")()
	if !r.HasNextResultSet() {
		return io.EOF
	}
	r.set++
	r.row = 0
	return r.current().NextErr
}

func (r typedRows) ColumnTypeScanType(int) reflect.Type { return reflect.TypeFor[uint16]() }

func (r typedRows) ColumnTypeDatabaseTypeName(i int) string { return "FAULT" + r.Columns()[i] }

func (r typedRows) ColumnTypeLength(i int) (int64, bool) { return int64(7 + i), true }

func (r typedRows) ColumnTypeNullable(i int) (nullable, ok bool) { return i%2 == 0, true }

func (r typedRows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	return int64(10 + i), 2, true
}
