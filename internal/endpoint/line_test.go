package endpoint

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/policy"
)

// What counts as idle and cannot be had may be on its way there. Where all permits are taken or idle connections stand for them, it is waited for.
func TestNobodyDialsOverTheLimitBecauseAnIdleConnectionIsLongOnItsWay(t *testing.T) {
	for _, c := range []struct {
		room int64
		may  bool
	}{{0, false}, {1, true}} {
		var l line
		var w place
		var idle atomic.Int64
		idle.Store(1)
		l.join(&w, 1)
		x := expectation{room: c.room}
		may, again := l.mayDial(&w, 1, x, &idle)
		assert.False(t, may)
		assert.NotZero(t, again)
		may, again = l.mayDial(&w, 1+temptation, x, &idle)
		assert.Equal(t, c.may, may)
		may, _ = l.mayDial(&w, again+int64(time.Hour), x, &idle)
		assert.Equal(t, c.may, may)
		idle.Store(0)
		may, _ = l.mayDial(&w, again+int64(2*time.Hour), x, &idle)
		assert.Equal(t, !c.may, may, "one dial is enough")
	}
}

// What was missing when it was counted may have come back.
func TestNothingIsWarmedOverTheLimit(t *testing.T) {
	e, _ := newEndpoint(t, func(p *policy.Pool) { p.MaxConns = 2 })
	for _, c := range hold(t, e, 2) {
		e.giveBack(c, false)
	}
	assert.Equal(t, errBusy, e.warmOne(t.Context()))
	assert.EqualValues(t, 2, e.Stats().Dials)
}
