package mysql

import (
	"slices"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
)

// hidesBytes are the character sets in which the second byte of a character may look like a backslash or a quote: a text is not divided as its bytes
// say then.
var hidesBytes = statement.WordsOf("big5 cp932 gb18030 gbk sjis")

// plainCharsets are the others that a client may have.
var plainCharsets = statement.WordsOf(`armscii8 ascii binary cp1250 cp1251 cp1256 cp1257 cp850 cp852 cp866 dec8 default eucjpms euckr gb2312 geostd8 greek hebrew hp8
	keybcs2 koi8r koi8u latin1 latin2 latin5 latin7 macce macroman swe7 tis620 ujis utf8 utf8mb3 utf8mb4`)

// judgeCharset says what comes of a statement after which texts may not be divided as their bytes say: nobody can read what the session does then.
func judgeCharset(text string, s *dialect.Statement) {
	sets := slices.ContainsFunc(s.Undo, func(u dialect.Undo) bool { return u.Effect == dialect.Setting && u.Name == "character_set_client" })
	if sets && (statement.Mentions(text, hidesBytes) || !statement.Mentions(text, plainCharsets)) {
		statement.Unknown(s, "the character set may hide quotes")
	}
}

func isNotASCII(r rune) bool { return r >= 0x80 }
