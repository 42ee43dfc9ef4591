package router

import (
	"context"
	"database/sql/driver"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/routecontext"
)

func TestServerWhoseDriverPanicsDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		c.servers[1].set(func(f *fakeServer) { f.panics = true })
		time.Sleep(10 * time.Second)
		assert.Equal(t, map[string]int{"": 10}, c.chosen(routecontext.Says{}, 10))
		assert.Contains(t, c.log.String(), "fakeServer).Look", "the stack")
		c.servers[1].set(func(f *fakeServer) { f.panics = false })
		time.Sleep(10 * time.Second)
		assert.Equal(t, map[string]int{"s1": 10}, c.chosen(routecontext.Says{}, 10), "it is asked again")
	})
}

// panickingSessions cannot read the catalogue.
type panickingSessions struct {
	fakeSessions
	learns chan struct{}
}

func (panickingSessions) Stale() bool  { return true }
func (panickingSessions) Outdate(bool) {}

func (s panickingSessions) Learn(context.Context, driver.Conn, []string, bool) error {
	select {
	case s.learns <- struct{}{}:
	default:
	}
	panic("boom")
}

var _ dialect.Sessions = panickingSessions{}

func TestPanicWhileTheCatalogueIsReadLeavesItUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		learns := make(chan struct{}, 10)
		c := newClusterOf(t, 2, nil, func(servers []*fakeServer) { servers[0].sessions = panickingSessions{learns: learns} })
		time.Sleep(10 * time.Second)
		assert.Greater(t, len(learns), 1, "it is tried again")
		assert.Contains(t, c.log.String(), "boom")
	})
}
