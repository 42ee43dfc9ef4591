package pg

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
)

func TestBuiltinKnowsWhatTheCatalogueDoesNot(t *testing.T) {
	class, effects, known := Builtin("pg_advisory_lock")
	assert.True(t, known)
	assert.Equal(t, dialect.Write, class)
	assert.Equal(t, dialect.AdvisoryLock, effects)

	_, effects, _ = Builtin("dblink_send_query")
	assert.Equal(t, dialect.UnknownEffect, effects)

	_, _, known = Builtin("lower")
	assert.False(t, known, "the catalogue says enough")
}

func TestParseGivesNamesAndPreparedStatements(t *testing.T) {
	s := Parse(`prepare "P" as select u.name, o."Total" from public.users u join orders o using (id); prepare q as select 1`)
	assert.Equal(t, []string{"P", "q"}, s.Prepared)
	for _, name := range []string{"users", "orders", "name", "Total"} {
		assert.Contains(t, s.Names, name)
	}
	assert.Empty(t, s.Functions)
}

func TestParseGivesUpOnLongTexts(t *testing.T) {
	long := "select 1 -- " + strings.Repeat("x", maxText)
	assert.Equal(t, unknown(tooLong), Parse(long))
	assert.Equal(t, dialect.Read, Parse(long[:maxText]).Class)
}

func TestParseGivesUpOnMoreNamesThanAreWorthLookingUp(t *testing.T) {
	var text strings.Builder
	text.WriteString("select 1")
	for i := range maxNames + 1 {
		text.WriteString(", c" + strconv.Itoa(i))
	}
	assert.Equal(t, unknown(tooManyNames), Parse(text.String()))
}
