package pooltest

import (
	"log/slog"
	"sync"
	"testing"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/faultdriver"
)

// LeakPool is a pool whose leaks are collected.
type LeakPool struct {
	Pool
	Sockets *SocketDriver
	Log     LogBuffer
	mu      sync.Mutex // guards leaks
	leaks   []held.Leak
}

// NewLeakPool is [NewPoolOf] with sockets, and the stack of each borrow.
func NewLeakPool(t *testing.T, change func(*pooled.Config)) *LeakPool {
	t.Helper()
	p := &LeakPool{}
	p.Pool = NewPoolOf(t, Modern, func(c *pooled.Config) {
		p.Sockets = &SocketDriver{Fault: c.Connector.(*faultdriver.Driver)}
		c.Connector = p.Sockets
		c.Leak.Sample = 1
		c.Logger = slog.New(slog.NewTextHandler(&p.Log, nil))
		c.OnLeak = func(l held.Leak) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.leaks = append(p.leaks, l)
		}
		if change != nil {
			change(c)
		}
		if c.Leak.Threshold == 0 {
			c.Leak.Sample = pooled.NewConfig().Leak.Sample // no stack is captured, and to ask for more is a contradiction
		}
	})
	return p
}

// Reported returns what was reported so far.
func (p *LeakPool) Reported() []held.Leak {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leaks
}
