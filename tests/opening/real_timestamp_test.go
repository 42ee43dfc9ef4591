package opening_test

import (
	"database/sql"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

func TestTimestampsAreReadInTheZoneThatTheDSNSays(t *testing.T) {
	there, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	const text = "select timestamp '2024-01-02 03:04:05', timestamptz '2024-01-02 03:04:05+08', date '2024-01-02', 'infinity'::timestamp::text, null::timestamp"
	moment := time.Date(2024, 1, 2, 3, 4, 5, 0, there)
	for server, dsn := range map[string]string{"PostgreSQL 15": testserver.Postgres(t), "PostgreSQL 18": testserver.Postgres18(t)} {
		registered, _ := register(t, dsn)
		for form, dsn := range map[string]string{
			"URL": withQuery(t, dsn, "pool_timestamp_zone", "Asia/Shanghai"), "name": registered + "?pool_timestamp_zone=Asia%2FShanghai",
			"URL, simple protocol": withQuery(t, withQuery(t, dsn, "pool_timestamp_zone", "Asia/Shanghai"), "default_query_exec_mode", "simple_protocol"),
		} {
			t.Run(server+", "+form, func(t *testing.T) {
				db := realtest.Open(t, "pooled-pgx", dsn)
				for range 2 { // it outlives a reset
					var plain, zoned, day time.Time
					var infinity string
					var null sql.NullTime
					require.NoError(t, db.QueryRow(text).Scan(&plain, &zoned, &day, &infinity, &null))
					assert.Equal(t, "2024-01-02T03:04:05+08:00", plain.Format(time.RFC3339))
					assert.True(t, plain.Equal(moment))
					assert.True(t, zoned.Equal(moment))
					assert.Equal(t, "2024-01-02T00:00:00Z", day.Format(time.RFC3339))
					assert.False(t, null.Valid)
					_, err := db.Exec("set timezone = 'America/New_York'")
					require.NoError(t, err)
				}
			})
		}
		t.Run(server+", as pgx does without", func(t *testing.T) {
			dsn := withQuery(t, dsn, "TimeZone", "Asia/Shanghai")
			var bare, plain time.Time
			require.NoError(t, realtest.Open(t, "pgx", dsn).QueryRow("select timestamp '2024-01-02 03:04:05'").Scan(&bare))
			require.NoError(t, realtest.Open(t, "pooled", dsn).QueryRow("select timestamp '2024-01-02 03:04:05'").Scan(&plain))
			assert.Equal(t, bare, plain)
		})
	}
}

// withQuery adds a parameter to a URL.
func withQuery(t *testing.T, dsn, key, value string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	q := u.Query()
	q.Set(key, value)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestAZoneForTimestampsIsRefusedWhereItWouldHaveNoEffect(t *testing.T) {
	for dsn, want := range map[string]string{
		"u:p@tcp(db:3306)/app?pool_timestamp_zone=UTC":              "pooled: pool_timestamp_zone=UTC needs the DSN of PostgreSQL with pgx, which db:3306 has not: write loc in the DSN of go-sql-driver/mysql",
		"pooled-fault:?pool_timestamp_zone=UTC":                     "pooled: pool_timestamp_zone=UTC needs the DSN of PostgreSQL with pgx",
		"postgres://db/app?pool_timestamp_zone=Asia/Shangai":        "is not a time zone that this program knows",
		"host=db pool_timestamp_zone=Asia/Shanghai pool_max_cons=1": "did you mean pool_max_conns",
	} {
		_, err := sql.Open("pooled", dsn)
		require.ErrorContains(t, err, want)
		require.ErrorIs(t, err, pooled.ErrConfig)
	}
	cfg := pooled.NewConfig()
	pg, err := pgx.ParseConfig("host=db")
	require.NoError(t, err)
	cfg.Connector, cfg.TimestampZone = stdlib.GetConnector(*pg), "UTC"
	_, err = pooled.NewConnector(cfg)
	require.ErrorContains(t, err, "needs the DSN of PostgreSQL with pgx")
}
