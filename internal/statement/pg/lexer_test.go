package pg

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shown writes the tokens of a text, each with the letter of its kind.
func shown(t *testing.T, text string) string {
	t.Helper()
	l := lexer{text: text}
	require.Equal(t, lexDone, l.run(), text)
	letters := []string{word: "w", quoted: "q", literal: "s", number: "n", param: "p", operator: "o", punct: ""}
	var out []string
	for _, tok := range l.tokens {
		out = append(out, letters[tok.kind]+tok.text)
	}
	return strings.Join(out, " ")
}

func TestLexerDividesAsTheServerDoes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"SELECT a1$b, _x, é", "wselect wa1$b , w_x , wé"},
		{`"A""b" "select"`, `qA"b qselect`},
		{"'a''b' 'c'", "s'a''b' s'c'"},
		{"'a' \n 'b'", "s'a' \n 'b'"},
		{"'a' -- x\n 'b'", "s'a' -- x\n 'b'"},
		{"'a' /* x\n */ 'b'", "s'a' s'b'"},
		{`E'a\'b' e'\\'`, `sE'a\'b' se'\\'`},
		{"E'a'\n'\\''", "sE'a'\n'\\''"},
		{`ne'a\' b`, `wne s'a\' wb`},
		{"b'01' X'1f' n'a' U&'a'", "sb'01' sX'1f' s'a' sU&'a'"},
		{"b'0'\n'1'", "sb'0'\n'1'"},
		{"u&x u& 'a'", "wu o& wx wu o& s'a'"},
		{"$$a'b$$ $a$ $$ $b$ $a$", "s$$a'b$$ s$a$ $$ $b$ $a$"},
		{"$1 $12+$3", "p$1 p$12 o+ p$3"},
		{"$1$$a$$", "p$1 s$$a$$"},
		{"a$$b$$", "wa$$b$$"},
		{"1 1.5 .5 5. 1e5 1.5E-3 1_000 0x1F 0o17 0b10", "n1 n1.5 n.5 n5. n1e5 n1.5E-3 n1_000 n0x1F n0o17 n0b10"},
		{"1..2 a.1", "n1 o.. n2 wa n.1"},
		{"a::b :=c =>d a:b", "wa o:: wb o:= wc o=> wd wa : wb"},
		{"a+-b <=> ->> @> ? ||/**/b", "wa o+- wb o<=> o->> o@> o? o|| wb"},
		{"a+--b\nc */* x */ d", "wa o+ wc o* wd"},
		{"/* a /* b */ c */ d /**/ e -- f\rg", "wd we wg"},
		{"a.b.\"C\" [1] (2);", "wa . wb . qC [ n1 ] ( n2 ) ;"},
		{"a\fb\vc\td", "wa wb wc wd"},
		{"\u00a0 a", "w\u00a0 wa"},
		{strings.Repeat("A", 70), "w" + strings.Repeat("a", 63)},
		{`"` + strings.Repeat("a", 62) + `äb"`, "q" + strings.Repeat("a", 62)},
	} {
		assert.Equal(t, c.want, shown(t, c.text), c.text)
	}
}

func TestLexerRefusesWhatItCannotDivide(t *testing.T) {
	for text, want := range map[string]lexState{
		"'a": lexUnfinished, "'a''": lexUnfinished, `E'\'`: lexUnfinished, `E'\`: lexUnfinished, `"a`: lexUnfinished,
		"/* /* */": lexUnfinished, "/*": lexUnfinished, "/*/": lexUnfinished, "$$a$": lexUnfinished, "$a$$A$": lexUnfinished,
		"b'": lexUnfinished, "'a'\n'b": lexUnfinished, "U&'": lexUnfinished,
		`""`: lexJunk, "1a": lexJunk, "1e'": lexJunk, "0x": lexJunk, "0b2": lexJunk, "1__0": lexJunk, "1_": lexJunk, "1.a": lexJunk,
		"$": lexJunk, "$a": lexJunk, "$1a": lexJunk, `\`: lexJunk, "{": lexJunk, "\x01": lexJunk, `U&"a"`: lexJunk,
	} {
		l := lexer{text: text}
		assert.Equal(t, want, l.run(), text)
	}
}

func TestLexerNotesWhereBackslashesDecide(t *testing.T) {
	for text, want := range map[string]bool{
		`'a\'`: true, `'a\'''`: true, `'a\b'`: false, `'a\\'`: true, `E'a\''`: false, `$$\'$$`: false, `"a\"`: false, "'a'\n'\\'": true,
	} {
		l := lexer{text: text}
		require.Equal(t, lexDone, l.run(), text)
		assert.Equal(t, want, l.ambiguous, text)
	}
}

func TestKeywordsAreFoundInAnyCase(t *testing.T) {
	for text, want := range map[string]keyword{
		"SELECT": reserved, "Current_Timestamp": reserved, "left": typeOrFunc, "VARCHAR": columnName, "overlay": columnOrFunc,
		"name": unreserved, "users": notKeyword, "current_timestampx": notKeyword,
	} {
		folded, got := fold(text)
		assert.Equal(t, want, got, text)
		assert.Equal(t, strings.ToLower(text), folded)
		assert.LessOrEqual(t, len(folded), maxName)
	}
	for text := range keywords {
		assert.LessOrEqual(t, len(text), maxKeyword)
	}
	assert.Greater(t, len(keywords), 490)
}
