package pooled_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
)

// limitedUser makes a user who may have so many connections, and returns his DSN.
func limitedUser(t *testing.T, driver, dsn string, limit int) string {
	t.Helper()
	admin := openReal(t, driver, dsn)
	admin.SetMaxIdleConns(0)
	user := fmt.Sprintf("pooled_few_%x", rand.Uint32())
	run := func(text string) {
		_, err := admin.Exec(text)
		require.NoError(t, err)
	}
	if driver == "pgx" {
		run(fmt.Sprintf("create role %s login password 'secret' connection limit %d", user, limit))
		run("grant all on schema public to " + user)
		t.Cleanup(func() {
			for _, text := range []string{"drop owned by " + user, "drop role " + user} {
				_, err := admin.Exec(text)
				assert.NoError(t, err)
			}
		})
		address, err := url.Parse(dsn)
		require.NoError(t, err)
		address.User = url.UserPassword(user, "secret")
		return address.String()
	}
	cfg, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	run(fmt.Sprintf("create user %s identified by 'secret' with max_user_connections %d", user, limit))
	run("grant all on " + cfg.DBName + ".* to " + user)
	t.Cleanup(func() { run("drop user " + user) })
	cfg.User, cfg.Passwd = user, "secret"
	return cfg.FormatDSN()
}

// fewTexts are what the callers run: # is another number each time, and ~ the caller's.
var fewTexts = map[string]map[string][]string{
	"pgx": {
		"reads":                           {"select abs(#) as a#"},
		"settings":                        {"select abs(#) as a#", "set app.tenant = '#'", "set time zone 'Asia/Tokyo'"},
		"sessions that are reset in full": {"do $$begin end$$", "select pg_advisory_lock(~)", "create temporary table if not exists scratch (num int)", "select #"},
		"definitions":                     {"create table made~ (num int)", "insert into made~ values (#)", "select * from made~ where num = #", "drop table made~"},
		"sessions that are closed":        {"set standard_conforming_strings = off", "select abs(#) as a#", "select #", "select abs(#) as b#"},
	},
	"mysql": {
		"reads":                           {"select abs(#) as a#"},
		"settings":                        {"select abs(#) as a#", "set @tenant = '#'", "set time_zone = '+09:00'"},
		"sessions that are reset by name": {"set sort_buffer_size = 999424", "select get_lock('few-~', 0)", "create temporary table if not exists scratch (num int)", "select #"},
		"definitions":                     {"create table made~ (num int)", "insert into made~ values (#)", "select * from made~ where num = #", "drop table made~"},
		"sessions that are closed":        {"set profiling = 1", "select abs(#) as a#", "select #", "select abs(#) as b#"},
	},
}

// A bare sql.DB reuses the connections that it has. Nothing of what is done between calls takes the last one from them.
func TestCallersNeedNoMoreConnectionsThanTheUserMayHave(t *testing.T) {
	for _, s := range txServers {
		for name, texts := range fewTexts[s.driver] {
			for _, limit := range []int{1, 4} {
				t.Run(fmt.Sprint(s.name, "/", name, "/", limit), func(t *testing.T) {
					t.Parallel()
					cfg := pooled.NewConfig()
					cfg.DriverName, cfg.DSN = s.driver, limitedUser(t, s.driver, s.dsn(t), limit)
					db, _ := openConfig(t, cfg)
					db.SetMaxOpenConns(limit)
					fewCalls(t, db, limit, texts)
				})
			}
		}
	}
}

// The one more is made clean, read with, or closed.
func TestServerConnectionsAreOneMoreThanSetMaxOpenConnsWhateverIsRun(t *testing.T) {
	for _, s := range txServers {
		for name, texts := range fewTexts[s.driver] {
			for _, n := range []int{1, 4} {
				t.Run(fmt.Sprint(s.name, "/", name, "/", n), func(t *testing.T) {
					cfg := pooled.NewConfig()
					var counted sockets
					cfg.Connector = counted.connector(t, s.driver, s.dsn(t))
					db, _ := openConfig(t, cfg)
					db.SetMaxOpenConns(n)
					fewCalls(t, db, n, texts)
					assert.LessOrEqual(t, counted.atOnce(), n+1)
				})
			}
		}
	}
}

// fewCalls has so many callers run the texts.
func fewCalls(t *testing.T, db *sql.DB, callers int, texts []string) {
	t.Helper()
	crowd(callers, func(caller int) {
		for round := range 300 / callers {
			text := strings.NewReplacer("#", fmt.Sprint(round), "~", fmt.Sprint(caller)).Replace(texts[round%len(texts)])
			if _, err := db.ExecContext(t.Context(), text); err != nil {
				t.Errorf("call %d, %s: %v", round, text, err)
			}
		}
	})
}
