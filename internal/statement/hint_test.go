package statement

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
)

func TestHintsAreWholeComments(t *testing.T) {
	for comment, want := range map[string]dialect.ServerRole{
		"pool:primary": dialect.RolePrimary, " pool:replica ": dialect.RoleReplica, "\n\tPOOL:Primary\r\n": dialect.RolePrimary,
		"pool : replica": dialect.RoleReplica, "pool:\nreplica": dialect.RoleReplica,
		"": 0, "pool": 0, "pool:": 0, "pool:unknown": 0, "pool:primary,": 0, "pool:primary please": 0, "see pool:primary": 0, "spool:primary": 0,
		"pool:primary pool:replica": 0, "pool primary": 0, "primary": 0, "! pool:primary": 0, "+ pool:primary": 0,
	} {
		assert.Equal(t, want, Hint(comment), "%q", comment)
	}
}

func TestThePrimaryWinsAmongHints(t *testing.T) {
	const none, primary, replica = dialect.RoleUnknown, dialect.RolePrimary, dialect.RoleReplica
	assert.Equal(t, primary, BothHints(replica, primary))
	assert.Equal(t, primary, BothHints(primary, replica))
	assert.Equal(t, replica, BothHints(replica, none))
	assert.Equal(t, replica, BothHints(none, replica))
}
