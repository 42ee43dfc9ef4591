package pg

import "github.com/gopooled/pooled/dialect/statement"

// Summary returns what a text does to what, as [dialect.Dialect].Summary does. It divides the text as [Mask] does.
func Summary(text string) string {
	l := lexer{tokens: make([]token, 0, 1), spelled: true}
	return statement.Summary(text, '"', l.piece)
}
