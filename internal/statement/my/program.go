package my

import (
	"slices"
	"strings"
)

// Source is a stored program as the server keeps it: the body of a routine or of a trigger.
type Source struct {
	// Body is the statement that it runs; or, with Whole, the CREATE statement that it was made by.
	Body  string
	Whole bool
	// Mode is the sql_mode that it is read in, whoever runs it.
	Mode string
	// Database is that of names without one.
	Database string
	// Parameters are the names of its parameters.
	Parameters []string
	// Trigger says that it may assign to columns of NEW.
	Trigger bool
}

// Parse tells what the program can do, whichever of its statements run. What it calls, and what its tables and views have behind them, is not
// looked at.
func (src Source) Parse() Statement {
	switch {
	case len(src.Body) > maxText:
		return unknown("longer than what is read")
	case strings.Contains(src.Body, "/*!") || strings.Contains(src.Body, "/*M!"):
		return unknown("has an executable comment")
	}
	var r reading
	for mode := range strings.SplitSeq(strings.ToUpper(src.Mode), ",") {
		switch mode {
		case "ANSI_QUOTES", "ANSI":
			r.rawNames = true
		case "NO_BACKSLASH_ESCAPES":
			r.rawStrings = true
		case "ORACLE", "MSSQL", "DB2", "POSTGRESQL", "MAXDB":
			return unknown("is written for sql_mode " + strings.ToLower(mode))
		}
	}
	p := parsers.Get().(*parser)
	defer parsers.Put(p)
	p.reset(src.Body)
	if !p.lex(r) {
		return unknown(p.near())
	}
	body := p.tokens
	if src.Whole {
		body = body[routineBody(body):]
	}
	p.out.Plain = false
	p.database = src.Database
	p.local = &scopes{trigger: src.Trigger}
	p.local.open()
	for _, name := range src.Parameters {
		p.local.declare(lower(name))
	}
	g := program{parser: p, s: body}
	g.run()
	return p.result()
}

// program goes through the body of a stored program, statement by statement. It runs none in the place of another: all that can be run counts.
type program struct {
	*parser
	s      []token
	failed bool
}

// run goes through the whole body.
func (g *program) run() {
	g.begin()
	if len(g.s) == 0 {
		g.unknown()
	}
	for i := range g.s {
		if g.s[i].kind == param { // a character that was lost on the way
			g.unknown()
		}
	}
	if i := g.statement(0); i < len(g.s) && !g.failed {
		g.fail(i)
	}
	g.end()
}

// fail says that the body is not understood at position i, and returns its end.
func (g *program) fail(i int) int {
	g.failed = true
	if i < len(g.s) {
		g.notUnderstood(&g.s[i])
	} else {
		g.giveUp(endless)
	}
	return len(g.s)
}

// statement goes through the statement at position i, and returns the position behind it and its semicolon.
func (g *program) statement(i int) int {
	if i+1 < len(g.s) && g.s[i].isName() && g.s[i+1].isMark(':') {
		i += 2
	}
	switch at(g.s, i) {
	case "begin":
		return g.block(i)
	case "if":
		return g.ifThen(i)
	case "case":
		return g.caseOf(i)
	case "loop":
		return g.closed(g.statements(i+1), "loop")
	case "while":
		return g.closed(g.statements(g.condition(i+1, "do")), "while")
	case "repeat":
		i = g.statements(i + 1)
		if at(g.s, i) != "until" {
			return g.fail(i)
		}
		return g.closed(g.condition(i+1, "end")-1, "repeat")
	case "for":
		return g.forLoop(i)
	case "declare":
		return g.declaration(i)
	}
	end := semicolon(g.s, i)
	if i >= end {
		return g.fail(i)
	}
	g.simple(g.s[i:end])
	return min(end+1, len(g.s))
}

// statements goes through statements until one of the words that end them, and returns where that stands.
func (g *program) statements(i int) int {
	for i < len(g.s) {
		switch at(g.s, i) {
		case "end", "else", "elseif", "when", "until":
			return i
		}
		i = g.statement(i)
	}
	return g.fail(i)
}

// closed goes over END and the word behind it, a label and the semicolon.
func (g *program) closed(i int, word string) int {
	if at(g.s, i) != "end" || word != "" && at(g.s, i+1) != word {
		return g.fail(i)
	}
	i++
	if word != "" {
		i++
	}
	if i < len(g.s) && g.s[i].isName() {
		i++ // the label
	}
	if i < len(g.s) && !g.s[i].isMark(';') {
		return g.fail(i)
	}
	return min(i+1, len(g.s))
}

// condition looks through the expression that begins at position i, and returns the position behind the word that ends it.
func (g *program) condition(i int, word string) int {
	end := g.seek(i, word)
	if end == len(g.s) || semicolon(g.s[:end], i) < end {
		return g.fail(i)
	}
	g.scan(g.s[i:end])
	return end + 1
}

// seek returns the next position of a word from i on, outside of parentheses and of CASE as an expression, in the same statement; len(s) without one.
func (g *program) seek(i int, word string) int {
	cases := 0
	end := outside(g.s, i, func(i int) bool {
		w := at(g.s, i)
		switch {
		case g.s[i].isMark(';'):
			return true
		case w == word && cases == 0:
			return true
		case w == "case":
			cases++
		case w == "end":
			cases--
		}
		return false
	})
	if end < len(g.s) && g.s[end].isMark(';') {
		return len(g.s)
	}
	return end
}

// block is BEGIN ... END.
func (g *program) block(i int) int {
	if at(g.s, i+1) == "not" { // BEGIN NOT ATOMIC
		return g.fail(i)
	}
	g.local.open()
	i = g.statements(i + 1)
	g.local.close()
	return g.closed(i, "")
}

// ifThen is IF.
func (g *program) ifThen(i int) int {
	i = g.statements(g.condition(i+1, "then"))
	for at(g.s, i) == "elseif" {
		i = g.statements(g.condition(i+1, "then"))
	}
	if at(g.s, i) == "else" {
		i = g.statements(i + 1)
	}
	return g.closed(i, "if")
}

// caseOf is CASE as a statement.
func (g *program) caseOf(i int) int {
	i = g.condition(i+1, "when") - 1
	for at(g.s, i) == "when" {
		i = g.statements(g.condition(i+1, "then"))
	}
	if at(g.s, i) == "else" {
		i = g.statements(i + 1)
	}
	return g.closed(i, "case")
}

// forLoop is MariaDB's FOR name IN ... DO.
func (g *program) forLoop(i int) int {
	if i+2 >= len(g.s) || !g.s[i+1].isName() || at(g.s, i+2) != "in" {
		return g.fail(i)
	}
	name := lower(g.plain(&g.s[i+1]))
	i = g.condition(i+3, "do")
	g.local.open()
	g.local.declare(name)
	i = g.statements(i)
	g.local.close()
	return g.closed(i, "for")
}

// declaration is DECLARE, of variables, a condition, a cursor or a handler.
func (g *program) declaration(i int) int {
	end := semicolon(g.s, i)
	s := g.s[:end]
	if next := at(s, i+2); next == "handler" {
		return g.handlerFor(i + 3)
	}
	var names []string
	for i++; i < end && s[i].isName(); i += 2 {
		names = append(names, lower(g.plain(&s[i])))
		if !isMark(s, i+1, ',') {
			i++
			break
		}
	}
	switch at(s, i) {
	case "condition":
		return min(end+1, len(g.s))
	case "cursor":
		query := find(s, i, "for") + 1
		switch at(s, query) {
		case "select", "with", "values", "table":
			g.parser.statement(s[query:])
			return min(end+1, len(g.s))
		}
		return g.fail(i)
	}
	if len(names) == 0 || i >= end {
		return g.fail(i)
	}
	g.scan(s[find(s, i, "default"):])
	for _, name := range names {
		g.local.declare(name)
	}
	return min(end+1, len(g.s))
}

// handlerFor is what follows DECLARE ... HANDLER: FOR with its conditions, and a statement.
func (g *program) handlerFor(i int) int {
	if at(g.s, i) != "for" {
		return g.fail(i)
	}
	for {
		i++
		switch at(g.s, i) {
		case "not":
			i++
		case "sqlstate":
			if at(g.s, i+1) == "value" {
				i++
			}
			i++
		}
		i++
		if !isMark(g.s, i, ',') {
			return g.statement(i)
		}
	}
}

// simple is a statement without others in it.
func (g *program) simple(s []token) {
	if !balanced(s) {
		g.giveUp(unbalanced)
		return
	}
	g.verb = at(s, 0)
	switch g.verb {
	case "return", "signal", "resignal":
		g.is(read, 0)
		g.scan(s[1:])
	case "leave", "iterate", "close":
		g.is(read, 0)
		if len(s) != 2 {
			g.unknown()
		}
	case "open": // in MariaDB with arguments
		g.is(read, 0)
		if len(s) < 2 || len(s) > 2 && !isMark(s, 2, '(') {
			g.unknown()
		}
		g.scan(s[1:])
	case "fetch":
		g.is(read, 0)
		into := find(s, 1, "into")
		if into == len(s) || !g.areLocal(s[into+1:]) {
			g.unknown()
		}
	default:
		g.parser.statement(s)
	}
}

// scopes are the local variables of a stored program, block within block.
type scopes struct {
	names   []string
	opened  []int // how many names there were when each block began
	trigger bool  // NEW is a row that can be assigned to
}

func (l *scopes) open()               { l.opened = append(l.opened, len(l.names)) }
func (l *scopes) declare(name string) { l.names = append(l.names, name) }
func (l *scopes) close() {
	last := len(l.opened) - 1
	l.names, l.opened = l.names[:l.opened[last]], l.opened[:last]
}

// isLocal reports whether a name, which ends before position end, is that of a variable of the program, or of a column of NEW.
func (p *parser) isLocal(s []token, end int) bool {
	if p.local == nil || end == 0 || end > len(s) {
		return false
	}
	name := lower(p.plain(&s[0]))
	return slices.Contains(p.local.names, name) || p.local.trigger && name == "new" && end == 3
}

// areLocal reports whether a list of names has variables of the program only.
func (p *parser) areLocal(s []token) bool {
	for i := 0; ; {
		end := qualified(s, i)
		if end == i || !p.isLocal(s[i:], end-i) {
			return false
		}
		if end == len(s) {
			return true
		}
		if !s[end].isMark(',') {
			return false
		}
		i = end + 1
	}
}

// uses notes the database of a table or view that a program names: of the name that begins at position i and ends before end.
func (p *parser) uses(s []token, i, end int) {
	if p.local == nil || end <= i {
		return
	}
	database := strings.ToLower(p.database)
	if end > i+1 {
		database = strings.ToLower(p.plain(&s[i]))
	}
	if !slices.Contains(p.out.Databases, database) {
		p.out.Databases = append(p.out.Databases, database)
	}
}

// sources notes the databases of the tables and views of the FROM clause that begins at position i.
func (p *parser) sources(s []token, i int) {
	if p.local == nil || isFromOfFunction(s, i) {
		return
	}
	end := i + 1
	for depth := 0; end < len(s) && depth >= 0; end++ {
		switch {
		case s[end].isMark('('):
			depth++
		case s[end].isMark(')'):
			depth--
		case depth == 0 && endsFrom(at(s, end)):
			depth = -2
		}
	}
	p.eachTable(s[i+1:min(end, len(s))], func(s []token, i, end int) { p.uses(s, i, end) })
}

// endsFrom reports whether the word begins what follows a FROM clause.
func endsFrom(w string) bool {
	switch w {
	case "where", "group", "having", "order", "limit", "union", "except", "intersect", "into", "window", "procedure", "returning", "set":
		return true
	}
	return false
}

// isFromOfFunction reports whether the FROM at position i belongs to the arguments of a function, such as EXTRACT.
func isFromOfFunction(s []token, i int) bool {
	depth := 0
	for i--; i > 0; i-- {
		switch {
		case s[i].isMark(')'):
			depth++
		case s[i].isMark('(') && depth > 0:
			depth--
		case s[i].isMark('('):
			switch at(s, i-1) {
			case "extract", "trim", "substring", "substr", "mid":
				return at(s, i+1) != "select"
			}
			return false
		}
	}
	return false
}
