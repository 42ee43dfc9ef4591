package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement/my"
)

// ownDatabases are the server's, in which nobody else makes views and triggers, and sys.
const ownDatabases = "('sys', 'mysql', 'information_schema', 'performance_schema')"

// harmlessDatabases are those of the server's own tables.
var harmlessDatabases = []string{"information_schema", "performance_schema", "mysql"}

// helpers is the database of views and routines that come with the server. They are not looked at, as their names are those of many tables, and some
// set user variables: sys.processlist of MySQL does.
const helpers = "sys"

const (
	// namesSQL asks for what cannot be asked for by the names of texts.
	namesSQL = `select distinct routine_type, routine_name from information_schema.routines
		where routine_schema not in ` + ownDatabases + ` and routine_type in ('FUNCTION', 'PACKAGE', 'PACKAGE BODY')`
	// loadableSQL asks for loadable functions, which are called by the names of stored ones. Few users may ask.
	loadableSQL = `select name, '' from mysql.func`
	// seenSQL asks for the databases in which the user sees all tables, views and triggers. Grants to roles do not count, nor does a grant on
	// everything from which parts may have been taken.
	seenSQL = `select distinct s.schema_name, '' from information_schema.schemata s join (
			select '%' as pattern, grantee from information_schema.user_privileges where privilege_type = 'TRIGGER' /*!80016 and not @@global.partial_revokes */
			union all select table_schema, grantee from information_schema.schema_privileges where privilege_type = 'TRIGGER') p
		on s.schema_name like p.pattern
			and p.grantee = concat('''', substring_index(current_user(), '@', 1), '''@''', substring_index(current_user(), '@', -1), '''')`

	tablesSQL = `select table_schema, table_name, table_type, upper(coalesce(engine, '')) from information_schema.tables
		where table_schema not in ` + ownDatabases + ` and (%s)`
	routinesSQL = `select routine_schema, routine_name, routine_type, routine_body, coalesce(external_language, 'SQL'), sql_mode, routine_definition
		from information_schema.routines where routine_schema not in ` + ownDatabases + ` and routine_type in ('PROCEDURE', 'FUNCTION') and (%s)
		order by routine_schema <=> database() desc`
	parametersSQL = `select specific_schema, specific_name, routine_type, parameter_name
		from information_schema.parameters where specific_schema not in ` + ownDatabases + ` and parameter_name is not null and (%s)`
)

// Of one table each, as MariaDB finds them by their full names only. The database and the name are filled in.
const (
	triggersSQL = `select event_object_table, trigger_schema, trigger_name, sql_mode, action_statement from information_schema.triggers
		where event_object_schema = %s and event_object_table = %s`
	viewSQL = `select table_name, view_definition from information_schema.views where table_schema = %s and table_name = %s`
	// MariaDB lets a default, and a column that is computed, set a user variable. The last column says that one may.
	defaultsSQL = `select table_name, max(coalesce(column_default like '%%:=%%', 0) or coalesce(generation_expression like '%%:=%%', 0)) from information_schema.columns
		where table_schema = %s and table_name = %s
			and (column_default like '%%nextval%%' or column_default like '%%:=%%' or generation_expression like '%%:=%%') group by table_name`
)

const (
	// maxAtOnce is how many names one statement asks for, and maxTables in how many tables of these it looks.
	maxAtOnce = 500
	maxTables = 50
	// maxWhole is for how many programs a reading asks the server what they were written like: those of the own database first.
	maxWhole = 5_000
)

// pinnedEngines are those of tables that replicas have otherwise, or may have lost: memory is empty after a restart.
var pinnedEngines = map[string]bool{"MEMORY": true, "BLACKHOLE": true, "FEDERATED": true, "CONNECT": true, "SPIDER": true}

// localEngines are those that keep what is written where it is written, and whether they can undo it. Others may leave it to another server.
var localEngines = map[string]engine{
	"INNODB": transactional, "ROCKSDB": transactional, "NDBCLUSTER": transactional,
	"MYISAM": nonTransactional, "ARIA": nonTransactional, "MRG_MYISAM": nonTransactional, "MEMORY": nonTransactional,
	"CSV": nonTransactional, "ARCHIVE": nonTransactional, "BLACKHOLE": nonTransactional,
}

// reading asks the server for names, and for all that they can reach.
type reading struct {
	*catalogue
	conn      driver.Conn
	isMariaDB bool
	declared  dialect.Declared // what the program says that the server does not tell
	wholes    int              // for how many programs it was asked what they were written like
}

// boundedSQL keeps a statement of MariaDB from waiting for whoever changes a table, which others may have locked for hours: the connection is missing to
// callers meanwhile. The limit is that of the statement, which fails then. One of the wait for a lock would not do, nor may the user's apply: the server
// leaves out what it has not got a lock for, and only warns of it, so that a table would have no triggers. MySQL does not wait.
const boundedSQL = "set statement lock_wait_timeout = 31536000, max_statement_time = 1 for "

// each calls f for the rows of a query.
func (r *reading) each(ctx context.Context, query string, f func(row []driver.Value)) error {
	if r.isMariaDB {
		query = boundedSQL + query
	}
	return each(ctx, r.conn, query, f)
}

// isRefusal reports whether the server will not tell what was asked for, which is an answer. That it was interrupted, or has waited for too long, is none.
func isRefusal(err error) bool {
	return isServers(err) && !isNumber(err, 1969) && !isNumber(err, 1317) && !isNumber(err, 1205) && !isNumber(err, 1213)
}

// extend extends a catalogue by what has some keys, or makes a new one of nil.
func (r *reading) extend(ctx context.Context, base *catalogue, keys []string) (*catalogue, error) {
	if base == nil {
		base = &catalogue{}
	}
	r.catalogue = &catalogue{base.Extended(keys), base.unnamed}
	if r.unnamed == nil {
		if err := r.readUnnamed(ctx); err != nil {
			return nil, err
		}
	}
	r.Nodes[nothingNamed] = nil // it is known by now
	for wanted := r.UnknownOf(keys); len(wanted) > 0; {
		var reached []string
		for some := range slices.Chunk(wanted, maxAtOnce) {
			found, err := r.ask(ctx, some)
			if err != nil {
				return nil, err
			}
			for _, key := range some {
				n := found[key]
				r.Nodes[key] = n
				n.reaches(func(key string) { reached = append(reached, key) })
			}
		}
		wanted = r.UnknownOf(reached)
	}
	return r.catalogue, nil
}

// readUnnamed asks for what is known without being asked for by name.
func (r *reading) readUnnamed(ctx context.Context) error {
	u := &unnamed{packages: map[string]bool{}, loadable: map[string]bool{}, shadows: map[string]bool{}, seen: map[string]bool{}}
	for _, name := range harmlessDatabases {
		u.seen[name] = true
	}
	var alike []string
	err := r.each(ctx, namesSQL, func(row []driver.Value) {
		switch name := strings.ToLower(value(row[1])); {
		case value(row[0]) != "FUNCTION":
			u.packages[name] = true
		default:
			alike = append(alike, shadowedBy(name)...)
		}
	})
	if err != nil {
		return err
	}
	if err := r.askShadows(ctx, alike, u.shadows); err != nil {
		return err
	}
	if err := r.each(ctx, seenSQL, func(row []driver.Value) { u.seen[strings.ToLower(value(row[0]))] = true }); err != nil {
		return err
	}
	delete(u.seen, helpers)
	err = r.each(ctx, loadableSQL, func(row []driver.Value) { u.loadable[fold(value(row[0]))] = true })
	if err != nil && !isRefusal(err) {
		return err
	}
	r.unnamed = u
	return r.tellMissing(ctx)
}

// nodes are those that one reading has found, by key.
type nodes map[string]*node

func (n nodes) of(key string) *node {
	if n[key] == nil {
		n[key] = &node{}
	}
	return n[key]
}

// ask asks for what has some keys.
func (r *reading) ask(ctx context.Context, keys []string) (nodes, error) {
	var tables, routines []string
	for _, key := range keys {
		if name, ok := strings.CutPrefix(key, isRoutine); ok {
			routines = append(routines, name)
		} else {
			tables = append(tables, key)
		}
	}
	found := nodes{}
	if len(tables) > 0 {
		if err := r.askTables(ctx, tables, found); err != nil {
			return nil, err
		}
	}
	if len(routines) > 0 {
		if err := r.askRoutines(ctx, routines, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// table is one of those that were found.
type table struct{ database, name string }

// askTables asks for tables and views, and for what belongs to them.
func (r *reading) askTables(ctx context.Context, names []string, found nodes) error {
	var tables, views []table
	err := r.each(ctx, fmt.Sprintf(tablesSQL, among("table_name", names)), func(row []driver.Value) {
		t := table{value(row[0]), value(row[1])}
		found.of(fold(t.name)).seenIn(strings.ToLower(t.database))
		if kind := value(row[2]); kind == "VIEW" {
			views = append(views, t)
		} else {
			tables = append(tables, t)
			r.tellUnseen(t.database)
			found.of(fold(t.name)).addTable(strings.ToLower(t.name), kind, value(row[3]), r.seen[strings.ToLower(t.database)])
		}
	})
	if err != nil {
		return err
	}
	if err := r.askTriggers(ctx, append(tables, views...), found); err != nil {
		return err
	}
	if r.isMariaDB {
		if err := r.askDefaults(ctx, tables, found); err != nil {
			return err
		}
	}
	return r.eachOf(ctx, viewSQL, views, func(row []driver.Value) {
		r.addView(found.of(fold(value(row[0]))), strings.ToLower(value(row[0])), value(row[1]))
	})
}

// tellUnseen tells of a database in which triggers may not be seen.
func (r *reading) tellUnseen(database string) {
	if r.declared.Unseen != nil && !r.seen[strings.ToLower(database)] {
		r.declared.Unseen(database, grantTrigger(database))
	}
}

// seenIn notes a database in which the user sees something of that name.
func (n *node) seenIn(database string) {
	if n.in == nil {
		n.in = map[string]bool{}
	}
	n.in[database] = true
}

// addTable adds a table, of which the engine is known, and whether everything in its database is seen.
func (n *node) addTable(name, kind, in string, seen bool) {
	switch {
	case kind == "SEQUENCE": // it is ahead on replicas
		n.pinned = name + " is a sequence"
	case pinnedEngines[in]:
		n.pinned = name + " is a " + strings.ToLower(in) + " table"
	}
	kept, local := localEngines[in]
	if !local {
		n.remote = true
	}
	if !seen { // nor are its triggers
		kept = nonTransactional
	}
	n.engine = max(n.engine, kept) // of several, the one that undoes less
}

// askTriggers asks for the triggers of some tables.
func (r *reading) askTriggers(ctx context.Context, tables []table, found nodes) error {
	var triggers []*program
	err := r.eachOf(ctx, triggersSQL, tables, func(row []driver.Value) {
		database := value(row[1])
		triggers = append(triggers, &program{
			source: my.Source{Body: value(row[4]), Mode: value(row[3]), Database: database, Trigger: true}, kind: "TRIGGER",
			name: quoteName(database) + "." + quoteName(value(row[2])), into: []*step{&found.of(fold(value(row[0]))).write},
		})
	})
	if err != nil {
		return err
	}
	return r.addPrograms(ctx, triggers)
}

// askDefaults asks for defaults and computed columns that may leave a trace.
func (r *reading) askDefaults(ctx context.Context, tables []table, found nodes) error {
	return r.eachOf(ctx, defaultsSQL, tables, func(row []driver.Value) {
		name := strings.ToLower(value(row[0]))
		n := found.of(fold(name))
		n.defaults = true
		sets := value(row[1]) != "0"
		n.write.own.unknownUnless("writes to "+name, cureOfDefault(sets))
		if sets {
			n.read.own.unknown("a column of " + name + " sets a variable")
		}
	})
}

// askRoutines asks for stored routines.
func (r *reading) askRoutines(ctx context.Context, names []string, found nodes) error {
	var routines []*program
	named := map[[3]string]*program{}
	err := r.each(ctx, fmt.Sprintf(routinesSQL, among("routine_name", names)), func(row []driver.Value) {
		database, name, kind := value(row[0]), value(row[1]), value(row[2])
		call := my.Call{Procedure: kind == "PROCEDURE", Name: fold(name)}
		var into []*step
		for _, name := range names {
			if name != call.Name && strings.IndexFunc(call.Name+name, isNotASCII) < 0 { // accents make no difference to the server
				continue
			}
			n, call := found.of(routineKey(name)), my.Call{Procedure: call.Procedure, Name: name}
			all := n.routine(call)
			call.Database = strings.ToLower(database)
			into = append(into, n.routine(call), all)
		}
		p := &program{
			source: my.Source{Body: value(row[6]), Mode: value(row[5]), Database: database}, kind: kind,
			name: quoteName(database) + "." + quoteName(name), into: into,
			routine: dialect.Routine{Schema: database, Name: name}, harmless: isHarmless(r.declared, database, name),
		}
		if value(row[3]) != "SQL" || value(row[4]) != "SQL" {
			p.missing = "is not written in SQL"
		}
		named[[3]string{database, name, kind}] = p
		routines = append(routines, p)
	})
	if err != nil || len(routines) == 0 {
		return err
	}
	err = r.each(ctx, fmt.Sprintf(parametersSQL, among("specific_name", names)), func(row []driver.Value) {
		if p := named[[3]string{value(row[0]), value(row[1]), value(row[2])}]; p != nil {
			p.source.Parameters = append(p.source.Parameters, value(row[3]))
		}
	})
	if err != nil {
		return err
	}
	return r.addPrograms(ctx, routines)
}

// eachOf calls f for the rows that a query has for some tables.
func (r *reading) eachOf(ctx context.Context, query string, tables []table, f func(row []driver.Value)) error {
	for some := range slices.Chunk(tables, maxTables) {
		var queries []string
		for _, t := range some {
			queries = append(queries, fmt.Sprintf(query, quoteEscaped(t.database), quoteEscaped(t.name)))
		}
		if err := r.each(ctx, strings.Join(queries, " union all "), f); err != nil {
			return err
		}
	}
	return nil
}

// among is the condition that a column has one of some folded names. It may be so for more.
func among(column string, names []string) string {
	var conditions, plain []string
	for _, name := range names {
		if strings.Contains(name, anyLetters) {
			pattern := strings.NewReplacer("_", "|_", "%", "|%", "|", "||", anyLetters, "%").Replace(name)
			conditions = append(conditions, "lower("+column+") like "+quoteEscaped(pattern)+" escape '|'")
		} else {
			plain = append(plain, quoteEscaped(name))
		}
	}
	if len(plain) > 0 {
		conditions = append(conditions, "lower("+column+") in ("+strings.Join(plain, ", ")+")")
	}
	return strings.Join(conditions, " or ")
}

// quoteEscaped writes a text for a session in which a backslash escapes what follows.
func quoteEscaped(text string) string { return quoteText(strings.ReplaceAll(text, `\`, `\\`)) }

// reaches calls f for the keys that have to be known to tell what comes of the node, which may be nil.
func (n *node) reaches(f func(key string)) {
	if n == nil {
		return
	}
	steps := []*step{&n.read, &n.write}
	for _, s := range n.routines {
		steps = append(steps, s)
	}
	for _, s := range steps {
		for _, u := range s.uses {
			f(u.key())
		}
	}
}
