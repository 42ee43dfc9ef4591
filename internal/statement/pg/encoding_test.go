package pg

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
)

func TestOnlyCharacterSetsThatHideQuotesMakeASessionUnknown(t *testing.T) {
	for text, want := range map[string]bool{
		"set client_encoding = 'LATIN1'": false, "set names 'utf-8'": false, "set client_encoding to default": false, "set names default": false, "set names": false,
		"reset client_encoding": false, "select set_config('client_encoding', 'UTF8', false)": false, "set client_encoding to UTF8": false,
		"set names 'Shift_JIS_2004'": true, "set client_encoding = big5": true, `set "CLIENT_ENCODING" to 'GBK'`: true, "set local client_encoding to uhc": true,
		"set client_encoding = e'\\x53JIS'": true, "select set_config('client_encoding', $1, true)": true, "set session names 'johab'": true, "set names 'win936'": true,
	} {
		assert.Equal(t, want, Parse(text).Effects.Has(dialect.UnknownEffect), text)
	}
}
