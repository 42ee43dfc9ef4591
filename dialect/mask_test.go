package dialect_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
)

// masks are texts of unknown families, and what Generic shows of them.
var masks = []struct{ text, want string }{
	{"select * from t where a = 's3cret' and b = 42 and c = $1", "select * from t where a = ? and b = ? and c = $?"},
	{"", ""},
	{" \n\t", ""},
	{"select  a\n\tfrom t -- s3cret\nwhere /* s3cret */ b<=>.5e-3;", "select a from t where b<=>?-?;"},
	{`select "s3""cret", 's3''cret', 'a "b"', "it's"`, `select ?, ...`},
	{"insert into t(a,b) values (1,'x',:a),(@b,?,0x1F)", "insert into t(a,b) values (?,?,:a),(@b,?,?)"},
	{"a in (1,2,3)", "a in (?,?,?)"},
	{"a in (1, 2, 3, 4) and b in (5)", "a in (?, ...) and b in (?)"},
	{"f(1, 2, 3, 4, a, 5)", "f(?, ..., a, ?)"},
	{"select a1, b2c, 1a, v$session, é from `t 1` x", "select a1, b2c, ?, v$session, é from `t 1` x"},
	{"select a[1], [my col] from t", "select a[?], [my col] from t"},
	{"select $$ s3cret $$, $a$s3cret$a$, $b", "select ?, ?, $b"},
	{"N's3cret' x's3cret'", "N? x?"},
	{"a--s3cret\r\nb --", "a b"},
	{"select /*! s3cret */ 1", "select ... ?"},
	{"a /* b */ - /* c */ - 1", "a - - ?"},

	// Where families differ.
	{`'a\' s3cret'`, "..."},
	{`a = 1 and b = "x\" s3cret"`, "a = ? and b = ..."},
	{"a 'b", "a ..."},
	{"a '''b's3cret'''", "a ..."},
	{"a # s3cret", "a ..."},
	{"a // s3cret", "a ..."},
	{"a { s3cret }", "a ..."},
	{"a --it's\ns3cret'", "a ..."},
	{"a -- b\rs3cret\nc", "a ..."},
	{"a /* /* */ s3cret */", "a ..."},
	{"a /*! ' */ s3cret '*/", "a ..."},
	{"a /*/ s3cret */", "a ..."},
	{"a /* s3cret", "a ..."},
	{"a q'[it's3cret]'", "a ..."},
	{"a Nq'[it's3cret]'", "a ..."},
	{"a 1q'[it's3cret]'", "a ..."},
	{"a `b's3cret`", "a ..."},
	{"a `b", "a ..."},
	{"a [it's] = 's3cret'", "a ..."},
	{"a [b]]'c] = 's3cret'", "a ..."},
	{"a $$ ' $$ s3cret '", "a ..."},
	{"a $b$ s3cret", "a ..."},
	{"a$$ s3cret $$", "..."},
	{"1$$ 's3cret $$ s3cret", "..."},
	{`a \ s3cret`, "a ..."},
	{"a \x01 s3cret", "a ..."},
	{"a \x00 s3cret", "a ..."},
	{"a é\xff s3cret", "a é ..."},
}

func TestUnknownStatementsAreShownWithoutLiterals(t *testing.T) {
	for _, c := range masks {
		assert.Equal(t, c.want, dialect.Generic{}.Mask(c.text), "%q", c.text)
	}
}

func TestMaskedTextsAreCutBetweenCharacters(t *testing.T) {
	for n := range 8 {
		got := dialect.Generic{}.Mask(strings.Repeat("x", n) + strings.Repeat("€", 1000))
		assert.LessOrEqual(t, len(got), 1000)
		assert.Greater(t, len(got), 990)
		assert.True(t, utf8.ValidString(got))
		assert.True(t, strings.HasSuffix(got, "€ ..."), got)
	}
	whole := strings.Repeat("x", 1000)
	assert.Equal(t, whole, dialect.Generic{}.Mask(whole))
}

func TestMaskReadsOnlyTheBeginningOfALongText(t *testing.T) {
	list := "a in (1" + strings.Repeat(", 2", 1000) + ")"
	assert.Equal(t, "a in (?, ...)", dialect.Generic{}.Mask(list))
	long := "a in (1" + strings.Repeat(", 2", 100_000) + ") and s3cret"
	assert.Equal(t, "a in (?, ...", dialect.Generic{}.Mask(long))
	assert.Equal(t, "a ...", dialect.Generic{}.Mask("a '"+strings.Repeat("x", 100_000)+"'"))
}

func TestMaskedTextsStayOnOneLine(t *testing.T) {
	assert.Equal(t, "select `a b c`", dialect.Generic{}.Mask("select `a\nb\u0085c`"))
}

func FuzzMask(f *testing.F) {
	for _, c := range masks {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := dialect.Generic{}.Mask(text)
		assert.LessOrEqual(t, len(got), 1000)
		assert.True(t, utf8.ValidString(got))
		assert.NotContains(t, got, "'")
		assert.NotContains(t, got, `"`)
		assert.NotContains(t, got, "\n")
	})
}
