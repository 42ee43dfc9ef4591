package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync/atomic"

	"github.com/gopooled/pooled/dialect"
)

// openCounting is sql.Open with a connector that counts, because database/sql itself does not.
func openCounting(driverName, dsn string) (*sql.DB, *countingConnector, error) {
	db, err := sql.Open(driverName, dsn) // to find the driver that has this name; it does not connect
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	real, err := dialect.ConnectorOf(db.Driver(), dsn)
	if err != nil {
		return nil, nil, err
	}
	counting := &countingConnector{Connector: real}
	return sql.OpenDB(counting), counting, nil
}

// countingConnector counts the connections that a DB opens.
type countingConnector struct {
	driver.Connector
	dials atomic.Int64
}

// Connect is called by database/sql whenever it has no idle connection left.
func (c *countingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	c.dials.Add(1)
	return c.Connector.Connect(ctx)
}
