package postgres

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/internal/statement/pg"
)

// sessions implements [dialect.Sessions] for one server.
type sessions struct {
	*statement.Reader[catalogue]
	baseline atomic.Pointer[baseline] // nil: not known yet
	// makesTemp says that what sessions create is temporary unless they say otherwise: the search_path that they begin with has pg_temp. Nil: not known yet.
	// That it has become so is the catalogue's to tell.
	makesTemp atomic.Pointer[bool]
	hides     atomic.Bool // sessions begin with a character set in which other characters than those of ASCII may hide quotes
	declared  *declared   // nil: nothing is
}

var _ dialect.Sessions = (*sessions)(nil)

// patience is for how long others wait for whoever reads the catalogue. To read a name takes about a millisecond; a full reset takes no longer, but what was
// prepared is to be prepared again after it.
const patience = 5 * time.Millisecond

func newSessions() *sessions {
	s := &sessions{}
	s.Reader = statement.NewReader(statement.Catalogue[catalogue]{
		Judge: s.read, Reach: reach, Each: (*catalogue).Each, Without: (*catalogue).without, Asked: (*catalogue).AskedFor,
		Patience: patience,
	})
	return s
}

// read says what a text does. Without a catalogue it is provisional, and what is still so at the end is unknown. So it is for what may create something, as
// long as nobody knows whether that is temporary.
func (s *sessions) read(text string, c *catalogue) (said *dialect.Statement, lacks []string, absent bool) {
	if s.hides.Load() && !pg.IsASCII(text) {
		said = &dialect.Statement{}
		statement.Unknown(said, "a text in a character set that may hide quotes")
		return said, nil, false
	}
	parsed := pg.Parse(text)
	makesTemp := s.makesTemp.Load()
	if parsed.Fires && makesTemp != nil && (*makesTemp || c != nil && c.makesTemp) {
		parsed.Effects |= dialect.TempTable | dialect.UnknownEffect
		parsed.Unproved = cmp.Or(parsed.Unproved, "defines something where search_path has pg_temp")
	}
	said = &dialect.Statement{
		Class: parsed.Class, Effects: parsed.Effects, Why: parsed.Why, Hint: parsed.Hints.Role, CallerClass: parsed.Hints.Class, Plain: parsed.Plain,
		Defines: parsed.Defines, Alters: parsed.Alters, Lingers: parsed.Lingers || parsed.Effects.Has(dialect.TempTable),
		Rereads: parsed.Effects.Has(dialect.Plans), Unproved: dialect.Reason{What: parsed.Unproved},
	}
	lacks, absent = c.judge(text, &parsed, said)
	if parsed.Ambiguous {
		statement.Veil(said)
	}
	if parsed.Fires && makesTemp == nil {
		said.AwaitsBaseline = !said.Provisional
		said.Provisional, said.Sees, said.Atomic = true, dialect.Sequence, false
		statement.Because(said, "what it creates may be temporary")
	}
	return said, lacks, absent
}

// reach lists all names that decide what a text does.
func reach(text string, c *catalogue) (names []string, ok bool) {
	parsed := pg.Parse(text)
	if c == nil || len(c.lacks(&parsed)) > 0 {
		return nil, false
	}
	add := func(name string, _ *node) bool {
		names = append(names, strings.TrimPrefix(name, writing))
		return false
	}
	for _, name := range append(namesOf(&parsed), nothingNamed) {
		c.anyReached(name, (*node).reaches, add)
	}
	for _, name := range parsed.Targets {
		c.eachRelated(name, parsed.Cascades, func(related string) { c.anyReached(related, (*node).run, add) })
	}
	return names, true
}

// Define says that what a text names is about to be defined. What is dropped leaves what was there before, and of a table that is nothing but columns
// all is known. But whatever it is, it may take away what earlier statements met, under other names: an index is not called as its table.
func (s *sessions) Define(text string) (lasts bool) {
	parsed := pg.Parse(text)
	switch {
	case parsed.Removes:
		s.Removed(nil)
		s.Outdate(false)
	case parsed.Adds != "":
		s.added(&parsed)
	default:
		s.Removed(nil)
		s.Reader.Define(definedBy(text, &parsed))
	}
	return true
}

// Defined says that it was. Until then, others have met what it takes away.
func (s *sessions) Defined(text string) {
	parsed := pg.Parse(text)
	switch {
	case parsed.Removes:
		s.Removed(nil)
	case parsed.Adds != "":
		s.added(&parsed) // who has read it meanwhile has not seen it
	default:
		s.Removed(nil)
		s.Reader.Defined(definedBy(text, &parsed))
	}
}

// added notes that there is a table that is nothing but columns.
func (s *sessions) added(parsed *pg.Statement) {
	s.Extend(func(c *catalogue) *catalogue { return c.withTable(parsed.Adds, parsed.Names) })
}

// definedBy lists the names of which a definition may change what they mean: those that it has. It is empty for one that may define anything, and for one that
// gives something another name, as nobody knows what refers to it.
func definedBy(text string, parsed *pg.Statement) []string {
	if parsed.Class == dialect.Unknown || parsed.Renames || statement.Mentions(text, enforcing) {
		return nil
	}
	names := namesOf(parsed)
	for _, name := range slices.Clone(names) {
		names = append(names, typesOf(name)...)
	}
	if statement.Mentions(text, definingUnnamed) {
		names = append(names, nothingNamed)
	}
	return names
}

// typesOf lists the types that the server makes, and names by itself, when something of a name is made: an array, with as many underscores as it takes, and of a
// range a multirange.
func typesOf(name string) []string {
	multirange := strings.Replace(name, "range", "multirange", 1)
	if multirange == name {
		multirange += "_multirange"
	}
	types := []string{"_" + name, "__" + name, "___" + name, multirange, "_" + multirange}
	for i, made := range types {
		types[i] = pg.Cut(made)
	}
	return types
}

// enforcing is the word by which foreign keys come to count for the table that they lead to, of which no text tells.
var enforcing = statement.WordsOf("enforced")

// definingUnnamed are the words of definitions of what no text names: also CREATE CONVERSION, and TEXT SEARCH.
var definingUnnamed = statement.WordsOf("operator cast event conversion search")

// learnTimeout is how long the server may take for the catalogue.
const learnTimeout = 4 * time.Second

// Learn reads the catalogue.
func (s *sessions) Learn(ctx context.Context, conn driver.Conn, texts []string, wait bool) error {
	return s.Reader.Learn(ctx, texts, wait, func(base *catalogue, names []string) (*catalogue, error) {
		c, err := pgxConn(conn)
		if err != nil {
			return nil, err
		}
		read, err := readCatalogue(ctx, c, base, names, learnTimeout, s.declared)
		if err == nil {
			s.declared.tell(read)
		}
		return read, err
	})
}

// Baseline takes down what was set when the session began. What a statement creates shows in the session's schema for temporary objects, if it
// was temporary, and that stays when the object has gone.
func (s *sessions) Baseline(ctx context.Context, conn driver.Conn, awaited bool) (proxied bool, err error) {
	c, err := pgxConn(conn)
	if err != nil {
		return false, err
	}
	if isConsole(c) {
		return true, nil
	}
	row, err := ask(ctx, c, "select pg_catalog.pg_backend_pid(), ("+stateSQL(c)+"), pg_catalog.current_setting('search_path'), pg_catalog.pg_my_temp_schema()")
	if err != nil {
		return false, err
	}
	f := &baseline{state: row[1], proxied: isProxied(c, row[0])}
	if awaited && !f.proxied && row[3] != "0" { // something temporary was created, which may have run under the name of something else
		return false, dialect.ErrUsed
	}
	if f.proxied {
		s.baseline.CompareAndSwap(nil, f) // it says less than that of the server's own session
	} else {
		s.baseline.Store(f)
	}
	s.setMakesTemp(strings.Contains(row[2], "pg_temp"))
	return f.proxied, nil
}

// dialled looks at the character set that a session begins with, and at the server's role, which the server tells by itself.
func (s *sessions) dialled(_ context.Context, conn driver.Conn) (dialect.Dialled, error) {
	c, ok := conn.(*stdlib.Conn)
	if !ok {
		return dialect.Dialled{}, nil
	}
	if !pg.KeepsQuotes(c.Conn().PgConn().ParameterStatus("client_encoding")) && !s.hides.Swap(true) {
		s.Rejudge()
	}
	return dialect.Dialled{Role: roleAtLogin(c.Conn().PgConn())}, nil
}

// setMakesTemp notes what is known of makesTemp.
func (s *sessions) setMakesTemp(is bool) {
	if was := s.makesTemp.Swap(&is); was == nil || *was != is {
		s.Rejudge()
	}
}

// pgxConn returns pgx's own connection.
func pgxConn(conn driver.Conn) (*pgx.Conn, error) {
	c, ok := conn.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("pooled: %T is not a connection of pgx", conn)
	}
	return c.Conn(), nil
}
