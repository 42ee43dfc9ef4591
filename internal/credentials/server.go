package credentials

import (
	"context"
	"database/sql/driver"
	"io"

	"github.com/gopooled/pooled/dialect"
)

// Server returns the server with all its dials logging in with what the keeper says: those of connections, of monitors, and of [dialect.Cancel].
func (k *Keeper) Server(s dialect.Server) dialect.Server {
	s.Connector = connector{s.Connector, k}
	if dial := s.Dial; dial != nil {
		s.Dial = func(ctx context.Context) (conn driver.Conn, socket *dialect.Socket, err error) {
			err = k.Login(ctx, func(ctx context.Context) error {
				conn, socket, err = dial(ctx)
				return err
			})
			return conn, socket, err
		}
	}
	if real := s.Cancel; real != nil {
		cancel := *real
		cancel.Statement = func(ctx context.Context, id string) error {
			return k.Login(ctx, func(ctx context.Context) error { return real.Statement(ctx, id) })
		}
		s.Cancel = &cancel
	}
	return s
}

// connector has the dials of another log in.
type connector struct {
	driver.Connector
	keeper *Keeper
}

// Connect dials the server.
func (c connector) Connect(ctx context.Context) (conn driver.Conn, err error) {
	err = c.keeper.Login(ctx, func(ctx context.Context) error {
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
