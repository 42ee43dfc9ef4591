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

func TestOfSeveralReasonsASessionKeepsTheFirst(t *testing.T) {
	var changes dialect.Changes
	changes.Add(&dialect.Statement{Effects: dialect.Setting, Unproved: dialect.Reason{What: "none"}}, "", 0)
	assert.Zero(t, changes.Unproved, "it is undone by name")
	changes.Add(&dialect.Statement{Effects: dialect.UnknownEffect, Provisional: true}, "", 0)
	assert.Zero(t, changes.Unproved, "it has none")
	changes.Add(&dialect.Statement{Effects: dialect.Permanent, Unproved: dialect.Reason{What: "first"}}, "", 0)
	changes.Add(&dialect.Statement{Effects: dialect.UnknownEffect, Unproved: dialect.Reason{What: "second"}}, "", 0)
	changes.Unknown(dialect.Reason{What: "third"})
	assert.Equal(t, dialect.Reason{What: "first"}, changes.Unproved)
	changes.Clear()
	assert.Zero(t, changes.Unproved)
}
