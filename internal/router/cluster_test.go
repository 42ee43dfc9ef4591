package router

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/routecontext"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// errBarred says that a server lets nobody in.
var errBarred = errors.New("wrong password")

// cluster is a router over servers of the tests. The first is the primary.
type cluster struct {
	*Router
	servers []*fakeServer
	log     lockedBuffer
	stop    context.CancelFunc
	group   sync.WaitGroup
}

// lockedBuffer is a log that can be read while monitors write it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lockedBuffer) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

func newCluster(t *testing.T, n int, change func(*policy.Routing)) *cluster {
	t.Helper()
	return newClusterOf(t, n, change, func([]*fakeServer) {})
}

// newClusterOf makes a cluster of servers that are not well when it begins.
func newClusterOf(t *testing.T, n int, change func(*policy.Routing), begin func([]*fakeServer)) *cluster {
	t.Helper()
	c := &cluster{}
	var ctx context.Context
	ctx, c.stop = context.WithCancel(t.Context())
	o := Options{
		Policy: policy.NewConfig().Routing, Cluster: fakeCluster{}, Mask: func(s string) string { return s },
		Classify: func(err error) dialect.ErrorClass {
			if err == errBarred {
				return dialect.Application | dialect.Misconfigured
			}
			return 0
		}, Logger: slog.New(slog.NewTextHandler(&c.log, nil)),
	}
	if change != nil {
		change(&o.Policy)
	}
	for i := range n {
		f := &fakeServer{sight: dialect.Sight{Role: dialect.RoleReplica, Cluster: "c", Position: place(1)}}
		if i == 0 {
			f.sight.Role = dialect.RolePrimary
		}
		c.servers = append(c.servers, f)
		o.Servers = append(o.Servers, Server{
			Info:        &middleware.Endpoint{Name: fmt.Sprintf("s%d", i)},
			Dialect:     dialect.Server{Connector: f, Replication: f, Sessions: fakeSessions{}},
			SetReadOnly: func(on bool) { f.set(func(f *fakeServer) { f.readOnly = on }) },
			Sever:       func() { f.set(func(f *fakeServer) { f.severed++ }) },
			CutOff:      func() bool { f.mu.Lock(); defer f.mu.Unlock(); return f.cutOff },
			Background: func(run func(context.Context)) bool {
				c.group.Go(func() { run(ctx) })
				return true
			},
		})
	}
	begin(c.servers)
	for i, f := range c.servers {
		if f.sessions != nil {
			o.Servers[i].Dialect.Sessions = f.sessions
		}
	}
	c.Router = New(o)
	t.Cleanup(func() { c.stop(); c.group.Wait() })
	require.NoError(t, c.Ready(t.Context()))
	synctest.Wait()
	return c
}

// chosen counts where reads go.
func (c *cluster) chosen(o routecontext.Says, reads int) map[string]int {
	n := map[string]int{}
	for range reads {
		if m := c.choose(o, 0); m != nil {
			n[m.Info.Name]++
		} else {
			n[""]++
		}
	}
	return n
}

// write marks a moment.
func (c *cluster) write(o routecontext.Says) { c.noteWrite(o) }

// read has a session read from a server.
func (c *cluster) read(s routecontext.Says, m *member) {
	c.hasRead(s.Session, m, m.incarnation.Load(), c.now())
}

// at has servers reach a place.
func (c *cluster) at(p place, servers ...int) {
	for _, i := range servers {
		c.servers[i].set(func(f *fakeServer) { f.sight.Position = p })
	}
}
