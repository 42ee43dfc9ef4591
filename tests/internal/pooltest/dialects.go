package pooltest

import (
	"database/sql/driver"
	"errors"

	"github.com/gopooled/pooled/dialect"
)

// OwnedConnector is one whose driver tells the dialects apart that are below.
type OwnedConnector struct {
	driver.Connector
	Of driver.Driver
}

// Driver tells the dialect whose connector it is.
func (c OwnedConnector) Driver() driver.Driver { return c.Of }

// endingDialect takes one error for that of a server which ends a connection, and another for that of one which ends them all.
type endingDialect struct{ dialect.Generic }

// ErrEnded is that of one connection which the server of [Ending] ends.
var ErrEnded = errors.New("terminated by the server")

// ErrCrashed is that of a server which ends all of its connections.
var ErrCrashed = errors.New("crashed")

func init() { dialect.Register("fault driver that ends", endingDialect{}) }

type endingDriver struct{ driver.Driver }

// Ending makes a connector the dialect's.
func Ending(c driver.Connector) driver.Connector { return OwnedConnector{c, endingDriver{c.Driver()}} }

func (endingDialect) Owns(d driver.Driver) bool {
	_, ok := d.(endingDriver)
	return ok
}

func (endingDialect) Adopt(c driver.Connector) dialect.Server {
	return dialect.Server{Connector: c, Address: "ending"}
}

func (endingDialect) Classify(err error) dialect.ErrorClass {
	switch err {
	case ErrEnded:
		return dialect.Dead | dialect.ShuttingDown
	case ErrCrashed:
		return dialect.Dead | dialect.ShuttingDown | dialect.Crashed
	default:
		return 0
	}
}

// lingeringDialect is that of a driver which closes in the background, and of a server that never answers that.
type lingeringDialect struct{ dialect.Generic }

func init() { dialect.Register("fault driver that lingers", lingeringDialect{}) }

type lingeringDriver struct{ driver.Driver }

// Lingering makes a connector the dialect's.
func Lingering(c driver.Connector) driver.Connector {
	return OwnedConnector{c, lingeringDriver{c.Driver()}}
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
