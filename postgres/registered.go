package postgres

import (
	"context"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopooled/pooled/dialect"
)

// registeredConfig begins the names that stdlib.RegisterConnConfig gives out.
const registeredConfig = "registeredConnConfig"

// openRegistered makes a server of such a name, which is also what the server is called, as nobody but pgx knows where it is.
func openRegistered(name string) dialect.Server {
	r := &registered{name: name, asking: make(chan struct{}, 1)}
	c := connector{r.config}
	t := traits
	t.SendsText = sendsText(pgx.QueryExecModeCacheStatement) // it may be that one
	sessions := newSessions()
	return dialect.Server{
		Connector: c, Dial: c.dial, Address: name, Traits: t, Plan: sessions.plan, Sessions: sessions, Dialled: sessions.dialled, Advice: advice,
		ContextError: contextError, EndedIdle: endedIdle, ReadTimestampsIn: readTimestampsIn, Replication: &replication{}, Capacity: capacity, Role: role,
	}
}

// registered is a configuration that was given to stdlib.RegisterConnConfig. pgx keeps those to itself, but a connection that it has made tells its
// own. So the first dial has pgx make one, which is closed again; the others are like those with a DSN.
type registered struct {
	name   string
	asking chan struct{} // holds a value while somebody finds out
	found  atomic.Pointer[pgx.ConnConfig]
}

func (r *registered) config(ctx context.Context) (*pgx.ConnConfig, error) {
	if cfg := r.found.Load(); cfg != nil {
		return cfg.Copy(), nil
	}
	select {
	case r.asking <- struct{}{}:
		defer func() { <-r.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if r.found.Load() == nil {
		cfg, err := configOf(ctx, r.name)
		if err != nil {
			return nil, err
		}
		r.found.Store(cfg)
	}
	return r.found.Load().Copy(), nil
}

// configOf has pgx dial, and tells the configuration.
func configOf(ctx context.Context, name string) (*pgx.ConnConfig, error) {
	connector, err := stdlib.GetDefaultDriver().(*stdlib.Driver).OpenConnector(name)
	if err != nil {
		return nil, err
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c := conn.(*stdlib.Conn).Conn()
	cfg := c.Config()
	if f := runtime.FuncForPC(reflect.ValueOf(cfg.OnNotification).Pointer()); f != nil && strings.Contains(f.Name(), "bufferNotifications") {
		cfg.OnNotification = nil // it is that connection's buffer, which pgx gives to each where there is no function of a program's
	}
	leave(c)
	return cfg, nil
}

// leaveTimeout is how long a server has to end a session that says goodbye.
const leaveTimeout = time.Second

// leave closes a connection, and waits until the server has ended the session: the next one may be the last that it allows.
func leave(c *pgx.Conn) {
	under := c.PgConn().Conn()
	_ = under.SetDeadline(time.Now().Add(leaveTimeout)) // as below: whatever happens, it is closed
	c.PgConn().Frontend().Send(&pgproto3.Terminate{})
	if c.PgConn().Frontend().Flush() == nil {
		_, _ = under.Read(make([]byte, 1))
	}
	_ = c.PgConn().Close(context.Background())
}
