package page

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gopooled/pooled/held"
)

// group is a struct or a map of the statistics: what it counts itself. What is nested in it follows as groups of their own. Or it is a list of several structs that
// have a name and nothing nested, as a table.
type group struct {
	Title   string // the names of the fields on the way to it, with dots; empty for the outermost
	Values  []value
	Columns []string // of a table
	Rows    [][]value
}

// value is one line of a group.
type value struct {
	Label, Text string
	number      int64 // for whole numbers
	whole       bool
}

// number returns the whole number with a label.
func (g group) number(label string) (n int64, ok bool) {
	for _, v := range g.Values {
		if v.Label == label && v.whole {
			return v.number, true
		}
	}
	return 0, false
}

// mostNested ends the walk through a value that contains itself.
const mostNested = 8

// groups reads any value by reflection, with the names of fields as labels: a figure that is new is on the page at once.
func groups(stats any) []group {
	v := inner(reflect.ValueOf(stats))
	switch {
	case !v.IsValid():
		return nil
	case !nested(v):
		return []group{{Values: []value{newValue("value", v)}}}
	default:
		return walk("", v, 0)
	}
}

// walk returns the group of v, if it has values of its own, and those nested in it.
func walk(title string, v reflect.Value, depth int) []group {
	if isTable(v) {
		return []group{table(title, v)}
	}
	g := group{Title: title}
	var below []group
	each(v, func(label string, v reflect.Value) {
		switch v = inner(v); {
		case !nested(v):
			g.Values = append(g.Values, newValue(label, v))
		case depth == mostNested:
			g.Values = append(g.Values, value{Label: label, Text: "…"})
		case title == "" || label == "" || strings.HasPrefix(label, "["):
			below = append(below, walk(title+label, v, depth+1)...)
		default:
			below = append(below, walk(title+"."+label, v, depth+1)...)
		}
	})
	if len(g.Values) == 0 {
		return below
	}
	return append([]group{g}, below...)
}

// isTable reports whether v is a list of several structs that begin with their name and have nothing nested.
func isTable(v reflect.Value) bool {
	if v.Kind() != reflect.Slice || v.Len() < 2 {
		return false
	}
	of := v.Type().Elem()
	if of.Kind() != reflect.Struct || of.NumField() == 0 || of.Field(0).Name != "Name" {
		return false
	}
	flat := true
	for i := range v.Len() {
		each(v.Index(i), func(_ string, part reflect.Value) { flat = flat && !nested(inner(part)) })
	}
	return flat
}

// table reads a list of such structs.
func table(title string, v reflect.Value) group {
	g := group{Title: title}
	for i := range v.Len() {
		var row []value
		each(v.Index(i), func(label string, part reflect.Value) {
			if i == 0 {
				g.Columns = append(g.Columns, label)
			}
			row = append(row, newValue(label, inner(part)))
		})
		g.Rows = append(g.Rows, row)
	}
	return g
}

// each visits the parts of a struct in their order, those of a map by key, and those of a list with their index as label, if there are
// several.
func each(v reflect.Value, visit func(label string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		for field, part := range v.Fields() {
			switch {
			case !field.IsExported():
			case field.Anonymous && nested(inner(part)):
				each(inner(part), visit) // encoding/json does not nest it either
			default:
				visit(field.Name, part)
			}
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, key := range keys {
			visit(fmt.Sprint(key), v.MapIndex(key))
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			label := ""
			if v.Len() > 1 {
				label = "[" + strconv.Itoa(i) + "]"
			}
			visit(label, v.Index(i))
		}
	default: // nested has let nothing else through
	}
}

// nested reports whether v is shown as a group, and not in a line.
func nested(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Struct:
		for field := range v.Fields() {
			if field.IsExported() {
				return true
			}
		}
		return false // time.Time, netip.Addr: they have a text
	case reflect.Map:
		return v.Len() > 0
	case reflect.Slice, reflect.Array:
		return v.Len() > 0 && nested(inner(v.Index(0)))
	default:
		return false
	}
}

// inner follows pointers and interfaces. It is invalid where they end in nil.
func inner(v reflect.Value) reflect.Value {
	for n := 0; v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface; n++ {
		if n == mostNested { // a pointer to itself
			return reflect.Value{}
		}
		v = v.Elem()
	}
	return v
}

func newValue(label string, v reflect.Value) value {
	switch {
	case !v.IsValid():
		return value{Label: label, Text: "none"}
	case v.Type() == reflect.TypeFor[time.Duration]():
		return value{Label: label, Text: held.Round(time.Duration(v.Int())).String()}
	case v.Type() == reflect.TypeFor[time.Time]():
		return value{Label: label, Text: v.Interface().(time.Time).Format(time.RFC3339)}
	case v.CanInt():
		return value{Label: label, Text: fmt.Sprint(v), number: v.Int(), whole: true}
	case v.CanUint():
		return value{Label: label, Text: fmt.Sprint(v), number: int64(v.Uint()), whole: true}
	case (v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.Len() == 0:
		return value{Label: label, Text: "none"}
	default:
		return value{Label: label, Text: fmt.Sprint(v)}
	}
}
