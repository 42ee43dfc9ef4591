package mysql

import (
	"context"
	"database/sql/driver"
	"slices"
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
	engines map[string]engine // of the tables
	remote  map[string]bool   // tables and views that another server may answer for
}

// engine is what is known of the storage engine of all tables of one name.
type engine uint8

const (
	transactional    engine = iota + 1 // what is written can be undone
	nonTransactional                   // it stays, whatever becomes of the statement, or of what a trigger does that the user may not see
)

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
		s.Atomic = p.Plain && s.Class == dialect.Read && s.Effects == 0
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
	s.Atomic = p.Plain && s.Class != dialect.Unknown && s.Effects&^dialect.Sequence == 0 && c.isAtomic(p)
}

// asksCatalogue reports whether the catalogue could know something of a text: it names a table, or may call a function.
func asksCatalogue(text string, p *my.Statement) bool {
	return len(p.Targets)+len(p.Names) > 0 || strings.Contains(text, "(")
}

// isAtomic reports whether all that is written can be undone, and nothing is left to another server.
func (c *catalogue) isAtomic(p *my.Statement) bool {
	for _, name := range p.Targets {
		if c.engines[name] != transactional || c.remote[name] {
			return false
		}
	}
	return !slices.ContainsFunc(p.Names, func(name string) bool { return c.remote[name] })
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
	// The last column says whether the user may see the triggers of the table. Grants to roles do not count: it is not proved then.
	tablesSQL = `select t.table_name, upper(coalesce(t.engine, '')), t.table_type, max(p.pattern is not null)
		from information_schema.tables t left join (
			select '%' as pattern, grantee from information_schema.user_privileges where privilege_type = 'TRIGGER'
			union all select table_schema, grantee from information_schema.schema_privileges where privilege_type = 'TRIGGER') p
		on t.table_schema like p.pattern
			and p.grantee = concat('''', substring_index(current_user(), '@', 1), '''@''', substring_index(current_user(), '@', -1), '''')
		where t.table_schema not in ('sys', 'mysql', 'information_schema', 'performance_schema') and t.table_type <> 'VIEW'
		group by t.table_schema, t.table_name, t.engine, t.table_type`
)

// pinnedEngines are those of tables that replicas have otherwise, or may have lost: memory is empty after a restart.
var pinnedEngines = map[string]bool{"MEMORY": true, "BLACKHOLE": true, "FEDERATED": true, "CONNECT": true, "SPIDER": true}

// localEngines are those that keep what is written where it is written, and whether they can undo it. Others may leave it to another server.
var localEngines = map[string]engine{
	"INNODB": transactional, "ROCKSDB": transactional, "NDBCLUSTER": transactional,
	"MYISAM": nonTransactional, "ARIA": nonTransactional, "MRG_MYISAM": nonTransactional, "MEMORY": nonTransactional,
	"CSV": nonTransactional, "ARCHIVE": nonTransactional, "BLACKHOLE": nonTransactional,
}

func readCatalogue(ctx context.Context, conn driver.Conn) (*catalogue, error) {
	suspects := statement.WordsOf(`call execute prepare get_lock release_lock release_all_locks last_insert_id nextval setval lastval
		insert replace update delete load create drop lock handler sql_mode default`)
	c := &catalogue{
		tables: map[string]bool{}, views: map[string]string{}, shadows: map[string]bool{}, pinned: map[string]string{},
		engines: map[string]engine{}, remote: map[string]bool{},
	}
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
	if err := c.readTables(ctx, conn); err != nil {
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

// readTables finds the tables, and what they are kept in.
func (c *catalogue) readTables(ctx context.Context, conn driver.Conn) error {
	return each(ctx, conn, tablesSQL, func(row []driver.Value) {
		name, in, kind := strings.ToLower(value(row[0])), value(row[1]), value(row[2])
		switch {
		case kind == "SEQUENCE": // it is ahead on replicas
			c.pinned[name] = name + " is a sequence"
		case pinnedEngines[in]:
			c.pinned[name] = name + " is a " + strings.ToLower(in) + " table"
		}
		kept, local := localEngines[in]
		if !local {
			c.remote[name] = true
		}
		if value(row[3]) != "1" {
			kept = nonTransactional
		}
		c.engines[name] = max(c.engines[name], kept) // of several, the one that undoes less
	})
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
	if my.CallsOthers(source) { // which the user may not see
		return "calls a function that is not known"
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
			if !c.remote[v.name] && v.words.First(func(word string) bool { return c.remote[word] }) != "" {
				c.remote[v.name], found = true, true
			}
			if !c.tables[v.name] && v.words.First(func(word string) bool { return c.tables[word] }) != "" {
				c.tables[v.name], found = true, true
			}
		}
	}
}
