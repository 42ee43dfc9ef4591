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
// one name, the worst counts. A reason for people is a whole clause, such as "function f has insert in its source".
type catalogue struct {
	functions map[string]bool   // whether it is proved to leave session and data alone, or its effects are known by its name
	impure    map[string]string // functions and views of users that are not proved to, and why
	effective map[string]bool   // built-in functions that leave traces or write
	// pinned are functions, views, tables and sequences that only the primary may answer for, whether or not they leave the session
	// alone, and why. Of a name that is no word, its longest word is there too, as sources are searched by words.
	pinned map[string]string
	tables map[string]table
	// loose are functions, views and tables that are not proved to leave nothing behind when their statement fails: what they do may be no part of
	// its transaction. What else is not proved is impure.
	loose map[string]bool
	// loosens says that operators, casts or domains call such functions: then any statement may.
	loosens bool
	// hidden says that operators, casts or domains call functions that are not proved to leave the session alone. Then no query is.
	hidden string
	// pinsAll is the same for functions that only the primary may answer for.
	pinsAll string
	// events says which event trigger calls a function that is not proved to leave the session alone; empty: none does.
	events string
}

// table is what writing to a table does besides writing.
type table struct {
	impure   bool // triggers, rules or defaults call functions that are not proved to leave the session alone
	sequence bool // a default takes a number from a sequence
	loose    bool // it is a foreign table, or what it calls may be no part of the transaction
}

// judge completes what a text shows with what the catalogue knows. It reports false if a name is not in the catalogue. The nil
// catalogue knows nothing.
func (c *catalogue) judge(text string, p *pg.Statement, s *dialect.Statement) bool {
	if s.Effects.Has(dialect.UnknownEffect) || slices.Contains(p.Functions, "lastval") || slices.Contains(p.Functions, "currval") {
		s.Sees = dialect.Sequence
	}
	if p.Bare {
		s.Atomic = p.Plain
		return true
	}
	if c == nil {
		s.Provisional, s.Sees = true, dialect.Sequence
		statement.Because(s, notKnownYet(p))
		return true
	}
	if c.hidden != "" {
		if statement.Several(text) || s.Class == dialect.Read || s.Class == dialect.Write || len(p.Functions) > 0 {
			statement.Unknown(s, c.hidden)
		}
		return true
	}
	complete := c.judgeReads(p, s)
	for _, name := range p.Targets {
		t, ok := c.tables[name]
		if !ok {
			complete = false
		}
		if !ok || t.impure {
			statement.Unknown(s, "writes to "+name)
		}
		if t.sequence {
			s.Effects |= dialect.Sequence
		}
	}
	if c.events != "" && p.Fires {
		statement.Unknown(s, c.events)
	}
	s.Atomic = p.Plain && s.Class != dialect.Unknown && s.Effects&^dialect.Sequence == 0 && c.isAtomic(p)
	return complete
}

// isAtomic reports whether nothing that is named is loose.
func (c *catalogue) isAtomic(p *pg.Statement) bool {
	isLoose := func(name string) bool { return c.isLoose(strings.ToLower(name)) || c.tables[name].loose }
	return !c.loosens && !slices.ContainsFunc(p.Functions, isLoose) && !slices.ContainsFunc(p.Names, isLoose) && !slices.ContainsFunc(p.Targets, isLoose)
}

// judgeReads looks up what is called and what is read.
func (c *catalogue) judgeReads(p *pg.Statement, s *dialect.Statement) (complete bool) {
	complete = true
	for _, name := range p.Functions {
		pure, ok := c.functions[name]
		if !ok {
			if _, _, known := pg.Builtin(name); known { // grammar that looks like a function
				continue
			}
			complete = false
		}
		lower := strings.ToLower(name)
		switch why := c.impure[lower]; {
		case !ok:
			statement.Unknown(s, "function "+name+" is not known")
		case !pure && why != "":
			statement.Unknown(s, why)
		case !pure:
			statement.Unknown(s, "function "+name+" is volatile")
		default:
			c.pin(s, lower)
		}
	}
	for _, name := range p.Names {
		lower := strings.ToLower(name)
		if why := c.impure[lower]; why != "" {
			statement.Unknown(s, why)
		}
		c.pin(s, lower)
	}
	if c.pinsAll != "" {
		statement.NeedsPrimary(s, c.pinsAll)
	}
	return complete
}

// pin says that a statement needs the primary if the object of that name does.
func (c *catalogue) pin(s *dialect.Statement, lower string) {
	if why := c.pinned[lower]; why != "" {
		statement.NeedsPrimary(s, why)
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
		functions: map[string]bool{}, impure: map[string]string{}, effective: map[string]bool{}, pinned: map[string]string{},
		tables: map[string]table{}, loose: map[string]bool{},
	}
	byKind := map[string][]fact{}
	for _, f := range facts {
		byKind[f.Kind] = append(byKind[f.Kind], f)
	}
	sources := c.findImpure(byKind)
	c.findPinned(byKind, sources)
	c.findLoose(byKind, sources)
	c.findFunctions(byKind)
	c.findTables(byKind)
	for _, f := range byKind["hidden"] {
		words := statement.WordsOf(f.Text)
		c.loosens = c.loosens || words.First(c.isLoose) != ""
		if word := c.firstImpure(words); word != "" {
			c.hide("an operator, a cast or a type calls " + word)
		} else if word := c.firstPinned(words); word != "" && c.pinsAll == "" {
			c.pinsAll = "an operator, a cast or a type calls " + word
		}
	}
	for _, f := range byKind["event trigger"] {
		if !c.functions[f.Text] && c.events == "" {
			c.events = "event trigger " + f.Name + " calls " + f.Text
		}
	}
	return c
}

// source is what a function, a view or a policy consists of.
type source struct {
	kind, name string
	words      statement.Words
}

// says begins a reason: what the source is of, and what it does.
func (s *source) says(what string) string {
	if s.kind == "policy" {
		return "a policy of " + s.name + " " + what
	}
	return strings.TrimPrefix(s.kind, "sql ") + " " + s.name + " " + what
}

// findImpure finds the functions and views that are not proved to leave the session alone. A function may call others, so it goes
// round until nothing more is found. It returns the sources that it could read, in an order that is always the same.
func (c *catalogue) findImpure(byKind map[string][]fact) []source {
	for _, f := range byKind["foreign function"] {
		class, effects, known := pg.Builtin(f.Name)
		harmless := known && class == dialect.Read && effects == 0 // the server's own; this one only has its name
		if (!known || harmless) && !(harmlessExtension[f.Name] && ownExtensions[f.Text]) {
			c.spoil(f.Name, "function "+f.Name+" has a source that cannot be read")
		}
	}
	for _, kind := range []string{"builtin", "volatile builtin", "trusted function", "foreign function"} {
		for _, f := range byKind[kind] {
			class, effects, known := pg.Builtin(f.Name)
			if known && (class == dialect.Unknown || effects != 0 || seesOthers[f.Name]) || !known && kind == "volatile builtin" {
				c.effective[f.Name] = true
			}
		}
	}
	var sources []source
	for _, kind := range []string{"function", "sql function", "view", "policy"} {
		for _, f := range byKind[kind] {
			s := source{kind, f.Name, statement.WordsOf(f.Text)}
			dangerous := ""
			if kind != "view" && kind != "policy" {
				dangerous = s.words.First(isIn(dangerousWords))
			}
			switch {
			case dangerous != "":
				c.spoil(f.Name, s.says("has "+dangerous+" in its source"))
			case strings.Contains(strings.ToLower(f.Text), `u&"`):
				c.spoil(f.Name, s.says("has names in escapes"))
			case s.words.First(isCut) != "":
				c.spoil(f.Name, s.says("has a name that the server cuts"))
			default:
				sources = append(sources, s)
			}
		}
	}
	slices.SortStableFunc(sources, func(a, b source) int { return strings.Compare(a.name, b.name) })
	for found := true; found; {
		found = false
		for i := range sources {
			s := &sources[i]
			if c.impure[strings.ToLower(s.name)] != "" {
				continue
			}
			if word := c.firstImpure(s.words); word != "" {
				c.spoil(s.name, s.says("mentions "+word))
				found = true
			}
		}
	}
	return sources
}

// seesOthers are functions that leave nothing, but see what others have left: who may call them is unknown.
var seesOthers = map[string]bool{"currval": true, "lastval": true}

// findPinned finds what only the primary may answer for: tables that replicas do not have, sequences, which are ahead on replicas,
// and what reads or locks such things.
func (c *catalogue) findPinned(byKind map[string][]fact, sources []source) {
	for _, f := range byKind["unlogged"] {
		c.bind(f.Name, f.Name+" is an unlogged table")
	}
	for _, kind := range []string{"sequence", "foreign table"} {
		for _, f := range byKind[kind] {
			c.bind(f.Name, f.Name+" is a "+kind)
		}
	}
	for i := range sources {
		s := &sources[i]
		if word := s.words.First(isIn(pinningWords[s.kind])); word != "" {
			c.bind(s.name, s.says("has "+word+" in its source"))
		} else if word := s.words.First(pinsByItself); word != "" {
			c.bind(s.name, s.says("mentions "+word))
		}
	}
	isPinned := func(word string) bool { return c.pinned[word] != "" }
	for found := len(c.pinned) > 0; found; {
		found = false
		for i := range sources {
			s := &sources[i]
			if c.pinned[strings.ToLower(s.name)] != "" {
				continue
			}
			if word := s.words.First(isPinned); word != "" {
				c.bind(s.name, s.says("mentions "+word))
				found = true
			}
		}
		for _, f := range byKind["part"] {
			if c.pinned[strings.ToLower(f.Name)] == "" && c.pinned[strings.ToLower(f.Text)] != "" {
				c.bind(f.Name, f.Text+" is a part of "+f.Name)
				found = true
			}
		}
	}
}

// pinningWords have a source take row locks or, in functions of language SQL, create a table.
var pinningWords = map[string]map[string]bool{
	"function": statement.WordsOf("share"), "sql function": statement.WordsOf("share into"),
	"view": statement.WordsOf("share update"), "policy": statement.WordsOf("share update"),
}

// findLoose finds what may do something that is no part of its transaction, of what is proved to leave the session alone: functions in C that are only
// said to be stable, functions of the server's own that reach past the transaction, foreign tables, and what mentions such things.
func (c *catalogue) findLoose(byKind map[string][]fact, sources []source) {
	loosen := func(name string) bool {
		lower := strings.ToLower(name)
		known := c.loose[lower]
		c.loose[lower] = true
		if !statement.WordsOf(lower)[lower] { // it would not be found in a source
			c.loosens = true
		}
		return !known
	}
	for _, f := range byKind["trusted function"] {
		if !ownExtensions[f.Text] {
			loosen(f.Name)
		}
	}
	for _, f := range byKind["foreign table"] {
		loosen(f.Name)
	}
	for found := true; found; {
		found = false
		for i := range sources {
			if s := &sources[i]; !c.loose[strings.ToLower(s.name)] && s.words.First(c.isLoose) != "" {
				found = loosen(s.name) || found
			}
		}
		for _, f := range byKind["part"] {
			if c.loose[strings.ToLower(f.Text)] && !c.loose[strings.ToLower(f.Name)] {
				found = loosen(f.Name) || found
			}
		}
	}
}

// isLoose reports whether a function, a view or a table of that name is loose. Of the server's own functions, those are that need the primary, but
// for a few of which it is known that they do not reach past their transaction.
func (c *catalogue) isLoose(word string) bool {
	class, _, known := pg.Builtin(word)
	return c.loose[word] || known && class != dialect.Read && !ofTransaction[word]
}

// ofTransaction are functions of the server's own that need the primary, and whose doings are part of their transaction, or are none.
var ofTransaction = statement.WordsOf(`nextval setval currval lastval pg_notify txid_current pg_current_xact_id txid_current_if_assigned
	pg_current_xact_id_if_assigned pg_backend_pid pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_xact_lock
	pg_try_advisory_xact_lock_shared`)

// ownExtensions are those of PostgreSQL itself, and a few that everybody has, whose functions in C only compute where they are not called volatile.
var ownExtensions = map[string]bool{
	"bloom": true, "btree_gin": true, "btree_gist": true, "citext": true, "cube": true, "dict_int": true, "dict_xsyn": true, "earthdistance": true,
	"fuzzystrmatch": true, "hstore": true, "intarray": true, "isn": true, "ltree": true, "pg_trgm": true, "pgcrypto": true, "seg": true,
	"tsm_system_rows": true, "tsm_system_time": true, "unaccent": true, "uuid-ossp": true, "postgis": true, "vector": true,
}

// findFunctions lists all functions. Of several with one name the worst counts.
func (c *catalogue) findFunctions(byKind map[string][]fact) {
	for _, kind := range []string{"builtin", "volatile builtin", "foreign function", "trusted function", "function", "sql function"} {
		for _, f := range byKind[kind] {
			pure := c.impure[strings.ToLower(f.Name)] == ""
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
		after := table{before.impure || t.impure, before.sequence || t.sequence, before.loose || t.loose}
		c.tables[name] = after
		return after != before
	}
	for _, f := range byKind["foreign table"] {
		add(f.Name, table{loose: true})
	}
	for _, f := range byKind["rule"] {
		add(f.Name, table{impure: true})
	}
	for _, f := range byKind["trigger"] {
		add(f.Name, table{impure: !c.functions[f.Text], loose: c.isLoose(strings.ToLower(f.Text))})
	}
	for _, kind := range []string{"default", "check"} {
		for _, f := range byKind[kind] {
			words := statement.WordsOf(f.Text)
			sequence := words["nextval"]
			delete(words, "nextval")
			add(f.Name, table{impure: c.firstImpure(words) != "", sequence: sequence, loose: words.First(c.isLoose) != ""})
		}
	}
	for found := true; found; {
		found = false
		for _, kind := range []string{"cascade", "part"} {
			for _, f := range byKind[kind] {
				if add(f.Name, c.tables[f.Text]) {
					found = true
				}
			}
		}
	}
}

// spoil notes why a function or view is not proved. Sources are searched for its name word by word, in lower case; a name
// that is no word could not be found there.
func (c *catalogue) spoil(name, why string) {
	lower := strings.ToLower(name)
	if c.impure[lower] == "" {
		c.impure[lower] = why
	}
	if !statement.WordsOf(lower)[lower] {
		c.hide("any query may call it: " + why)
	}
}

func (c *catalogue) hide(why string) {
	if c.hidden == "" {
		c.hidden = why
	}
}

// bind notes why only the primary may answer for something. Of a name that is no word, sources are searched for the longest word.
func (c *catalogue) bind(name, why string) {
	lower := strings.ToLower(name)
	words := statement.WordsOf(lower)
	if !words[lower] {
		longest := ""
		for word := range words {
			if len(word) > len(longest) || len(word) == len(longest) && word < longest {
				longest = word
			}
		}
		if longest == "" {
			c.pinsAll = why
		} else if c.pinned[longest] == "" {
			c.pinned[longest] = why
		}
	}
	if c.pinned[lower] == "" {
		c.pinned[lower] = why
	}
}

func (c *catalogue) firstImpure(words statement.Words) string {
	return words.First(func(word string) bool { return c.impure[word] != "" || c.effective[word] })
}

func (c *catalogue) firstPinned(words statement.Words) string {
	return words.First(func(word string) bool { return c.pinned[word] != "" || pinsByItself(word) })
}

// pinsByItself reports whether the server's own function or view of that name leaves no trace, but needs the primary.
func pinsByItself(word string) bool {
	class, effects, known := pg.Builtin(word)
	return known && class == dialect.Write && effects == 0 || pg.TellsOfServer(word)
}

// isCut reports whether a word is longer than names can be: what the server takes it for is its beginning.
func isCut(word string) bool { return len(word) > 63 }

func isIn(set map[string]bool) func(string) bool { return func(word string) bool { return set[word] } }

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
