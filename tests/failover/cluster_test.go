package failover_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// errRefused is the answer of a server, or of a session, that does not write.
var errRefused = errors.New("read only")

const (
	write       = "write"
	writeAsRead = "write in a session that has asked for read only"
	question    = "does the server write?"
)

// clusterDialect is that of [cluster].
type clusterDialect struct{ dialect.Generic }

func init() { dialect.Register("fault driver of a cluster", clusterDialect{}) }

type clusterDriver struct{ driver.Driver }

func (clusterDialect) Owns(d driver.Driver) bool {
	_, ok := d.(clusterDriver)
	return ok
}

func (clusterDialect) Adopt(c driver.Connector) dialect.Server {
	return dialect.Server{Connector: c, Address: "name", Role: func(ctx context.Context, conn driver.Conn) (dialect.ServerRole, error) {
		result, err := conn.(driver.ExecerContext).ExecContext(ctx, question, nil)
		if err != nil {
			return dialect.RoleUnknown, err
		}
		role, err := result.RowsAffected()
		return dialect.ServerRole(role), err
	}}
}

func (clusterDialect) Classify(err error) dialect.ErrorClass {
	if err == errRefused {
		return dialect.Application | dialect.WriteRefused
	}
	return 0
}

// cluster is two servers, "old" and "new", behind one name. It begins with a name that leads to the old one, which writes.
type cluster struct {
	mu      sync.Mutex
	leadsTo string
	writing string
	of      map[int]string // the servers of the connections
	asked   []string       // the servers that were asked whether they write
	answers <-chan struct{}
}

// set changes who writes, and where the name leads.
func (c *cluster) set(writing, leadsTo string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing, c.leadsTo = writing, leadsTo
}

// questions are the servers that were asked since the last call.
func (c *cluster) questions() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.asked
	c.asked = nil
	return asked
}

func (c *cluster) connect(_ context.Context, call faultdriver.Call) faultdriver.Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[call.Conn] = c.leadsTo
	return faultdriver.Outcome{}
}

func (c *cluster) exec(_ context.Context, call faultdriver.Call) faultdriver.Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	server := c.of[call.Conn]
	switch {
	case call.Text == writeAsRead, call.Text == write && server != c.writing:
		return faultdriver.Outcome{Err: errRefused}
	case call.Text == question:
		c.asked = append(c.asked, server)
		role := dialect.RoleReplica
		if server == c.writing {
			role = dialect.RolePrimary
		}
		return faultdriver.Outcome{Wait: c.answers, Result: driver.RowsAffected(role)}
	default:
		return faultdriver.Outcome{}
	}
}

// newPool opens a pool on a cluster.
func newPool(t *testing.T, change func(*pooled.Config)) (pooltest.Pool, *cluster, *pooltest.LogBuffer) {
	t.Helper()
	log := &pooltest.LogBuffer{}
	c := &cluster{leadsTo: "old", writing: "old", of: map[int]string{}}
	p := pooltest.NewPoolOf(t, pooltest.Modern, func(cfg *pooled.Config) {
		cfg.Connector = pooltest.OwnedConnector{Connector: cfg.Connector, Of: clusterDriver{cfg.Connector.Driver()}}
		cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
		if change != nil {
			change(cfg)
		}
	})
	p.Fault.Hook(faultdriver.Connect, c.connect)
	p.Fault.Hook(faultdriver.Exec, c.exec)
	return p, c, log
}
