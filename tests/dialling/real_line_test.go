package dialling_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// What is learnt and made clean between calls costs no connection but one.
func TestCallersNeedAtMostOneConnectionMoreThanThereAreOfThem(t *testing.T) {
	for name, work := range map[string]struct {
		callers, rounds int
		texts           []string // of a round; # is the caller's number, ~ that of the round
	}{
		"a query":     {1, 1000, []string{"select 1"}},
		"definitions": {1, 50, []string{"create table made# (num int)", "insert into made# values (1)", "select * from made#", "drop table made#"}},
		// They are removed while others learn what they were.
		"definitions of new names": {1, 150, []string{"create table made~ (num int)", "insert into made~ values (1)", "select * from made~", "drop table made~"}},
		"writes":                   {4, 300, []string{"delete from there where num = #"}},
		"both":                     {4, 10, []string{"create table made# (num int)", "insert into made# values (1)", "delete from there where num = 0", "drop table made#"}},
	} {
		for _, s := range realtest.TxServers {
			t.Run(name+"/"+s.Name, func(t *testing.T) {
				cfg := pooled.NewConfig()
				cfg.DriverName, cfg.DSN = s.Driver, s.DSN(t)
				_, err := realtest.Open(t, s.Driver, cfg.DSN).ExecContext(t.Context(), "create table there (num int)")
				require.NoError(t, err)
				db, connector := pooltest.Open(t, cfg)
				pooltest.Crowd(work.callers, func(caller int) {
					for round := range work.rounds {
						for _, text := range work.texts {
							text = strings.NewReplacer("#", strconv.Itoa(caller), "~", strconv.Itoa(round)).Replace(text)
							if _, err := db.ExecContext(t.Context(), text); err != nil {
								t.Errorf("%s: %v", text, err)
							}
						}
					}
				})
				stats := connector.Stats().Endpoints[0]
				assert.LessOrEqual(t, stats.Dials, uint64(work.callers+1), "%+v", stats)
				assert.Zero(t, stats.FailedDials)
			})
		}
	}
}
