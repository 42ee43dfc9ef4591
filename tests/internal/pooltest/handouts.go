package pooltest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/middleware"
)

// RequireAllPermits uses as many connections as there are permits, at once. Whoever has the real connection is not reclaimed.
func RequireAllPermits(t *testing.T, db *sql.DB, connector *pooled.Connector, permits int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var arrived, done sync.WaitGroup
	arrived.Add(permits)
	allThere := make(chan struct{})
	for range permits {
		done.Go(func() {
			conn, err := db.Conn(ctx)
			if !assert.NoError(t, err) {
				return
			}
			defer conn.Close()
			assert.NoError(t, pooled.Raw(ctx, conn, func(driver.Conn) error {
				arrived.Done()
				select {
				case <-allThere:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}), "a permit is lost")
		})
	}
	go func() {
		arrived.Wait()
		close(allThere)
	}()
	done.Wait()
	assert.LessOrEqual(t, connector.Stats().Endpoints[0].Open, permits)
}

// Handouts watches that no server connection has two borrowers.
type Handouts struct {
	Now, Most atomic.Int64

	mu     sync.Mutex // guards what follows
	owner  map[uint64]middleware.Session
	double []string
}

// Middleware watches a pool. It is composed once.
func (h *Handouts) Middleware() pooled.Middleware {
	h.owner = map[uint64]middleware.Session{}
	return pooled.Middleware{
		Name: "handouts",
		Acquire: func(next middleware.AcquireFunc) middleware.AcquireFunc {
			return func(ctx context.Context, a *middleware.Acquisition) error {
				if err := next(ctx, a); err != nil {
					return err
				}
				if n := h.Now.Add(1); n > h.Most.Load() {
					h.Most.Store(n)
				}
				h.mu.Lock()
				defer h.mu.Unlock()
				if h.owner[a.Conn.ID()] != nil {
					h.double = append(h.double, fmt.Sprintf("connection %d", a.Conn.ID()))
				}
				h.owner[a.Conn.ID()] = a.Session
				return nil
			}
		},
		Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
			return func(r *middleware.Release) {
				h.Now.Add(-1)
				h.mu.Lock()
				delete(h.owner, r.Conn.ID())
				h.mu.Unlock()
				next(r)
			}
		},
	}
}

// Violations lists the connections that two borrowers had at once.
func (h *Handouts) Violations() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.double
}
