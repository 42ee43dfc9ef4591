package dialect_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
)

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

func TestATraceThatHasANameIsNotLeftToOthers(t *testing.T) {
	var changes dialect.Changes
	changes.Add(&dialect.Statement{Effects: dialect.Sequence}, "", 0)
	changes.Defer()
	assert.Zero(t, changes.Effects)
	assert.Equal(t, dialect.Sequence, changes.Inherited)

	changes = dialect.Changes{}
	changes.Add(&dialect.Statement{Effects: dialect.Sequence, Undo: []dialect.Undo{{Effect: dialect.Sequence, Name: "changes()"}}}, "", 0)
	changes.Defer()
	assert.Equal(t, dialect.Sequence, changes.Effects)
	assert.Zero(t, changes.Inherited)
}
