package page_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// stuckLog is a handler of logs that does not return before it is released.
type stuckLog struct {
	slog.Handler
	release chan struct{}
}

func (l stuckLog) Enabled(context.Context, slog.Level) bool  { return true }
func (l stuckLog) Handle(context.Context, slog.Record) error { <-l.release; return nil }
func (l stuckLog) WithAttrs([]slog.Attr) slog.Handler        { return l }

func TestThePageWorksWhenEverythingElseIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
			c.Pool.MaxConns, c.Pool.ConnectTimeout, c.Logger = 3, time.Hour, slog.New(stuckLog{release: release})
		})
		held := p.Hold(t, 1)
		var stuck sync.WaitGroup
		call := func() {
			stuck.Go(func() { _, err := p.Exec("exec"); assert.NoError(t, err) })
			synctest.Wait()
		}
		p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Wait: release})
		call() // in a statement
		p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Wait: release})
		call()                                                        // in a dial
		call()                                                        // in the queue
		stuck.Go(func() { assert.NoError(t, p.Connector.Evict("")) }) // in the log
		time.Sleep(5 * time.Minute)                                   // the leak is reported, to the log too

		shown := look(t, p.Connector)
		assert.Equal(t, 2, shown.Servers[0].InUse)
		assert.Equal(t, 1, shown.Servers[0].Waiting)
		assert.Contains(t, shown.wrong(), "leaked ")
		require.Len(t, shown.Events, 2)

		close(release)
		require.NoError(t, held[0].Close())
		stuck.Wait()
	})
}
