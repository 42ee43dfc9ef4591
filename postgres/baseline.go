package postgres

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/gopooled/pooled/dialect"
)

// baseline is what a session has that nobody has used. What the DSN, the role, the database and the server's configuration set comes back with
// RESET. What a login event trigger, a hook of the program, or pool_init sets does not.
type baseline struct {
	state   string        // see stateSQL
	proxied bool          // it is that of a session which others may have used
	proved  atomic.Uint32 // the effects whose reset has given it back to a session
}

// settable are the effects whose reset may change what stateSQL tells.
const settable = dialect.Setting | dialect.Role

// stateSQL tells what was set by statements. A session that was made read-only after it had been dialled is compared with others.
func stateSQL(c *pgx.Conn) string {
	but := ""
	if readOnly(c) {
		but = " and name <> 'default_transaction_read_only'"
	}
	return "select pg_catalog.concat_ws(E'\\n', pg_catalog.current_setting('role'), session_user, (" +
		"select pg_catalog.string_agg(name || '=' || setting, E'\\n' order by name) from pg_catalog.pg_settings where source = 'session'" + but + "))"
}

// loginTriggersSQL counts the event triggers that may have set up the session, or will set up the next one.
const loginTriggersSQL = "select pg_catalog.count(*) from pg_catalog.pg_event_trigger where evtevent = 'login' and evtenabled <> 'D'"

// hasLoginTriggers reports whether the server knows event triggers for logging in.
func hasLoginTriggers(c *pgx.Conn) bool { return major(c) >= 17 }

// prove asks, until it was so once, whether a session has again what it began with when these effects were undone.
func (f *baseline) prove(ctx context.Context, c *pgx.Conn, effects dialect.Effects) error {
	proved := dialect.Effects(f.proved.Load())
	if effects&settable&^proved == 0 || f.proxied { // with pool_reset=always
		return nil
	}
	row, err := ask(ctx, c, stateSQL(c))
	if err != nil {
		return err
	}
	if row[0] != f.state {
		return dialect.ErrLogin
	}
	f.proved.Or(uint32(effects & settable))
	return nil
}

// ask runs a query of one row. It uses nothing of pgx that depends on how the session is set.
func ask(ctx context.Context, c *pgx.Conn, query string) ([]string, error) {
	results, err := c.PgConn().Exec(ctx, query).ReadAll()
	if err != nil {
		return nil, err
	}
	last := results[len(results)-1]
	if len(last.Rows) != 1 {
		return nil, errors.New("pooled: the server has answered with something else than one row")
	}
	var texts []string
	for _, column := range last.Rows[0] {
		texts = append(texts, string(column))
	}
	return texts, nil
}
