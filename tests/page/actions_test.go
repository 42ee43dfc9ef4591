package page_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// press sends a form of the page, and returns the status.
func press(t *testing.T, h http.Handler, form url.Values) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// allowed is a page on which everybody may do what is listed.
func allowed(c *pooled.Connector, actions ...string) http.Handler {
	return c.Handler(pooled.HandlerOptions{Authorize: func(_ *http.Request, action string) bool {
		return strings.Contains(strings.Join(actions, " "), action)
	}})
}

func TestConnectionsAreReplacedByAButton(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) { c.Logger = discarded })
		p.Idle(t, 2)
		name := p.EndpointStats().Endpoint
		assert.Equal(t, http.StatusMethodNotAllowed, press(t, p.Connector.Handler(), url.Values{"action": {"evict"}}), "as it is, the page can only be read")
		assert.Equal(t, http.StatusForbidden, press(t, allowed(p.Connector, "drain"), url.Values{"action": {"evict"}}))
		assert.Equal(t, http.StatusBadRequest, press(t, allowed(p.Connector, "evict"), url.Values{"action": {"evict"}, "endpoint": {"nowhere"}}))
		synctest.Wait()
		require.Equal(t, 2, p.EndpointStats().Idle)

		assert.Equal(t, http.StatusSeeOther, press(t, allowed(p.Connector, "evict"), url.Values{"action": {"evict"}, "endpoint": {name}}))
		synctest.Wait()
		assert.Zero(t, p.EndpointStats().Idle)
		assert.EqualValues(t, 2, p.EndpointStats().Closed.Retired)
		shown := look(t, p.Connector)
		require.Len(t, shown.Events, 1)
		assert.Equal(t, "eviction", shown.Events[0].Kind)
	})
}

func TestAPoolIsDrainedByAButtonThatDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) { c.Logger = discarded })
		held := p.Hold(t, 1)
		assert.Equal(t, http.StatusForbidden, press(t, allowed(p.Connector, "evict"), url.Values{"action": {"drain"}}))
		assert.Equal(t, "open", look(t, p.Connector).State)
		assert.Equal(t, http.StatusSeeOther, press(t, allowed(p.Connector, "drain"), url.Values{"action": {"drain"}}))
		_, err := p.Exec("exec")
		require.ErrorIs(t, err, pooled.ErrDraining)
		shown := look(t, p.Connector)
		assert.Equal(t, "draining", shown.State)
		assert.Equal(t, []string{"draining ", "no_limit "}, shown.wrong(), "what is refused now was meant to be")
		require.NoError(t, held[0].Close())
	})
}
