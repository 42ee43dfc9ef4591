package dialling_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// What is being closed is still there, for the server and for pool_max_conns: also an idle connection, which has no permit.
func TestIdleConnectionsThatCloseSlowlyCountForMaxConns(t *testing.T) {
	dead := faultdriver.Outcome{Err: errors.New("dead"), Invalid: true}
	for name, tc := range map[string]struct {
		change  func(*policy.Pool)
		provoke func(t *testing.T, p pooltest.Pool) // has the idle connections closed
	}{
		"found dead by a ping": {
			change: func(s *policy.Pool) { s.Keepalive = time.Minute },
			provoke: func(_ *testing.T, p pooltest.Pool) {
				p.Fault.Next(faultdriver.Ping, dead, dead)
				time.Sleep(2 * time.Minute)
			},
		},
		"found dead by a borrower": {
			provoke: func(_ *testing.T, p pooltest.Pool) {
				p.Fault.Next(faultdriver.Ping, dead, dead)
				time.Sleep(time.Minute)
			},
		},
		"idle for too long": {
			change:  func(s *policy.Pool) { s.MaxConnIdleTime = time.Minute },
			provoke: func(*testing.T, pooltest.Pool) { time.Sleep(2 * time.Minute) },
		},
		"retired": {provoke: func(t *testing.T, p pooltest.Pool) { require.NoError(t, p.Connector.Evict("")) }},
		"retired, and some are to be ready": {
			change:  func(s *policy.Pool) { s.MinIdleConns = 2 },
			provoke: func(t *testing.T, p pooltest.Pool) { require.NoError(t, p.Connector.Evict("")) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) {
					s.MaxConns = 2
					if tc.change != nil {
						tc.change(s)
					}
				})
				synctest.Wait()
				p.Idle(t, 2)
				var mu sync.Mutex // guards most: several may be dialled at once
				most := 0
				p.Fault.Hook(faultdriver.Connect, func(context.Context, faultdriver.Call) faultdriver.Outcome {
					mu.Lock()
					defer mu.Unlock()
					most = max(most, len(p.Fault.OpenConns())+1)
					return faultdriver.Outcome{}
				})
				end := make(chan struct{})
				p.Fault.Always(faultdriver.Close, faultdriver.Outcome{Wait: end})
				tc.provoke(t, p)
				synctest.Wait()
				told := pooltest.Waiting(
					func() error { _, err := p.Exec("exec"); return err },
					func() error { _, err := p.Exec("exec"); return err },
					func() error { _, err := p.Exec("exec"); return err },
				)
				time.Sleep(3 * time.Second)
				close(end)
				for range 3 {
					require.NoError(t, <-told)
				}
				mu.Lock()
				defer mu.Unlock()
				assert.LessOrEqual(t, most, 2)
			})
		})
	}
}
