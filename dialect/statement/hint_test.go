package statement

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
)

func TestHintsAreWholeComments(t *testing.T) {
	primary, replica := Hints{Role: dialect.RolePrimary}, Hints{Role: dialect.RoleReplica}
	batch := Hints{Class: "batch"}
	for comment, want := range map[string]Hints{
		"pool:primary": primary, " pool:replica ": replica, "\n\tPOOL:Primary\r\n": primary,
		"pool : replica": replica, "pool:\nreplica": replica,
		"pool:class=batch": batch, " POOL : Class =\tbatch ": batch, "pool:class=Batch": {Class: "Batch"}, "pool:class=x-1_y": {Class: "x-1_y"},
		"": {}, "pool": {}, "pool:": {}, "pool:unknown": {}, "pool:primary,": {}, "pool:primary please": {}, "see pool:primary": {}, "spool:primary": {},
		"pool:primary pool:replica": {}, "pool primary": {}, "primary": {}, "! pool:primary": {}, "+ pool:primary": {}, "pool:primary=": {}, "pool:replica=1": {},
		"pool:class": {}, "pool:class=": {}, "pool:class=a b": {}, "pool:class=a:b": {}, "pool:class='a'": {}, "pool:class=a=b": {}, "pool:class=é": {}, "pool:class=a,": {},
		"pool:class=a{": {}, "pool:class=a@": {}, "pool:klass=a": {}, "class=a": {}, "pool:class a": {},
		"pool:class=a234567890123456789012345678901234567890123456789012":        {Class: "a234567890123456789012345678901234567890123456789012"},
		"pool:class=a2345678901234567890123456789012345678901234567890123456789": {},
	} {
		var got Hints
		got.Note(comment)
		assert.Equal(t, want, got, "%q", comment)
	}
}

func TestOfSeveralHintsThePrimaryCountsAndTheFirstClass(t *testing.T) {
	for _, c := range []struct {
		comments []string
		want     Hints
	}{
		{[]string{"pool:replica", "pool:primary"}, Hints{Role: dialect.RolePrimary}},
		{[]string{"pool:primary", "pool:replica"}, Hints{Role: dialect.RolePrimary}},
		{[]string{"pool:replica", "pool:nothing"}, Hints{Role: dialect.RoleReplica}},
		{[]string{"pool:class=a", "pool:class=b", "pool:replica"}, Hints{Role: dialect.RoleReplica, Class: "a"}},
		{[]string{"pool:class=", "pool:class=b"}, Hints{Class: "b"}},
	} {
		var got Hints
		for _, comment := range c.comments {
			got.Note(comment)
		}
		assert.Equal(t, c.want, got, c.comments)
	}
}
