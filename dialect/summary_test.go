package dialect_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
)

// summaries are texts of unknown families, and what Generic says of them.
var summaries = []struct{ text, want string }{
	{"SELECT * FROM t WHERE a = 's3cret'", "SELECT"},
	{"  select 1", "select"},
	{"-- s3cret\n/* s3cret */ Insert into t values (1)", "Insert"},
	{"(select 1)", "select"},
	{"BEGIN", "BEGIN"},
	{"begin;", "begin"},
	{"select\x00", "select"},
	{"select \xff", "select"},
	{"", ""},
	{" \n", ""},
	{"-- s3cret", ""},
	{"'s3cret' select", ""},
	{"`select` a", ""},
	{"42 select", ""},
	{"a1 b", ""},
	{"a_b c", ""},
	{"größe", ""},
	{"# s3cret\nselect", ""},
	{"/*! s3cret */ select", ""},
	{"? = call p()", ""},
	{"\xff", ""},
	{strings.Repeat("x", 255), strings.Repeat("x", 255)},
	{strings.Repeat("x", 256), ""},
}

func TestUnknownStatementsAreSummarizedByTheirFirstWord(t *testing.T) {
	for _, c := range summaries {
		assert.Equal(t, c.want, dialect.Generic{}.Summary(c.text), "%q", c.text)
	}
}

func FuzzSummary(f *testing.F) {
	for _, c := range summaries {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := dialect.Generic{}.Summary(text)
		assert.LessOrEqual(t, len(got), 255)
		assert.Regexp(t, "^[a-zA-Z]*$", got)
	})
}
