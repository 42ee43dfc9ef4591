package my

import "github.com/gopooled/pooled/dialect/statement"

// Summary returns what a text does to what, as [dialect.Dialect].Summary does. It divides the text as [Mask] does: what is executed of
// a comment is left out, and a name in double quotes is taken for a string, and for no target.
func Summary(text string) string {
	l := lexer{tokens: make([]token, 0, 2), spelled: true}
	return statement.Summary(text, '`', l.piece)
}
