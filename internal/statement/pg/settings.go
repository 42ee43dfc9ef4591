package pg

import (
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// set judges SET.
func set(w *walk) (dialect.Class, dialect.Effects) {
	w.run()
	effects := w.effects
	if w.namesTemp() {
		effects |= dialect.TempTable // search_path = pg_temp: what is created next is temporary
	}
	i, local := 1, false
	switch {
	case w.at(1).is("local") && !w.isVariable(1):
		i, local = 2, true
	case w.at(1).is("session") && !w.isVariable(1) && !w.at(2).is("authorization") && !w.at(2).is("characteristics"):
		i = 2
	}
	what := w.at(i)
	if w.isSeed(i) {
		return dialect.SessionControl, effects | dialect.Setting | dialect.Permanent // for good, also with LOCAL
	}
	switch {
	case (what.is("transaction") || what.is("constraints")) && !w.isVariable(i):
		return dialect.TxControl, effects
	case local && !w.at(i+1).is("characteristics"):
		return dialect.SessionControl, effects
	case w.isRole(i):
		return dialect.SessionControl, effects | dialect.Role
	}
	return dialect.SessionControl, effects | dialect.Setting
}

// reset judges RESET.
func reset(w *walk) (dialect.Class, dialect.Effects) {
	if w.isRole(1) {
		return dialect.SessionControl, dialect.Role
	}
	return dialect.SessionControl, dialect.Setting
}

// isVariable reports whether the word at i is the name of a variable, though it is a keyword: SET local = 1, SET local.x TO 1.
func (w *walk) isVariable(i int) bool {
	next := w.at(i + 1)
	return next.isPunct('.') || next.isOperator('=') || next.is("to") || next.is("from")
}

// isRole reports whether what is set at i is the role. The server finds variables in any case of letters, even quoted ones.
func (w *walk) isRole(i int) bool {
	t := w.at(i)
	if !t.isName() || w.at(i+1).isPunct('.') {
		return false
	}
	return strings.EqualFold(t.text, "role") || strings.EqualFold(t.text, "session_authorization") ||
		t.is("session") && w.at(i+1).is("authorization")
}

// isSeed reports whether what is set at i is the seed of random().
func (w *walk) isSeed(i int) bool {
	t := w.at(i)
	return t.isName() && !w.at(i+1).isPunct('.') && strings.EqualFold(t.text, seed)
}

// seed is the name of the variable that is setseed by another way: neither RESET nor the end of a transaction gives back what was before.
const seed = "seed"

// namesTemp reports whether a value may spell pg_temp.
func (w *walk) namesTemp() bool {
	for i := range w.tokens {
		switch t := &w.tokens[i]; t.kind {
		case word, quoted, literal:
			if t.odd || containsFold(t.text, "pg_temp") {
				return true
			}
		}
	}
	return false
}
