package my

import "github.com/gopooled/pooled/dialect"

// query is SELECT, VALUES or TABLE.
func (p *parser) query(s []token) {
	p.is(read, 0)
	if at(s, 0) == "table" {
		p.uses(s, 1, qualified(s, 1))
	}
	p.querying = p.local == nil
	p.scan(s)
	p.querying = false
}

// parenthesised is a query that begins with parentheses.
func (p *parser) parenthesised(s []token) {
	i := 0
	for isMark(s, i, '(') {
		i++
	}
	switch at(s, i) {
	case "select", "values", "table", "with":
		p.query(s)
	default:
		p.notUnderstood(&s[min(i, len(s)-1)])
	}
}

// with is a statement that begins with common table expressions, of whatever kind.
func (p *parser) with(s []token) {
	verb := find(s, 1, "select", "values", "table", "update", "delete", "insert", "replace")
	switch at(s, verb) {
	case "update":
		p.because("update")
		p.is(write, 0)
		p.scan(s[:verb])
		p.update(s[verb:])
	case "delete":
		p.because("delete")
		p.is(write, 0)
		p.scan(s[:verb])
		p.delete(s[verb:])
	case "insert", "replace":
		p.because(at(s, verb))
		p.unknown()
	default:
		p.query(s)
	}
}

// scan looks through expressions and queries for what writes, locks, assigns and calls. Nothing in them is taken for harmless but
// what is known to be.
func (p *parser) scan(s []token) {
	for i := 0; i < len(s); i++ {
		switch t := &s[i]; t.kind {
		case word:
			if isMark(s, i+1, '(') {
				p.call(s, i)
			} else if (t.dotted || t.word == nil || !t.word.reserved) && !p.gives(s, i) {
				p.name(t)
			}
			if !t.dotted && t.word != nil && t.word.matters {
				p.keyword(s, i)
			}
		case backtick, double:
			if isMark(s, i+1, '(') {
				p.call(s, i)
			} else if !p.gives(s, i) {
				p.name(t)
			}
		case variable:
			if isKind(s, i+1, assign) {
				p.because("sets a user variable")
			}
			p.asksSession()
		case system:
			p.asksSession()
			i = p.systemName(s, i+1) - 1
		case assign:
			p.assigned(s, i-1)
		}
	}
}

// systemName returns where the name of a system variable that begins at i ends.
func (p *parser) systemName(s []token, i int) int {
	i++
	for isMark(s, i, '.') {
		i += 2
	}
	return min(i, len(s))
}

// assigned says that := assigns to what is at position i.
func (p *parser) assigned(s []token, i int) {
	p.because("sets a user variable")
	if isKind(s, i, variable) {
		p.undo(dialect.UserVariable, p.variableName(&s[i]))
		return
	}
	p.costs("assigns to what is not understood")
	p.is(write, dialect.UnknownEffect)
}

// keyword deals with the keywords that make more of a query than a read.
func (p *parser) keyword(s []token, i int) {
	switch at(s, i) {
	case "from":
		p.sources(s, i)
	case "table":
		p.uses(s, i+1, qualified(s, i+1)) // as a query within another one
	case "insert", "replace":
		if !isMark(s, i+1, '(') {
			p.because(at(s, i))
			p.is(write, dialect.Sequence)
		}
	case "update", "delete", "lock", "procedure", "outfile", "dumpfile", "sql_calc_found_rows":
		p.because(whyKeyword(s, i))
		p.is(write, 0)
		switch at(s, i) {
		case "outfile", "dumpfile", "procedure":
			p.out.Plain = false
		}
	case "share":
		if at(s, i-1) == "for" {
			p.because("locks rows (FOR SHARE)")
			p.is(write, 0)
		}
	case "into":
		p.into(s, i+1)
	case "for":
		if at(s, i-1) != "value" {
			return
		}
		switch at(s, i-2) {
		case "next":
			p.because("takes a value from a sequence")
			if i+1 < len(s) && s[i+1].isName() {
				p.costs("takes a value from the sequence " + p.shown(&s[qualified(s, i+1)-1]))
			}
			p.is(write, sequenceValue)
		case "previous":
			p.because("depends on the session's last value of a sequence")
			p.is(write, dialect.Sequence)
		}
	}
}

// whyKeyword says for people what the keyword at position i makes of a query.
func whyKeyword(s []token, i int) string {
	switch w := at(s, i); {
	case w == "update" && at(s, i-1) == "for":
		return "locks rows (FOR UPDATE)"
	case w == "lock":
		return "locks rows (LOCK IN SHARE MODE)"
	case w == "outfile" || w == "dumpfile":
		return "writes a file of the server's"
	case w == "sql_calc_found_rows":
		return "counts rows for found_rows"
	case w == "procedure":
		return "calls a procedure"
	default:
		return w
	}
}

// sequenceValue is the trace of a value taken from a sequence of MariaDB. PREVIOUS VALUE FOR tells it to the next borrower, and
// nothing but a new connection makes the session forget it.
const sequenceValue = dialect.Sequence | dialect.Permanent

// into deals with the targets of INTO, which begin at position i.
func (p *parser) into(s []token, i int) {
	if next := at(s, i); next == "outfile" || next == "dumpfile" {
		p.because("writes a file of the server's")
		p.is(write, 0)
		return
	}
	if isKind(s, i, variable) {
		p.because("sets a user variable")
	}
	p.because("select into")
	if p.local == nil {
		p.is(write, 0)
	}
	for {
		end := i + 1
		switch {
		case isKind(s, i, variable):
			p.undo(dialect.UserVariable, p.variableName(&s[i]))
		default:
			if end = qualified(s, i); !p.isLocal(s[i:], end-i) {
				// In no text is there another kind of variable: whatever it is, it is not understood.
				p.is(write, dialect.UserVariable|dialect.UnknownEffect)
				return
			}
		}
		if !isMark(s, end, ',') {
			return
		}
		i = end + 1
	}
}
