package page_test

import (
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/page"
)

// words is what a person reads: the page without tags and style, with single spaces.
func words(markup string) string {
	markup = regexp.MustCompile(`(?s)<style>.*</style>|<[^>]*>`).ReplaceAllString(markup, " ")
	return strings.Join(strings.Fields(html.UnescapeString(markup)), " ")
}

// list is the full list in the page.
func list(markup string) string {
	_, after, _ := strings.Cut(markup, `<table class="conns">`)
	before, _, _ := strings.Cut(after, "</table>")
	return before
}

type orders[T any] struct{}

//go:noinline
func (orders[T]) borrow() []uintptr { return stack() }

//go:noinline
func placeOrder() []uintptr { return stack() }

//go:noinline
func report() []uintptr { return stack() }

// stack is that of the function that calls it: its caller is the call site.
func stack() []uintptr {
	pcs := make([]uintptr, 32)
	return pcs[:runtime.Callers(2, pcs)]
}

func TestWhatOthersWroteIsEscaped(t *testing.T) {
	const evil = `<script>alert("x")</script>`
	body := get(t, page.Handler(page.Source{
		Name: evil,
		Held: func() []held.Conn {
			return []held.Conn{{Endpoint: "not " + evil, Op: evil, Text: evil, Stack: orders[map[string]int]{}.borrow()}}
		},
		Stats: func() any { return map[string]string{evil: evil} },
	}))
	assert.NotContains(t, body, "<script")
	assert.NotContains(t, body, `"x"`)
	assert.Equal(t, 2+3+2, strings.Count(body, "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;"), "title, heading; endpoint, operation, text; key, value")
	assert.Contains(t, body, "page_test.orders[...].borrow")
}

func TestACallSiteWithATypeArgumentIsShownByItsShortName(t *testing.T) {
	text := words(get(t, show(held.Conn{Stack: orders[map[string]int]{}.borrow()})))
	assert.Contains(t, text, "page_test.orders[...].borrow page/view_test.go:")
}

func TestWithoutConnectionsThePageSaysSo(t *testing.T) {
	text := words(get(t, show()))
	assert.Contains(t, text, "Nobody holds a connection right now.")
	assert.NotContains(t, text, "the oldest first")
	assert.NotContains(t, text, "oldest held")
	assert.NotContains(t, text, "made clean")
}

func TestConnectionsInUseThatNobodyHoldsAreExplained(t *testing.T) {
	text := words(get(t, showWith(endpointFigures{InUse: 2})))
	assert.Contains(t, text, "right now. Whoever borrows one will be listed here. The 2 in use: being made clean")
}

func threeConns() []held.Conn {
	start := time.Date(2026, 3, 4, 15, 6, 7, 0, time.UTC)
	return []held.Conn{
		{ID: 7, Endpoint: address, Since: start, For: 26*time.Hour + 3*time.Second, Calls: 12, Op: "query", Text: "select * from orders where id = ?",
			Idle: 5 * time.Minute, InTx: true, Goroutine: 4711, Stack: placeOrder()},
		{ID: 3, Endpoint: address, Since: start.Add(26 * time.Hour), For: 1500 * time.Millisecond, Calls: 1, Busy: true, Op: "exec",
			Text: "update stock\nset n = n - ?", Goroutine: 99, Stack: report()},
		{ID: 12, Endpoint: "other.example:5432", Since: start.Add(26 * time.Hour), For: 20 * time.Millisecond, Calls: 2, Op: "commit"},
	}
}

func TestEachConnectionSaysWhatItIsDoingAndForWhom(t *testing.T) {
	body := get(t, show(threeConns()...))
	text := words(body)
	for _, want := range []string{
		"in use", "oldest held",
		"7 26h0m3s since Mar 4 15:06:07 idle for 5m0s after query in a transaction select * from orders where id = ? page_test.placeOrder page/view_test.go:",
		"3 1.5s since 17:06:07 busy with exec update stock set n = n - ? page_test.report page/view_test.go:",
		"12 20ms since 17:06:07 idle after commit other.example:5432 call site not recorded 2 –",
		"12 4711", "1 99",
	} {
		assert.Contains(t, text, want)
	}
	assert.Equal(t, 1, strings.Count(body, `<tr class="long">`), "only the first is idle for long")
	assert.Equal(t, 1, strings.Count(text, "other.example"))
	assert.NotContains(t, text, "Where they were borrowed", "three are seen at once")
	assert.Regexp(t, `called by \d+ more page_test\.threeConns .*testing\.tRunner`, text)
	assert.Contains(t, text, "Marked: nobody has called")
	assert.NotContains(t, words(get(t, show(threeConns()[1:]...))), "Marked")
}

func TestTheMostImportantFiguresComeFirst(t *testing.T) {
	conns := threeConns()
	for _, c := range []struct {
		name  string
		stats any
		want  string
		bad   int
	}{
		{"one endpoint", figures{[]endpointFigures{{MaxConns: 10, InUse: 3, Idle: 4}}}, "in use 3 idle in the pool 4 max 10 waiting 0 oldest held", 1},
		{"full, and somebody waits", figures{[]endpointFigures{{MaxConns: 3, InUse: 3, Waiting: 2}}}, "in use 3 idle in the pool 0 max 3 waiting 2 oldest held", 3},
		{"no limit", &endpointFigures{InUse: 3}, "in use 3 idle in the pool 0 max no limit waiting 0 oldest held", 1},
		{"several endpoints", figures{[]endpointFigures{{MaxConns: 10, InUse: 3, Idle: 1, Waiting: 2}, {MaxConns: 5, InUse: 2, Idle: 2, Waiting: 1}}}, "in use 5 idle in the pool 3 max 15 waiting 3 oldest held", 2},
		{"no statistics", nil, "in use 3 oldest held", 1},
		{"statistics of something else", map[string]int{"Trees": 3}, "in use 3 oldest held", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := get(t, showWith(c.stats, conns...))
			assert.Contains(t, words(body), c.want+" 26h0m3s in a transaction 1 held but idle for long 1")
			assert.Equal(t, c.bad, strings.Count(body, `<div class="bad">`))
		})
	}
}

func manyConns(n int) []held.Conn {
	conns := make([]held.Conn, n)
	for i := range conns {
		conns[i] = held.Conn{ID: uint64(i + 1), Endpoint: address, For: time.Duration(n-i) * time.Second, Calls: i, Op: "query", Text: "select ?"}
		switch {
		case i == 1: // borrowed by a site of its own
			conns[i].Stack = orders[int]{}.borrow()
		case i%5 == 0:
			conns[i].Stack, conns[i].Busy = report(), true
		case i%5 == 4:
			conns[i].InTx, conns[i].Idle = true, time.Hour
		default:
			conns[i].Stack = placeOrder()
		}
	}
	return conns
}

func TestManyConnectionsAreCountedByCallSite(t *testing.T) {
	body := get(t, show(manyConns(500)...))
	before, _, _ := strings.Cut(body, `<table class="conns">`)
	text := words(before)
	// Of 500, every fifth is busy with a report, every fifth was not sampled, and one of the others has a site of its own.
	assert.Regexp(t, `page_test\.placeOrder \S+ 299 0 0 0 8m18s page_test\.report \S+ 100 100 0 0 8m20s call site not recorded 100 0 100 100 8m16s `+
		`One more call site holds one connection\.`, text)
	assert.Equal(t, 501, strings.Count(list(body), "<tr"), "a row for each, and the head")
	assert.NotContains(t, body, "<details open")
	assert.Less(t, len(body), 2<<20)
}

func TestTheListEndsSomewhereAndSaysSo(t *testing.T) {
	body := get(t, show(manyConns(1234)...))
	assert.Contains(t, words(body), "These are the 1000 oldest of 1234.")
	assert.Contains(t, words(body), "in use 1234")
	assert.NotContains(t, words(get(t, show(manyConns(1000)...))), "oldest of")

	var all struct{ Held []any }
	require.NoError(t, json.NewDecoder(ask(t, show(manyConns(1234)...), http.MethodGet, "/?format=json").Body).Decode(&all))
	assert.Len(t, all.Held, 1234)
}

func TestLongTextsAreFoldedAndVeryLongOnesCut(t *testing.T) {
	for _, c := range []struct {
		text string
		fold bool
		want string
	}{
		{"select ?", false, "select ? call site not recorded"},
		{"", false, "query call site not recorded"},
		{strings.Repeat("é", 200), true, strings.Repeat("é", 200) + " call site not recorded"},
		{"select\n?", true, "select ? call site not recorded"},
		{strings.Repeat("é", 1000), true, strings.Repeat("é", 1000) + " call site not recorded"},
		{strings.Repeat("é", 1003), true, strings.Repeat("é", 1000) + " … and 3 more characters: all of it is in the JSON. call site not recorded"},
	} {
		body := get(t, show(held.Conn{Op: "query", Text: c.text}))
		assert.Equal(t, c.fold, strings.Contains(body, `<details class="text">`), c.text)
		assert.Contains(t, words(body), c.want)
	}
}

func TestAnEmptyStackIsNoCallSite(t *testing.T) {
	for name, stack := range map[string][]uintptr{"nil": nil, "empty": {}, "nothing known": {0}, "nonsense": {1, 2, 3}} {
		t.Run(name, func(t *testing.T) {
			assert.Contains(t, words(get(t, show(held.Conn{ID: 1, Stack: stack}))), "not recorded")
			assert.Contains(t, read(t, ask(t, show(held.Conn{ID: 1, Stack: stack}), http.MethodGet, "/?format=json")), `"stack": []`)
		})
	}
}
