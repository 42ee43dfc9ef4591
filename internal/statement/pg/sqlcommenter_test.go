package pg

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/internal/middleware/sqlcommenter"
	"github.com/gopooled/pooled/policy"
)

// FuzzSQLCommenter adds a comment to texts, and looks whether they are still the same to the server, whatever that takes backslashes for.
func FuzzSQLCommenter(f *testing.F) {
	for _, r := range rows(f) {
		f.Add(r.text, "shop")
	}
	for _, value := range []string{"*/; drop table t", "'", `\`, "$1", "\x00", "--", "/*", "+", "%", "ß"} {
		for _, text := range []string{"select 1;", "select 'a", `select E'\`, "select $$a", `select "a`, `select 'a\'; `, "select 1 +", "select a #> b", "select 1-"} {
			f.Add(text, value)
		}
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		if value == "" {
			value = "shop"
		}
		m := sqlcommenter.New(sqlcommenter.Options{
			Policy: policy.SQLCommenter{Mode: policy.SQLCommenterStatic, Tags: map[string]string{"application": value, "b" + value: "'"}}, Dialect: "postgres",
		})
		sent := m.Prepared(text)
		if strings.Trim(text, "; \t\r\n\f\v") != "" && !strings.Contains(text, "--") && !strings.Contains(text, "/*") {
			assert.Contains(t, sent, "/*application='")
		} else {
			assert.Equal(t, text, sent)
		}
		for _, escapes := range []bool{false, true} {
			before, after := lexer{text: text, escapes: escapes}, lexer{text: sent, escapes: escapes}
			state := before.run()
			assert.Equal(t, state == lexDone, after.run() == lexDone, "both are read to their end, or none: %q %d", sent, state)
			if state == lexDone {
				assert.Equal(t, before.tokens, after.tokens)
			}
		}
	})
}
