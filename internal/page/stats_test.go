package page

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

type inside struct{ Yes bool }

type Embedded struct{ Shared int }

type outside struct {
	Embedded
	Text    string
	Wait    time.Duration
	Count   uint64
	Rate    float64
	Nothing *int
	Pointer *inside
	Any     any
	At      time.Time
	Addr    netip.Addr
	Names   []string
	None    map[string]int
	Empty   []inside
	hidden  int
}

type outcome struct {
	Name string
	Took time.Duration
}

type ring struct {
	N    int
	Next *ring
}

func TestStatisticsAreReadByReflection(t *testing.T) {
	endless := &ring{N: 1}
	endless.Next = endless
	var itself any
	itself = &itself

	for _, c := range []struct {
		name  string
		stats any
		want  map[string][]string // by title: label, text, ...
		order []string            // of the titles
	}{
		{"nothing", nil, map[string][]string{}, nil},
		{"a nil pointer", (*outside)(nil), map[string][]string{}, nil},
		{"a number", 7, map[string][]string{"": {"value", "7"}}, []string{""}},
		{"a struct", &outside{
			Embedded: Embedded{4}, Text: "a", Wait: 61*time.Second + 5, Count: 1 << 40, Rate: 0.5, Pointer: &inside{true}, Any: inside{},
			At: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Addr: netip.MustParseAddr("::1"), Names: []string{"x", "y"}, hidden: 1,
		}, map[string][]string{
			"": {"Shared", "4", "Text", "a", "Wait", "1m1s", "Count", "1099511627776", "Rate", "0.5", "Nothing", "none",
				"At", "2026-01-02T03:04:05Z", "Addr", "::1", "Names", "[x y]", "None", "none", "Empty", "none"},
			"Pointer": {"Yes", "true"}, "Any": {"Yes", "false"},
		}, []string{"", "Pointer", "Any"}},
		{"a map, by key", map[string]int{"b": 2, "a": 1, "c": 3}, map[string][]string{"": {"a", "1", "b", "2", "c", "3"}}, []string{""}},
		{"maps in a map", map[string]any{"z": map[int]time.Duration{1: time.Second}, "n": 1},
			map[string][]string{"": {"n", "1"}, "z": {"1", "1s"}}, []string{"", "z"}},
		{"a list of one", struct{ List []inside }{[]inside{{}}}, map[string][]string{"List": {"Yes", "false"}}, []string{"List"}},
		{"a list of two", struct{ List []*struct{ In inside } }{[]*struct{ In inside }{{}, {In: inside{true}}}},
			map[string][]string{"List[0].In": {"Yes", "false"}, "List[1].In": {"Yes", "true"}}, []string{"List[0].In", "List[1].In"}},
		{"a list at the outside", []inside{{}, {true}}, map[string][]string{"[0]": {"Yes", "false"}, "[1]": {"Yes", "true"}}, []string{"[0]", "[1]"}},
		{"a pointer to itself", itself, map[string][]string{}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := map[string][]string{}
			var order []string
			for _, g := range groups(c.stats) {
				order = append(order, g.Title)
				for _, v := range g.Values {
					got[g.Title] = append(got[g.Title], v.Label, v.Text)
				}
			}
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.order, order)
		})
	}

	for _, lists := range []any{[]outcome{{"a", time.Second}, {"b", time.Minute}}, struct{ Some []outcome }{[]outcome{{"a", time.Second}, {"b", time.Minute}}}} {
		all := groups(lists)
		assert.Len(t, all, 1)
		assert.Equal(t, []string{"Name", "Took"}, all[0].Columns)
		assert.Equal(t, []string{"a", "1s", "b", "1m0s"}, []string{all[0].Rows[0][0].Text, all[0].Rows[0][1].Text, all[0].Rows[1][0].Text, all[0].Rows[1][1].Text})
	}

	all := groups(endless)
	assert.Len(t, all, mostNested+1, "a struct that contains itself ends somewhere")
	assert.Equal(t, "…", all[mostNested].Values[1].Text)
}

func TestPlacesAreShortened(t *testing.T) {
	for _, c := range []struct {
		function, file, name, at string
	}{
		{"main.main", "/src/main.go", "main.main", "src/main.go:5"},
		{"github.com/acme/shop/store.(*Orders).Find", "/home/me/shop/store/orders.go", "store.(*Orders).Find", "store/orders.go:5"},
		{"example.com/a/b.T[example.com/c/d.E].M", "b/t.go", "b.T[example.com/c/d.E].M", "b/t.go:5"},
		{"a/b.F[...]", "t.go", "b.F[...]", "t.go:5"},
		{"a/b.F.func1", "/t.go", "b.F.func1", "t.go:5"},
		{"", "", "", ":5"},
	} {
		p := place{Function: c.function, File: c.file, Line: 5}
		assert.Equal(t, c.name, p.Func())
		assert.Equal(t, c.at, p.At())
	}
}
