package my

// reading is one way to read a text. The zero value is the one of most servers: backslashes escape, double quotes make strings,
// and all executable comments are executed.
type reading struct {
	// rawStrings is NO_BACKSLASH_ESCAPES: a backslash is a character like any other.
	rawStrings bool

	// rawNames is ANSI_QUOTES: double quotes make names, in which a backslash is a character like any other.
	rawNames bool

	// comments says what becomes of each executable comment, by its position among them.
	comments [maxExecutable]execution
}

// execution is what becomes of an executable comment.
type execution uint8

const (
	executed execution = iota
	skipped

	// executedOld is for a version of six digits, in which old servers see five, and leave the sixth to the statement.
	executedOld

	executions
)

// maxExecutable is how many executable comments a text may have: each can be executed or not, by a rule of its own.
const maxExecutable = 3

// readAllWays reads the text in every way that a server may read it. It reports whether the first of them makes sense at all.
func (p *parser) readAllWays() bool {
	comments := countExecutable(p.text)
	if comments > maxExecutable {
		return false
	}
	var r reading
	if !p.readQuotes(r) {
		return false
	}
	for nextReading(&r, comments) {
		p.readQuotes(r)
	}
	return true
}

// nextReading counts through the executions of the first n comments, as through the digits of a number.
func nextReading(r *reading, n int) bool {
	for i := range n {
		if r.comments[i]++; r.comments[i] < executions {
			return true
		}
		r.comments[i] = executed
	}
	return false
}

// readQuotes reads the text as r says, and again in each sql_mode in which its strings end elsewhere.
func (p *parser) readQuotes(r reading) bool {
	ok := p.read(r)
	if r == (reading{}) {
		p.out.Hints = p.hints
	}
	escapedQuote, escapedDouble := p.escapedQuote, p.escapedDouble
	if escapedQuote || escapedDouble {
		p.out.Ambiguous = true
		r.rawStrings = true
		p.read(r)
	}
	if escapedDouble {
		r.rawStrings, r.rawNames = false, true
		p.read(r)
	}
	return ok
}

// named is how many names were noted.
func (p *parser) named() int { return len(p.out.Targets) + len(p.out.Names) + len(p.out.Calls) }

// read reads the text one way. Of a text that ends in the middle of something, or has what no statement can have, it counts the
// statements before: a server runs them before it comes to the mistake.
func (p *parser) read(r reading) bool {
	ok := p.lex(r)
	rest := p.tokens
	if !ok {
		rest = rest[:lastSemicolon(rest)]
	}
	n, late := 0, false
	named := p.named()
	for len(rest) > 0 {
		var s []token
		s, rest = p.cut(rest)
		if len(s) > 0 {
			met, removes := p.named() > named, p.out.Definition.Removes
			p.out.Definition.Removes = false
			p.begin()
			p.statement(s)
			p.end()
			late = late || met && p.out.Definition.Removes
			p.out.Definition.Removes = p.out.Definition.Removes || removes
			p.out.Plain = p.out.Plain && isPlain(s)
			n++
		}
	}
	p.out.Plain = p.out.Plain && n <= 1
	if n > 1 && p.out.Remakes { // what stands behind it may do what nobody knows yet
		p.spoil("defines something before other statements")
	}
	if late { // what stands before it may have done what nobody can find out any more
		p.spoil("drops something behind other statements")
	}
	return ok
}

// lastSemicolon returns the position of the last semicolon, zero without one.
func lastSemicolon(s []token) int {
	for i := len(s) - 1; i > 0; i-- {
		if s[i].isMark(';') {
			return i
		}
	}
	return 0
}
