package reset_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// kept is a setting that PostgreSQL asks once for what a prepared statement means, or how it is done.
type kept struct{ name, value, text string }

var keptSettings = []kept{
	{"TimeZone", "Asia/Tokyo", "select extract(epoch from '2020-01-01'::timestamptz)::text"},
	{"TimeZone", "Asia/Tokyo", "insert into moments values ('2020-01-01') returning extract(epoch from at)::text"},
	{"DateStyle", "german", "select ('02/01/2020'::date - '2019-01-01'::date)::text"},
	{"IntervalStyle", "sql_standard", "select extract(epoch from '-1 2:03:04'::interval)::text"},
	{"array_nulls", "off", "select array_to_string('{NULL,x}'::text[], ',')"},
	{"transform_null_equals", "on", "select ((a = null) is null)::text from (values (1)) v(a)"},
	{"bytea_output", "escape", `select '\x6100'::bytea::text || ''`},
	{"extra_float_digits", "-10", "select (0.1::float8 / 3)::text || ''"},
	{"standard_conforming_strings", "off", `select length('a\\b')::text`},
	{"plpgsql.variable_conflict", "use_column", "select either(1)"},
	{"enable_indexscan", "off", "explain select at from moments where at = 'epoch'"},
}

const keptSchema = `create table moments (at timestamptz) with (autovacuum_enabled = off); create index on moments (at);
	insert into moments select 'epoch'::timestamptz + n * interval '1 day' from generate_series(1, 10000) n; analyze moments;
	create table answers (a int); insert into answers values (42);
	create function either(a int) returns text language plpgsql as $$ begin return (select a from answers limit 1); exception when others then return sqlstate; end $$;
	create procedure sets(name text, value text) language plpgsql as $$ begin perform set_config(name, value, false); end $$`

// What a borrower has set is in the statements that its connection has prepared meanwhile, also when it is set back.
func TestPostgresStatementMeansNothingThatAnEarlierBorrowerHasSet(t *testing.T) {
	ways := map[string]func(context.Context, *sql.Conn, kept) error{
		"SET": func(ctx context.Context, conn *sql.Conn, k kept) error {
			return useKept(ctx, conn, k, "set "+k.name+" = '"+k.value+"'")
		},
		"SET LOCAL": func(ctx context.Context, conn *sql.Conn, k kept) error {
			return useKept(ctx, conn, k, "begin", "set local "+k.name+" = '"+k.value+"'")
		},
		"set_config": func(ctx context.Context, conn *sql.Conn, k kept) error {
			return useKept(ctx, conn, k, "begin", "select set_config('"+k.name+"', '"+k.value+"', true)")
		},
		"a procedure": func(ctx context.Context, conn *sql.Conn, k kept) error {
			return useKept(ctx, conn, k, "call sets('"+k.name+"', '"+k.value+"')")
		},
	}
	for name, database := range map[string]func(testing.TB) string{"PostgreSQL 15": testserver.PostgresDatabase, "PostgreSQL 18": testserver.Postgres18Database} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := database(t)
			bare := realtest.Open(t, "pgx", dsn)
			_, err := bare.ExecContext(t.Context(), keptSchema)
			require.NoError(t, err)
			bare.SetMaxIdleConns(0) // a new session each time
			for _, k := range keptSettings {
				want := all(t, bare, k.text)
				for way, use := range ways {
					t.Run(k.name+"/"+way, func(t *testing.T) {
						db := realtest.OpenWith(t, dsn, nil)
						realtest.Scalar(t, db, "select 1") // the catalogue is read after it
						conn, err := db.Conn(t.Context())
						require.NoError(t, err)
						require.NoError(t, use(t.Context(), conn, k))
						require.NoError(t, conn.Close())
						for range 2 {
							assert.Equal(t, want, all(t, db, k.text))
						}
						st, err := db.Prepare(k.text)
						require.NoError(t, err)
						defer st.Close()
						var got string
						require.NoError(t, st.QueryRow().Scan(&got))
						assert.Equal(t, want[0], got)
					})
				}
			}
		})
	}
}

// useKept runs a statement under a setting, by text and prepared.
func useKept(ctx context.Context, conn *sql.Conn, k kept, set ...string) error {
	for _, text := range set {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	for range 2 {
		rows, err := conn.QueryContext(ctx, k.text)
		if err != nil {
			return err
		}
		if err := realtest.Drain(rows); err != nil {
			return err
		}
	}
	return realtest.QueryPrepared(ctx, conn, k.text)
}

// all reads the first column of all rows.
func all(t *testing.T, db *sql.DB, text string) (values []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), text)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var v string
		require.NoError(t, rows.Scan(&v))
		values = append(values, v)
	}
	require.NoError(t, rows.Err())
	return values
}

// A bare driver reads a text when its caller prepares it, and so does pooled, though it has the statement of an earlier borrower.
func TestPostgresStatementIsReadAsItsCallersSessionReadsItWhenItIsPrepared(t *testing.T) {
	const text, zone, utc, tokyo = "select extract(epoch from '2020-01-01'::timestamptz)::int", "set timezone = 'Asia/Tokyo'", 1577836800, 1577804400
	db := realtest.OpenWith(t, testserver.PostgresDatabase(t), nil)
	ask := func(before, between string) (epoch int) {
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		_, err = conn.ExecContext(t.Context(), before)
		require.NoError(t, err)
		st, err := conn.PrepareContext(t.Context(), text)
		require.NoError(t, err)
		defer st.Close()
		_, err = conn.ExecContext(t.Context(), between)
		require.NoError(t, err)
		require.NoError(t, st.QueryRowContext(t.Context()).Scan(&epoch))
		return epoch
	}
	assert.Equal(t, utc, ask("", ""))
	assert.Equal(t, tokyo, ask(zone, ""), "that of the borrower before was read under another setting")
	assert.Equal(t, utc, ask("", ""))
	assert.Equal(t, utc, ask("", zone), "the plans of the borrower before were discarded")
	assert.Equal(t, utc, ask("discard plans", zone))
}
