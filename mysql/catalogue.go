package mysql

import (
	"context"
	"database/sql/driver"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement"
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
	for _, u := range s.Undo {
		if u.Effect == dialect.Setting && recording[u.Name] { // what it has recorded outlasts it
			s.Effects |= dialect.Permanent
		}
	}
	if s.Effects.Has(dialect.UnknownEffect) || statement.Mentions(text, seeing) {
		s.Sees = dialect.Sequence
		because(s, "may read last_insert_id")
	}
	if c == nil {
		s.Provisional, s.Sees = true, dialect.Sequence
		because(s, "the catalogue is not known yet")
		return
	}
	impure := len(c.shadows) > 0 && statement.Mentions(text, c.shadows)
	if impure {
		because(s, "may call a stored function named like a built-in one")
	}
	for _, name := range p.Targets {
		if c.tables[name] || c.views[name] {
			impure = true
			because(s, "what writing to "+name+" does is not known")
		}
	}
	for _, name := range p.Names {
		if c.views[name] {
			impure = true
			because(s, "what is behind "+name+" may do anything")
		}
	}
	if impure {
		s.Class, s.Effects, s.Sees = dialect.Unknown, s.Effects|dialect.UnknownEffect, dialect.Sequence
	}
}

// because notes the first reason against a read.
func because(s *dialect.Statement, why string) {
	if s.Why == "" {
		s.Why = why
	}
}

// recording are the variables that have the server record statements for the session to read.
var recording = statement.WordsOf("profiling profiling_history_size optimizer_trace")

// seeing are the words by which a text can ask for LAST_INSERT_ID, which is a variable too.
var seeing = statement.WordsOf("last_insert_id identity variables session_variables variables_by_thread")

const (
	routinesSQL = `select routine_name, '' from information_schema.routines where routine_schema not in ('sys', 'mysql')`
	triggersSQL = `select event_object_table, action_statement from information_schema.triggers where trigger_schema not in ('sys', 'mysql')`
	viewsSQL    = `select table_name, view_definition from information_schema.views
		where table_schema not in ('sys', 'mysql', 'information_schema', 'performance_schema')`
	defaultsSQL = `select table_name, column_default from information_schema.columns
		where table_schema not in ('sys', 'mysql', 'information_schema', 'performance_schema') and column_default like '%nextval%'`
)

func readCatalogue(ctx context.Context, conn driver.Conn) (*catalogue, error) {
	suspects := statement.WordsOf(`call execute prepare get_lock release_lock release_all_locks last_insert_id nextval setval lastval
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
	views := map[string][]string{} // sources by name
	for _, query := range []string{triggersSQL, defaultsSQL, viewsSQL} {
		err := each(ctx, conn, query, func(row []driver.Value) {
			name, source := strings.ToLower(value(row[0])), value(row[1])
			impure := source == "" || strings.Contains(source, "@") || statement.Mentions(source, suspects) || !setsOnlyNew(source)
			switch {
			case query == viewsSQL:
				views[name] = append(views[name], source)
				c.views[name] = c.views[name] || impure
			case impure:
				c.tables[name] = true
			}
		})
		if err != nil {
			return nil, err
		}
	}
	c.spread(views)
	return c, nil
}

// spread finds the views over impure views, and those over tables that are impure to write to.
func (c *catalogue) spread(views map[string][]string) {
	for found := true; found; {
		found = false
		for name, sources := range views {
			for _, source := range sources {
				if !c.views[name] && statement.Mentions(source, c.views) {
					c.views[name], found = true, true
				}
				if !c.tables[name] && statement.Mentions(source, c.tables) {
					c.tables[name], found = true, true
				}
			}
		}
	}
}
