package postgres

import (
	"database/sql/driver"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// readTimestampsIn has a connection read timestamps without a time zone as times of a zone. pgx reads them as times of UTC.
func readTimestampsIn(conn driver.Conn, zone *time.Location) error {
	c, err := pgxConn(conn)
	if err != nil {
		return err
	}
	c.TypeMap().RegisterType(&pgtype.Type{Name: "timestamp", OID: pgtype.TimestampOID, Codec: &pgtype.TimestampCodec{ScanLocation: zone}})
	return nil
}
