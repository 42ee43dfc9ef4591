package mysql

import (
	"errors"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/internal/statement/my"
)

// A text that calls a routine that is not there may do anything, as somebody may have made it since the catalogue was read. But where the server says that
// there is none, nothing has called it: it looks for all that a statement calls by itself before it runs any of it.

// tellAbsent says that a text calls routines that are not there, and which error proves that there is none.
func (c *catalogue) tellAbsent(s *dialect.Statement, p *my.Statement, none []use) {
	known := !s.Effects.Has(dialect.UnknownEffect)
	for _, u := range none {
		statement.Unknown(s, "calls "+u.name+", which is not known")
	}
	if known && len(none) == 1 && !p.Unclear && !p.Defines && c.isCalledBy(p, none[0]) {
		s.Refuses = none[0].isRefused
	}
}

// isCalledBy reports whether the text itself calls a routine, of which nothing is known for no other reason than that it is not there.
func (c *catalogue) isCalledBy(p *my.Statement, u use) bool {
	if c.packages[u.in] || c.loadable[u.name] || u.in == helpers || slices.Contains(harmlessDatabases, u.in) || strings.Contains(u.name, anyLetters) {
		return false
	}
	return slices.ContainsFunc(p.Calls, func(call my.Call) bool {
		return fold(call.Name) == u.name && strings.ToLower(call.Database) == u.in && call.Procedure == (u.how == callsProcedure)
	})
}

// erNoRoutine is ER_SP_DOES_NOT_EXIST, which names the routine with its database.
const erNoRoutine = 1305

// isRefused reports whether an error says that the routine is not there. In another language than English nobody knows.
func (u use) isRefused(err error) bool {
	var my *mysql.MySQLError
	if !errors.As(err, &my) || my.Number != erNoRoutine {
		return false
	}
	kind := "function "
	if u.how == callsProcedure {
		kind = "procedure "
	}
	name, isKind := strings.CutPrefix(strings.ToLower(my.Message), kind)
	name, isNone := strings.CutSuffix(name, "."+u.name+" does not exist")
	return isKind && isNone && (u.in == "" || name == u.in)
}
