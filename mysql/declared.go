package mysql

import (
	"slices"
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// Declare takes down what the program declares.
func (s *sessions) Declare(d dialect.Declared) { s.declared = d }

// isHarmless reports whether a routine is declared to leave nothing. The server finds routines in any case of letters, but not databases.
func isHarmless(d dialect.Declared, database, name string) bool {
	return slices.ContainsFunc(d.Harmless, func(r dialect.Routine) bool { return r.Schema == database && strings.EqualFold(r.Name, name) })
}

// tellMissing tells of the harmless routines that are none of those that were found.
func tellMissing(d dialect.Declared, found []*program) {
	if d.Missing == nil {
		return
	}
	for _, r := range d.Harmless {
		one := dialect.Declared{Harmless: []dialect.Routine{r}}
		if !slices.ContainsFunc(found, func(p *program) bool { return isHarmless(one, p.routine.Schema, p.routine.Name) }) {
			d.Missing(r)
		}
	}
}

// declaredHarmless is what comes of a routine that is declared to leave nothing: what it writes may outlast an error, and it may read last_insert_id. A
// procedure may leave a number there, which costs nothing until somebody looks.
func declaredHarmless(p *program) doing {
	d := doing{sees: true, lasts: true}
	if p.kind == "PROCEDURE" {
		d.effects = dialect.Sequence
	}
	return d
}
