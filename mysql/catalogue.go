package mysql

import (
	"context"
	"database/sql/driver"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement/my"
)

// catalogue is what the server knows and a text does not show: triggers, defaults and views that call what may leave traces. It goes by
// names without databases; of several objects with one name, the worst counts. What the user may not see is not in it.
type catalogue struct {
	tables  map[string]bool // writing to them may leave a trace besides that of the text
	views   map[string]bool // so may reading them
	shadows map[string]bool // stored functions with the name of a function that is built in elsewhere
}

// judge completes what a text shows with what the catalogue knows. The nil catalogue knows nothing.
func (c *catalogue) judge(text string, p *my.Statement, s *dialect.Statement) {
	if s.Effects.Has(dialect.UnknownEffect) || mentions(text, seeing) {
		s.Sees = dialect.Sequence
	}
	if c == nil {
		s.Provisional, s.Sees = true, dialect.Sequence
		return
	}
	impure := len(c.shadows) > 0 && mentions(text, c.shadows)
	for _, name := range p.Targets {
		impure = impure || c.tables[name] || c.views[name]
	}
	for _, name := range p.Names {
		impure = impure || c.views[name]
	}
	if impure {
		s.Class, s.Effects, s.Sees = dialect.Unknown, s.Effects|dialect.UnknownEffect, dialect.Sequence
	}
}

// seeing are the words by which a text can ask for LAST_INSERT_ID, which is a variable too.
var seeing = words("last_insert_id identity variables session_variables variables_by_thread")

const (
	routinesSQL = `select routine_name, '' from information_schema.routines where routine_schema not in ('sys', 'mysql')`
	triggersSQL = `select event_object_table, action_statement from information_schema.triggers where trigger_schema not in ('sys', 'mysql')`
	viewsSQL    = `select table_name, view_definition from information_schema.views
		where table_schema not in ('sys', 'mysql', 'information_schema', 'performance_schema')`
	defaultsSQL = `select table_name, column_default from information_schema.columns
		where table_schema not in ('sys', 'mysql', 'information_schema', 'performance_schema') and column_default like '%nextval%'`
)

func readCatalogue(ctx context.Context, conn driver.Conn) (*catalogue, error) {
	suspects := words(`call execute prepare get_lock release_lock release_all_locks last_insert_id nextval setval lastval
		insert replace update delete load create drop lock handler sql_mode`)
	c := &catalogue{tables: map[string]bool{}, views: map[string]bool{}, shadows: map[string]bool{}}
	err := each(ctx, conn, routinesSQL, func(row []driver.Value) {
		name := strings.ToLower(value(row[0]))
		suspects[name] = true
		if my.Parse("select "+name+"()").Effects == 0 {
			c.shadows[name] = true
		}
	})
	if err != nil {
		return nil, err
	}
	find := func(query string, found map[string]bool) error {
		return each(ctx, conn, query, func(row []driver.Value) {
			if source := value(row[1]); source == "" || strings.Contains(source, "@") || mentions(source, suspects) {
				found[strings.ToLower(value(row[0]))] = true
			}
		})
	}
	if err := find(triggersSQL, c.tables); err != nil {
		return nil, err
	}
	if err := find(defaultsSQL, c.tables); err != nil {
		return nil, err
	}
	return c, find(viewsSQL, c.views)
}

// mentions reports whether a source has one of the words in it. It knows no strings and no comments: a word too many is a mistake on
// the safe side.
func mentions(source string, suspects map[string]bool) bool {
	for word := range words(source) {
		if suspects[word] {
			return true
		}
	}
	return false
}

func words(source string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsFuncSeq(strings.ToLower(source), func(r rune) bool {
		return r != '_' && r != '$' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && r < 0x80
	}) {
		set[word] = true
	}
	return set
}
