package statement

// state is what is looked for.
type state uint8

const (
	begins     state = iota // a statement
	queried                 // a query: behind AS, UNION and the like
	opened                  // whatever may stand first in parentheses
	begun                   // nothing but queries in parentheses, and UNION
	listed                  // FROM, behind SELECT and DELETE
	created                 // the name that SELECT … INTO gives
	expected                // a target
	joined                  // JOIN or a comma, behind a table
	assigned                // FROM, behind the SET of an UPDATE
	many                    // a comma, behind a target
	inserted                // the query of an INSERT
	named                   // the name that WITH gives
	common                  // what a WITH clause consists of, and the statement behind it
	explained               // a statement or a table, behind options
	tabled                  // TABLE and a table
	defining                // the kind of what is defined
	owned                   // ON and a table
	composed                // AS and a query
	loading                 // INTO TABLE
	declared                // FOR and a query
	prepared                // AS and a statement
	paired                  // the second word of an operation
	programmed              // the end of a program
)

// frame is what is between two parentheses, or a statement.
type frame struct {
	state  state
	after  state  // what follows the expected target
	verb   string // the operation that goes on
	kind   objectKind
	tables bool // tables may stand in these parentheses
	writes bool // and these may hold INSERT and its relatives

	operation    int // which piece the operation is
	query, other int // where the pieces of this query begin, and those of the other side of its UNION; -1: there is none

	ctes      int    // how many names of WITH clauses could be seen where the frame began
	cte       string // the name that the WITH clause in this frame is giving
	recursive bool   // which can be seen in its own query
	defines   bool   // the frame is the query that the name of the frame around it stands for
}

func (s *summary) top() *frame { return &s.frames[len(s.frames)-1] }

// at returns the token that stands n further.
func (s *summary) at(n int) *summaryToken {
	if i := s.i + n; i >= 0 && i < len(s.tokens) {
		return &s.tokens[i]
	}
	return &noToken
}

var noToken summaryToken

func (t *summaryToken) isName() bool { return t.kind == tokenWord || t.kind == tokenName }

// run walks over the tokens.
func (s *summary) run() {
	for ; s.i < len(s.tokens) && !s.done; s.i++ {
		t := &s.tokens[s.i]
		switch {
		case s.top().state == programmed:
			s.program(t)
		case t.kind == tokenMark:
			s.mark(t.mark)
		case t.kind == tokenOther:
			s.literal()
		case s.at(-1).mark != '.':
			s.name(t)
		}
	}
	s.endQuery()
	s.sibling(s.statement, s.before)
}

// program passes over the body of a stored program, which is not run. If it can have statements in it, its end is not known.
func (s *summary) program(t *summaryToken) {
	switch t.word {
	case "begin", "then", "do", "loop", "repeat":
		s.done = true
	default:
		if t.mark == ';' {
			s.endStatement()
		}
	}
}

func (s *summary) mark(c byte) {
	f := s.top()
	switch c {
	case '(', '[':
		s.open(f, c)
	case ')', ']':
		s.close()
	case ';':
		s.endStatement()
	case '{': // { OJ t LEFT OUTER JOIN u }
		if f.state == expected {
			s.i++
		}
	case ',':
		switch f.state {
		case joined, many:
			f.state = expected
		case common:
			f.state = named
		}
	}
}

// open begins a frame.
func (s *summary) open(f *frame, c byte) {
	inner := frame{
		state: opened, after: f.after, verb: f.verb, operation: f.operation, query: len(s.pieces), other: -1, ctes: len(s.ctes),
	}
	switch f.state {
	case expected:
		inner.tables, inner.writes = f.after == joined || f.after == many, f.verb == "copy"
		f.state = f.after
	case opened:
		inner.tables, inner.writes = f.tables, f.writes
		f.state = begun
		if f.tables {
			f.state = joined
		}
	case begins, queried:
		f.state = begun
	case common:
		if before := s.at(-1).word; before == "as" || before == "materialized" {
			inner.writes, inner.defines = true, true
			if f.recursive {
				s.ctes = append(s.ctes, f.cte)
				inner.ctes++
			}
		}
	}
	if c == '[' {
		inner.state = begun
	}
	s.frames = append(s.frames, inner)
}

// close ends a frame.
func (s *summary) close() {
	if len(s.frames) == 1 {
		return
	}
	s.endQuery()
	inner := *s.top()
	s.frames = s.frames[:len(s.frames)-1]
	s.ctes = s.ctes[:inner.ctes]
	if f := s.top(); inner.defines && !f.recursive {
		s.ctes = append(s.ctes, f.cte)
	}
}

// endQuery ends one side of a UNION, or all of them.
func (s *summary) endQuery() {
	f := s.top()
	f.query, f.other = s.sibling(f.query, f.other)
}

// endStatement ends a statement.
func (s *summary) endStatement() {
	s.endQuery()
	s.statement, s.before = s.sibling(s.statement, s.before)
	s.frames = append(s.frames[:0], frame{query: len(s.pieces), other: -1})
	s.ctes = s.ctes[:0]
}

// literal is for what is no name and no mark.
func (s *summary) literal() {
	switch f := s.top(); f.state {
	case begins:
		s.done = true
	case opened, queried, paired:
		f.state = begun
	case expected:
		f.state = f.after
	case created:
		f.state = listed
	}
}

// name is for a keyword or a name that is not the last part of another.
func (s *summary) name(t *summaryToken) {
	f := s.top()
	switch f.state {
	case begins:
		s.verb(t)
	case opened:
		s.first(t)
	case queried:
		s.queryVerb(t)
	case expected, created:
		s.target(t)
	case named:
		s.common(t)
	case explained, tabled:
		s.object(t)
	case defining:
		s.define(t)
	case paired:
		if t.word == "local" || t.word == "no_write_to_binlog" {
			return
		}
		f.state = begun
		if t.kind == tokenWord {
			s.addToken(t)
		}
	default:
		s.keyword(t)
	}
}
