package mysql

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/go-sql-driver/mysql"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement/my"
)

// connector dials with the driver's own, and makes sessions read-only where that is asked for.
type connector struct {
	driver.Connector
	through dial // where a dial is asked for a network connection of the program; nil: none is
}

// dial dials through a socket.
type dial = func(context.Context) (driver.Conn, *dialect.Socket, error)

// Connect dials the server.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	if c.through != nil && dialect.DialerOf(ctx) != nil {
		conn, _, err := c.through(ctx)
		return conn, err
	}
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return asAsked(ctx, conn)
}

// Close closes the connector, if that is to be done.
func (c connector) Close() error {
	if closer, ok := c.Connector.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// logIn has a dial log in as it is asked to. The driver calls it with a copy of the configuration.
func logIn(ctx context.Context, cfg *mysql.Config) error {
	if login, ok := dialect.LoginOf(ctx); ok {
		cfg.User, cfg.Passwd = cmp.Or(login.User, cfg.User), login.Password
	}
	return nil
}

// realConn is what a connection of go-sql-driver/mysql can do.
type realConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// readOnlyConn is one whose sessions are read-only. The type is how Reset knows.
type readOnlyConn struct{ realConn }

// asAsked makes the session of a connection that was just dialled read-only, if the dial is asked for that.
func asAsked(ctx context.Context, conn driver.Conn) (driver.Conn, error) {
	if !dialect.WantsReadOnly(ctx) {
		return conn, nil
	}
	real, ok := conn.(realConn)
	err := fmt.Errorf("pooled: %T is not a connection of go-sql-driver/mysql", conn)
	if ok {
		err = exec(ctx, conn, "set session transaction read only")
	}
	if err != nil {
		_ = conn.Close() // err is the reason
		return nil, err
	}
	return readOnlyConn{real}, nil
}

// dialer dials through a socket: that of the network connection which the program makes, if the dial is asked for one, or else of one of its own, whatever
// mysql.RegisterDialContext says of the networks tcp and unix.
func dialer(cfg *mysql.Config) (dial, error) {
	cfg = cfg.Clone()
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		dial := dialect.DialerOf(ctx)
		if dial == nil {
			dial = new(net.Dialer).DialContext
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		socket := dialect.NewSocket(conn)
		if dialled, ok := ctx.Value(dialledKey{}).(**dialect.Socket); ok {
			*dialled = socket
		}
		if _, ok := conn.(syscall.Conn); !ok {
			return plain{socket}, nil
		}
		return socket, nil
	}
	real, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (driver.Conn, *dialect.Socket, error) {
		var socket *dialect.Socket
		conn, err := connector{Connector: real}.Connect(context.WithValue(ctx, dialledKey{}, &socket))
		return conn, socket, err
	}, nil
}

// plain hides that a socket has the method SyscallConn: the driver asks it whether an idle connection is alive, and takes the error of one that cannot tell for that of a dead
// one. Where there is no such method it does not ask.
type plain struct{ net.Conn }

// dialledKey finds, in the context of a dial, where to leave the socket.
type dialledKey struct{}

// loginEffects is what the driver does to a session by the DSN's parameters that it does not know, which it sends as assignments.
func loginEffects(cfg *mysql.Config) (effects dialect.Effects) {
	for name, value := range cfg.Params {
		effects |= my.Parse("set " + name + " = " + value).Effects
	}
	return effects
}
