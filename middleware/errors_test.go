package middleware_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/middleware"
)

func TestTheAdviceOfATimeoutLooksAtWhatTheHoldersDo(t *testing.T) {
	const look, load = "look for Rows, Tx or Conn that are never closed", "the load is higher than the connections can carry"
	for name, c := range map[string]struct {
		holder held.Conn
		oldest time.Duration
		want   string
	}{
		"one holds for long":            {held.Conn{Busy: true}, 5 * time.Second, look},
		"one holds, and does not use":   {held.Conn{Idle: 3 * time.Second}, 3 * time.Second, look},
		"all are busy":                  {held.Conn{Busy: true, Idle: 3 * time.Second}, 3 * time.Second, load},
		"one paused for a moment":       {held.Conn{Idle: time.Second}, 3 * time.Second, load},
		"one reads rows without a call": {held.Conn{Reading: true, Idle: 3 * time.Second}, 3 * time.Second, load},
	} {
		t.Run(name, func(t *testing.T) {
			e := &middleware.AcquireTimeoutError{MaxConns: 1, InUse: 1, Waited: 2 * time.Second, Served: 60, OldestHeld: c.oldest, Holders: []held.Conn{c.holder}}
			assert.ErrorContains(t, e, c.want)
		})
	}
}
