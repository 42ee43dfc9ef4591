package pooled_test

import (
	"log"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
)

func TestAStormOfLeaksIsLoggedByItsFirstAndThenCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newLeakPool(t, nil)
		const message = `msg="pooled: a connection is held, but not used"`
		conns := p.hold(t, 1000)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		assert.Len(t, p.reported(), 1000, "OnLeak is told of each")
		assert.EqualValues(t, 1000, p.stats().Leak.Reported)
		assert.Equal(t, 20, strings.Count(p.log.String(), message))
		for _, conn := range conns {
			require.NoError(t, conn.Close())
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Equal(t, 20, strings.Count(p.log.String(), `msg="pooled: a connection that was reported came back"`), "another kind")
		assert.NotContains(t, p.log.String(), "suppressed")

		p.hold(t, 1)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		assert.Equal(t, 1, strings.Count(p.log.String(), message+" suppressed=980 "))
	})
}

func TestMiddlewaresOfUsersGetTheLoggerAsItWasConfigured(t *testing.T) {
	var got *slog.Logger
	pooled.RegisterMiddleware("logs", func(cfg pooled.Config) (pooled.Middleware, error) {
		got = cfg.Logger
		return pooled.Middleware{}, nil
	})
	own := slog.New(slog.DiscardHandler)
	newPoolOf(t, modern, func(c *pooled.Config) { c.Logger, c.Use = own, []string{"logs"} })
	assert.Same(t, own, got, "what they log is theirs to limit")
}

func TestTheDefaultLoggerMayBeSetAfterThePoolWasMade(t *testing.T) {
	before, output, flags := slog.Default(), log.Writer(), log.Flags()
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(output)
		log.SetFlags(flags)
	})
	synctest.Test(t, func(t *testing.T) {
		p := newBreakerPool(t, func(c *pooled.Config) { c.Logger = nil })
		slog.SetDefault(slog.New(slog.NewTextHandler(&p.log, nil)))
		p.fail(t, faultdriver.Exec, errReset, 5)
		p.requireOpen(t)
		assert.Contains(t, p.log.String(), `level=ERROR msg="pooled: the breaker is open: the server is cut off" endpoint=`)
	})
}
