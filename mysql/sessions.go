package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/internal/statement/my"
)

// sessions implements [dialect.Sessions] for one server.
type sessions struct {
	*statement.Reader[catalogue]
	login    dialect.Effects          // of what the DSN has the driver set
	ofServer string                   // the database that sessions begin in, if what it has tells of one server
	baseline atomic.Pointer[baseline] // nil: not known yet
	declared dialect.Declared
	began    atomic.Pointer[began] // nil: no connection has told yet
}

var _ dialect.Sessions = (*sessions)(nil)

// patience is for how long others wait for whoever reads the catalogue: what is not known costs the connection.
const patience = 5 * time.Second

// newSessions makes what is known of sessions that begin in a database, and of which the DSN has the driver set something.
func newSessions(database string, login dialect.Effects) *sessions {
	s := &sessions{login: login}
	if my.OfServer(database) {
		s.ofServer = database
	}
	s.Reader = statement.NewReader(statement.Catalogue[catalogue]{
		Judge: s.classify, Reach: reach, Each: (*catalogue).Each, Without: (*catalogue).without, Asked: (*catalogue).AskedFor,
		Patience: patience,
	})
	return s
}

// classify says what a text does. Without a catalogue it is provisional.
func (s *sessions) classify(text string, c *catalogue) (said *dialect.Statement, lacks []string, absent bool) {
	said, lacks, absent = judge(text, c)
	if s.ofServer != "" {
		statement.NeedsPrimary(said, s.ofServer+" tells of one server")
		if strings.EqualFold(s.ofServer, helpers) {
			statement.Unknown(said, "views of "+helpers+" set variables")
		}
	}
	b := s.began.Load()
	if (b == nil || !b.told || b.autoIsNull) && statement.Mentions(text, null) {
		said.Sees = dialect.Sequence
		statement.Because(said, "may read last_insert_id")
	}
	switch {
	case !strings.ContainsFunc(text, isNotASCII):
	case b == nil:
		said.AwaitsBaseline = !said.Provisional
		said.Provisional, said.Sees, said.Atomic = true, dialect.Sequence, false
		statement.Because(said, "the character set is not known yet")
	case b.mayHide() != "":
		statement.Unknown(said, "characters of "+b.mayHide()+" may hide a quote")
	}
	return said, lacks, absent
}

// null is the word by which a text asks for LAST_INSERT_ID where sql_auto_is_null is on.
var null = statement.WordsOf("null")

// judge says what a text does, as far as a catalogue knows.
func judge(text string, c *catalogue) (s *dialect.Statement, lacks []string, absent bool) {
	parsed := my.Parse(text)
	s = &dialect.Statement{
		Class: parsed.Class, Effects: parsed.Effects, Why: parsed.Why, Hint: parsed.Hints.Role, CallerClass: parsed.Hints.Class, Undo: parsed.Undo,
		Implicit: parsed.Implicit, Defines: parsed.Defines, Plain: parsed.Plain,
		Removes: parsed.Definition.Removes || len(parsed.Definition.Tables)+len(parsed.Definition.Routines) > 0 || parsed.Definition.Anything,
	}
	if parsed.Unproved != "" {
		s.Unproved = dialect.Reason{What: parsed.Unproved, Cure: cureOf(parsed.Unproved)}
	}
	lacks, absent = c.judge(text, &parsed, s)
	if parsed.Ambiguous {
		statement.Veil(s)
	}
	rereads(s)
	judgeCharset(text, s)
	return s, lacks, absent
}

// pinsTypes reports whether the server may be MySQL, and not MariaDB.
func (s *sessions) pinsTypes() bool {
	b := s.began.Load()
	return b == nil || !b.isMariaDB
}

// Define says that a text is about to define something, which is over with the statement. What is dropped leaves what was there before, and of a table
// that is nothing but columns all is known. So it is of what a program defines, if it is known what that does.
func (s *sessions) Define(text string) (lasts bool) {
	parsed := my.Parse(text)
	if s.removed(&parsed) {
		s.Outdate(false)
	}
	for _, name := range parsed.Definition.Added {
		s.added(name)
	}
	if keys, some := defined(&parsed); some {
		s.Reader.Define(keys)
	}
	return false
}

// Defined says that it was. Until then, others have met what it takes away.
func (s *sessions) Defined(text string) {
	parsed := my.Parse(text)
	s.removed(&parsed)
	for _, name := range parsed.Definition.Added {
		s.added(name) // who has read it meanwhile has not seen it
	}
	if keys, some := defined(&parsed); some {
		s.Reader.Defined(keys)
	}
}

// added notes that there is a table without triggers.
func (s *sessions) added(name string) {
	name = fold(name)
	s.Extend(func(c *catalogue) *catalogue { return c.withTable(name) })
}

// removed counts what a text may remove, and reports whether there is anything. What a program removes has no name there.
func (s *sessions) removed(p *my.Statement) bool {
	d := &p.Definition
	switch {
	case d.DropsMore, len(p.Calls) > 0, slices.ContainsFunc(d.DroppedRoutines, isAnother):
		s.Removed(nil)
	case d.Removes:
		s.Removed(keysOf(d.Dropped, d.DroppedRoutines))
	default:
		return false
	}
	return true
}

// defined lists the keys of which a definition may change what they mean: none if it may be anything. It reports false if it changes nothing.
func defined(p *my.Statement) (keys []string, some bool) {
	d := &p.Definition
	if p.Unclear || d.Anything || slices.ContainsFunc(d.Routines, isAnother) {
		return nil, true
	}
	keys = keysOf(d.Tables, d.Routines)
	return keys, len(keys) > 0
}

// isAnother reports whether a routine may be called by other names than its own: accents make no difference to the server.
func isAnother(name string) bool { return strings.IndexFunc(name, isNotASCII) >= 0 || isShadow(name) }

// keysOf lists the keys of tables and routines.
func keysOf(tables, routines []string) (keys []string) {
	for _, name := range tables {
		keys = append(keys, fold(name))
	}
	for _, name := range routines {
		keys = append(keys, routineKey(fold(name)))
	}
	return keys
}

// learnTimeout is how long the server may take for the catalogue. Some open the files of tables for it.
const learnTimeout = time.Minute

// Learn reads the catalogue.
func (s *sessions) Learn(ctx context.Context, conn driver.Conn, texts []string, wait bool) error {
	return s.Reader.Learn(ctx, texts, wait, func(base *catalogue, keys []string) (*catalogue, error) {
		ctx, cancel := context.WithTimeout(ctx, learnTimeout)
		defer cancel()
		return s.learn(ctx, conn, base, keys)
	})
}

// pairs runs a query of two columns.
func pairs(ctx context.Context, conn driver.Conn, query string) (map[string]string, error) {
	found := map[string]string{}
	err := each(ctx, conn, query, func(row []driver.Value) {
		found[strings.ToLower(value(row[0]))] = value(row[1])
	})
	return found, err
}

// one runs a query of one row, and returns the texts of its columns; nil: there was no row.
func one(ctx context.Context, conn driver.Conn, query string) (texts []string, err error) {
	err = each(ctx, conn, query, func(row []driver.Value) {
		for _, v := range row {
			texts = append(texts, value(v))
		}
	})
	return texts, err
}

// each runs a query and calls f for each row, whose values it must not keep.
func each(ctx context.Context, conn driver.Conn, query string, f func(row []driver.Value)) error {
	return eachOf(ctx, conn, query, func(_ []string, row []driver.Value) { f(row) })
}

// eachOf is each for a query whose columns are not known before.
func eachOf(ctx context.Context, conn driver.Conn, query string, f func(columns []string, row []driver.Value)) error {
	queryer, ok := conn.(driver.QueryerContext)
	if !ok {
		return fmt.Errorf("pooled: %T is not a connection of go-sql-driver/mysql", conn)
	}
	rows, err := queryer.QueryContext(ctx, query, nil)
	if err != nil {
		return err
	}
	columns := rows.Columns()
	row := make([]driver.Value, len(columns))
	for {
		switch err := rows.Next(row); err {
		case nil:
			f(columns, row)
		case io.EOF:
			return rows.Close()
		default:
			_ = rows.Close() // err is the reason
			return err
		}
	}
}

func value(v driver.Value) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case nil:
		return ""
	default:
		return fmt.Sprint(v)
	}
}
