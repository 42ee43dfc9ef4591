package pooltest

import (
	"database/sql/driver"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/policy"
)

// ErrReset is that of a connection which the server has reset, and ErrNobody that of a dial where nobody listens.
var (
	ErrReset  = &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	ErrNobody = &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
)

// BreakerPool is a pool with a breaker, whose changes are collected.
type BreakerPool struct {
	Pool
	Log     LogBuffer
	mu      sync.Mutex // guards changes
	changes []policy.BreakerChange
}

// NewBreakerPool is [NewPoolOf] with the breaker on.
func NewBreakerPool(t *testing.T, change func(*pooled.Config)) *BreakerPool {
	t.Helper()
	p := &BreakerPool{}
	p.Pool = NewPoolOf(t, Modern, func(c *pooled.Config) {
		c.Breaker.On = true
		c.Logger = slog.New(slog.NewTextHandler(&p.Log, nil))
		c.OnStateChange = func(change policy.BreakerChange) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.changes = append(p.changes, change)
		}
		if change != nil {
			change(c)
		}
	})
	return p
}

// States are the changes so far, as words.
func (p *BreakerPool) States() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.changes {
		all = append(all, c.From.String()+" to "+c.To.String())
	}
	return all
}

// Fail makes n calls that fail with err.
func (p *BreakerPool) Fail(t *testing.T, op faultdriver.Op, err error, n int) {
	t.Helper()
	for range n {
		p.Fault.Next(op, faultdriver.Outcome{Err: err})
		_, got := p.Exec("exec")
		require.Equal(t, err, got)
	}
}

// RequireOpen makes a call, which the breaker must refuse before it reaches the driver, and returns the error.
func (p *BreakerPool) RequireOpen(t *testing.T) *pooled.BreakerOpenError {
	t.Helper()
	synctest.Wait()
	calls := len(p.Fault.Calls())
	_, err := p.Exec("exec")
	var open *pooled.BreakerOpenError
	require.ErrorAs(t, err, &open)
	require.ErrorIs(t, err, pooled.ErrBreakerOpen)
	require.NotErrorIs(t, err, driver.ErrBadConn)
	assert.Len(t, p.Fault.Calls(), calls, "nothing reaches the driver")
	return open
}
