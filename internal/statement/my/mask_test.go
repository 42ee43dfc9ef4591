package my

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

// masks are texts, and what is shown of them.
var masks = []struct{ text, want string }{
	{"select * from t where a = 's3cret' and b = 42 and c = ?", "select * from t where a = ? and b = ? and c = ?"},
	{"SELECT `A``b 1`,\n\tx1 FROM s.t -- s3cret\nWHERE a->'$.b' # s3cret\n IS NULL", "SELECT `A``b 1`, x1 FROM s.t WHERE a->? IS NULL"},
	{`'s3''cret' "s3""cret" N's3' x'1f' b'01' _utf8's3' _latin1"s3"`, "? ? ? ? ? _utf8? _latin1?"},
	{`1 1.5 .5 1e5 0x1F 0X1F 0b1 -3 \N 1.5es3cret`, "? ? ? ? ? ? ? -? ? ??"},
	{"select t.1a, t.5 from 2020_sales", "select t.?, t.? from ?"}, // names, but who knows
	{"a /* s3cret ' */ b/**/c /*+ hint(t) */ d", "a b c d"},
	{"a in (1, 'b', 3) or a in (?, ?, 3, ?)", "a in (?, ?, ?) or a in (?, ...)"},
	{"set @a = 's3cret', @'s3cret' = 1, @`b c` := 2, @@sql_mode = \"s3cret\"", "set @a = ?, @? = ?, @`b c` := ?, @@sql_mode = ?"},
	{"create user 'u'@'h' identified by 's3cret'", "create user ?@? identified by ?"},
	{"grant all on x.* to u@10.0.0.1 identified by password '*S3CRET'", "grant all on x.* to u? identified by password ?"},
	{"alter user u identified with 'p' as 0xs3cret", "alter user u identified with ? as ?"},
	{"set password for u = password('s3cret')", "set password for u = password(?)"},
	{"change master to master_password=\"s3cret\"", "change master to master_password=?"},
	{"select /*!40001 SQL_NO_CACHE */ * from t where a = 1", "select ... * from t where a = ?"},
	{"/*M!100100 s3cret *//*! s3cret */ a", "... a"},
	{"5--3 --", "?--?"},

	// Both readings of a backslash agree.
	{`a = 'x\n' and b = 'c:\\' and c = "\'"`, "a = ? and b = ? and c = ?"},

	// They do not, or there is none.
	{`a = 'x\' s3cret '`, "a = ..."},
	{`a = "x\" s3cret "`, "a = ..."},
	{`a = @'x\' s3cret '`, "a = @ ..."},
	{`a = N'x\' s3cret '`, "a = ..."},
	{"a = 's3cret", "a = ..."},
	{`a = "s3cret`, "a = ..."},
	{"a = `s3cret", "a = ..."},
	{"a /* s3cret", "a ..."},
	{"a /*! s3cret", "a ..."},
	{"a /*! ' */ s3cret ' */", "a ..."},
	{"a /*! # */ \n s3cret */", "a ..."},
	{"a /*! -- */ \n s3cret */", "a ..."},
	{"a /*! /* */ s3cret */", "a ..."},
	{"a /*+ ' */ s3cret ' */", "a ..."},
	{"a $$ s3cret $$", "a ..."},
	{`a \ s3cret`, "a ..."},
	{"a \x00 s3cret", "a ..."},
	{"a \xff s3cret", "a ..."},
	{"a = '" + strings.Repeat("s3cret ", 10_000) + "'", "a = ..."},
	{"select `a\nb`", "select `a b`"},
}

func TestStatementsAreShownWithoutLiterals(t *testing.T) {
	for _, c := range masks {
		assert.Equal(t, c.want, Mask(c.text), "%.100q", c.text)
	}
}

// s3cret stands only in literals and comments of these, if they are divided in at least one of the ways.
var maskPieces = []string{
	"select", " ", "\n", ",", "(", ")", " = ", "- ", "/ ", "* ", " a ", " `A b` ", "t.x", " ? ", ";", ".", " @", " @@a ", " @b ", " @`c` ", ":=",
	" N", " _utf8", "'s3cret'", `"s3cret"`, " N's3cret'", " x's3cret'", " b's3cret'", "'a''s3cret'", `"a""s3cret"`, `'s3cret\\'`,
	`'s3cret\n'`, `'a\' s3cret '`, `"a\" s3cret "`, `'a\\' 's3cret'`, `'a\\\' s3cret '`, `'"s3cret"'`, `"'s3cret'"`, " @'s3cret'", ` @"s3cret"`,
	"-- s3cret\n", "#s3cret\n", "/* s3cret */", "/*! s3cret */", "/*!50000 's3cret' */", "/*! ' */ s3cret ' */", "/*M!100100 s3cret */",
	"/*'*/", "-- '\n", "#\"\n", " 42", "1.5e3 ", " 0xff ", "''", `""`, "/*+ s3cret */", `\N `,
}

// FuzzMask puts texts together from pieces, and looks at texts that are anything.
func FuzzMask(f *testing.F) {
	all := make([]byte, len(maskPieces))
	for i := range all {
		all[i] = byte(i)
	}
	for i, c := range masks {
		f.Add(c.text, all[i:])
	}
	f.Fuzz(func(t *testing.T, arbitrary string, choices []byte) {
		var b strings.Builder
		for _, c := range choices {
			b.WriteString(maskPieces[int(c)%len(maskPieces)])
		}
		assert.NotContains(t, Mask(b.String()), "s3cret", "%q", b.String())
		assert.NotContains(t, Mask(Mask(b.String())), "s3cret", "%q", b.String())

		got := Mask(arbitrary)
		assert.LessOrEqual(t, len(got), 1000)
		assert.True(t, utf8.ValidString(got))
		assert.NotContains(t, got, "\n")
		masked := lexer{text: got}
		for masked.pos < len(got) && masked.next() {
		}
		for _, tok := range masked.tokens {
			assert.NotContains(t, []kind{number, null, text, double}, tok.kind, "%q shows %q", got, got[tok.start:tok.end])
		}
	})
}

func BenchmarkMask(b *testing.B) {
	b.ReportAllocs()
	const statement = "select id, name, created_at from orders o join customers c on c.id = o.customer_id where o.state = 'open' and " +
		"o.total > 42.5 and c.country in ('at', 'de', 'ch') order by created_at desc limit 100"
	for b.Loop() {
		Mask(statement)
	}
}
