package mysql

import (
	"context"
	"database/sql/driver"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement"
	"github.com/gopooled/pooled/internal/statement/my"
)

// A stored program is a routine or a trigger. What it may do is read off its source, and off those of all that it calls, reads and writes to.

const (
	routinesSQL = `select routine_schema, routine_name, routine_type, routine_body, coalesce(external_language, 'SQL'), sql_mode, routine_definition
		from information_schema.routines where routine_schema not in ('sys', 'mysql') order by routine_schema <=> database() desc`
	parametersSQL = `select specific_schema, specific_name, routine_type, parameter_name
		from information_schema.parameters where specific_schema not in ('sys', 'mysql') and parameter_name is not null`
	triggersSQL = `select trigger_schema, trigger_name, event_object_table, sql_mode, action_statement
		from information_schema.triggers where trigger_schema not in ('sys', 'mysql') order by trigger_schema <=> database() desc`
	// Loadable functions, which are called by the names of stored ones. Few users may ask.
	loadableSQL = `select name, '' from mysql.func`
	// Databases in which the user sees all tables, views and triggers. Grants to roles do not count, nor does a grant on everything from which parts may
	// have been taken.
	seenSQL = `select distinct s.schema_name, '' from information_schema.schemata s join (
			select '%' as pattern, grantee from information_schema.user_privileges where privilege_type = 'TRIGGER' /*!80016 and not @@global.partial_revokes */
			union all select table_schema, grantee from information_schema.schema_privileges where privilege_type = 'TRIGGER') p
		on s.schema_name like p.pattern
			and p.grantee = concat('''', substring_index(current_user(), '@', 1), '''@''', substring_index(current_user(), '@', -1), '''')`
)

// harmlessDatabases are those of the server's own tables, in which nobody else makes views and triggers.
var harmlessDatabases = []string{"information_schema", "performance_schema", "mysql"}

// helpers is the database of views and routines that come with the server. They are not looked at, as their names are those of many tables, and some
// set user variables: sys.processlist of MySQL does.
const helpers = "sys"

// maxWhole is for how many routines, and for how many triggers, the server is asked what they were written like: those of the own database first.
const maxWhole = 500

// program is a stored program.
type program struct {
	source   my.Source
	kind     string          // as SHOW CREATE calls it
	name     string          // with quotes, and the database before it
	into     []*doing        // what it belongs to
	missing  string          // why its source is not known
	cure     string          // what would make it known
	routine  dialect.Routine // its names, if it is no trigger
	harmless bool            // it is declared to leave nothing
}

// readRoutines finds the stored routines.
func (c *catalogue) readRoutines(ctx context.Context, conn driver.Conn) (found []*program, err error) {
	named := map[[3]string]*program{}
	err = each(ctx, conn, routinesSQL, func(row []driver.Value) {
		database, name, kind := value(row[0]), value(row[1]), value(row[2])
		if kind == "PACKAGE" || kind == "PACKAGE BODY" {
			c.packages[strings.ToLower(name)] = true
		}
		if kind != "PROCEDURE" && kind != "FUNCTION" {
			return
		}
		call := my.Call{Procedure: kind == "PROCEDURE", Database: strings.ToLower(database), Name: strings.ToLower(name)}
		exact, any := &doing{}, c.routines[my.Call{Procedure: call.Procedure, Name: call.Name}]
		if before := c.routines[call]; before != nil { // databases that differ in case only
			exact = before
		}
		if any == nil {
			any = &doing{}
		}
		c.routines[call], c.routines[my.Call{Procedure: call.Procedure, Name: call.Name}] = exact, any
		p := &program{
			source: my.Source{Body: value(row[6]), Mode: value(row[5]), Database: database}, kind: kind,
			name: quoteName(database) + "." + quoteName(name), into: []*doing{exact, any},
			routine: dialect.Routine{Schema: database, Name: name}, harmless: isHarmless(c.declared, database, name),
		}
		if value(row[3]) != "SQL" || value(row[4]) != "SQL" {
			p.missing = "is not written in SQL"
		}
		if !call.Procedure && statement.WordsOf(call.Name)[call.Name] && my.Parse("select "+call.Name+"()").Effects == 0 {
			c.shadows[call.Name] = true
		}
		named[[3]string{database, name, kind}] = p
		found = append(found, p)
	})
	if err != nil {
		return nil, err
	}
	return found, each(ctx, conn, parametersSQL, func(row []driver.Value) {
		if p := named[[3]string{value(row[0]), value(row[1]), value(row[2])}]; p != nil {
			p.source.Parameters = append(p.source.Parameters, value(row[3]))
		}
	})
}

// readTriggers finds the triggers.
func (c *catalogue) readTriggers(ctx context.Context, conn driver.Conn) (found []*program, err error) {
	err = each(ctx, conn, triggersSQL, func(row []driver.Value) {
		database := value(row[0])
		found = append(found, &program{
			source: my.Source{Body: value(row[4]), Mode: value(row[3]), Database: database, Trigger: true}, kind: "TRIGGER",
			name: quoteName(database) + "." + quoteName(value(row[1])), into: []*doing{c.written(strings.ToLower(value(row[2])))},
		})
	})
	return found, err
}

// readWhole asks how programs were written where what the catalogue tells of them may be something else: MySQL leaves out what escapes the quotes in
// strings and names.
func readWhole(ctx context.Context, conn driver.Conn, programs []*program) error {
	asked := 0
	for _, p := range programs {
		switch {
		case p.missing != "" || p.harmless:
			continue
		case p.source.Body == "":
			p.cannotBeRead()
			continue
		case !strings.ContainsAny(p.source.Body, "'\"`"):
			continue
		}
		p.source.Body, p.source.Whole = "", true
		if asked++; asked > maxWhole {
			p.missing = "is one of too many"
			continue
		}
		err := each(ctx, conn, "show create "+p.kind+" "+p.name, func(row []driver.Value) {
			if len(row) > 2 {
				p.source.Mode, p.source.Body = value(row[1]), value(row[2])
			}
		})
		if err != nil && !isServers(err) {
			return err
		}
		if p.source.Body == "" {
			p.cannotBeRead()
		}
	}
	return nil
}

// readSeen finds the databases of which everything is seen.
func (c *catalogue) readSeen(ctx context.Context, conn driver.Conn) error {
	for _, name := range harmlessDatabases {
		c.seen[name] = true
	}
	err := each(ctx, conn, seenSQL, func(row []driver.Value) { c.seen[strings.ToLower(value(row[0]))] = true })
	if err != nil {
		return err
	}
	delete(c.seen, helpers)
	err = each(ctx, conn, loadableSQL, func(row []driver.Value) { c.loadable[strings.ToLower(value(row[0]))] = true })
	if isServers(err) {
		return nil
	}
	return err
}

// node is a program, or a view, with what it reaches.
type node struct {
	own  doing
	uses []*doing
	into []*doing
}

// node says what a program does by itself, and what it reaches.
func (c *catalogue) node(p *program) *node {
	n := &node{into: p.into}
	if p.harmless {
		n.own = declaredHarmless(p)
		return n
	}
	if p.missing != "" {
		n.own.unknown(strings.ToLower(p.kind) + " " + p.name + " " + p.missing)
		return n
	}
	parsed := p.source.Parse()
	n.own = doing{
		effects: parsed.Effects, undo: parsed.Undo, implicit: parsed.Implicit, defines: parsed.Defines,
		sees: statement.Mentions(p.source.Body, seeing, null), lasts: parsed.Class != dialect.Read,
	}
	why := strings.ToLower(p.kind) + " " + p.name
	if parsed.Effects.Has(dialect.Permanent) {
		n.own.why = why + ": " + parsed.Unproved
	}
	switch {
	case parsed.Unclear:
		n.own.unknown(why + ": " + parsed.Unproved)
		return n
	case parsed.Remakes:
		n.own.unknown(why + " changes what others do")
		return n
	}
	n.own.effects &^= dialect.UnknownEffect // which is for its calls
	for _, database := range parsed.Databases {
		if !c.seen[database] {
			n.own.unknownUnless(why+" uses "+database+", of which not everything is seen", "grant TRIGGER on "+quoteName(database)+".* to the user")
		}
	}
	n.uses = c.reached(p.source.Body, &parsed, func(what string) { n.own.unknown(why + " " + what) })
	return n
}

// reached lists what a text or a program with this source reaches. What is not known, it tells.
func (c *catalogue) reached(source string, parsed *my.Statement, unknown func(what string)) (uses []*doing) {
	for _, call := range parsed.Calls {
		d := c.called(call)
		if d == nil {
			unknown("calls " + call.Name + ", which is not known")
		}
		uses = append(uses, d)
	}
	if len(c.shadows) > 0 {
		words := statement.WordsOf(source)
		for name := range c.shadows {
			if words[name] {
				uses = append(uses, c.routines[my.Call{Name: name}])
			}
		}
	}
	for _, name := range parsed.Targets {
		uses = append(uses, c.writes[name], c.views[name])
	}
	evaluates := len(c.defaults) > 0 && statement.Mentions(source, evaluating)
	for _, name := range parsed.Names {
		uses = append(uses, c.views[name])
		if name == helpers {
			unknown("uses " + helpers + ", whose views set variables")
		}
		if evaluates && c.defaults[name] {
			unknown("may evaluate a default of " + name)
		}
	}
	return uses
}

// called returns what a routine does; nil: it is not known.
func (c *catalogue) called(call my.Call) *doing {
	call.Database = strings.ToLower(call.Database)
	if c.packages[call.Database] || !call.Procedure && c.loadable[call.Name] {
		return nil
	}
	return c.routines[call]
}

// written returns what is known of writing to tables of a name.
func (c *catalogue) written(name string) *doing {
	d := c.writes[name]
	if d == nil {
		d = &doing{}
		c.writes[name] = d
	}
	return d
}

// follow adds to each what it reaches, until there is no more.
func follow(nodes []*node) {
	for more := true; more; {
		more = false
		for _, n := range nodes {
			for _, used := range n.uses {
				n.own.add(used)
			}
			for _, d := range n.into {
				more = d.add(&n.own) || more
			}
		}
	}
}
