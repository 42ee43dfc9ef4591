package postgres

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement"
	"github.com/gopooled/pooled/internal/statement/pg"
)

// catalogue is what the server knows and a text does not show: what functions may do, and what hides behind the names of tables and
// views. It goes by names without schemas, because the search path decides what a name means; of several objects with
// one name, the worst counts.
type catalogue struct {
	functions map[string]bool // whether it is proved to leave session and data alone, or its effects are known by its name
	impure    map[string]bool // functions and views of users that are not proved to
	effective map[string]bool // built-in functions that leave traces or write
	tables    map[string]table
	// hidden says that operators, casts or domains call functions that are not proved to leave the session alone. Then no query is.
	hidden bool
	// defines says that event triggers call functions when something is defined.
	defines bool
}

// table is what writing to a table does besides writing.
type table struct {
	impure   bool // triggers, rules or defaults call functions that are not proved to leave the session alone
	sequence bool // a default takes a number from a sequence
}

// judge completes what a text shows with what the catalogue knows. It reports false if a name is not in the catalogue. The nil
// catalogue knows nothing.
func (c *catalogue) judge(text string, p *pg.Statement, s *dialect.Statement) bool {
	unknown := func(why string) {
		because(s, why)
		s.Class = dialect.Unknown
		s.Effects |= dialect.UnknownEffect
		s.Sees = dialect.Sequence
	}
	if s.Effects.Has(dialect.UnknownEffect) || slices.Contains(p.Functions, "lastval") || slices.Contains(p.Functions, "currval") {
		s.Sees = dialect.Sequence
	}
	if c == nil {
		s.Provisional, s.Sees = true, dialect.Sequence
		because(s, notKnownYet(p))
		return true
	}
	if c.hidden {
		if statement.Several(text) || s.Class == dialect.Read || s.Class == dialect.Write || len(p.Functions) > 0 {
			unknown("operators, casts or types of this database may do anything")
		}
		return true
	}
	complete := true
	for _, name := range p.Functions {
		pure, ok := c.functions[name]
		if !ok {
			if _, _, known := pg.Builtin(name); known { // grammar that looks like a function
				continue
			}
			complete = false
			unknown("function " + name + " is not known")
		}
		if !pure {
			unknown("function " + name + " may do anything")
		}
	}
	for _, name := range p.Names {
		if c.impure[strings.ToLower(name)] {
			unknown("what is behind " + name + " may do anything")
		}
	}
	for _, name := range p.Targets {
		t, ok := c.tables[name]
		if !ok {
			complete = false
		}
		if !ok || t.impure {
			unknown("what writing to " + name + " does is not known")
		}
		if t.sequence {
			s.Effects |= dialect.Sequence
		}
	}
	if c.defines && p.Defines {
		unknown("event triggers")
	}
	return complete
}

// because notes the first reason against a read.
func because(s *dialect.Statement, why string) {
	if s.Why == "" {
		s.Why = why
	}
}

// notKnownYet says what the catalogue has to tell.
func notKnownYet(p *pg.Statement) string {
	for _, name := range p.Functions {
		if _, _, known := pg.Builtin(name); !known {
			return "function " + name + " is not known yet"
		}
	}
	return "the catalogue is not known yet"
}

//go:embed catalogue.sql
var catalogueSQL string

// lockTimeout is how long reading waits for a table that somebody changes: views are shown from their tables.
const lockTimeout = 100 * time.Millisecond

// readCatalogue asks for everything in one text, of which the server answers each statement. Limits of its own keep it from
// waiting, and a connection that ran into one can be used on.
func readCatalogue(ctx context.Context, conn *pgx.Conn, timeout time.Duration) (*catalogue, error) {
	query := catalogueSQL
	if major(conn) < 14 { // bodies of functions are texts there
		query = strings.ReplaceAll(query, "pg_catalog.pg_get_function_sqlbody(p.oid)", "null")
	}
	results, err := conn.PgConn().Exec(ctx, fmt.Sprintf("begin read only; set local lock_timeout = %d; set local statement_timeout = %d;\n%s;\ncommit",
		lockTimeout.Milliseconds(), timeout.Milliseconds(), query)).ReadAll()
	if err != nil {
		if conn.PgConn().TxStatus() != 'I' {
			_, rollbackErr := conn.PgConn().Exec(ctx, "rollback").ReadAll()
			err = errors.Join(err, rollbackErr)
		}
		return nil, err
	}
	const place = 3 // of the query's result
	facts := make([]fact, 0, len(results[place].Rows))
	for _, row := range results[place].Rows {
		facts = append(facts, fact{string(row[0]), string(row[1]), string(row[2])})
	}
	return newCatalogue(facts), nil
}

// major is the server's major version, 0 if it does not tell.
func major(conn *pgx.Conn) int {
	version, _, _ := strings.Cut(conn.PgConn().ParameterStatus("server_version"), ".")
	digits := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' }) // as in 18beta1
	if digits < 0 {
		digits = len(version)
	}
	n, _ := strconv.Atoi(version[:digits])
	return n
}

// fact is one row of catalogue.sql. What Text is depends on Kind.
type fact struct{ Kind, Name, Text string }

func newCatalogue(facts []fact) *catalogue {
	c := &catalogue{
		functions: map[string]bool{}, impure: map[string]bool{}, effective: map[string]bool{}, tables: map[string]table{},
	}
	byKind := map[string][]fact{}
	for _, f := range facts {
		byKind[f.Kind] = append(byKind[f.Kind], f)
	}
	c.findImpure(byKind)
	c.findFunctions(byKind)
	c.findTables(byKind)
	for _, f := range byKind["hidden"] {
		c.hidden = c.hidden || c.hasImpure(statement.WordsOf(f.Text))
	}
	c.defines = len(byKind["event trigger"]) > 0
	return c
}

// findImpure finds the functions and views that are not proved to leave the session alone. A function may call others, so it goes
// round until nothing more is found.
func (c *catalogue) findImpure(byKind map[string][]fact) {
	for _, f := range byKind["foreign function"] {
		if _, _, known := pg.Builtin(f.Name); !known && !harmlessExtension[f.Name] {
			c.spoil(f.Name)
		}
	}
	for _, kind := range []string{"builtin", "volatile builtin", "trusted function", "foreign function"} {
		for _, f := range byKind[kind] {
			class, effects, known := pg.Builtin(f.Name)
			if known && (class != dialect.Read || effects != 0) || !known && kind == "volatile builtin" {
				c.effective[f.Name] = true
			}
		}
	}
	bodies := map[string][]statement.Words{}
	for _, kind := range []string{"function", "view", "policy"} {
		for _, f := range byKind[kind] {
			words := statement.WordsOf(f.Text)
			if kind == "function" && words.Meet(dangerousWords) || strings.Contains(strings.ToLower(f.Text), `u&"`) {
				c.spoil(f.Name)
				continue
			}
			bodies[f.Name] = append(bodies[f.Name], words)
		}
	}
	for found := true; found; {
		found = false
		for name, all := range bodies {
			for _, words := range all {
				if !c.impure[strings.ToLower(name)] && c.hasImpure(words) {
					c.spoil(name)
					found = true
				}
			}
		}
	}
}

// findFunctions lists all functions. Of several with one name the worst counts.
func (c *catalogue) findFunctions(byKind map[string][]fact) {
	for _, kind := range []string{"builtin", "volatile builtin", "foreign function", "trusted function", "function"} {
		for _, f := range byKind[kind] {
			pure := !c.impure[strings.ToLower(f.Name)]
			if kind == "volatile builtin" {
				_, _, pure = pg.Builtin(f.Name)
			}
			if before, ok := c.functions[f.Name]; ok {
				pure = pure && before
			}
			c.functions[f.Name] = pure
		}
	}
}

// findTables finds what happens when a table is written to, its partitions and what cascades from it included.
func (c *catalogue) findTables(byKind map[string][]fact) {
	for _, f := range byKind["table"] {
		c.tables[f.Name] = table{}
	}
	add := func(name string, t table) bool {
		before := c.tables[name]
		after := table{before.impure || t.impure, before.sequence || t.sequence}
		c.tables[name] = after
		return after != before
	}
	for _, f := range byKind["rule"] {
		add(f.Name, table{impure: true})
	}
	for _, f := range byKind["trigger"] {
		add(f.Name, table{impure: !c.functions[f.Text]})
	}
	for _, kind := range []string{"default", "check"} {
		for _, f := range byKind[kind] {
			words := statement.WordsOf(f.Text)
			sequence := words["nextval"]
			delete(words, "nextval")
			add(f.Name, table{impure: c.hasImpure(words), sequence: sequence})
		}
	}
	for found := true; found; {
		found = false
		for _, f := range byKind["cascade"] {
			if add(f.Name, c.tables[f.Text]) {
				found = true
			}
		}
	}
}

// spoil notes that a function or view is not proved. Sources are searched for its name word by word, in lower case; a name
// that is no word could not be found there.
func (c *catalogue) spoil(name string) {
	lower := strings.ToLower(name)
	c.impure[lower] = true
	if !statement.WordsOf(lower)[lower] {
		c.hidden = true
	}
}

func (c *catalogue) hasImpure(words statement.Words) bool { return words.Meet(c.impure, c.effective) }

// harmlessExtension are volatile functions of the extensions that come with PostgreSQL, written in C, that only compute.
var harmlessExtension = map[string]bool{
	"gen_random_bytes": true, "gen_random_uuid": true, "gen_salt": true,
	"uuid_generate_v1": true, "uuid_generate_v1mc": true, "uuid_generate_v4": true,
}

// dangerousWords begin or belong to the commands that change a session or data. A function whose source has none of them, not even
// in a comment or a string, and mentions no impure function, is pure whatever its volatility says.
var dangerousWords = statement.WordsOf(`alter analyze call checkpoint close cluster commit copy create deallocate delete discard do drop
	execute fetch grant hold import insert listen load lock merge move notify pg_temp prepare reassign refresh reindex
	release reset revoke rollback savepoint security set temp temporary truncate unlisten update vacuum`)
