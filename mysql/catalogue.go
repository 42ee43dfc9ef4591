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
	routines map[my.Call]*doing // by their names with a database, in lower case, and without: then it is that of all together
	packages map[string]bool    // whose routines are called as if they were databases
	loadable map[string]bool    // functions that are no stored ones, but called as these are
	writes   map[string]*doing  // what writing to tables and views does
	views    map[string]*doing  // what reading them does
	defaults map[string]bool    // tables and views of which a default may leave a trace
	shadows  map[string]bool    // stored functions with the name of a function that is built in elsewhere
	seen     map[string]bool    // databases of which the user sees everything
	pinned   map[string]string  // tables and views that leave no trace, but that only the primary may answer for, and why
	engines  map[string]engine  // of the tables
	remote   map[string]bool    // tables and views that another server may answer for
	declared dialect.Declared   // what the program says that the server does not tell
}

// engine is what is known of the storage engine of all tables of one name.
type engine uint8

const (
	transactional    engine = iota + 1 // what is written can be undone
	nonTransactional                   // it stays, whatever becomes of the statement, or of what a trigger does that the user may not see
)

// judge completes what a text shows with what the catalogue knows. The nil catalogue knows nothing.
func (c *catalogue) judge(text string, p *my.Statement, s *dialect.Statement) {
	lasts := c.complete(text, p, s)
	for _, u := range s.Undo {
		if u.Effect == dialect.Setting && recording[u.Name] { // what it has recorded outlasts it
			statement.Costs(s, dialect.Permanent, dialect.Reason{What: "sets " + u.Name})
		}
		if u.Effect == dialect.Database && strings.EqualFold(u.Name, helpers) { // its views need no name of it then
			statement.Costs(s, dialect.Permanent, dialect.Reason{What: "uses " + helpers + ", whose views set variables"})
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
	for _, name := range p.Names {
		if why := c.pinned[name]; why != "" {
			statement.NeedsPrimary(s, why)
		}
	}
	s.Atomic = p.Plain && s.Class != dialect.Unknown && s.Effects&^dialect.Sequence == 0 && !lasts && c.isAtomic(p)
}

// complete adds what is done by all that a text reaches. It reports whether some of that may outlast an error. A text that calls is unknown for that
// only as long as it is not known what it calls.
func (c *catalogue) complete(text string, p *my.Statement, s *dialect.Statement) (lasts bool) {
	if len(p.Calls) > 0 && !p.Unclear {
		s.Effects &^= dialect.UnknownEffect
	}
	if c == nil {
		if len(p.Calls) > 0 { // as if it were unknown, but for what is settled when the catalogue is known
			s.Effects |= dialect.OpenTx
			s.Implicit, s.Defines, s.Rereads = true, true, true
		}
		return false
	}
	all := &doing{}
	for _, d := range c.reached(text, p, all.unknown) {
		all.add(d)
	}
	all.tell(s)
	return all.lasts
}

// asksCatalogue reports whether the catalogue could know something of a text: it names a table, or may call a routine.
func asksCatalogue(text string, p *my.Statement) bool {
	return len(p.Targets)+len(p.Names)+len(p.Calls) > 0 || strings.Contains(text, "(")
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

// evaluating are the function that evaluates the default of a column, and the word of a table that may take it over.
var evaluating = statement.WordsOf("default temporary")

const (
	viewsSQL = `select table_name, view_definition from information_schema.views
		where table_schema not in ('sys', 'mysql', 'information_schema', 'performance_schema')`
	// MariaDB lets a default, and a column that is computed, set a user variable. The last column says that one may.
	defaultsSQL = `select table_name, max(coalesce(column_default like '%:=%', 0) or coalesce(generation_expression like '%:=%', 0)) from information_schema.columns
		where table_schema not in ('sys', 'mysql', 'information_schema', 'performance_schema')
			and (column_default like '%nextval%' or column_default like '%:=%' or generation_expression like '%:=%') group by table_name`
	tablesSQL = `select table_name, upper(coalesce(engine, '')), table_type, table_schema from information_schema.tables
		where table_schema not in ('sys', 'mysql', 'information_schema', 'performance_schema') and table_type <> 'VIEW'`
)

// pinnedEngines are those of tables that replicas have otherwise, or may have lost: memory is empty after a restart.
var pinnedEngines = map[string]bool{"MEMORY": true, "BLACKHOLE": true, "FEDERATED": true, "CONNECT": true, "SPIDER": true}

// localEngines are those that keep what is written where it is written, and whether they can undo it. Others may leave it to another server.
var localEngines = map[string]engine{
	"INNODB": transactional, "ROCKSDB": transactional, "NDBCLUSTER": transactional,
	"MYISAM": nonTransactional, "ARIA": nonTransactional, "MRG_MYISAM": nonTransactional, "MEMORY": nonTransactional,
	"CSV": nonTransactional, "ARCHIVE": nonTransactional, "BLACKHOLE": nonTransactional,
}

func readCatalogue(ctx context.Context, conn driver.Conn, declared dialect.Declared) (*catalogue, error) {
	c := &catalogue{
		routines: map[my.Call]*doing{}, packages: map[string]bool{}, loadable: map[string]bool{}, writes: map[string]*doing{}, views: map[string]*doing{},
		defaults: map[string]bool{}, shadows: map[string]bool{}, seen: map[string]bool{}, pinned: map[string]string{}, engines: map[string]engine{},
		remote: map[string]bool{}, declared: declared,
	}
	routines, err := c.readRoutines(ctx, conn)
	if err != nil {
		return nil, err
	}
	tellMissing(declared, routines)
	triggers, err := c.readTriggers(ctx, conn)
	if err != nil {
		return nil, err
	}
	for _, programs := range [][]*program{routines, triggers} {
		if err := readWhole(ctx, conn, programs); err != nil {
			return nil, err
		}
	}
	if err := c.readSeen(ctx, conn); err != nil {
		return nil, err
	}
	if err := c.readTables(ctx, conn); err != nil {
		return nil, err
	}
	err = each(ctx, conn, defaultsSQL, func(row []driver.Value) {
		name := strings.ToLower(value(row[0]))
		c.defaults[name] = true
		sets := value(row[1]) != "0"
		c.written(name).unknownUnless("writes to "+name, cureOfDefault(sets))
		if sets {
			c.views[name] = &doing{}
			c.views[name].unknown("a column of " + name + " sets a variable")
		}
	})
	if err != nil {
		return nil, err
	}
	views, err := c.readViews(ctx, conn)
	if err != nil {
		return nil, err
	}
	c.pin(views)
	var nodes []*node
	for _, p := range append(routines, triggers...) {
		nodes = append(nodes, c.node(p).blames(p))
	}
	for _, v := range views {
		nodes = append(nodes, c.viewNodes(v)...)
	}
	follow(nodes)
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
		if !c.seen[strings.ToLower(value(row[3]))] { // nor are its triggers
			kept = nonTransactional
		}
		c.engines[name] = max(c.engines[name], kept) // of several, the one that undoes less
	})
}
