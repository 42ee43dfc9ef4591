package my

import "strings"

// isLineComment reports whether two dashes here begin a comment: white space, a control character or the end has to follow.
func (l *lexer) isLineComment() bool {
	if l.peek(1) != '-' {
		return false
	}
	c := l.peek(2)
	return c <= ' ' || c == 0x7f
}

// lineComment skips to the next line. Nothing else ends the comment, not even the end of an executable comment around it.
func (l *lexer) lineComment() bool {
	line, _, _ := strings.Cut(l.text[l.pos:], "\n")
	l.hints.Note(strings.TrimLeft(line, "#-")) // a # or two dashes
	l.pos = min(l.pos+len(line)+1, len(l.text))
	return true
}

// comment skips a comment, or goes on in an executable one.
func (l *lexer) comment() bool {
	switch {
	case l.peek(2) == '!':
		return l.executable(3, true)
	case l.peek(2) == 'M' && l.peek(3) == '!':
		return l.executable(4, false)
	case l.peek(2) == '+':
		return l.optimizer()
	}
	start := l.pos + 2
	if !l.skipComment(2) {
		return false
	}
	l.hints.Note(l.text[start : l.pos-2])
	return true
}

// skipComment skips what ends with the next end of a comment, n bytes from here or later. Comments do not nest.
func (l *lexer) skipComment(n int) bool {
	if l.pos+n > len(l.text) {
		return false
	}
	end := strings.Index(l.text[l.pos+n:], "*/")
	l.pos += n + end + 2
	return end >= 0
}

// countExecutable returns how many executable comments a reading of the text can come to, at most.
func countExecutable(text string) int {
	if !strings.Contains(text, "/*") {
		return 0
	}
	return strings.Count(text, "/*!") + strings.Count(text, "/*M!")
}

// executable goes on behind the head of an executable comment, or skips it, as the reading says. The head has n bytes, and may be
// followed by the least version of the server, in five or six digits. Skipping, a server looks for comments within the comment
// if it knows it for an executable one: nests says whether they all do.
func (l *lexer) executable(n int, nests bool) bool {
	if l.executing > 0 || l.seen >= maxExecutable {
		return false
	}
	how := l.comments[l.seen]
	l.seen++
	if how == skipped {
		return l.skipExecutable(n, nests)
	}
	start := l.pos + n
	end := l.digits(start)
	switch digits := end - start; {
	case digits < 5:
		end = start
	case digits == 6 && how == executedOld:
		end--
	case digits > 6 || digits == 6 && l.nameAt(end):
		return false
	}
	l.executing++
	l.pos = end
	return true
}

// skipExecutable skips an executable comment together with the comments in it.
func (l *lexer) skipExecutable(n int, nests bool) bool {
	for l.pos += n; l.pos < len(l.text); l.pos++ {
		switch {
		case l.text[l.pos] == '*' && l.peek(1) == '/':
			l.pos += 2
			return true
		case l.text[l.pos] == '/' && l.peek(1) == '*':
			if !nests || !l.skipComment(2) {
				return false
			}
			l.pos--
		}
	}
	return false
}

// optimizer skips optimizer hints. In the names that they quote, some servers see no end of a comment: such hints are refused.
func (l *lexer) optimizer() bool {
	start := l.pos
	if !l.skipComment(3) {
		return false
	}
	var quote byte
	for _, c := range []byte(l.text[start : l.pos-2]) {
		switch {
		case c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"' || c == '`'):
			quote = c
		case c == '\\' && quote != 0:
			return false
		}
	}
	return quote == 0
}
