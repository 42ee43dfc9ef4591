package main

import (
	"context"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/gopooled/pooled/examples/internal/tour"
)

// A variable of the session is set by ent for one query, for example for row-level security, and reset after it.
type variable struct{ name, read string }

// variables has one for each family that has such a thing: SQLite has not.
var variables = map[string]variable{
	tour.Postgres: {"app.tenant", "select coalesce(nullif(current_setting('app.tenant', true), ''), '(none)')"},
	tour.MySQL:    {"@tenant", "select coalesce(@tenant, '(none)')"},
}

// seen is what a query sees of it.
func (v variable) seen(ctx context.Context, driver *entsql.Driver) (string, error) {
	var rows entsql.Rows
	if err := driver.Query(ctx, v.read, []any{}, &rows); err != nil {
		return "", err
	}
	defer rows.Close()
	return entsql.ScanString(rows)
}
