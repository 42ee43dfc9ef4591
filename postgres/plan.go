package postgres

import (
	"context"
	"database/sql/driver"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// plan has the server plan a prepared statement, with NULL for all arguments. A new session has read nothing of the catalogue: the first plan
// takes ten times as long as the next, and as long as the first run. EXPLAIN runs nothing, but planning may evaluate functions: only what is proved
// to leave the session alone is planned.
func (s *sessions) plan(ctx context.Context, conn driver.Conn, text string) error {
	c, ok := conn.(*stdlib.Conn)
	if !ok {
		return nil
	}
	if s.Statement(text).Provisional {
		if err := s.Learn(ctx, conn, []string{text}, true); err != nil {
			return err
		}
	}
	if said := s.Statement(text); said.Provisional || said.Effects != 0 {
		return nil
	}
	prepared, err := c.Conn().Prepare(ctx, text, text) // which sends nothing: stdlib prepares under this name too
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("explain execute ")
	b.WriteString(pgx.Identifier{prepared.Name}.Sanitize())
	for i := range prepared.ParamOIDs {
		b.WriteString([]string{"(null", ", null"}[min(i, 1)])
	}
	if len(prepared.ParamOIDs) > 0 {
		b.WriteByte(')')
	}
	return c.Conn().PgConn().Exec(ctx, b.String()).Close()
}
