package statement

import (
	"slices"
	"strings"
)

// keyword is for a word that may say that something else is looked for.
func (s *summary) keyword(t *summaryToken) {
	f := s.top()
	if t.word == "" {
		return
	}
	before := s.at(-1).word
	if before == "as" && (f.state == listed || f.state == joined) {
		return // an alias
	}
	switch t.word {
	case "union", "except", "intersect", "minus":
		if s.combines() {
			s.endQuery()
			f.state = queried
		}
		return
	}
	switch f.state {
	case listed:
		s.fromOrInto(f, t)
	case joined:
		s.table(f, t.word, before)
	case assigned:
		s.fromOrInto(f, t)
	case inserted:
		s.source(f, t)
	case common:
		switch t.word {
		case "select", "insert", "update", "delete", "merge", "replace", "values", "table":
			s.verb(t)
		}
	case many, owned:
		if t.word == "on" && f.kind&hasTable != 0 {
			f.state = expected
			if f.kind&hasBody != 0 && f.verb != "drop" {
				f.after = programmed
			} else {
				f.after = begun
			}
		}
	case composed:
		switch t.word {
		case "as":
			f.state = queried
		case "select":
			s.verb(t)
		}
	case loading:
		s.load(f, t, before)
	case declared:
		if t.word == "for" {
			f.state = queried
		}
	case prepared:
		if t.word == "as" || t.word == "for" && f.verb == "set" {
			f.state = begins
		}
	}
}

// combines reports whether the word here combines two queries, and is no alias.
func (s *summary) combines() bool {
	switch next := s.at(1); next.word {
	case "select", "all", "distinct", "values", "table", "with":
		return true
	default:
		return next.mark == '('
	}
}

// fromOrInto looks for FROM behind SELECT, DELETE, and the SET of UPDATE, and for INTO behind SELECT.
func (s *summary) fromOrInto(f *frame, t *summaryToken) {
	switch t.word {
	case "from":
		if prior := s.at(-2).word; s.at(-1).word == "distinct" && (prior == "is" || prior == "not") {
			return // a comparison
		}
		f.state, f.after = expected, joined
	case "into":
		if f.verb == "select" {
			f.state = created
		}
	case "where", "returning":
		if f.state == assigned {
			f.state = begun
		}
	}
}

// table looks for what continues or ends a list of tables.
func (s *summary) table(f *frame, word, before string) {
	switch word {
	case "join", "straight_join":
		if before != "for" { // USE INDEX FOR JOIN
			f.state = expected
		}
	case "using":
		if f.verb == "merge" || f.verb == "delete" && s.usesTables() {
			f.state = expected
		}
	case "set":
		f.state = begun
		if f.verb == "update" {
			f.state = assigned
		}
	case "where", "having", "limit", "window", "offset", "fetch", "returning", "into", "procedure":
		f.state = begun
	case "group", "order":
		if before != "for" { // USE INDEX FOR ORDER BY
			f.state = begun
		}
	case "for":
		switch s.at(1).word {
		case "update", "share", "no", "key":
			f.state = begun
		}
	case "duplicate", "conflict":
		if before == "on" {
			f.state = begun
		}
	case "when":
		if f.verb == "merge" {
			f.state = begun
		}
	}
}

// usesTables tells DELETE … USING t from JOIN … USING (a).
func (s *summary) usesTables() bool {
	if s.at(1).mark != '(' {
		return true
	}
	switch next := s.at(2); next.word {
	case "select", "with", "values", "table":
		return true
	default:
		return next.mark == '('
	}
}

// source looks for where the rows of an INSERT come from.
func (s *summary) source(f *frame, t *summaryToken) {
	switch t.word {
	case "select", "table", "with":
		s.verb(t)
	case "values", "set", "default", "on", "returning":
		f.state = begun
	}
}

// load looks through LOAD DATA … INTO TABLE t.
func (s *summary) load(f *frame, t *summaryToken, before string) {
	switch t.word {
	case "data", "xml", "index":
		if before == "load" {
			s.addToken(t)
		}
	case "table":
		if before == "into" {
			f.state, f.after = expected, begun
		}
	}
}

// target is for the word or name at which a target is expected.
func (s *summary) target(t *summaryToken) {
	f := s.top()
	if s.skips(f, t.word) {
		return
	}
	calls := f.state == expected && f.after == joined
	if f.state == created {
		f.state = listed
	} else {
		f.state = f.after
	}
	switch t.word {
	case "on", "select", "where", "set", "values", "all", "authorization", "using", "group", "order", "outfile", "dumpfile":
		s.keyword(t)
		return
	case "rows":
		if s.at(1).word == "from" { // ROWS FROM (f(), g())
			return
		}
	}
	first := s.i
	for s.at(1).mark == '.' && s.at(2).isName() {
		s.i += 2
	}
	if next := s.at(1).mark; next == '.' || next == '(' && calls {
		return // something else, or a function
	}
	name := s.between(first, s.i)
	if first == s.i && (t.word == "dual" || s.isCommon(name)) {
		return
	}
	if operation := min(f.operation+1, len(s.pieces)); !slices.Contains(s.pieces[operation:], name) {
		s.add(name)
	}
}

// skips reports whether a word may stand before a target.
func (s *summary) skips(f *frame, word string) bool {
	next := s.at(1)
	switch word {
	case "only", "lateral", "into", "concurrently":
		return true
	case "if":
		return next.word == "not" || next.word == "exists"
	case "not":
		return next.word == "exists"
	case "exists":
		return s.at(-1).word == "if" || s.at(-1).word == "not"
	case "low_priority", "high_priority", "delayed", "ignore":
		switch f.verb {
		case "insert", "replace", "update": // of MySQL; elsewhere they are names
			return next.isName() && next.word != "set" && next.word != "values" && next.word != "select"
		}
	case "binary":
		return f.verb == "copy"
	case "temp", "temporary", "unlogged", "local", "global", "table":
		return f.state == created && next.isName() && next.word != "from"
	}
	return false
}

// isCommon reports whether a name stands for the query of a WITH clause.
func (s *summary) isCommon(name string) bool {
	for _, cte := range s.ctes {
		if strings.EqualFold(bare(cte), bare(name)) {
			return true
		}
	}
	return false
}

// bare takes the quotes from a name.
func bare(name string) string { return strings.Trim(name, "\"`") }

// between returns what the tokens from first to last say, without space and comments.
func (s *summary) between(first, last int) string {
	parts := s.tokens[first : last+1]
	length := int32(0)
	for _, t := range parts {
		length += t.end - t.start
	}
	whole := s.text[parts[0].start:parts[len(parts)-1].end]
	if int(length) == len(whole) {
		return whole
	}
	var b strings.Builder
	for _, t := range parts {
		b.WriteString(s.text[t.start:t.end])
	}
	return b.String()
}
