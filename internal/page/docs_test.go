package page_test

import (
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/markdown"
	"github.com/gopooled/pooled/internal/page"
)

const docs = "../../docs/page.md"

// keys lists the keys of the JSON of a type, in their order, by the place where they stand: "" for the whole, servers[].breaker and so on.
func keys(t reflect.Type, place string, all map[string][]string) {
	for i := range t.NumField() {
		field := t.Field(i)
		key := field.Tag.Get("json")
		if key == "" {
			continue
		}
		all[place] = append(all[place], key)
		below, of := strings.TrimPrefix(place+"."+key, "."), field.Type
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			if of.Kind() == reflect.Slice {
				below += "[]"
			}
			of = of.Elem()
		}
		if of.Kind() == reflect.Struct && of != reflect.TypeFor[time.Time]() {
			keys(of, below, all)
		}
	}
}

func TestTheDocsHaveAllKeysOfTheJSON(t *testing.T) {
	want := map[string][]string{}
	keys(reflect.TypeFor[page.Pool](), "", want)
	text, err := os.ReadFile(docs)
	require.NoError(t, err)
	got := map[string][]string{}
	_, reference, _ := strings.Cut(string(text), "\n## JSON\n")
	for section := range strings.SplitSeq(reference, "\n### ") {
		heading, table, _ := strings.Cut(section, "\n")
		place := strings.Trim(strings.TrimPrefix(heading, "The whole"), "`")
		for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| .+ \\|$").FindAllStringSubmatch(table, -1) {
			got[place] = append(got[place], row[1])
		}
	}
	assert.Equal(t, want, got)
}

func TestTheDocsHaveAllTroubles(t *testing.T) {
	table, err := markdown.Find(docs, "troubles")
	require.NoError(t, err)
	source, err := os.ReadFile("troubles.go")
	require.NoError(t, err)
	var want, got []string
	for _, rule := range regexp.MustCompile(`name: "(\w+)", severity: (\w+)`).FindAllStringSubmatch(string(source), -1) {
		want = append(want, rule[1]+map[string]string{"severe": " yes", "notice": " no"}[rule[2]])
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| .+ \\| (\\w+) \\|$").FindAllStringSubmatch(table.Text, -1) {
		got = append(got, row[1]+" "+row[2])
	}
	assert.ElementsMatch(t, want, got)
}

// example is the pool that the docs show: all that can be there is.
func example() page.Pool {
	p := well()
	p.At = now.Add(11 * time.Second)
	p.Servers = []page.Server{{
		Endpoint: "db.internal:5432", Role: "single", Up: "yes", Readable: "unknown",
		Breaker: page.Breaker{State: "closed", Trips: 1, Refused: 214},
		InUse:   20, Max: 20, Waiting: 48, P50: 1.7, P99: 2.1, Acquires: 21, Errors: 26, Statements: 4,
		Totals: page.Totals{Acquires: 30412, Unserved: 5980, Waits: 9312, WaitTime: 14270.5, Dials: 22, Closed: page.Counts{"idle_limit": 2}, Clean: 30391, Resets: page.Counts{"reset": 1}, Effects: page.Counts{"setting": 1}},
		History: []page.Point{
			{At: now, InUse: 20, Waiting: 45, P50: 1.6, P99: 2.1, Acquires: 20.5, Errors: 25},
			{At: now.Add(10 * time.Second), InUse: 20, Waiting: 47, P50: 1.7, P99: 2.1, Acquires: 21, Errors: 27},
		},
	}}
	p.Held = []page.Held{{
		ID: 25, Endpoint: "db.internal:5432", Since: p.At.Add(-3 * time.Second), For: 3, Calls: 1, Busy: true, Op: "query", Text: "select id, total from orders where customer = ?",
		Goroutine: 9127, Fate: "unknown", Site: "example.com/shop.(*Orders).Find (/src/shop/orders.go:87)", Stack: []string{"example.com/shop.(*Orders).Find (/src/shop/orders.go:87)"},
	}}
	p.Events = []page.Event{{
		Kind: "breaker", Level: "info", Endpoint: "db.internal:5432", Message: "the breaker is closed: the server is well", First: *ago(time.Hour), Last: *ago(time.Hour), Count: 1,
	}}
	p.Settings = []page.Setting{{Name: "pool_max_conns", Value: "20"}}
	return p
}

// With POOLED_UPDATE=1 the example is written instead of compared.
func TestTheDocsHaveAnExampleOfTheJSON(t *testing.T) {
	section, err := markdown.Find(docs, "example")
	require.NoError(t, err)
	want := "```json\n" + read(t, ask(t, show(example()), http.MethodGet, "/?format=json")) + "```\n"
	if os.Getenv("POOLED_UPDATE") != "" {
		require.NoError(t, section.Replace(want))
		return
	}
	assert.Equal(t, want, section.Text, "run: POOLED_UPDATE=1 go test -run Docs ./internal/page")
}
