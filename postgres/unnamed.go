package postgres

import (
	"slices"
	"strings"

	"github.com/gopooled/pooled/dialect/statement"
)

// unnamed is what the server runs although no text names it: an event trigger, an operator, a cast, or a function of an operator class, a conversion or
// text search.
type unnamed struct {
	kind, name, function, target string
	types                        []string // of users; none: it belongs to none
}

// peril is an operator, a cast or an operator class of the server's own types that calls a function of somebody else's.
type peril struct {
	why       string
	function  string
	operators []string        // it runs where one of these is used; nil: see words
	words     map[string]bool // it runs where one of these is mentioned; nil, and no operators: anywhere
	impure    bool            // the function is not proved to leave the session alone
	pinned    bool            // only the primary may answer for it
	loose     bool            // what it does may be no part of the transaction
	sees      bool            // it may look at what others have left
}

// keywordOperators are those that grammar uses without naming them, such as IN and LIKE: what they are used in does not show.
var keywordOperators = map[string]bool{
	"=": true, "<>": true, "<": true, ">": true, "<=": true, ">=": true,
	"~~": true, "!~~": true, "~~*": true, "!~~*": true, "~": true, "!~": true,
}

// newPeril tells where what is unnamed may run.
func newPeril(u *unnamed) peril {
	p := peril{why: u.kind + " " + u.name + " calls " + u.function, function: u.function}
	switch u.kind {
	case "operator":
		if symbols := append(strings.Fields(u.target), u.name); !slices.ContainsFunc(symbols, isIn(keywordOperators)) {
			p.operators = symbols
		}
	case "explicit cast", "text search by":
		p.words = statement.WordsOf(u.target)
		for word := range p.words {
			for _, alias := range aliases[word] {
				p.words[alias] = true
			}
		}
	}
	return p
}

// aliases are other names of types in SQL.
var aliases = map[string][]string{
	"int2": {"smallint", "smallserial", "serial2"}, "int4": {"int", "integer", "serial", "serial4"}, "int8": {"bigint", "bigserial", "serial8"},
	"float4": {"real", "float"}, "float8": {"double", "float"}, "numeric": {"decimal", "dec"}, "bool": {"boolean"}, "bpchar": {"char", "character", "nchar", "national"},
	"varchar": {"char", "character", "nchar", "national"}, "varbit": {"bit"}, "timestamptz": {"timestamp"}, "timetz": {"time"}, "json": {"json_value", "json_query"},
}

// is reports whether it may run in a text.
func (p *peril) is(text string) bool {
	switch {
	case p.operators != nil:
		return p.isWritten(text)
	case p.words != nil:
		return statement.Mentions(text, p.words)
	default:
		return true
	}
}

// isWritten reports whether a text has one of its operators.
func (p *peril) isWritten(text string) bool {
	return slices.ContainsFunc(p.operators, func(symbol string) bool { return strings.Contains(text, symbol) })
}

// isIn reports whether it may run in a source.
func (p *peril) isIn(s *source) bool {
	switch {
	case p.operators != nil:
		return p.isWritten(s.operators)
	case p.words != nil:
		return slices.ContainsFunc(s.names, func(name string) bool { return p.words[strings.ToLower(name)] }) || slices.ContainsFunc(s.bases, isIn(p.words))
	default:
		return true
	}
}

// findPerils finds what may run without being named, of which the functions may use what is unnamed themselves: it goes round until nothing more is found.
func (c *catalogue) findPerils() {
	c.byType = map[string][]string{}
	c.perils, c.tacit = nil, nil
	for i := range c.unnamed {
		u := &c.unnamed[i]
		for _, name := range u.types {
			c.byType[name] = append(c.byType[name], u.function)
		}
		if len(u.types) == 0 && u.kind != "event trigger" {
			c.tacit = append(c.tacit, newPeril(u))
		}
	}
	c.perils = slices.Clone(c.tacit)
	for found := len(c.perils) > 0; found; {
		found = false
		c.memo.Clear()
		for i := range c.perils {
			p := &c.perils[i]
			before := *p
			p.impure = p.impure || c.isImpure(p.function) || c.does(p.function) != (doing{})
			p.pinned = p.pinned || c.isPinned(p.function) || pinsByItself(p.function)
			p.loose = p.loose || c.isLoose(p.function)
			p.sees = p.sees || c.isSeeing(p.function)
			found = found || p.impure != before.impure || p.pinned != before.pinned || p.loose != before.loose || p.sees != before.sees
		}
	}
	c.perils = slices.DeleteFunc(c.perils, func(p peril) bool { return !p.impure && !p.pinned && !p.loose && !p.sees })
	c.memo.Clear()
}
