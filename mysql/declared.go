package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
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

// tellMissing tells of the harmless routines that there are none of.
func (r *reading) tellMissing(ctx context.Context) error {
	if r.declared.Missing == nil || len(r.declared.Harmless) == 0 {
		return nil
	}
	var names []string
	for _, declared := range r.declared.Harmless {
		names = append(names, fold(declared.Name))
	}
	var there dialect.Declared
	err := r.each(ctx, fmt.Sprintf(routinesSQL, among("routine_name", names)), func(row []driver.Value) {
		there.Harmless = append(there.Harmless, dialect.Routine{Schema: value(row[0]), Name: value(row[1])})
	})
	if err != nil {
		return err
	}
	for _, declared := range r.declared.Harmless {
		if !isHarmless(there, declared.Schema, declared.Name) {
			r.declared.Missing(declared)
		}
	}
	return nil
}

// declaredHarmless is what comes of a routine that is declared to leave nothing: what it writes may outlast an error, and it may read last_insert_id, or what
// is known of the statement before. A procedure may leave a number there, which costs nothing until somebody looks.
func declaredHarmless(p *program) doing {
	d := doing{sees: true, looks: true, lasts: true}
	if p.kind == "PROCEDURE" {
		d.effects = dialect.Sequence
	}
	return d
}
