package postgres

import (
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/gopooled/pooled/dialect"
)

// declared is what the program declares of its server. Nil declares nothing.
type declared struct {
	dialect.Declared
	schemas, names []string // of the harmless functions
}

// Declare takes down what the program declares.
func (s *sessions) Declare(d dialect.Declared) {
	s.declared = &declared{Declared: d}
	for _, r := range d.Harmless {
		s.declared.schemas, s.declared.names = append(s.declared.schemas, r.Schema), append(s.declared.names, r.Name)
	}
}

// isHarmless reports whether the functions of a name in a schema are declared to leave nothing.
func (d *declared) isHarmless(schema, name string) bool {
	return d != nil && slices.Contains(d.Harmless, dialect.Routine{Schema: schema, Name: name})
}

// missingSQL finds those of the schemas $1 and names $2 which are those of no function that is looked at: one that did not come with the server.
const missingSQL = `select d.s, d.n from rows from (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) d (s, n) where not exists (select from pg_catalog.pg_proc p
	join pg_catalog.pg_namespace n on n.oid = p.pronamespace where p.proname = d.n and n.nspname = d.s and p.oid >= 16384)`

// queue asks which of the functions do not exist.
func (d *declared) queue(batch *pgx.Batch) {
	if d != nil && len(d.Harmless) > 0 {
		batch.Queue(missingSQL, d.schemas, d.names)
	}
}

// read tells of those that do not.
func (d *declared) read(results pgx.BatchResults) error {
	if d == nil || len(d.Harmless) == 0 {
		return nil
	}
	rows, err := results.Query()
	if err != nil {
		return err
	}
	missing, err := pgx.CollectRows(rows, pgx.RowToStructByPos[dialect.Routine])
	if d.Missing != nil {
		for _, r := range missing {
			d.Missing(r)
		}
	}
	return err
}

// tell tells what is global.
func (d *declared) tell(c *catalogue) {
	if d != nil && d.Global != nil {
		c.eachGlobal(d.Global)
	}
}
