package router

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/routecontext"
	"github.com/gopooled/pooled/routing"
)

func TestSessionSeesWhatItHasSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		s := routecontext.Of(routing.NewSession(t.Context()))
		m := c.choose(s, 0)
		c.at(5, 0, m.index)
		c.read(s, m)
		assert.Equal(t, map[string]int{m.Info.Name: 20}, c.chosen(s, 20), "the other may be behind that one")
		time.Sleep(time.Second)
		assert.Equal(t, map[string]int{m.Info.Name: 20}, c.chosen(s, 20), "it is")
		c.at(5, 1, 2)
		time.Sleep(time.Second)
		assert.Len(t, c.chosen(s, 100), 2)

		c.at(6, 0)
		c.read(s, m)
		m.incarnation.Add(1)
		assert.Equal(t, map[string]int{"": 20}, c.chosen(s, 20), "a server that came back may have lost what it had shown")
	})
}

// Time stands still in a bubble until all wait, so that the monitors ask at the very moment of the mark. A clock that moves in steps does the same.
func TestAnAnswerProvesNothingAboutWhatIsMarkedAtTheMomentOfTheQuestion(t *testing.T) {
	for name, mark := range map[string]func(c *cluster, t *testing.T) routecontext.Says{
		"a write": func(c *cluster, t *testing.T) routecontext.Says {
			o := routecontext.Of(routing.NewSession(t.Context()))
			c.write(o)
			return o
		},
		"a write without a session": func(c *cluster, _ *testing.T) routecontext.Says {
			c.write(routecontext.Says{})
			return routecontext.Says{}
		},
		"a token": func(_ *cluster, t *testing.T) routecontext.Says {
			return routecontext.Of(routing.WithToken(t.Context(), "c|10"))
		},
		"a read on the primary": func(c *cluster, t *testing.T) routecontext.Says {
			o := routecontext.Of(routing.NewSession(t.Context()))
			c.noteRead(o, c.members[0], 0)
			return o
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, 2, nil)
				time.Sleep(time.Second)
				o := mark(c, t)
				require.Nil(t, c.choose(o, 0))
				synctest.Wait() // the monitors were woken, and have asked
				assert.Equal(t, map[string]int{"": 10}, c.chosen(o, 10))
				time.Sleep(c.Policy.MonitorBurst)
				synctest.Wait()
				assert.Equal(t, map[string]int{"s1": 10}, c.chosen(o, 10))
			})
		})
	}
}

func TestReadsOfOneSessionOnTwoReplicasAtOnceLeaveNoneThatMayBeBehindTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		s := routecontext.Of(routing.NewSession(t.Context()))
		for _, m := range c.members[1:] {
			c.read(s, m)
		}
		assert.Equal(t, map[string]int{"": 20}, c.chosen(s, 20))
	})
}

func TestTokensMeanTheSameInEveryProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		writing, reading := newCluster(t, 2, nil), newCluster(t, 2, nil)
		both := func(p place, servers ...int) { writing.at(p, servers...); reading.at(p, servers...) }
		ctx := routing.NewSession(t.Context())
		assert.Empty(t, routing.Token(ctx), "nothing was written")
		both(7, 0)
		writing.write(routecontext.Of(ctx))
		assert.Equal(t, "c|now", routing.Token(ctx))
		time.Sleep(time.Second)
		require.Equal(t, "c|7", routing.Token(ctx))

		assert.Equal(t, map[string]int{"": 10}, reading.chosen(routecontext.Of(routing.WithToken(t.Context(), "c|7")), 10))
		assert.Equal(t, map[string]int{"s1": 10}, reading.chosen(routecontext.Of(routing.WithToken(t.Context(), "c|1")), 10), "that it has")
		both(9, 0, 1)
		time.Sleep(time.Second)
		assert.Equal(t, map[string]int{"s1": 10}, reading.chosen(routecontext.Of(routing.WithToken(t.Context(), "c|7")), 10))
		assert.Equal(t, map[string]int{"s1": 10}, reading.chosen(routecontext.Of(routing.WithToken(t.Context(), "d|now")), 10), "another cluster's")
		for _, token := range []string{"c|now", "c|10", "c|x", "c", "c|", "c|1" + strings.Repeat("|c|1", 2000)} {
			time.Sleep(time.Second + time.Millisecond)
			assert.Equal(t, map[string]int{"": 10}, reading.chosen(routecontext.Of(routing.WithToken(t.Context(), token)), 10), token)
		}
	})
}
