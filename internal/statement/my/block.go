package my

// blockEnd returns the position of the word that ends the block which begins at position i; i if none begins there, and len(s) for
// a block without an end. Where it errs, it finds an end too early, which leaves parts of a body to be taken for statements.
func blockEnd(s []token, i int) int {
	if i+1 < len(s) && s[i].isName() && s[i+1].isMark(':') {
		i += 2
	}
	var b block
	for first := i; i < len(s); i++ {
		closes := at(s, i) == "end" && len(b.open) > 0
		if !closes {
			b.see(s, i, i == first)
		} else if inExpression := b.close(); !inExpression && opensBlock(at(s, i+1)) {
			i++ // END IF
		}
		if len(b.open) == 0 {
			return i
		}
	}
	return len(s)
}

// block is what is open within a block, while it is walked through.
type block struct {
	open    []byte // 's' for a statement with an END, 'e' for CASE as an expression
	starts  bool   // a statement begins with the next token
	handler bool   // the condition of a DECLARE ... HANDLER FOR goes on, to be followed by a statement
}

func (b *block) inExpression() bool { return len(b.open) > 0 && b.open[len(b.open)-1] == 'e' }

// close closes what was opened last. It reports whether that was an expression.
func (b *block) close() (inExpression bool) {
	inExpression = b.inExpression()
	b.open = b.open[:len(b.open)-1]
	b.starts, b.handler = false, false
	return inExpression
}

// see goes over the token at position i, which closes nothing.
func (b *block) see(s []token, i int, first bool) {
	w := at(s, i)
	starting := first || (b.starts || b.handler && w == "begin") && !b.inExpression()
	switch {
	case starting && opensBlock(w):
		b.open = append(b.open, 's')
	case w == "case":
		b.open = append(b.open, 'e')
	}
	b.starts = s[i].isMark(';') || s[i].isMark(':') || opensList(w) && !(starting && w == "do")
	b.handler = w == "handler" || b.handler && isCondition(s, i)
}

// isCondition reports whether the token at position i can belong to the condition of a handler.
func isCondition(s []token, i int) bool {
	switch at(s, i) {
	case "for", "not", "found", "sqlexception", "sqlwarning", "sqlstate", "value":
		return true
	case "":
		return s[i].isName() || s[i].kind == text || s[i].kind == number || s[i].isMark(',')
	}
	return false
}

// opensBlock reports whether a statement that begins with the word goes on to an END.
func opensBlock(w string) bool {
	switch w {
	case "begin", "if", "case", "loop", "while", "repeat", "for":
		return true
	}
	return false
}

// opensList reports whether statements follow the word, in a block.
func opensList(w string) bool {
	switch w {
	case "begin", "then", "else", "do", "loop", "repeat":
		return true
	}
	return false
}
