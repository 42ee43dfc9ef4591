package mysql

import (
	"context"
	"database/sql/driver"
)

// writesSQL asks both families in one text, as placesSQL does. innodb_read_only is what tells a reader of Aurora.
const writesSQL = `select @@global.read_only, @@global.innodb_read_only` +
	` /*M!100002 , @@global.tx_read_only */` +
	` /*!50720 , @@global.super_read_only, @@global.transaction_read_only */`

// mayWrite is [dialect.Server].Writes. A user with the privilege to write all the same is refused nothing, so nobody asks.
func mayWrite(ctx context.Context, conn driver.Conn) (bool, error) {
	readOnly := false
	err := each(ctx, conn, writesSQL, func(row []driver.Value) {
		for _, v := range row {
			readOnly = readOnly || isOn(value(v))
		}
	})
	return err == nil && !readOnly, err
}
