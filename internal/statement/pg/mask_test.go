package pg

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

// masks are texts, and what is shown of them.
var masks = []struct{ text, want string }{
	{"select * from t where a = 's3cret' and b = 42 and c = $1", "select * from t where a = ? and b = ? and c = $1"},
	{"SELECT  \"A\"\"b 1\",\n\tx1 FROM s.t -- s3cret\nWHERE a@>'{}'::jsonb", `SELECT "A""b 1", x1 FROM s.t WHERE a@>?::jsonb`},
	{`E's3\'cret' e'' U&'s3' N's3' b'01' X'1f' $$s3$$ $a$ $$ s3 $a$`, "? ? ? ? ? ? ? ?"},
	{"1 1.5 .5 1e5 1_000 0x1F -3", "? ? ? ? ? ? -?"},
	{"a/* s3cret /* */ ' */b", "a b"},
	{"'s3' -- s3cret\n 's3cret' x", "? x"},
	{"a in (1, 'b', 3) or a in (1, 'b', 3, 4)", "a in (?, ?, ?) or a in (?, ...)"},
	{"values ($1, $2, $3, $4), (1, a, 2)", "values ($1, $2, $3, $4), (?, a, ?)"},
	{"alter role x with encrypted password 's3cret' valid until '2030-01-01'", "alter role x with encrypted password ? valid until ?"},
	{"create user x password E's3cret'; select 1", "create user x password ?; select ?"},
	{"create subscription s connection 'password=s3cret'", "create subscription s connection ?"},
	{"do $$ begin perform 's3cret'; end $$", "do ?"},
	{"select a$$s3$$", "select a$$s3$$"}, // a name

	// Both readings of a backslash agree.
	{`a like 'x\_%' and b`, "a like ? and b"},
	{`a = 'c:\\' and b`, "a = ? and b"},

	// They do not, or there is none.
	{`a = 'x\' || s3cret and '`, "a = ..."},
	{`a = 'x\'' s3cret 'y`, "a = ..."},
	{`a = N'x\' s3cret '`, "a = ..."},
	{`a = U&'x\' s3cret '`, "a = ..."},
	{`a = b'\' s3cret '`, "a = ..."},
	{"a = 's3cret", "a = ..."},
	{"a = E's3cret\\'", "a = ..."},
	{"a = $x$s3cret$X$", "a = ..."},
	{"a /* s3cret", "a ..."},
	{`a "s3cret`, "a ..."},
	{`a U&"s3cret"`, "a ..."},
	{"a = 12s3cret", "a = ..."},
	{"a = 0xs3cret", "a = ..."},
	{"a { s3cret", "a ..."},
	{"a \x00 s3cret", "a ..."},
	{"a \xff s3cret", "a ..."},
	{"a = '" + strings.Repeat("s3cret ", 10_000) + "'", "a = ..."},
	{"select \"a\nb\"", `select "a b"`},
}

func TestStatementsAreShownWithoutLiterals(t *testing.T) {
	for _, c := range masks {
		assert.Equal(t, c.want, Mask(c.text), "%.100q", c.text)
	}
}

// s3cret stands only in literals and comments of these, if they are divided in at least one of the ways.
var maskPieces = []string{
	"select", " ", "\n", ",", "(", ")", " = ", "- ", "/ ", "* ", " a ", ` "A b" `, "t.x", "::text", " $1 ", " ? ", ";", ".", " E", " U", "&", ":",
	"'s3cret'", "E's3cret\\'s3cret'", "U&'s3cret'", "N's3cret'", "X's3cret'", "b's3cret'", "'a''s3cret'", `'s3cret\\'`, `'s3cret\n'`,
	`'a\' s3cret '`, `'a\\' 's3cret'`, `'a\\\' s3cret '`, " $$s3cret$$ ", " $t$s3cret $$ $t$ ", "'a'\n's3cret'", "'a' -- s3cret\n's3cret'",
	"-- s3cret\n", "--s3cret\r", "/* s3cret */", "/* /* s3cret */ s3cret */", "/*'*/", "--'\n", " 42", "1.5e3 ", " 0xff ", "''",
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
	f.Fuzz(func(t *testing.T, text string, choices []byte) {
		var b strings.Builder
		for _, c := range choices {
			b.WriteString(maskPieces[int(c)%len(maskPieces)])
		}
		assert.NotContains(t, Mask(b.String()), "s3cret", "%q", b.String())
		assert.NotContains(t, Mask(Mask(b.String())), "s3cret", "%q", b.String())

		got := Mask(text)
		assert.LessOrEqual(t, len(got), 1000)
		assert.True(t, utf8.ValidString(got))
		assert.NotContains(t, got, "\n")
		masked := lexer{text: got}
		for masked.pos < len(got) && masked.next() == lexDone {
		}
		for _, tok := range masked.tokens {
			assert.False(t, tok.kind == literal || tok.kind == number, "%q shows %q", got, tok.text)
		}
	})
}

func BenchmarkMask(b *testing.B) {
	b.ReportAllocs()
	const text = "select id, name, created_at from orders o join customers c on c.id = o.customer_id where o.state = 'open' and " +
		"o.total > 42.5 and c.country in ('at', 'de', 'ch') order by created_at desc limit 100"
	for b.Loop() {
		Mask(text)
	}
}
