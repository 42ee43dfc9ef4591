package page_test

import (
	"encoding/json"
	"fmt"
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

// words is what a person reads: the page without tags, style and script, with single spaces.
func words(markup string) string {
	markup = regexp.MustCompile(`(?s)<style>.*</style>|<script>.*</script>|<[^>]*>`).ReplaceAllString(markup, " ")
	return strings.Join(strings.Fields(html.UnescapeString(markup)), " ")
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

// holding is a pool with connections in use.
func holding(conns ...page.Held) page.Pool {
	p := well()
	p.Held, p.Servers[0].InUse = conns, len(conns)
	return p
}

func conn(c held.Conn) page.Held { return page.NewHeld(c, false, held.Unknown) }

func TestWhatOthersWroteIsEscaped(t *testing.T) {
	const evil = `<script>alert("x")</script>`
	p := holding(conn(held.Conn{Endpoint: evil, Op: evil, Text: evil, Stack: orders[map[string]int]{}.borrow()}))
	p.Name = evil
	p.Servers = append(p.Servers, page.Server{Endpoint: evil, Up: "no", Why: evil, Breaker: page.Breaker{State: "off"}, Classes: []page.Class{{Name: evil}}})
	p.Events = []page.Event{{Kind: evil, Message: evil, Endpoint: evil, Details: map[string]string{evil: evil}}}
	p.Settings = []page.Setting{{Name: evil, Value: evil, Default: "none"}, {Name: evil, Value: evil, Default: evil}}
	p.Routes = page.Counts{evil: 1}
	body := get(t, page.Handler(page.Source{Look: func() page.Pool { return p }, Authorize: func(*http.Request, string) bool { return true }}))
	assert.Equal(t, 1, strings.Count(body, "<script"), "the page's own")
	assert.NotContains(t, body, `"x"`)
	assert.GreaterOrEqual(t, strings.Count(body, "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;"), 20)
	assert.Contains(t, body, "page_test.orders[...].borrow")
}

func TestACallSiteWithATypeArgumentIsShownByItsShortName(t *testing.T) {
	text := words(get(t, show(holding(conn(held.Conn{Stack: orders[map[string]int]{}.borrow()})))))
	assert.Contains(t, text, "page_test.orders[...].borrow page/view_test.go:")
}

func TestWithoutConnectionsThePageSaysSo(t *testing.T) {
	p := well()
	assert.Contains(t, words(get(t, show(p))), "Nobody holds a connection right now. ")
	assert.NotContains(t, words(get(t, show(p))), "made clean")
	p.Servers[0].InUse = 2
	assert.Contains(t, words(get(t, show(p))), "right now. The 2 in use: being made clean")
}

func TestWhatIsWellIsSaidInAWord(t *testing.T) {
	text := words(get(t, show(well())))
	assert.Contains(t, text, "Nothing is wrong. server in use waiting wait errors/s acquires/s dials/s db.example:5432 up no breaker 0 of 10, 4 idle 0 0 p99 0 0 0 0 ")
	assert.NotContains(t, get(t, show(well())), `class="bad"`)
	assert.Contains(t, get(t, show(well())), "<title>shop</title>")
}

func TestWhatIsWrongIsRedAndOnTop(t *testing.T) {
	p := well()
	since := now.Add(-200 * time.Second)
	p.Servers = append(p.Servers, page.Server{Endpoint: "db2:5432", Role: "replica", Up: "no", Since: &since, Why: "connection refused", Max: 10, Errors: 3, Breaker: page.Breaker{State: "off"}})
	body := get(t, show(p))
	text := words(body)
	assert.Contains(t, body, "<title>1 wrong · shop</title>")
	assert.Contains(t, text, "db2:5432 does not answer: connection refused. for 3m20s, since 03:03:40 Look at the server")
	assert.NotContains(t, text, "Nothing is wrong")
	assert.Contains(t, text, "dials/s db2:5432 was replica down for 3m20s no breaker", "its row is the first")
	assert.Equal(t, 1, strings.Count(body, `<tr class="bad">`))
	assert.Contains(t, body, `<span class="value bad">3</span>`)
}

func threeConns() []page.Held {
	start := time.Date(2026, 3, 3, 15, 6, 7, 0, time.UTC)
	return []page.Held{
		conn(held.Conn{ID: 7, Endpoint: address, Since: start, For: 12 * time.Hour, Calls: 12, Op: "query", Text: "select * from orders where id = ?", InTx: true,
			Idle: 5 * time.Second, Goroutine: 4711, Stack: placeOrder()}),
		page.NewHeld(held.Conn{ID: 3, Endpoint: address, Since: now.Add(-5 * time.Minute), For: 5 * time.Minute, Calls: 1, Op: "exec", Idle: 301 * time.Second,
			Text: "update stock\nset n = n - ?", Goroutine: 99, Stack: report()}, true, held.Gone),
		conn(held.Conn{ID: 12, Endpoint: "other.example:5432", Since: now, For: 20 * time.Millisecond, Calls: 2, Op: "commit", Busy: true}),
	}
}

func TestEachConnectionSaysWhatItIsDoingAndForWhom(t *testing.T) {
	p := holding(threeConns()...)
	p.Servers = append(p.Servers, page.Server{Endpoint: "other.example:5432", Up: "yes", Role: "single", Breaker: page.Breaker{State: "off"}, Max: 10})
	body := get(t, show(p))
	_, text, _ := strings.Cut(words(body), "Held connections")
	for _, want := range []string{
		"no. held for what it is doing borrowed by calls goroutine 3 5m since 03:02:00 leaked, goroutine gone idle for 5m1s after exec db.example:5432 update stock set n = n - ? " +
			"page_test.report page/view_test.go:",
		"7 12h since Mar 3 15:06:07 idle for 5 s after query in a transaction db.example:5432 select * from orders where id = ? page_test.placeOrder page/view_test.go:",
		"12 20 ms since 03:07:00 busy with commit other.example:5432 call site not recorded 2 –",
		"12 4711", "1 99",
	} {
		assert.Contains(t, text, want)
	}
	assert.Equal(t, 1, strings.Count(body, `<tr class="bad">`), "only one is leaked")
	assert.NotContains(t, text, "Where connections were borrowed", "three are seen at once")
	assert.Regexp(t, `called by \d+ more page_test\.threeConns .*testing\.tRunner`, text)
}

func manyConns(n int) []page.Held {
	conns := make([]page.Held, n)
	for i := range conns {
		c := held.Conn{ID: uint64(i + 1), Endpoint: address, For: time.Duration(n-i) * time.Second, Calls: i, Op: "query", Text: "select ?"}
		switch {
		case i == 1: // borrowed by a site of its own
			c.Stack = orders[int]{}.borrow()
		case i%5 == 0:
			c.Stack, c.Busy = report(), true
		case i%5 == 4:
			c.InTx, c.Idle = true, time.Hour
		default:
			c.Stack = placeOrder()
		}
		conns[i] = page.NewHeld(c, c.InTx, held.Alive)
	}
	return conns
}

func TestManyConnectionsAreCountedByCallSite(t *testing.T) {
	body := get(t, show(holding(manyConns(500)...)))
	_, text, _ := strings.Cut(words(body), "Where connections were borrowed")
	// Of 500, every fifth is busy with a report, every fifth was not sampled, and one of the others has a site of its own.
	assert.Regexp(t, `oldest page_test\.placeOrder \S+ 299 0 0 0 8m18s page_test\.report \S+ 100 100 0 0 8m20s call site not recorded 100 0 100 100 8m16s `+
		`One more call site holds one connection\.`, text)
	_, list, _ := strings.Cut(body, `<table class="conns">`)
	list, _, _ = strings.Cut(list, "</table>")
	assert.Equal(t, 501, strings.Count(list, "<tr"), "a row for each, and the head")
	assert.NotContains(t, body, "<details open")
	assert.Less(t, len(body), 2<<20)
}

func TestTheListEndsSomewhereAndSaysSo(t *testing.T) {
	p := holding(manyConns(1234)...)
	assert.Contains(t, words(get(t, show(p))), "These are 1000 of 1234. All of them are in the JSON .")
	assert.NotContains(t, words(get(t, show(holding(manyConns(1000)...)))), "These are")

	var all struct{ Held []any }
	require.NoError(t, json.NewDecoder(ask(t, show(p), http.MethodGet, "/?format=json").Body).Decode(&all))
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
		body := get(t, show(holding(conn(held.Conn{Op: "query", Text: c.text}))))
		assert.Equal(t, c.fold, strings.Contains(body, `<details class="text"`), c.text)
		assert.Contains(t, words(body), c.want)
	}
}

func TestAnEmptyStackIsNoCallSite(t *testing.T) {
	for name, stack := range map[string][]uintptr{"nil": nil, "empty": {}, "nothing known": {0}, "nonsense": {1, 2, 3}} {
		p := holding(conn(held.Conn{ID: 1, Stack: stack}))
		assert.Contains(t, words(get(t, show(p))), "not recorded", name)
		assert.Contains(t, read(t, ask(t, show(p), http.MethodGet, "/?format=json")), `"stack": []`, name)
	}
}

func TestEventsTellWhatHappenedAndHowOften(t *testing.T) {
	p := well()
	p.Events = []page.Event{
		{Kind: "leak", Level: "warn", Endpoint: address, Message: "a connection has leaked", First: now.Add(-time.Hour), Last: now.Add(-time.Minute), Count: 3, Details: map[string]string{
			"fate": "gone", "borrowed_at": "example.com/shop/store.(*Orders).Find (/src/shop/store/orders.go:87)",
		}},
		{Kind: "role", Level: "info", Message: "there is no primary", First: now.Add(-24 * time.Hour), Last: now.Add(-24 * time.Hour), Count: 1, Details: map[string]string{"borrowed_at": "no place"}},
	}
	_, text, _ := strings.Cut(words(get(t, show(p))), "Events")
	assert.Contains(t, text, "03:06:00 leak a connection has leaked db.example:5432 3 times since 02:07:00 borrowed at store.(*Orders).Find store/orders.go:87 goroutine gone "+
		"Mar 3 03:07:00 role there is no primary borrowed at no place")
	assert.NotContains(t, text, "more")

	for range 6 {
		p.Events = append(p.Events, p.Events[1])
	}
	_, text, _ = strings.Cut(words(get(t, show(p))), "Events")
	assert.Contains(t, text, "2 more", "what is old is folded")
}

func TestTotalsAreThoseThatAreNotZero(t *testing.T) {
	p := well()
	p.Servers = append(p.Servers, p.Servers[0])
	p.Servers[1].Endpoint = "db2:5432"
	p.Servers[1].Totals = page.Totals{Dials: 1234567, WaitTime: 90, Closed: page.Counts{"idle_time": 2, "failed": 0}}
	_, text, _ := strings.Cut(words(get(t, show(p))), "Totals")
	assert.Contains(t, text, "since the pool was made db.example:5432 db2:5432 waited, all together 0 1m30s dials 0 1 234 567 connections closed: idle time 0 2 Settings")
}

func TestSettingsThatWereChangedAreSeenAtOnce(t *testing.T) {
	p := well()
	p.Settings = []page.Setting{{Name: "pool_max_conns", Value: "20"}, {Name: "pool_leak", Value: "1m", Default: "1m"}}
	_, text, _ := strings.Cut(words(get(t, show(p))), "Settings")
	assert.Equal(t, "pool_max_conns=20 pool_max_conns 20 default none pool_leak 1m", strings.TrimSpace(text))
	p.Settings = p.Settings[1:]
	assert.Contains(t, words(get(t, show(p))), "Settings all are at their defaults")
}

func TestALineIsInterruptedWhereNothingIsKnown(t *testing.T) {
	p := well()
	for _, old := range []float64{800, 790, 780, 300, 290, 30, 20, 10} {
		p.Servers[0].History = append(p.Servers[0].History, page.Point{At: now.Add(-seconds(old)), InUse: 5})
	}
	strokes := regexp.MustCompile(`class="stroke" d="([^"]*)"`).FindAllStringSubmatch(get(t, show(p)), -1)
	require.Len(t, strokes, 4)
	assert.Equal(t, 3, strings.Count(strokes[0][1], "M"), strokes[0][1])
	assert.True(t, strings.HasPrefix(strokes[0][1], "M17.8 18.0L19.6 18.0"), "half of what may be is half way up: %s", strokes[0][1])
	assert.True(t, strings.HasSuffix(strokes[0][1], "L160.0 35.0"), "the last is what is now: %s", strokes[0][1])
}

func TestFiguresHaveTwoDigits(t *testing.T) {
	for seconds, want := range map[float64]string{0: "0", 0.001: "1 ms", 2: "2 s", 0.00001: "0.1 ms", 0.0004: "0.4 ms", 0.0123: "12 ms", 0.9949: "995 ms", 1.44: "1.4 s", 12.6: "13 s", 60: "1m", 3720: "1h2m", 7200: "2h"} {
		p := well()
		p.Servers[0].P50 = seconds
		assert.Contains(t, get(t, show(p)), fmt.Sprintf(`<span class="value">%s</span> <small>p99`, want))
	}
	for rate, want := range map[float64]string{0: "0", 0.001: "0.01", 0.05: "0.05", 1.26: "1.3", 12.6: "13", 12345: "12\u202f345"} {
		p := well()
		p.Servers[0].Acquires = rate
		assert.Contains(t, get(t, show(p)), fmt.Sprintf(`<td data-label="acquires/s"><span class="value">%s</span>`, want))
	}
}
