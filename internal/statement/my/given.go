package my

// gives reports whether the name at position i is one that a query gives: to a column, a table, or another query. Nothing of the catalogue is meant by it.
// Tables are named behind FROM, JOIN, a comma or a parenthesis only.
func (p *parser) gives(s []token, i int) bool {
	if !p.querying || i == 0 || s[i].dotted || isMark(s, i+1, '.') || isMark(s, i+1, '(') {
		return false
	}
	switch at(s, i-1) {
	case "as":
		return !s[i-1].dotted
	case "with", "recursive":
		return isQueryName(s, i)
	}
	return isMark(s, i-1, ',') && isQueryName(s, i) || endsOperand(s, i-1) || isOwnWord(s, i-1)
}

// isQueryName reports whether the name at position i is that of a common table expression: x AS (…).
func isQueryName(s []token, i int) bool { return at(s, i+1) == "as" && isMark(s, i+2, '(') }

// isOwnWord reports whether the word at position i is none of the server's, so that an operand ends with it.
func isOwnWord(s []token, i int) bool {
	return s[i].kind == word && s[i].word == nil && !isMark(s, i-1, '{') // {name operand}
}
