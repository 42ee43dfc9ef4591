package pooled

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/gopooled/pooled/internal/session"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/routing"
)

func init() {
	sql.Register("pooled", Driver{})
	sql.Register("pooled-pgx", Driver{real: "pgx"})
	sql.Register("pooled-mysql", Driver{real: "mysql"})
}

// Driver is what database/sql knows as "pooled", "pooled-pgx" and "pooled-mysql". Programs use it by these names, with sql.Open; the
// zero value is "pooled".
type Driver struct {
	real string // the real driver's name; empty: the DSN says which
}

var _ driver.DriverContext = Driver{}

// OpenConnector is called by sql.Open. It fails on a bad DSN, and does not connect.
func (d Driver) OpenConnector(dsn string) (driver.Connector, error) {
	cfg, err := d.parse(dsn)
	if err != nil {
		return nil, err
	}
	c, err := NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	c.driver = d
	return c, nil
}

func (d Driver) parse(dsn string) (Config, error) {
	if d.real != "" {
		return policy.ParseDSNFor(d.real, dsn)
	}
	return policy.ParseDSN(dsn)
}

// Open makes a connection with a pool of its own, which is closed with it. database/sql does not call it; use sql.Open.
func (d Driver) Open(dsn string) (driver.Conn, error) {
	c, err := d.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	connector := c.(*Connector)
	conn, err := connector.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	return ownPool{conn.(*session.Session), connector}, nil
}

// ownPool is a session that takes its connector along when it is closed.
type ownPool struct {
	*session.Session
	connector *Connector
}

func (o ownPool) Close() error {
	return errors.Join(o.Session.Close(), o.connector.Close())
}

// connectorDriver is what db.Driver() returns for a pooled DB: the driver, and the way to the connector.
type connectorDriver struct {
	Driver
	connector *Connector
}

// Explain tells where a statement would go, if anything is routed: see [routing.Explain].
func (d connectorDriver) Explain(text string) (decision routing.Decision, ok bool) {
	if d.connector.router == nil {
		return routing.Decision{}, false
	}
	return d.connector.router.Explain(text), true
}

// From returns the connector behind a DB that was opened with pooled, and whether there is one.
func From(db *sql.DB) (*Connector, bool) {
	d, ok := db.Driver().(connectorDriver)
	return d.connector, ok
}

// Raw calls f with the real driver's connection, such as *stdlib.Conn of pgx, for what database/sql has no way to: CopyFrom,
// batches, LISTEN. If conn holds no server connection yet, it takes one, for which ctx is used. conn is an
// *sql.Conn of a pooled DB, or of a DB whose driver wraps pooled and offers Raw or Unwrap.
//
// As with sql.Conn.Raw, the connection must not be used after f returns, and driver.ErrBadConn from f discards it. Nobody can
// know what f did to the session, so its state counts as unknown until conn is closed.
func Raw(ctx context.Context, conn *sql.Conn, f func(real driver.Conn) error) error {
	return conn.Raw(func(dc any) error {
		s := unwrap(dc)
		if s == nil {
			return ErrNotPooled
		}
		real, err := s.RawContext(ctx)
		if err != nil {
			return err
		}
		defer s.EndRaw()
		return f(real)
	})
}

// unwrap finds the session under what other wrappers put around it, by the two methods that they offer.
func unwrap(dc any) *session.Session {
	for {
		switch c := dc.(type) {
		case *session.Session:
			return c
		case ownPool:
			return c.Session
		case interface{ Raw() driver.Conn }:
			dc = c.Raw()
		case interface{ Unwrap() driver.Conn }:
			dc = c.Unwrap()
		default:
			return nil
		}
	}
}
