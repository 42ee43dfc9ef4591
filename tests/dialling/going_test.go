package pooled_test

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
)

// What is being closed is still there, for the server and for pool_max_conns: also an idle connection, which has no permit.
func TestIdleConnectionsThatCloseSlowlyCountForMaxConns(t *testing.T) {
	dead := faultdriver.Outcome{Err: errors.New("dead"), Invalid: true}
	for name, tc := range map[string]struct {
		change  func(*policy.Pool)
		provoke func(t *testing.T, p pool) // has the idle connections closed
	}{
		"found dead by a ping": {
			change: func(s *policy.Pool) { s.Keepalive = time.Minute },
			provoke: func(_ *testing.T, p pool) {
				p.driver.Next(faultdriver.Ping, dead, dead)
				time.Sleep(2 * time.Minute)
			},
		},
		"found dead by a borrower": {
			provoke: func(_ *testing.T, p pool) {
				p.driver.Next(faultdriver.Ping, dead, dead)
				time.Sleep(time.Minute)
			},
		},
		"idle for too long": {
			change:  func(s *policy.Pool) { s.MaxConnIdleTime = time.Minute },
			provoke: func(*testing.T, pool) { time.Sleep(2 * time.Minute) },
		},
		"retired": {provoke: func(t *testing.T, p pool) { require.NoError(t, p.connector.Evict("")) }},
		"retired, and some are to be ready": {
			change:  func(s *policy.Pool) { s.MinIdleConns = 2 },
			provoke: func(t *testing.T, p pool) { require.NoError(t, p.connector.Evict("")) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPool(t, modern, func(s *policy.Pool) {
					s.MaxConns = 2
					if tc.change != nil {
						tc.change(s)
					}
				})
				synctest.Wait()
				p.idle(t, 2)
				var mu sync.Mutex // guards most: several may be dialled at once
				most := 0
				p.driver.Hook(faultdriver.Connect, func(context.Context, faultdriver.Call) faultdriver.Outcome {
					mu.Lock()
					defer mu.Unlock()
					most = max(most, len(p.driver.OpenConns())+1)
					return faultdriver.Outcome{}
				})
				end := make(chan struct{})
				p.driver.Always(faultdriver.Close, faultdriver.Outcome{Wait: end})
				tc.provoke(t, p)
				synctest.Wait()
				told := waiting(
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
