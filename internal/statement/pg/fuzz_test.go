package pg

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
)

// FuzzParse holds what is true of every text, whatever it says.
func FuzzParse(f *testing.F) {
	for _, r := range rows(f) {
		f.Add(r.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Parse(text)
		assert.Equal(t, got, Parse(text), "read twice")
		assert.False(t, got.Class == dialect.Read && got.Effects != 0, "a read that leaves %s", got.Effects)
		assert.Equal(t, got.Class == dialect.Read && got.Effects == 0, got.Why == "", "it is %s and leaves %s, because: %s", got.Class, got.Effects, got.Why)
		if len(text) > maxText-100 {
			return
		}
		assert.Equal(t, got, Parse("/* a ' /* comment */ */ -- ;\n"+text), "behind a comment")

		unread := got.Class == dialect.Unknown && got.Effects == dialect.UnknownEffect && len(got.Functions)+len(got.Names) == 0
		if closed := Parse(text + "\n ;\n\t; "); !unread {
			assert.Equal(t, got, closed, "closed with ;")
		}
		assert.NotZero(t, Parse(text+"\n; set a = 1").Effects, "with a SET behind it")
		assert.NotEqual(t, dialect.Read, Parse("insert into t values (1);\n"+text).Class, "with an INSERT before it")
	})
}
