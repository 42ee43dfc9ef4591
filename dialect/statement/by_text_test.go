package statement

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
)

func TestByTextJudgesATextOnce(t *testing.T) {
	judged := map[string]int{}
	b := NewByText(func(text string) *dialect.Statement {
		judged[text]++
		return &dialect.Statement{Why: text}
	})
	first := b.Statement("a")
	assert.Same(t, first, b.Statement("a"))
	assert.Equal(t, "b", b.Statement("b").Why)
	assert.Equal(t, map[string]int{"a": 1, "b": 1}, judged)
}
