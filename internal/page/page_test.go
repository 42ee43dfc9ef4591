package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/page"
)

const address = "db.example:5432"

var now = time.Date(2026, 3, 4, 3, 7, 0, 0, time.UTC)

// well is a pool of one server with which nothing is wrong.
func well() page.Pool {
	return page.Pool{
		Name: "shop", At: now, State: "open",
		Servers: []page.Server{{Endpoint: address, Role: "single", Up: "yes", Readable: "unknown", Breaker: page.Breaker{State: "off"}, Max: 10, Idle: 4}},
		Leaks:   page.Leaks{Threshold: 60},
	}
}

// show is the page of a pool that nobody may do anything with.
func show(p page.Pool) http.Handler {
	return page.Handler(page.Source{Look: func() page.Pool { return p }})
}

func ask(t *testing.T, h http.Handler, method, target string, header ...string) *http.Response {
	t.Helper()
	return send(t, h, httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody), header...)
}

func send(t *testing.T, h http.Handler, r *http.Request, header ...string) *http.Response {
	t.Helper()
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
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
			resp := ask(t, show(well()), http.MethodGet, c.target, header...)
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

func TestAPageThatCanOnlyBeReadKnowsGETAndHEAD(t *testing.T) {
	for method, status := range map[string]int{
		http.MethodGet: 200, http.MethodHead: 200,
		http.MethodPost: 405, http.MethodPut: 405, http.MethodPatch: 405, http.MethodDelete: 405, http.MethodOptions: 405, "PURGE": 405,
	} {
		resp := ask(t, show(well()), method, "/")
		assert.Equal(t, status, resp.StatusCode, method)
		if status == 405 {
			assert.Equal(t, "GET, HEAD", resp.Header.Get("Allow"), method)
		} else {
			assert.Empty(t, resp.Header.Get("Allow"), method)
		}
	}
}

func TestHEADHasTheHeadersOfGETAndNoBody(t *testing.T) {
	for _, target := range []string{"/", "/?format=json"} {
		get, head := ask(t, show(well()), http.MethodGet, target), ask(t, show(well()), http.MethodHead, target)
		assert.Equal(t, get.Header, head.Header)
		assert.Empty(t, read(t, head))
		assert.Equal(t, fmt.Sprint(len(read(t, get))), get.Header.Get("Content-Length"))
	}
}

func TestEveryAnswerHasTheHeadersThatProtectIt(t *testing.T) {
	for _, c := range []struct{ method, target string }{{"GET", "/"}, {"GET", "/?format=json"}, {"POST", "/"}} {
		h := ask(t, show(well()), c.method, c.target).Header
		assert.Equal(t, "no-store", h.Get("Cache-Control"))
		assert.Equal(t, "Accept", h.Get("Vary"))
		assert.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		assert.Equal(t, "DENY", h.Get("X-Frame-Options"))
		assert.Equal(t, "same-origin", h.Get("Referrer-Policy"))
		assert.Contains(t, h.Get("Content-Type"), "charset=utf-8")
		policy := h.Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'none';")
		assert.Contains(t, policy, "connect-src 'self';")
		assert.Contains(t, policy, "base-uri 'none';")
		assert.Contains(t, policy, "form-action 'none';")
		assert.Contains(t, policy, "frame-ancestors 'none'")
		assert.NotContains(t, policy, "unsafe")
	}
}

func TestThePolicyAllowsTheStyleAndTheScriptThatAreSent(t *testing.T) {
	resp := ask(t, show(well()), http.MethodGet, "/")
	body := read(t, resp)
	for _, element := range []string{"style", "script"} {
		found := regexp.MustCompile(`(?s)<`+element+`>(.*?)</`+element+`>`).FindAllStringSubmatch(body, -1)
		require.Len(t, found, 1)
		sum := sha256.Sum256([]byte(found[0][1]))
		assert.Contains(t, resp.Header.Get("Content-Security-Policy"), element+"-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"';")
	}
}

func TestThePageLoadsNothingFromElsewhere(t *testing.T) {
	p := well()
	p.Held, p.Servers[0].Up = threeConns(), "no"
	body := get(t, show(p))
	for _, link := range regexp.MustCompile(`https?:[^"]*`).FindAllString(body, -1) {
		assert.True(t, strings.HasPrefix(link, "https://github.com/gopooled/pooled/blob/main/docs/"), "only the docs are linked: %s", link)
	}
	for _, unwanted := range []string{"<link", "<img", "<iframe", " src=", " style=", "javascript:", "url(", "@import"} {
		assert.NotContains(t, body, unwanted)
	}
	assert.NotRegexp(t, `\son[a-z]+=`, body)
}

func TestThePoolIsLookedAtForEachRequest(t *testing.T) {
	asked := 0
	h := page.Handler(page.Source{Look: func() page.Pool {
		asked++
		p := well()
		p.Servers[0].InUse = asked
		return p
	}})
	for n := 1; n <= 3; n++ {
		assert.Contains(t, words(get(t, h)), fmt.Sprintf("%d of 10, 4 idle", n))
	}
}

// controls is a page with buttons. It takes down what was done.
type controls struct {
	allowed []string // actions
	asked   []string
	done    []string
	err     error
}

func (c *controls) handler() http.Handler {
	return page.Handler(page.Source{
		Look: well,
		Authorize: func(r *http.Request, action string) bool {
			c.asked = append(c.asked, r.Method+" "+action)
			for _, a := range c.allowed {
				if a == action && r.Header.Get("Authorization") == "Basic me" {
					return true
				}
			}
			return false
		},
		Act: func(action, endpoint string) error {
			c.done = append(c.done, action+" "+endpoint)
			return c.err
		},
	})
}

// press sends a form, as the page at example.com does it in a browser.
func press(t *testing.T, h http.Handler, form url.Values, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://example.com/debug/pool?", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return send(t, h, r, header...)
}

func TestThereAreButtonsForWhatOneMayDoAlone(t *testing.T) {
	for _, c := range []struct {
		allowed []string
		header  []string
		evict   bool
		drain   bool
	}{
		{allowed: []string{page.Evict, page.Drain}, header: []string{"Authorization", "Basic me"}, evict: true, drain: true},
		{allowed: []string{page.Evict}, header: []string{"Authorization", "Basic me"}, evict: true},
		{allowed: []string{page.Drain}, header: []string{"Authorization", "Basic me"}, drain: true},
		{allowed: []string{page.Evict, page.Drain}},
	} {
		h := (&controls{allowed: c.allowed}).handler()
		resp := ask(t, h, http.MethodGet, "/", c.header...)
		body := read(t, resp)
		assert.Equal(t, c.evict, strings.Contains(body, `value="evict"`))
		assert.Equal(t, c.drain, strings.Contains(body, `value="drain"`))
		assert.Contains(t, resp.Header.Get("Content-Security-Policy"), "form-action 'self';")
	}
	assert.NotContains(t, get(t, show(well())), "<form")
}

func TestAPoolThatIsDrainedHasNoButtonForIt(t *testing.T) {
	h := page.Handler(page.Source{
		Look:      func() page.Pool { p := well(); p.State = "draining"; return p },
		Authorize: func(*http.Request, string) bool { return true },
	})
	assert.NotContains(t, get(t, h), `value="drain"`)
	assert.Contains(t, get(t, h), `value="evict"`)
}

func TestWhoMayIsAskedAndThenItIsDone(t *testing.T) {
	c := &controls{allowed: []string{page.Evict}}
	resp := press(t, c.handler(), url.Values{"action": {"evict"}, "endpoint": {address}}, "Authorization", "Basic me", "Sec-Fetch-Site", "same-origin")
	assert.Equal(t, http.StatusSeeOther, resp.StatusCode)
	assert.Equal(t, "?", resp.Header.Get("Location"), "wherever the page is mounted")
	assert.Equal(t, []string{"evict " + address}, c.done)
	assert.Equal(t, []string{"POST evict"}, c.asked)
}

func TestNothingIsDoneForWhoMayNot(t *testing.T) {
	evict := url.Values{"action": {"evict"}, "endpoint": {address}}
	for _, c := range []struct {
		name   string
		form   url.Values
		header []string
		status int
		asked  int
	}{
		{"nobody", evict, nil, http.StatusForbidden, 1},
		{"another action", url.Values{"action": {"drain"}}, []string{"Authorization", "Basic me"}, http.StatusForbidden, 1},
		{"no action of the page", url.Values{"action": {"close"}}, []string{"Authorization", "Basic me"}, http.StatusBadRequest, 0},
		{"no action", nil, []string{"Authorization", "Basic me"}, http.StatusBadRequest, 0},
		{"another site, by what the browser says", evict, []string{"Authorization", "Basic me", "Sec-Fetch-Site", "cross-site"}, http.StatusForbidden, 0},
		{"a sister of the site", evict, []string{"Authorization", "Basic me", "Sec-Fetch-Site", "same-site"}, http.StatusForbidden, 0},
		{"another site, by its origin", evict, []string{"Authorization", "Basic me", "Origin", "https://evil.example"}, http.StatusForbidden, 0},
		{"a large form", url.Values{"action": {"evict"}, "endpoint": {strings.Repeat("x", 5000)}}, []string{"Authorization", "Basic me"}, http.StatusBadRequest, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &controls{allowed: []string{page.Evict}}
			resp := press(t, k.handler(), c.form, c.header...)
			assert.Equal(t, c.status, resp.StatusCode)
			assert.Empty(t, k.done)
			assert.Len(t, k.asked, c.asked)
		})
	}
}

func TestAnActionInTheAddressIsNone(t *testing.T) {
	c := &controls{allowed: []string{page.Evict}}
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		ask(t, c.handler(), method, "/?action=evict", "Authorization", "Basic me")
		assert.Empty(t, c.done)
	}
	resp := ask(t, c.handler(), http.MethodPut, "/", "Authorization", "Basic me")
	assert.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
	assert.Equal(t, "GET, HEAD, POST", resp.Header.Get("Allow"))
}

func TestWhyAnActionCannotBeDoneIsTold(t *testing.T) {
	c := &controls{allowed: []string{page.Evict}, err: errors.New("pooled: there is no endpoint nowhere")}
	resp := press(t, c.handler(), url.Values{"action": {"evict"}, "endpoint": {"nowhere"}}, "Authorization", "Basic me")
	assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
	assert.Equal(t, "pooled: there is no endpoint nowhere\n", read(t, resp))
}

func TestTheJSONHasListsWhereNothingIs(t *testing.T) {
	body := read(t, ask(t, show(page.Pool{Servers: []page.Server{{}}, Events: []page.Event{{}}, State: "open"}), http.MethodGet, "/?format=json"))
	for _, null := range regexp.MustCompile(`"(\w+)": null`).FindAllStringSubmatch(body, -1) {
		assert.Contains(t, []string{"since", "lag_seconds", "dial_failure", "next_probe"}, null[1])
	}
	assert.Contains(t, body, `"format": 1`)
}
