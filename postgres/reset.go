package postgres

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopooled/pooled/dialect"
)

// undo lists what undoes each effect (PostgreSQL documentation, "DISCARD" and the commands named here), in the order in which it
// is sent: while a role is set, the user may not be allowed to do the rest. DISCARD ALL would do as well, but not in
// one round trip with anything else, and it would take the driver's prepared statements along.
var undo = []struct {
	effect dialect.Effects
	sql    string
}{
	{dialect.Role, "set session authorization default"}, // resets the role too, but to none instead of the one set for the user
	{dialect.Role, "reset role"},
	{dialect.Setting, "reset all"},
	{dialect.Cursor, "close all"},
	{dialect.Listen, "unlisten *"},
	{dialect.AdvisoryLock, "select pg_catalog.pg_advisory_unlock_all()"},
	{dialect.TempTable, "discard temp"},
	{dialect.Sequence, "discard sequences"},
	{dialect.Plans, "discard plans"}, // the server reads the texts anew as well
}

// everything is what a full reset undoes.
const everything = dialect.Role | dialect.Setting | dialect.Cursor | dialect.Listen | dialect.AdvisoryLock | dialect.TempTable |
	dialect.Sequence | dialect.SQLPrepare | dialect.Plans

// prepared asks for what was prepared by statement. DEALLOCATE ALL would take along what the driver prepared by protocol.
const prepared = "select 'deallocate ' || pg_catalog.quote_ident(name) from pg_catalog.pg_prepared_statements where from_sql"

// forGoodSQL asks for the settings that texts and sources are read by for the first time, which is never done again.
const forGoodSQL = "select pg_catalog.concat_ws(' ', pg_catalog.current_setting('standard_conforming_strings'), pg_catalog.current_setting('backslash_quote'), " +
	"pg_catalog.current_setting('plpgsql.variable_conflict', true), pg_catalog.current_setting('plpgsql.print_strict_params', true), " +
	"pg_catalog.current_setting('plpgsql.extra_errors', true), pg_catalog.current_setting('plpgsql.extra_warnings', true))"

// boundSQL asks for what only the end of the session gives up, as what it is called and an empty column: not even DISCARD ALL does. Who may not ask
// for a replication origin may not set one up either. That is looked at before anybody asks: the server refuses a whole statement that has the call in it.
const boundSQL = "select 'temporary slot ' || slot_name, '' from pg_catalog.pg_replication_slots where temporary and active_pid = pg_catalog.pg_backend_pid() " +
	"union all select 'replication origin', '' where case when pg_catalog.has_function_privilege('pg_catalog.pg_replication_origin_session_is_setup()', 'execute') " +
	"then pg_catalog.query_to_xml('select pg_catalog.pg_replication_origin_session_is_setup() as it', false, true, '')::text like '%>true<%' end"

// simple is what is undone whatever a fresh session has. The numbers of sequences are those of somebody else in any case.
const simple = dialect.Passing | dialect.Plans

// Reset undoes the changes in one round trip; statements prepared by PREPARE take another, and so does init, if the changes touch
// what it had done.
func (s *sessions) Reset(ctx context.Context, conn driver.Conn, changes *dialect.Changes, init string) error {
	if changes.Effects.Has(dialect.Permanent) {
		return dialect.ErrDiscard
	}
	c, err := pgxConn(conn)
	if err != nil {
		return err
	}
	repeat := init != "" && s.touches(changes.Effects, init)
	effects := changes.Effects
	if repeat || effects.Has(dialect.UnknownEffect) {
		effects |= everything
	}
	f := s.baseline.Load()
	if effects&settable != 0 && (f == nil || f.proxied && changes.Way == dialect.Direct) {
		return dialect.ErrOutdated
	}
	triggers := effects&^simple != 0 && hasLoginTriggers(c)
	var sql []string
	if triggers {
		sql = append(sql, loginTriggersSQL)
	}
	sql = append(sql, compose(effects, readOnly(c))...)
	if effects.Has(dialect.OpenTx) && c.PgConn().TxStatus() != 'I' {
		sql = slices.Insert(sql, 0, "rollback")
	}
	if len(sql) == 0 {
		return nil
	}
	results, err := c.PgConn().Exec(ctx, strings.Join(sql, "; ")).ReadAll()
	if err != nil {
		return err
	}
	if effects.Has(dialect.UnknownEffect) && isForGood(sql, results) {
		return dialect.ErrDiscard
	}
	if triggers && string(results[slices.Index(sql, loginTriggersSQL)].Rows[0][0]) != "0" {
		return dialect.ErrLogin // only another login does what they do
	}
	if effects&(dialect.Listen|dialect.UnknownEffect) != 0 {
		forgetNotifications(ctx, c)
	}
	var next []string
	if effects.Has(dialect.SQLPrepare) {
		for _, row := range results[len(results)-1].Rows {
			next = append(next, string(row[0]))
		}
	}
	if len(next) > 0 {
		if _, err = c.PgConn().Exec(ctx, strings.Join(next, "; ")).ReadAll(); err != nil {
			return err
		}
	}
	if repeat {
		if _, err = c.PgConn().Exec(ctx, init).ReadAll(); err != nil {
			return &dialect.InitError{Err: err}
		}
	}
	if effects&settable != 0 {
		return f.prove(ctx, c, effects)
	}
	return nil
}

// isForGood reports whether a session that was reset in full has kept something, by the results of what was sent.
func isForGood(sql []string, results []*pgconn.Result) bool {
	before, bound := slices.Index(sql, forGoodSQL), slices.Index(sql, boundSQL)
	after := before + 1 + slices.Index(sql[before+1:], forGoodSQL)
	return string(results[before].Rows[0][0]) != string(results[after].Rows[0][0]) || len(results[bound].Rows) > 0
}

// forgetNotifications empties the buffer in which pgx keeps what LISTEN has brought for somebody to wait for.
func forgetNotifications(ctx context.Context, c *pgx.Conn) {
	done, cancel := context.WithCancel(ctx)
	cancel()
	for {
		if _, err := c.WaitForNotification(done); err != nil { // the buffer is empty, and the context ends the wait before it begins
			return
		}
	}
}

// touches reports whether a reset of these effects may undo what init did.
func (s *sessions) touches(effects dialect.Effects, init string) bool {
	does := s.Statement(init).Effects
	return effects.Has(dialect.UnknownEffect) || does.Has(dialect.UnknownEffect) && effects != dialect.OpenTx || effects&does&^dialect.Plans != 0
}

// compose lists the statements, which are sent as one text. The server runs it as one transaction, so it fails or succeeds as a whole.
func compose(effects dialect.Effects, readOnly bool) []string {
	var sql []string
	unknown := effects.Has(dialect.UnknownEffect)
	if unknown {
		sql = append(sql, forGoodSQL)
	}
	for _, u := range undo {
		if effects&u.effect != 0 {
			sql = append(sql, u.sql)
		}
	}
	if effects.Has(dialect.Setting) && readOnly {
		sql = append(sql, readOnlySQL)
	}
	if unknown { // setseed may be hidden: a fresh session has a seed that nobody knows
		sql = append(sql, forGoodSQL, boundSQL, fmt.Sprintf("select pg_catalog.setseed(%f)", 2*rand.Float64()-1))
	}
	if effects.Has(dialect.SQLPrepare) {
		sql = append(sql, prepared)
	}
	return sql
}
