package mysql

import (
	"database/sql/driver"
	"reflect"

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

// rowsOver is [dialect.Traits].RowsOver. The driver forgets the connection of rows that have been read to their end, or closed; nothing that it exports
// tells. Of rows that look different, nobody knows.
func rowsOver(_ driver.Conn, last driver.Rows) bool {
	if watched, ok := last.(*rows); ok {
		last = watched.realRows
	}
	if last == nil {
		return true
	}
	v := reflect.ValueOf(last)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return false
	}
	conn := v.Elem().FieldByName("mc")
	return conn.IsValid() && conn.Kind() == reflect.Pointer && conn.IsNil()
}
