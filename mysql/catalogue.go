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
// names without databases; of several objects with one name, the worst counts. What the user may not see is not in it. A reason for
// people is a whole clause, such as "view v mentions f".
type catalogue struct {
	tables  map[string]bool   // writing to them, or asking for defaults of theirs, may leave a trace besides that of the text
	views   map[string]string // reading them may leave a trace, and why
	shadows map[string]bool   // stored functions with the name of a function that is built in elsewhere
	pinned  map[string]string // tables and views that leave no trace, but that only the primary may answer for, and why
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
		statement.Because(s, "may read last_insert_id")
	}
	if c == nil && !asksCatalogue(text, p) {
		return
	}
	if c == nil {
		s.Provisional, s.Sees = true, dialect.Sequence
		statement.Because(s, "the catalogue is not known yet")
		return
	}
	if len(c.shadows) > 0 && statement.Mentions(text, c.shadows) {
		statement.Unknown(s, "may call a stored function named like a built-in one")
	}
	for _, name := range p.Targets {
		if c.tables[name] || c.views[name] != "" {
			statement.Unknown(s, "writes to "+name)
		}
	}
	for _, name := range p.Names {
		if why := c.views[name]; why != "" {
			statement.Unknown(s, why)
		}
		if c.tables[name] && statement.Mentions(text, evaluating) {
			statement.Unknown(s, "may evaluate a default of "+name)
		}
		if why := c.pinned[name]; why != "" {
			statement.NeedsPrimary(s, why)
		}
	}
}

// asksCatalogue reports whether the catalogue could know something of a text: it names a table, or may call a function.
func asksCatalogue(text string, p *my.Statement) bool {
	return len(p.Targets)+len(p.Names) > 0 || strings.Contains(text, "(")
}

// recording are the variables that have the server record statements for the session to read.
var recording = statement.WordsOf("profiling profiling_history_size optimizer_trace")

// seeing are the words by which a text can ask for LAST_INSERT_ID, which is a variable too.
var seeing = statement.WordsOf("last_insert_id identity variables session_variables variables_by_thread")

// evaluating is the function that evaluates the default of a column.
var evaluating = statement.WordsOf("default")

const (
	routinesSQL = `select routine_name, '' from information_schema.routines where routine_schema not in ('sys', 'mysql')`
	triggersSQL = `select event_object_table, action_statement from information_schema.triggers where trigger_schema not in ('sys', 'mysql')`
	viewsSQL    = `select table_name, view_definition from information_schema.views
		where table_schema not in ('sys', 'mysql', 'information_schema', 'performance_schema')`
	defaultsSQL = `select table_name, column_default from information_schema.columns
		where table_schema not in ('sys', 'mysql', 'information_schema', 'performance_schema') and column_default like '%nextval%'`
	// What replicas have otherwise, or may have lost: sequences are ahead there, and memory is empty after a restart.
	pinnedSQL = `select table_name, case table_type when 'SEQUENCE' then 'sequence' else concat(lower(engine), ' table') end
		from information_schema.tables where table_schema not in ('sys', 'mysql', 'information_schema', 'performance_schema')
		and (table_type = 'SEQUENCE' or engine in ('MEMORY', 'BLACKHOLE', 'FEDERATED', 'CONNECT', 'SPIDER'))`
)

func readCatalogue(ctx context.Context, conn driver.Conn) (*catalogue, error) {
	suspects := statement.WordsOf(`call execute prepare get_lock release_lock release_all_locks last_insert_id nextval setval lastval
		insert replace update delete load create drop lock handler sql_mode default`)
	c := &catalogue{tables: map[string]bool{}, views: map[string]string{}, shadows: map[string]bool{}, pinned: map[string]string{}}
	odd := "" // the name of a routine that is no word, and so is not found in a source
	err := each(ctx, conn, routinesSQL, func(row []driver.Value) {
		name := strings.ToLower(value(row[0]))
		suspects[name] = true
		if !statement.WordsOf(name)[name] {
			odd = name
		}
		if my.Parse("select "+name+"()").Effects == 0 {
			c.shadows[name] = true
		}
	})
	if err != nil {
		return nil, err
	}
	err = each(ctx, conn, pinnedSQL, func(row []driver.Value) {
		name := strings.ToLower(value(row[0]))
		c.pinned[name] = name + " is a " + value(row[1])
	})
	if err != nil {
		return nil, err
	}
	for _, query := range []string{triggersSQL, defaultsSQL} {
		err := each(ctx, conn, query, func(row []driver.Value) {
			if odd != "" || whyImpure(value(row[1]), suspects) != "" {
				c.tables[strings.ToLower(value(row[0]))] = true
			}
		})
		if err != nil {
			return nil, err
		}
	}
	var views []view
	err = each(ctx, conn, viewsSQL, func(row []driver.Value) {
		v, source := view{name: strings.ToLower(value(row[0]))}, value(row[1])
		v.words = statement.WordsOf(source)
		parsed := my.Parse(source)
		for _, name := range parsed.Names { // some are no words
			v.words[name] = true
		}
		views = append(views, v)
		switch why := whyImpure(source, suspects); {
		case why != "":
			c.views[v.name] = "view " + v.name + " " + why
		case odd != "":
			c.views[v.name] = "view " + v.name + " may call " + odd
		case parsed.Why != "":
			c.pinned[v.name] = "view " + v.name + ": " + parsed.Why
		}
	})
	if err != nil {
		return nil, err
	}
	c.spread(views)
	return c, nil
}

// view is what a view consists of.
type view struct {
	name  string
	words statement.Words
}

// whyImpure says why a source may leave a trace; empty: it does not.
func whyImpure(source string, suspects map[string]bool) string {
	if source == "" {
		return "has a source that cannot be read"
	}
	if strings.Contains(source, "@") {
		return "mentions a variable"
	}
	if word := statement.WordsOf(source).First(func(word string) bool { return suspects[word] }); word != "" {
		return "mentions " + word
	}
	if !setsOnlyNew(source) {
		return "sets a variable"
	}
	return ""
}

// spread finds the views over views and tables that are impure to read or to write to, or pinned.
func (c *catalogue) spread(views []view) {
	for found := true; found; {
		found = false
		for _, v := range views {
			if word := v.words.First(func(word string) bool { return c.views[word] != "" }); word != "" && c.views[v.name] == "" {
				c.views[v.name], found = "view "+v.name+" mentions "+word, true
			}
			if word := v.words.First(func(word string) bool { return c.pinned[word] != "" }); word != "" && c.pinned[v.name] == "" {
				c.pinned[v.name], found = "view "+v.name+" mentions "+word, true
			}
			if !c.tables[v.name] && v.words.First(func(word string) bool { return c.tables[word] }) != "" {
				c.tables[v.name], found = true, true
			}
		}
	}
}
