package reset_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// In SJIS the last byte of this letter in UTF-8 and the backslash behind it are one character: the string ends at the quote.
const hidesQuote = `select E'ッ\', pg_advisory_lock(78) --'`

// A character set whose characters have bytes of ASCII has the server read other texts than are read here.
func TestPostgresSessionIsCleanWhereACharacterSetHidesQuotes(t *testing.T) {
	const locks = "select count(*) from pg_locks where locktype = 'advisory' and objid = 78 and pid = pg_backend_pid()"
	for _, c := range []struct {
		name     string
		setup    string // with NAME for the database
		params   string
		borrower []string
	}{
		{"SET", "", "", []string{"set client_encoding = 'SJIS'", hidesQuote}},
		{"SET TO", "", "", []string{"set session client_encoding to sjis", hidesQuote}},
		{"SET NAMES", "", "", []string{"set names 'SJIS'", hidesQuote}},
		{"a name in quotes", "", "", []string{`set "Client_Encoding" = "SJIS"`, hidesQuote}},
		{"SET LOCAL", "", "", []string{"begin", "set local client_encoding = 'SJIS'", hidesQuote, "commit"}},
		{"set_config", "", "", []string{"select set_config('client_encoding', 'SJIS', false)", hidesQuote}},
		{"a value that does not show", "", "", []string{"select set_config('client_encoding', lower('SJIS'), false)", hidesQuote}},
		{"a function", "create function f() returns text language plpgsql as $$begin return set_config('client_encoding', 'SJIS', false); end$$", "", []string{"select f()", hidesQuote}},
		{"the DSN", "", "&client_encoding=SJIS", []string{hidesQuote}},
		{"the database", `alter database "NAME" set client_encoding = 'SJIS'`, "", []string{hidesQuote}},
	} {
		for version, database := range realtest.PostgresVersions {
			t.Run(version+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				dsn := database(t)
				bare := realtest.Open(t, "pgx", dsn)
				if c.setup != "" {
					realtest.SetUp(t, "pgx", dsn, []string{strings.Replace(c.setup, "NAME", realtest.Scalar(t, bare, "select current_database()"), 1)})
				}
				db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: dsn + c.params}, resettest.Unaudited)
				realtest.ScanInt(t, db, locks)
				realtest.ScanInt(t, db, locks) // and the catalogue is read
				realtest.Borrow(t, db, c.borrower...)
				assert.Zero(t, realtest.ScanInt(t, db, locks))
			})
		}
	}
}
