package my

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/internal/middleware/sqlcommenter"
	"github.com/gopooled/pooled/policy"
)

// FuzzSQLCommenter adds a comment to texts, and looks whether they are still the same to the server, in every sql_mode.
func FuzzSQLCommenter(f *testing.F) {
	for _, value := range []string{"shop", "*/; drop table t", "'", `\`, "?", "\x00", "-- ", "/*", "/*!", "#", "+", "%", "ß"} {
		for _, text := range []string{
			"select 1;", "select 'a", `select 'a\`, `select 'a\'; `, `select "a\"`, "select `a", "select 1 +", "select a -> '$.b'", "select 1-", "select 1 */ 2",
			"insert into t values (?, x'4D', 'it''s') on duplicate key update a = a + 1 ; ", "set @a := 1", "select @@version", "update t set a = 1 where b in ('/', '*')",
		} {
			f.Add(text, value)
		}
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		if value == "" {
			value = "shop"
		}
		m := sqlcommenter.New(sqlcommenter.Options{
			Policy: policy.SQLCommenter{Mode: policy.SQLCommenterStatic, Tags: map[string]string{"application": value, "b" + value: "'"}}, Dialect: "mysql",
		})
		sent := m.Prepared(text)
		if strings.Trim(text, "; \t\r\n\f\v") != "" && !strings.Contains(text, "--") && !strings.Contains(text, "/*") && !strings.Contains(text, "#") {
			assert.Contains(t, sent, "/*application='")
		} else {
			assert.Equal(t, text, sent)
		}
		for _, r := range []reading{{}, {rawStrings: true}, {rawNames: true}, {rawStrings: true, rawNames: true}} {
			before, after := lexer{text: text}, lexer{text: sent}
			read := before.lex(r)
			assert.Equal(t, read, after.lex(r), "both are read to their end, or none")
			if read && assert.Len(t, after.tokens, len(before.tokens)) {
				for i, token := range before.tokens {
					// What stands behind the comment is further back by its length.
					if by := after.tokens[i].start - token.start; by != 0 {
						assert.EqualValues(t, len(sent)-len(text), by)
						token.start, token.end = token.start+by, token.end+by
					}
					assert.Equal(t, token, after.tokens[i])
				}
			}
		}
	})
}
