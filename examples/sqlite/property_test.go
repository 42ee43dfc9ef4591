package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
)

// words are what random statements are made of, by what stands for them.
var words = map[string][]string{
	"TEMP":   {"", "", "temp ", "TEMPORARY ", "/* x */ temp "},
	"SCHEMA": {"", "", "main.", "temp.", `"temp".`, "[temp].", "other."},
	"NAME":   {"a", "b", "c", `"a"`, "`b`"},
	"VALUE":  {"0", "1", "2", "on", "off", "100", "5000", "-7", "'wal'", "delete", "memory", "exclusive", "normal", "full", "4096", "8192"},
	"PRAGMA": nil, // those that there are
}

// patterns are random statements. Some fail, which is as good.
var patterns = []string{
	"pragma PRAGMA = VALUE", "pragma PRAGMA(VALUE)", "PRAGMA SCHEMAPRAGMA=VALUE", "pragma PRAGMA", "explain pragma PRAGMA = VALUE", "pragma `PRAGMA` /* = */ = VALUE",
	"create TEMPtable if not exists NAME (x integer primary key, y)", "create table SCHEMANAME (x, y)", "create TEMPview v_NAME as select last_insert_rowid(), changes()",
	"create TEMPtrigger tr_NAME after insert on NAME begin insert into things (name) values (1); end", "create index SCHEMAi_NAME on NAME (y)", "create virtual table SCHEMAf_NAME using fts5 (y)",
	"create TEMPtable NAME as select VALUE as x, 1 as y", "drop table if exists SCHEMANAME", "drop view if exists v_NAME", "drop trigger if exists tr_NAME", "alter table NAME add column z",
	"insert into SCHEMANAME (y) values (VALUE)", "insert into things (name) values ('n')", "replace into NAME values (1, 2)", "update NAME set y = VALUE", "delete from NAME", "delete from things",
	"with w as (select 1) insert into NAME (y) select * from w", "insert into NAME (y) values (1) on conflict do nothing returning x", "insert into f_NAME values ('z')",
	"attach ':memory:' as other", "attach 'OTHER' as NAME", "attach 'OTHER' as other", "detach other", "detach NAME",
	"begin", "BEGIN immediate", "begin exclusive", "savepoint s", "savepoint s", "savepoint s", "release s", "rollback to s", "commit", "end", "rollback",
	"analyze", "reindex", "vacuum", "select 1", "select * from NAME", "select changes(), last_insert_rowid()", "select nothing", "values (1)", "pragma", "", ";", "-- nothing",
	"explain query plan delete from NAME", "explain insert into NAME (y) values (1)",
}

// sequence makes a text of up to three statements.
func sequence(r *rand.Rand, other string) string {
	var texts []string
	for range 1 + r.IntN(3)*r.IntN(2) {
		text := pick(r, patterns)
		for name, some := range words {
			for strings.Contains(text, name) {
				text = strings.Replace(text, name, pick(r, some), 1)
			}
		}
		texts = append(texts, strings.ReplaceAll(text, "OTHER", other))
	}
	return strings.Join(texts, "; ")
}

func pick(r *rand.Rand, some []string) string { return some[r.IntN(len(some))] }

// seen is all that anybody can see, of the session and of what is stored.
func seen(ctx context.Context, c *sql.Conn) map[string]string {
	answers := map[string]string{}
	for _, query := range append(slices.Clone(look), "select * from a", "select * from b", "select * from c", "select * from v_a", "select * from f_a", "select * from other.a",
		"select * from temp.a", "select type, name, sql from main.sqlite_schema order by name", "pragma journal_mode", "pragma temp.cache_size", "pragma temp.journal_mode", "pragma user_version", "pragma page_size",
		"pragma auto_vacuum", "pragma encoding", "begin", "rollback") {
		rows, err := c.QueryContext(ctx, query)
		if err != nil {
			answers[query] = err.Error()
			continue
		}
		columns, _ := rows.Columns()
		var b strings.Builder
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		for rows.Next() {
			_ = rows.Scan(values...)
			for _, v := range values {
				fmt.Fprint(&b, *v.(*any), " ")
			}
		}
		answers[query] = fmt.Sprint(columns, b.String(), rows.Err())
		_ = rows.Close()
	}
	if answers["pragma temp.cache_size"] == "[cache_size]0 <nil>" { // nobody has made anything temporary
		answers["pragma temp.cache_size"] = "[cache_size]-2000 <nil>"
	}
	return answers
}

// Whatever a borrower does, the next one sees what a connection sees that was just opened. The audit compares each session too; but it also undoes what is left to
// those who ask for it, so that half of the rounds go without.
func TestTheNextBorrowerSeesWhatAFreshConnectionSees(t *testing.T) {
	t.Run("audited", func(t *testing.T) { nextBorrowers(t, 1) })
	t.Run("not audited", func(t *testing.T) { nextBorrowers(t, 0) })
}

func nextBorrowers(t *testing.T, audit int) {
	const rounds = 80
	ctx := t.Context()
	dir := t.TempDir()
	dsn := "file:" + filepath.Join(dir, "main.db") + "?_pragma=foreign_keys(1)&_pragma=cache_size(-1500)"
	bare, err := sql.Open("sqlite", dsn)
	require.NoError(t, err)
	defer bare.Close()
	bare.SetMaxIdleConns(0) // each connection is a fresh one
	_, err = bare.ExecContext(ctx, "create table things (id integer primary key, name); create view numbers_seen as select last_insert_rowid() as id, changes() as n")
	require.NoError(t, err)
	words["PRAGMA"] = nil
	rows, err := bare.QueryContext(ctx, "select name from pragma_pragma_list where name not in ('temp_store_directory', 'hard_heap_limit', 'soft_heap_limit')") // of the process
	require.NoError(t, err)
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		words["PRAGMA"] = append(words["PRAGMA"], name)
	}
	require.NoError(t, rows.Err())

	var log strings.Builder
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = "sqlite", dsn
	cfg.Pool.MaxConns = 1
	cfg.Reset.Audit = audit
	cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
	connector, err := pooled.NewConnector(cfg)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	defer db.Close()
	r := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		borrower, err := db.Conn(ctx)
		require.NoError(t, err)
		var did []string
		for range 1 + r.IntN(5) {
			text := sequence(r, filepath.Join(dir, "other.db"))
			if r.IntN(2) == 0 {
				_, err = borrower.ExecContext(ctx, text)
			} else if rows, failed := borrower.QueryContext(ctx, text); failed == nil {
				for rows.Next() {
				}
				err = rows.Close()
			} else {
				err = failed
			}
			did = append(did, fmt.Sprintf("%s (%v)", text, err))
		}
		require.NoError(t, borrower.Close())
		next, err := db.Conn(ctx)
		require.NoError(t, err)
		got := seen(ctx, next) // first: until now, the connection may still hold its locks
		fresh, err := bare.Conn(ctx)
		require.NoError(t, err)
		want := seen(ctx, fresh)
		require.NoError(t, fresh.Close())
		require.NoError(t, next.Close())
		for query, answer := range want {
			assert.Equal(t, answer, got[query], "%s after %s", query, did)
		}
		if t.Failed() {
			break
		}
	}
	stats := connector.Stats().Endpoints[0]
	require.NoError(t, db.Close()) // nobody writes to the log any more
	t.Logf("%d resets, %d connections", stats.Reset.Resets, stats.Dials)
	assert.Greater(t, stats.Reset.Resets, uint64(rounds/4), "most can be undone")
	assert.Empty(t, log.String(), "the audit finds nothing")
}
