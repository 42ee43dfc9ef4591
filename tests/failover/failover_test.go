package failover_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// replaced is what is logged.
const replaced = "connections are replaced, because their server refuses to write"

// exec is a call, and waits for what follows from it.
func exec(t *testing.T, p pooltest.Pool, text string) error {
	t.Helper()
	_, err := p.ExecContext(t.Context(), text)
	synctest.Wait()
	return err
}

func TestARefusedWriteRetiresAllConnectionsIfTheNameLeadsToAServerThatWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c, log := newPool(t, nil)
		held := p.Hold(t, 2)
		p.Idle(t, 4)
		c.set("new", "new")
		assert.Same(t, errRefused, exec(t, p, write), "the driver's own error, once")
		assert.Equal(t, []string{"old", "new"}, c.questions())
		assert.Equal(t, []int{1, 2, 7}, p.Fault.OpenConns(), "those in use, and the one that was asked last, which serves the next caller")
		require.NoError(t, exec(t, p, write))
		_, err := held[0].ExecContext(t.Context(), "read")
		require.NoError(t, err, "who has a connection keeps it")
		for _, conn := range held {
			require.NoError(t, conn.Close())
		}
		synctest.Wait()
		assert.Equal(t, []int{7}, p.Fault.OpenConns())
		assert.EqualValues(t, 6, p.EndpointStats().Closed.Demoted)
		assert.Zero(t, p.EndpointStats().Closed.Retired)
		assert.Equal(t, 1, strings.Count(log.String(), replaced), log)
	})
}

func TestABurstOfRefusedWritesAsksOnceAndGoesToNobodyElseMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c, log := newPool(t, nil)
		held := p.Hold(t, 5)
		answers := make(chan struct{})
		c.answers = answers
		c.set("new", "new")
		for _, conn := range held {
			_, err := conn.ExecContext(t.Context(), write)
			require.Same(t, errRefused, err)
			require.NoError(t, conn.Close())
		}
		synctest.Wait()
		assert.Equal(t, 5, p.EndpointStats().InUse)
		close(answers)
		synctest.Wait()
		assert.Equal(t, []string{"old", "new"}, c.questions())
		assert.EqualValues(t, 5, p.EndpointStats().Closed.Demoted)
		assert.Equal(t, 1, strings.Count(log.String(), replaced), log)
	})
}

func TestASessionThatAskedForReadOnlyRetiresNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c, log := newPool(t, nil)
		p.Idle(t, 3)
		for range 3 {
			assert.Same(t, errRefused, exec(t, p, writeAsRead))
			assert.Equal(t, []string{"old"}, c.questions(), "its server, and no new connection")
		}
		assert.EqualValues(t, 3, p.EndpointStats().Dials)
		assert.Equal(t, 3, p.EndpointStats().Idle)
		assert.NotContains(t, log.String(), replaced)
	})
}

func TestAServerThatNewConnectionsLeadToAsWellKeepsItsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c, log := newPool(t, nil)
		p.Idle(t, 3)
		c.set("new", "old")
		assert.Same(t, errRefused, exec(t, p, write))
		assert.Equal(t, []string{"old", "old"}, c.questions())
		for range 100 {
			assert.Same(t, errRefused, exec(t, p, write))
		}
		assert.Empty(t, c.questions(), "nobody asks again for a second")
		assert.Equal(t, []int{1, 2, 3}, p.Fault.OpenConns())
		time.Sleep(time.Second)
		c.set("new", "new")
		assert.Same(t, errRefused, exec(t, p, write))
		assert.Equal(t, []string{"old", "new"}, c.questions())
		require.NoError(t, exec(t, p, write))
		assert.Equal(t, 1, strings.Count(log.String(), replaced), log)
	})
}

func TestWhileTheNameLeadsNowhereTheConnectionsServeReads(t *testing.T) {
	for name, dial := range map[string]faultdriver.Outcome{
		"refused": {Err: errors.New("connection refused")},
		"silent":  {Wait: make(chan struct{})},
		"panic":   {Panic: "of the driver"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if dial.Wait != nil {
					dial.Wait = make(chan struct{}) // the bubble's own
				}
				p, c, log := newPool(t, func(cfg *pooled.Config) { cfg.Pool.MaxConns = 1 })
				p.Idle(t, 1)
				c.set("new", "new")
				p.Fault.Next(faultdriver.Connect, dial)
				assert.Same(t, errRefused, exec(t, p, write))
				began := time.Now()
				require.NoError(t, exec(t, p, "read"))
				assert.LessOrEqual(t, time.Since(began), time.Second)
				assert.Equal(t, []int{1}, p.Fault.OpenConns())
				assert.NotContains(t, log.String(), replaced)
				time.Sleep(time.Second)
				assert.Same(t, errRefused, exec(t, p, write))
				require.NoError(t, exec(t, p, write))
			})
		})
	}
}

// The server did not tell: that is neither yes nor no.
func TestAnAnswerThatDoesNotComeCostsTheConnectionAlone(t *testing.T) {
	for name, answer := range map[string]faultdriver.Outcome{
		"silent": {Wait: make(chan struct{})},
		"panic":  {Panic: "of the driver"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if answer.Wait != nil {
					answer.Wait = make(chan struct{})
				}
				p, c, log := newPool(t, nil)
				p.Idle(t, 3)
				c.set("new", "new")
				p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Err: errRefused}, answer)
				_, err := p.ExecContext(t.Context(), write)
				assert.Same(t, errRefused, err)
				time.Sleep(time.Second)
				synctest.Wait()
				assert.Len(t, p.Fault.OpenConns(), 2)
				assert.NotContains(t, log.String(), replaced)
				assert.Same(t, errRefused, exec(t, p, write))
				require.NoError(t, exec(t, p, write), "who asks next is told")
			})
		})
	}
}

func TestAPoolOfOneConnectionComesOverAFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c, _ := newPool(t, func(cfg *pooled.Config) { cfg.Pool.MaxConns = 1 })
		p.Idle(t, 1)
		c.set("new", "new")
		assert.Same(t, errRefused, exec(t, p, write))
		require.NoError(t, exec(t, p, write))
		assert.Equal(t, 1, p.EndpointStats().Open)
	})
}

// A name may lead to a primary and its replicas in turn: no connection is any better for being new.
func TestConnectionsAreReplacedLessAndLessOftenWhereThatDoesNotHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c, log := newPool(t, nil)
		for range 10 * 60 {
			c.set("new", "old")
			p.Idle(t, 1)
			c.set("new", "new")
			_ = exec(t, p, write)
			require.NoError(t, p.Connector.Evict(""))
			time.Sleep(time.Second)
		}
		times := strings.Count(log.String(), replaced)
		assert.Greater(t, times, 5)
		assert.Less(t, times, 20, "in ten minutes")
	})
}

func TestCloseDoesNotWaitForAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c, _ := newPool(t, nil)
		p.Idle(t, 3)
		c.answers = make(chan struct{})
		c.set("new", "new")
		assert.Same(t, errRefused, exec(t, p, write))
		began := time.Now()
		require.NoError(t, p.Close())
		assert.Zero(t, time.Since(began))
		assert.Empty(t, p.Fault.OpenConns())
	})
}
