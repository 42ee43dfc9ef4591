package dialling_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

func TestOnlySoManyConnectionsAreDialledAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConns = 50 })
		var now, most atomic.Int64
		p.Fault.Hook(faultdriver.Connect, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Second)
			now.Add(-1)
			return faultdriver.Outcome{}
		})
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				_, err := p.Exec("exec")
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		assert.EqualValues(t, 4, most.Load())
		assert.LessOrEqual(t, p.EndpointStats().Open, 50)
	})
}

func TestDialIsTriedAgainWhileThereIsTimeToWait(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	tests := []struct {
		name    string
		err     error
		timeout time.Duration
		dials   int
		ok      bool
	}{
		{"a server that starts", refused, 30 * time.Second, 4, true},
		{"without pool_acquire_timeout, as the bare driver", refused, 0, 1, false},
		{"for an error that will not pass", errors.New("wrong password"), 30 * time.Second, 1, false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.AcquireTimeout = tc.timeout })
				p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Err: tc.err}, faultdriver.Outcome{Err: tc.err}, faultdriver.Outcome{Err: tc.err})
				began := time.Now()
				_, err := p.Exec("exec")
				if tc.ok {
					require.NoError(t, err)
					assert.NotZero(t, time.Since(began))
				} else {
					require.Equal(t, tc.err, err)
					assert.Zero(t, time.Since(began))
				}
				assert.EqualValues(t, tc.dials, p.EndpointStats().Dials)
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.AcquireTimeout = 5 * time.Second })
		p.Fault.Always(faultdriver.Connect, faultdriver.Outcome{Err: refused})
		began := time.Now()
		_, err := p.Exec("exec")
		require.Equal(t, refused, err, "the driver's error says more than a timeout")
		assert.LessOrEqual(t, time.Since(began), 5*time.Second)
		assert.Less(t, p.EndpointStats().Dials, uint64(12))
	})
}
