package leak_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/tests/internal/pooltest"
)

func TestProfileShowsWhereConnectionsAreHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewLeakPool(t, nil)
		giveBack := []func() error{leakTx(t.Context(), p.DB), leakRows(t.Context(), p.DB), leakRows(t.Context(), p.DB)}
		synctest.Wait()
		profile := pprof.Lookup("github.com/gopooled/pooled")
		require.NotNil(t, profile)
		assert.Equal(t, 3, profile.Count())
		var text, binary bytes.Buffer
		require.NoError(t, profile.WriteTo(&text, 1))
		assert.Regexp(t, `^github.com/gopooled/pooled profile: total 3\n`, text.String())
		assert.Regexp(t, `(?m)^#\t0x[0-9a-f]+\s+github.com/gopooled/pooled/tests/leak_test.leakTx`, text.String())
		assert.NotContains(t, text.String(), "database/sql.")
		require.NoError(t, profile.WriteTo(&binary, 0))
		assert.NotZero(t, binary.Len())
		for _, f := range giveBack {
			require.NoError(t, f())
		}
		assert.Zero(t, profile.Count())
	})
}

func TestHandlerShowsTheConnectionsInUse(t *testing.T) {
	p := pooltest.NewLeakPool(t, nil)
	giveBack := leakRows(t.Context(), p.DB)
	get := func(target string) string {
		w := httptest.NewRecorder()
		p.Connector.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		require.Equal(t, http.StatusOK, w.Code)
		return w.Body.String()
	}
	for _, target := range []string{"/", "/?format=json"} {
		body := get(target)
		assert.Contains(t, body, "select ?")
		assert.Contains(t, body, "leakRows")
		assert.NotContains(t, body, "xyz")
	}
	require.NoError(t, giveBack())
	assert.NotContains(t, get("/"), "select ?")
}
