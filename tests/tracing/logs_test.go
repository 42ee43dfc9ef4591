package tracing_test

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
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

func TestAStormOfLeaksIsLoggedByItsFirstAndThenCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewLeakPool(t, nil)
		const message = `msg="pooled: a connection is held, but not used"`
		conns := p.Hold(t, 1000)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		assert.Len(t, p.Reported(), 1000, "OnLeak is told of each")
		assert.EqualValues(t, 1000, p.Connector.Stats().Leak.Reported)
		assert.Equal(t, 20, strings.Count(p.Log.String(), message))
		for _, conn := range conns {
			require.NoError(t, conn.Close())
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Equal(t, 20, strings.Count(p.Log.String(), `msg="pooled: a connection that was reported came back"`), "another kind")
		assert.NotContains(t, p.Log.String(), "suppressed")

		p.Hold(t, 1)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		assert.Equal(t, 1, strings.Count(p.Log.String(), message+" suppressed=980 "))
	})
}

func TestMiddlewaresOfUsersGetTheLoggerAsItWasConfigured(t *testing.T) {
	var got *slog.Logger
	pooled.RegisterMiddleware("logs", func(cfg pooled.Config) (pooled.Middleware, error) {
		got = cfg.Logger
		return pooled.Middleware{}, nil
	})
	own := slog.New(slog.DiscardHandler)
	pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) { c.Logger, c.Use = own, []string{"logs"} })
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
		p := pooltest.NewBreakerPool(t, func(c *pooled.Config) { c.Logger = nil })
		slog.SetDefault(slog.New(slog.NewTextHandler(&p.Log, nil)))
		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 5)
		p.RequireOpen(t)
		assert.Regexp(t, `level=ERROR msg="pooled: the breaker is open: the server is cut off" pool=\S+ endpoint=`, p.Log.String())
	})
}
