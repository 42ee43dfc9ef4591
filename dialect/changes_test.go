package dialect_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
)

func TestWhatIsDefinedMakesLaterStatementsUnknownUnlessItIsTame(t *testing.T) {
	tame, wild := &dialect.Statement{Class: dialect.Write, Defines: true, Tame: true}, &dialect.Statement{Class: dialect.Write, Defines: true}
	write := &dialect.Statement{Class: dialect.Write}
	for _, c := range []struct {
		name       string
		statements []*dialect.Statement
		unknown    bool
	}{
		{"a tame definition", []*dialect.Statement{tame, write, tame, write}, false},
		{"another", []*dialect.Statement{wild}, false},
		{"a statement behind another", []*dialect.Statement{wild, write}, true},
		{"a statement behind both", []*dialect.Statement{wild, tame}, true},
		{"a statement behind both, the other way round", []*dialect.Statement{tame, wild, write}, true},
	} {
		changes := dialect.Changes{Untracked: true}
		for _, s := range c.statements {
			changes.Add(s, "", 0)
		}
		assert.Equal(t, c.unknown, changes.Effects.Has(dialect.UnknownEffect), c.name)
	}
}
