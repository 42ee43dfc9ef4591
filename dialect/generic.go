package dialect

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
)

// Generic is the dialect of a driver that pooled knows nothing about. It claims nothing, so pooled relies only on what
// database/sql/driver documents.
type Generic struct {
	// DriverName is the driver's name in database/sql. Empty: Open fails.
	DriverName string
}

var _ Dialect = Generic{}

// Name returns "generic".
func (Generic) Name() string { return "generic" }

// Owns returns false: Generic is what is left when no dialect owns a driver.
func (Generic) Owns(driver.Driver) bool { return false }

// Open finds the driver in database/sql and makes a connector of the DSN as sql.Open does.
func (g Generic) Open(dsn string) (Server, error) {
	// database/sql gives a driver value away only through an opened DB, which has not connected yet.
	db, err := sql.Open(g.DriverName, dsn)
	if err != nil {
		return Server{}, err
	}
	d := db.Driver()
	if err := db.Close(); err != nil { // its connector may hold what the next one wants to open
		return Server{}, err
	}
	connector, err := ConnectorOf(d, dsn)
	if err != nil {
		return Server{}, err
	}
	return Server{Connector: connector, Address: g.DriverName}, nil
}

// Adopt names the server by the type of its driver, as nothing else is known of it.
func (Generic) Adopt(c driver.Connector) Server {
	return Server{Connector: c, Address: fmt.Sprintf("%T", c.Driver())}
}

// Classify knows network errors by their type. What they mean for the connection is the driver's to say.
func (Generic) Classify(err error) ErrorClass { return ClassifyNetwork(err) &^ Dead }

// Code returns an empty text: nobody knows the driver's errors.
func (Generic) Code(error) string { return "" }

// Gone returns nil.
func (Generic) Gone(driver.Conn) <-chan struct{} { return nil }

// State returns StateUnknown.
func (Generic) State(driver.Conn) ConnState { return StateUnknown }

// ConnectorOf returns a connector for a driver and its DSN, as sql.Open makes one.
func ConnectorOf(d driver.Driver, dsn string) (driver.Connector, error) {
	if dc, ok := d.(driver.DriverContext); ok {
		return dc.OpenConnector(dsn)
	}
	return dsnConnector{d, dsn}, nil
}

// dsnConnector dials drivers that have no driver.DriverContext.
type dsnConnector struct {
	driver driver.Driver
	dsn    string
}

func (c dsnConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c dsnConnector) Driver() driver.Driver                        { return c.driver }
