package mysql

import (
	"database/sql/driver"
	"reflect"
)

// rowsOver is [dialect.Traits].RowsOver. The driver forgets the connection of rows that have been read to their end, or closed; nothing that it exports
// tells. Of rows that look different, nobody knows.
func rowsOver(_ driver.Conn, rows driver.Rows) bool {
	if rows == nil {
		return true
	}
	v := reflect.ValueOf(rows)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return false
	}
	conn := v.Elem().FieldByName("mc")
	return conn.IsValid() && conn.Kind() == reflect.Pointer && conn.IsNil()
}
