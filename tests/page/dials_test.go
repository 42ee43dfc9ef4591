package page_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

func TestAServerIsDownOnlyWithoutConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) { c.Pool.MaxConns, c.Leak.Threshold, c.Logger = 3, time.Hour, discarded })
		failed := func() {
			p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Err: pooltest.ErrNobody})
			_, err := p.Exec("exec")
			require.Equal(t, pooltest.ErrNobody, err)
		}
		name := p.EndpointStats().Endpoint
		assert.Empty(t, look(t, p.Connector).wrong())
		assert.Equal(t, "unknown", look(t, p.Connector).Servers[0].Up)

		failed()
		assert.Equal(t, []string{"server_down " + name}, look(t, p.Connector).wrong())
		assert.Equal(t, "no", look(t, p.Connector).Servers[0].Up)

		held := p.Hold(t, 1)
		assert.Equal(t, "yes", look(t, p.Connector).Servers[0].Up)
		time.Sleep(2 * time.Minute)
		assert.Empty(t, look(t, p.Connector).wrong())
		failed()
		time.Sleep(30 * time.Second)
		failed()
		shown := look(t, p.Connector)
		assert.Equal(t, []string{"dials_fail " + name}, shown.wrong())
		assert.Equal(t, "yes", shown.Servers[0].Up)
		assert.Equal(t, 30*time.Second, shown.sinceTrouble(t, 0))
		time.Sleep(2 * time.Minute)
		assert.Empty(t, look(t, p.Connector).wrong(), "nobody has tried since")

		require.NoError(t, held[0].Close())
	})
}
