package statement

// verb is for the first word of a statement. Of a statement that is not known nothing more is said, nor of those behind it.
func (s *summary) verb(t *summaryToken) {
	f := s.top()
	if t.word == "with" {
		f.state, f.recursive = named, false
		return
	}
	next, known := verbs[t.word]
	f.operation = len(s.pieces)
	if t.kind == tokenWord {
		s.addToken(t)
	}
	if !known || t.word == "begin" && s.at(1).word == "not" && s.at(2).word == "atomic" { // a block of statements in MariaDB
		s.done = true
		return
	}
	if f.query != f.operation { // not directly behind UNION
		f.query, f.other = f.operation, -1
	}
	f.state, f.verb, f.after = next, t.word, begun
	switch t.word {
	case "set":
		if s.at(1).word == "statement" { // SET STATEMENT a = 1 FOR SELECT
			f.state = prepared
		}
	case "select", "delete", "update", "merge":
		f.after = joined
	case "insert", "replace":
		f.after = inserted
	case "table", "truncate", "lock", "rename", "optimize", "repair", "check", "checksum", "explain", "describe", "desc", "analyze", "analyse",
		"vacuum", "cluster":
		f.after = many
	}
}

// queryVerb is for the first word of a query.
func (s *summary) queryVerb(t *summaryToken) {
	f := s.top()
	switch t.word {
	case "all", "distinct":
	case "select", "with", "table", "execute":
		s.verb(t)
	default: // also VALUES, which is no operation of its own
		f.state = begun
	}
}

// first is for the first word in parentheses.
func (s *summary) first(t *summaryToken) {
	f := s.top()
	switch t.word {
	case "select", "with", "table":
		s.verb(t)
	case "insert", "update", "delete", "merge":
		if f.writes {
			s.verb(t)
			return
		}
	}
	if f.state != opened {
		return
	}
	f.state = begun
	if f.tables && t.word != "values" {
		f.state = expected
		s.target(t)
	}
}

// common is for the name of a query in a WITH clause.
func (s *summary) common(t *summaryToken) {
	f := s.top()
	if next := s.at(1); t.word == "recursive" && next.isName() && next.word != "as" {
		f.recursive = true
		return
	}
	f.state, f.cte = common, s.text[t.start:t.end]
}

// object is for what stands before the target of statements like TRUNCATE, LOCK and EXPLAIN.
func (s *summary) object(t *summaryToken) {
	f := s.top()
	switch t.word {
	case "local", "no_write_to_binlog":
		return
	case "table", "tables":
		f.state = expected
		s.addToken(t)
		return
	}
	if f.state == explained {
		switch t.word {
		case "analyze", "analyse", "verbose", "extended", "partitions", "full", "freeze", "into":
			return
		case "union", "except", "intersect": // EXPLAIN (SELECT …) UNION
			s.keyword(t)
			return
		case "format":
			if s.at(1).kind == tokenOther { // FORMAT = JSON
				s.i += 2
				return
			}
		case "for":
			f.state = begun
			return
		case "select", "insert", "update", "delete", "replace", "merge", "with", "values", "declare", "create", "execute", "refresh":
			s.verb(t)
			return
		}
	}
	f.state = expected
	s.target(t)
}

// define is for what stands between CREATE and the name of what is created, and in its relatives. Words that are not known say how it
// is created.
func (s *summary) define(t *summaryToken) {
	f := s.top()
	kind, known := kinds[t.word]
	next := s.at(1).word
	if !known || t.word == "aggregate" && next == "function" {
		return
	}
	s.addToken(t)
	f.kind = kind
	if s.at(-1).word == "event" { // of PostgreSQL, on no table
		f.kind = hasBody
	}
	creates, drops := f.verb == "create", f.verb == "drop"
	switch {
	case kind&prefix != 0 && kinds[next] == hasQuery, t.word == "event" && next == "trigger":
		return
	case kind&(unnamed|prefix) != 0:
		f.state = begun
		return
	case f.kind&hasTable != 0:
		f.after = owned
	case kind&hasBody != 0 && !drops:
		f.after = programmed
	case kind&hasQuery != 0 && (creates || f.verb == "alter" && t.word == "view"):
		f.after = composed
	}
	if drops {
		f.after = many
	}
	f.state = expected
}
