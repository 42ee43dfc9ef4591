package dialling_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

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
	for _, s := range realtest.TxServers {
		for name, texts := range fewTexts[s.Driver] {
			for _, limit := range []int{1, 4} {
				t.Run(fmt.Sprint(s.Name, "/", name, "/", limit), func(t *testing.T) {
					t.Parallel()
					cfg := pooled.NewConfig()
					cfg.DriverName, cfg.DSN = s.Driver, realtest.LimitedUser(t, s.Driver, s.DSN(t), limit)
					db, _ := pooltest.Open(t, cfg)
					db.SetMaxOpenConns(limit)
					fewCalls(t, db, limit, texts)
				})
			}
		}
	}
}

// The one more is made clean, read with, or closed.
func TestServerConnectionsAreOneMoreThanSetMaxOpenConnsWhateverIsRun(t *testing.T) {
	for _, s := range realtest.TxServers {
		for name, texts := range fewTexts[s.Driver] {
			for _, n := range []int{1, 4} {
				t.Run(fmt.Sprint(s.Name, "/", name, "/", n), func(t *testing.T) {
					t.Parallel()
					cfg := pooled.NewConfig()
					var counted sockets
					cfg.Connector = counted.connector(t, s.Driver, s.DSN(t))
					db, _ := pooltest.Open(t, cfg)
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
	pooltest.Crowd(callers, func(caller int) {
		for round := range 200 / callers {
			text := strings.NewReplacer("#", fmt.Sprint(round), "~", fmt.Sprint(caller)).Replace(texts[round%len(texts)])
			if _, err := db.ExecContext(t.Context(), text); err != nil {
				t.Errorf("call %d, %s: %v", round, text, err)
			}
		}
	})
}
