package mysql

import (
	"database/sql/driver"

	"github.com/gopooled/pooled/dialect"
)

// realRows are what rows of go-sql-driver/mysql can do.
type realRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
	driver.RowsNextResultSet
}

// rows are those of a statement that may be ended on the server.
type rows struct {
	realRows
	watch dialect.RowsWatch
}

// watchRows makes rows of the real driver's.
func watchRows(real driver.Rows, watch dialect.RowsWatch) driver.Rows {
	if known, ok := real.(realRows); ok {
		return &rows{known, watch}
	}
	return nil
}

// Next reads a row.
func (r *rows) Next(dest []driver.Value) error { return r.watch.Read(r, r.realRows.Next(dest)) }

// NextResultSet goes on to the next result.
func (r *rows) NextResultSet() error { return r.watch.Read(r, r.realRows.NextResultSet()) }

// Close ends the reading.
func (r *rows) Close() error {
	err := r.realRows.Close()
	r.watch.Closed(r, err)
	return err
}
