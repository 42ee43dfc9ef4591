package router

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/routecontext"
	"github.com/gopooled/pooled/routing"
)

func TestHandlerCarriesTheSessionInACookie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		var do func(routecontext.Says)
		server := routing.Handler(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			do(routecontext.Of(req.Context()))
			_, _ = w.Write([]byte("ok"))
		}), routing.HandlerOptions{Cookie: "seen", MaxAge: time.Minute})
		send := func(cookies ...*http.Cookie) []*http.Cookie {
			req := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			for _, cookie := range cookies {
				req.AddCookie(cookie)
			}
			w := httptest.NewRecorder()
			server.ServeHTTP(w, req)
			return w.Result().Cookies()
		}
		do = func(o routecontext.Says) { require.NotNil(t, o.Session) }
		assert.Empty(t, send(), "nothing was written")
		do = func(o routecontext.Says) { c.at(2, 0); c.write(o) }
		cookies := send()
		require.Len(t, cookies, 1)
		assert.Equal(t, "c|now", cookies[0].Value)
		assert.True(t, cookies[0].HttpOnly && cookies[0].Secure)
		assert.Equal(t, 60, cookies[0].MaxAge)
		do = func(o routecontext.Says) {
			assert.Nil(t, c.choose(o, 0))
			time.Sleep(time.Second)
		}
		cookies = send(cookies...)
		require.Len(t, cookies, 1)
		assert.Equal(t, "c|2", cookies[0].Value, "by now it is known")
		do = func(o routecontext.Says) { assert.Nil(t, c.choose(o, 0)) }
		assert.Empty(t, send(cookies...), "the browser has it")
		c.at(2, 1)
		time.Sleep(time.Second)
		do = func(o routecontext.Says) { assert.NotNil(t, c.choose(o, 0)) }
		assert.Empty(t, send(cookies...))
	})
}
