package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
)

// The null driver answers at once and keeps nothing, so what is left of a call is database/sql and the wrapper. It has the interfaces
// that modern drivers have.

func init() { sql.Register("null", nullDB{}) }

type nullDB struct{}

func (nullDB) Open(string) (driver.Conn, error) { return &nullConn{}, nil }

// nullConn makes no garbage: its rows are part of it.
type nullConn struct{ rows nullRows }

var (
	_ driver.QueryerContext     = (*nullConn)(nil)
	_ driver.ExecerContext      = (*nullConn)(nil)
	_ driver.ConnPrepareContext = (*nullConn)(nil)
	_ driver.ConnBeginTx        = (*nullConn)(nil)
	_ driver.Pinger             = (*nullConn)(nil)
	_ driver.SessionResetter    = (*nullConn)(nil)
	_ driver.Validator          = (*nullConn)(nil)
	_ driver.NamedValueChecker  = (*nullConn)(nil)
)

func (c *nullConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	c.rows.left = 1
	return &c.rows, nil
}

func (c *nullConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.ResultNoRows, nil
}

func (c *nullConn) PrepareContext(context.Context, string) (driver.Stmt, error) {
	return nil, io.ErrUnexpectedEOF // the comparison prepares nothing
}

func (c *nullConn) Prepare(text string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), text)
}

func (c *nullConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	return nullTx{}, nil
}
func (c *nullConn) Begin() (driver.Tx, error)                { return nullTx{}, nil }
func (c *nullConn) Ping(context.Context) error               { return nil }
func (c *nullConn) ResetSession(context.Context) error       { return nil }
func (c *nullConn) IsValid() bool                            { return true }
func (c *nullConn) CheckNamedValue(*driver.NamedValue) error { return nil }
func (c *nullConn) Close() error                             { return nil }

type nullTx struct{}

func (nullTx) Commit() error   { return nil }
func (nullTx) Rollback() error { return nil }

// nullRows is one row with one number.
type nullRows struct{ left int }

var nullColumns = []string{"n"}

func (r *nullRows) Columns() []string { return nullColumns }
func (r *nullRows) Close() error      { return nil }

func (r *nullRows) Next(dest []driver.Value) error {
	if r.left == 0 {
		return io.EOF
	}
	r.left--
	dest[0] = int64(1)
	return nil
}
