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
