package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/page"
)

const address = "db.example:5432"

// figures stands in for pooled.Stats, which this package cannot import.
type figures struct{ Endpoints []endpointFigures }

type endpointFigures struct {
	Endpoint                       string
	MaxConns, InUse, Idle, Waiting int
	WaitTime                       time.Duration
	ByEffect                       map[string]uint64
}

func show(conns ...held.Conn) http.Handler {
	return showWith(figures{[]endpointFigures{{Endpoint: address, MaxConns: 10, InUse: len(conns), Idle: 4, WaitTime: 90 * time.Second}}}, conns...)
}

func showWith(stats any, conns ...held.Conn) http.Handler {
	return page.Handler(page.Source{
		Name:  address,
		Held:  func() []held.Conn { return conns },
		Stats: func() any { return stats },
	})
}

func ask(t *testing.T, h http.Handler, method, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	var b bytes.Buffer
	_, err := b.ReadFrom(resp.Body)
	require.NoError(t, err)
	return b.String()
}

func get(t *testing.T, h http.Handler) string {
	t.Helper()
	resp := ask(t, h, http.MethodGet, "/debug/pool")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	return read(t, resp)
}

func TestTheAnswerIsHTMLUnlessJSONIsPreferred(t *testing.T) {
	for _, c := range []struct {
		target string
		accept []string
		json   bool
	}{
		{"/", nil, false},
		{"/", []string{""}, false},
		{"/", []string{"*/*"}, false}, // curl
		{"/", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, false}, // a browser
		{"/", []string{"application/json"}, true},
		{"/", []string{"APPLICATION/JSON"}, true},
		{"/", []string{"application/*"}, true},
		{"/", []string{"application/json, text/plain, */*"}, true}, // axios
		{"/", []string{"application/json, text/html"}, false},
		{"/", []string{"text/html;q=0.5, application/json"}, true},
		{"/", []string{"text/html;q=0.5", "application/json"}, true},
		{"/", []string{"text/html, application/json;q=0.5"}, false},
		{"/", []string{"application/json;q=0, */*;q=0"}, false},
		{"/", []string{"application/json;q=0, */*"}, false},
		{"/", []string{"application/json;q=many, text/html;q=0.1"}, false},
		{"/", []string{"text/*, application/json;q=0.9"}, false},
		{"/", []string{";;, /, application/json"}, true},
		{"/", []string{"image/png"}, false},
		{"/?format=json", nil, true},
		{"/deep/below?format=json", []string{"text/html"}, true},
		{"/?format=html", nil, false},
		{"/?format=yaml", nil, false},
	} {
		t.Run(fmt.Sprint(c.target, c.accept), func(t *testing.T) {
			var header []string
			for _, a := range c.accept {
				header = append(header, "Accept", a)
			}
			resp := ask(t, show(), http.MethodGet, c.target, header...)
			assert.Equal(t, http.StatusOK, resp.StatusCode)
			body := read(t, resp)
			if c.json {
				assert.Equal(t, "application/json; charset=utf-8", resp.Header.Get("Content-Type"))
				assert.True(t, json.Valid([]byte(body)))
			} else {
				assert.Equal(t, "text/html; charset=utf-8", resp.Header.Get("Content-Type"))
				assert.True(t, strings.HasPrefix(body, "<!DOCTYPE html>"))
			}
		})
	}
}

func TestOnlyGETAndHEADAreAnswered(t *testing.T) {
	for method, status := range map[string]int{
		http.MethodGet: 200, http.MethodHead: 200,
		http.MethodPost: 405, http.MethodPut: 405, http.MethodPatch: 405, http.MethodDelete: 405, http.MethodOptions: 405, "PURGE": 405,
	} {
		t.Run(method, func(t *testing.T) {
			resp := ask(t, show(), method, "/")
			assert.Equal(t, status, resp.StatusCode)
			if status == 405 {
				assert.Equal(t, "GET, HEAD", resp.Header.Get("Allow"))
			} else {
				assert.Empty(t, resp.Header.Get("Allow"))
			}
		})
	}
}

func TestHEADHasTheHeadersOfGETAndNoBody(t *testing.T) {
	for _, target := range []string{"/", "/?format=json"} {
		get, head := ask(t, show(), http.MethodGet, target), ask(t, show(), http.MethodHead, target)
		assert.Equal(t, get.Header, head.Header)
		assert.Empty(t, read(t, head))
		assert.Equal(t, fmt.Sprint(len(read(t, get))), get.Header.Get("Content-Length"))
	}
}

func TestEveryAnswerHasTheHeadersThatProtectIt(t *testing.T) {
	for _, c := range []struct{ method, target string }{{"GET", "/"}, {"GET", "/?format=json"}, {"POST", "/"}} {
		h := ask(t, show(), c.method, c.target).Header
		assert.Equal(t, "no-store", h.Get("Cache-Control"))
		assert.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		assert.Equal(t, "DENY", h.Get("X-Frame-Options"))
		assert.Contains(t, h.Get("Content-Type"), "charset=utf-8")
		policy := h.Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'none';")
		assert.Contains(t, policy, "frame-ancestors 'none'")
		assert.NotContains(t, policy, "unsafe")
		assert.NotContains(t, policy, "script-src")
	}
}

func TestThePolicyAllowsTheStyleThatIsSent(t *testing.T) {
	resp := ask(t, show(), http.MethodGet, "/")
	styles := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(read(t, resp), -1)
	require.Len(t, styles, 1)
	sum := sha256.Sum256([]byte(styles[0][1]))
	assert.Contains(t, resp.Header.Get("Content-Security-Policy"), "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"';")
}

func TestThePageNeedsNoScriptAndNoNetwork(t *testing.T) {
	body := strings.ToLower(get(t, show(threeConns()...)))
	for _, unwanted := range []string{"<script", "<link", "<img", "<iframe", " style=", "javascript:", "http:", "https:", "url(", "@import"} {
		assert.NotContains(t, body, unwanted)
	}
	assert.NotRegexp(t, `\son[a-z]+=`, body)
}

func TestASourceWithoutStatisticsHasNone(t *testing.T) {
	h := page.Handler(page.Source{Name: address, Held: threeConns})
	assert.NotContains(t, get(t, h), "<h2>Statistics")
	assert.Contains(t, get(t, show()), "<h2>Statistics")
	assert.Contains(t, read(t, ask(t, h, http.MethodGet, "/?format=json")), `"stats": null`)
}

func TestTheSourceIsAskedForEachRequest(t *testing.T) {
	asked := 0
	h := page.Handler(page.Source{Held: func() []held.Conn { asked++; return make([]held.Conn, asked) }})
	for n := 1; n <= 3; n++ {
		assert.Contains(t, words(get(t, h)), fmt.Sprintf("in use %d ", n))
	}
}
