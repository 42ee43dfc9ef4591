package router

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/internal/routecontext"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/routing"
)

func TestColdServersAnswerIfThereAreNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 4, nil)
		for _, f := range c.servers[1:3] {
			f.set(func(f *fakeServer) { f.err = errors.New("gone") })
		}
		time.Sleep(time.Second)
		for _, f := range c.servers[1:3] {
			f.set(func(f *fakeServer) { f.err = nil })
		}
		time.Sleep(2 * time.Second) // until both have answered
		c.servers[3].set(func(f *fakeServer) { f.cutOff = true })
		chosen := c.chosen(routecontext.Says{}, 100)
		assert.Zero(t, chosen[""])
		assert.Len(t, chosen, 2)
	})
}

func TestServerThatComesBackGetsItsShareLittleByLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		c.servers[1].set(func(f *fakeServer) { f.err = errors.New("gone") })
		time.Sleep(time.Second)
		c.servers[1].set(func(f *fakeServer) { f.err = nil })
		time.Sleep(2 * time.Second)
		early := c.chosen(routecontext.Says{}, 1000)["s1"]
		time.Sleep(20 * time.Second)
		late := c.chosen(routecontext.Says{}, 1000)["s1"]
		assert.Less(t, early, 250)
		assert.Greater(t, early, 20)
		assert.InDelta(t, 500, late, 100)
	})
}

func TestNearAndHeavyServersArePreferred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 4, func(p *policy.Routing) { p.Zone = "here" })
		c.members[1].Zone, c.members[2].Zone, c.members[3].Zone = "here", "there", "here"
		chosen := c.chosen(routecontext.Says{}, 300)
		assert.Zero(t, chosen["s2"])
		assert.Len(t, chosen, 2)
		c.servers[1].set(func(f *fakeServer) { f.cutOff = true })
		c.servers[3].set(func(f *fakeServer) { f.cutOff = true })
		assert.Equal(t, map[string]int{"s2": 10}, c.chosen(routecontext.Says{}, 10), "a far one is better than none")
	})
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		c.members[1].inFlight.Store(10)
		assert.Equal(t, map[string]int{"s2": 100}, c.chosen(routecontext.Says{}, 100), "the less busy one")
		c.members[2].inFlight.Store(6)
		c.members[1].Weight = 4
		assert.Equal(t, map[string]int{"s1": 100}, c.chosen(routecontext.Says{}, 100), "in proportion to its weight")
	})
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, func(p *policy.Routing) { p.PrimaryWeight = 1 })
		chosen := c.chosen(routecontext.Says{}, 200)
		assert.Len(t, chosen, 2)
		c.write(routecontext.Says{})
		assert.Equal(t, map[string]int{"s0": 10}, c.chosen(routecontext.Says{}, 10))
	})
}

func TestDecisionIsSoonMadeAndAllocatesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		call := &middleware.Call{Op: middleware.Query, Text: "select 1"}
		session := routing.NewSession(t.Context())
		c.seen(routecontext.Of(session).Session)
		for name, ctx := range map[string]context.Context{"no session": t.Context(), "a session": session} {
			assert.Zero(t, testing.AllocsPerRun(100, func() {
				o := routecontext.Of(ctx)
				_ = c.destinationOf(o, call)
				_ = c.choose(o, 0)
			}), name)
		}
	})
}
