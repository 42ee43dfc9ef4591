package pooled_test

import (
	"database/sql/driver"
	"errors"

	"github.com/gopooled/pooled/dialect"
)

// ownedConnector is one whose driver tells the dialects apart that are below.
type ownedConnector struct {
	driver.Connector
	driver driver.Driver
}

func (c ownedConnector) Driver() driver.Driver { return c.driver }

// endingDialect takes one error for that of a server which ends a connection, and another for that of one which ends them all.
type endingDialect struct{ dialect.Generic }

var errEnded, errCrashed = errors.New("terminated by the server"), errors.New("crashed")

func init() { dialect.Register("fault driver that ends", endingDialect{}) }

type endingDriver struct{ driver.Driver }

// ending makes a connector the dialect's.
func ending(c driver.Connector) driver.Connector { return ownedConnector{c, endingDriver{c.Driver()}} }

func (endingDialect) Owns(d driver.Driver) bool {
	_, ok := d.(endingDriver)
	return ok
}

func (endingDialect) Adopt(c driver.Connector) dialect.Server {
	return dialect.Server{Connector: c, Address: "ending"}
}

func (endingDialect) Classify(err error) dialect.ErrorClass {
	switch err {
	case errEnded:
		return dialect.Dead | dialect.ShuttingDown
	case errCrashed:
		return dialect.Dead | dialect.ShuttingDown | dialect.Crashed
	default:
		return 0
	}
}

// lingeringDialect is that of a driver which closes in the background, and of a server that never answers that.
type lingeringDialect struct{ dialect.Generic }

func init() { dialect.Register("fault driver that lingers", lingeringDialect{}) }

type lingeringDriver struct{ driver.Driver }

// lingering makes a connector the dialect's.
func lingering(c driver.Connector) driver.Connector {
	return ownedConnector{c, lingeringDriver{c.Driver()}}
}

func (lingeringDialect) Owns(d driver.Driver) bool {
	_, ok := d.(lingeringDriver)
	return ok
}

func (lingeringDialect) Adopt(c driver.Connector) dialect.Server {
	return dialect.Server{Connector: c, Address: "lingering"}
}

func (lingeringDialect) Classify(err error) dialect.ErrorClass { return dialect.ClassifyNetwork(err) }

func (lingeringDialect) Gone(driver.Conn) <-chan struct{} { return make(chan struct{}) }
