// Package dials is put around all the ways in which a server is dialled.
package dials

import (
	"context"
	"database/sql/driver"
	"io"

	"github.com/gopooled/pooled/dialect"
)

// Wrap calls dial, with what it asks it for in the context. It may call it again if it fails. An error of dial is returned as it is.
type Wrap func(ctx context.Context, dial func(context.Context) error) error

// Around returns a server with wrap around each dial: of a connection, of a monitor, and of what ends statements.
func Around(s dialect.Server, wrap Wrap) dialect.Server {
	s.Connector = connector{s.Connector, wrap}
	s.Dial = around(s.Dial, wrap)
	s.DialThrough = around(s.DialThrough, wrap)
	if real := s.Cancel; real != nil {
		cancel := *real
		cancel.Statement = func(ctx context.Context, id string) error {
			return wrap(ctx, func(ctx context.Context) error { return real.Statement(ctx, id) })
		}
		s.Cancel = &cancel
	}
	return s
}

type dial = func(context.Context) (driver.Conn, *dialect.Socket, error)

func around(real dial, wrap Wrap) dial {
	if real == nil {
		return nil
	}
	return func(ctx context.Context) (conn driver.Conn, socket *dialect.Socket, err error) {
		err = wrap(ctx, func(ctx context.Context) error {
			conn, socket, err = real(ctx)
			return err
		})
		return conn, socket, err
	}
}

// connector has wrap around the dials of another.
type connector struct {
	driver.Connector
	wrap Wrap
}

// Connect dials the server.
func (c connector) Connect(ctx context.Context) (conn driver.Conn, err error) {
	err = c.wrap(ctx, func(ctx context.Context) error {
		conn, err = c.Connector.Connect(ctx)
		return err
	})
	return conn, err
}

// Close closes the other, if that is to be done.
func (c connector) Close() error {
	if closer, ok := c.Connector.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}
