package reset

import (
	"database/sql/driver"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/middleware"
)

// A query returns with its first row. What it runs for the others meets what is defined meanwhile: the next statement of its text or of a procedure, or a
// function. So its account is kept open until its session does something else, or is given back: by then its rows are over.

// closeQuery closes the account of the last query, if it is open.
func (r *Reset) closeQuery(conn middleware.ServerConn) {
	changes := conn.Changes()
	query := changes.Query
	if query.Text == "" {
		return
	}
	changes.Query = dialect.OpenQuery{}
	if query.Defines {
		r.endDefinitions(changes)
	}
	if r.Sessions.Changes() != query.Since {
		r.meets(conn, r.Sessions.Statement(query.Text), query.Text, query.Since)
	}
}

// areOver reports whether the rows that a connection has returned are known to be over.
func (r *Reset) areOver(conn middleware.ServerConn, rows driver.Rows) bool {
	return r.RowsOver != nil && r.RowsOver(conn.Real(), rows)
}

// meets notes what a statement does by definitions that have begun while it ran. Of one that was not known before them nobody can tell.
func (r *Reset) meets(conn middleware.ServerConn, s *dialect.Statement, text string, since uint64) {
	if r.Sessions.Changes() == since || !r.Sessions.ChangedSince(since, text) {
		return
	}
	if s.Provisional && r.judges() {
		conn.Changes().Effects |= dialect.UnknownEffect // which is so only now, and has no reason that anybody could do anything about
		return
	}
	if s = r.Sessions.Statement(text); s.Effects != 0 || s.Provisional {
		r.note(conn, s, text, since, nil)
	}
}
