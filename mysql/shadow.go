package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/internal/statement/my"
)

// A function that only one family has built in may be a stored one on a server of the other. A text that calls it looks harmless, and may do anything.
// Accents make no difference: `bìn_to_uuid` is called by BIN_TO_UUID as well.

// isShadow reports whether a text that calls a stored function may be taken for one that calls a harmless function that is built in.
func isShadow(name string) bool { return len(shadowedBy(name)) > 0 }

// shadowedBy lists the harmless functions that may be called by the name of a stored one, in lower case: that of the same name or, where a letter is not
// ASCII, those that have some letter there.
func shadowedBy(name string) []string {
	if strings.IndexFunc(name, isNotASCII) >= 0 {
		return my.HarmlessFunctions(func(known string) bool { return isAlike(name, known) })
	}
	if statement.WordsOf(name)[name] && my.Parse("select "+name+"()").Effects == 0 {
		return []string{name}
	}
	return nil
}

// isAlike reports whether a name may be another one to the server, which is ASCII. It compares character by character.
func isAlike(name, ascii string) bool {
	if utf8.RuneCountInString(name) != len(ascii) {
		return false
	}
	i := 0
	for _, r := range name {
		if r < utf8.RuneSelf && byte(r) != ascii[i] {
			return false
		}
		i++
	}
	return true
}

// shadowsSQL asks which functions have some names, as the server compares them.
const shadowsSQL = `select distinct routine_name from information_schema.routines
	where routine_schema not in ` + ownDatabases + ` and routine_type = 'FUNCTION' and (%s)`

// askShadows finds out which of some harmless functions are called by the name of a stored one.
func (r *reading) askShadows(ctx context.Context, alike []string, shadows map[string]bool) error {
	if len(alike) == 0 {
		return nil
	}
	return r.each(ctx, fmt.Sprintf(shadowsSQL, among("routine_name", alike)), func(row []driver.Value) {
		for _, name := range shadowedBy(strings.ToLower(value(row[0]))) {
			shadows[name] = true
		}
	})
}
