package reset_test

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/stats"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

var largeTables = flag.Int("large-tables", 200, "how many tables the database has of which programs use a few; and a fourth as many functions, and a tenth as many triggers")

// usedTables is how many of them the program uses.
const usedTables = 50

// largeDatabase makes a database with tables t0, t1 ..., of which the first have triggers that call functions.
func largeDatabase(t *testing.T, driver, dsn string) {
	bare := realtest.Open(t, driver, dsn)
	function, trigger := "create function f%[1]d(a int) returns int deterministic begin declare b int default 3; if a > b then set b = a + 1; end if; return b; end",
		"create trigger tr%[1]d before insert on t%[1]d for each row begin if new.num > 7 then set new.num = f%[1]d(1); end if; end"
	if driver == "pgx" {
		function = "create function f%[1]d(a int) returns int language plpgsql as $$declare b int := 3; begin if a > b then b := a + 1; end if; return b; end$$;" +
			"create function tf%[1]d() returns trigger language plpgsql as $$begin if new.num > 7 then new.num := f%[1]d(1); end if; return new; end$$"
		trigger = "create trigger tr%[1]d before insert on t%[1]d for each row execute function tf%[1]d()"
	}
	var texts []string
	for i := range *largeTables {
		texts = append(texts, fmt.Sprintf("create table t%d (id int primary key, num int, name varchar(100))", i))
	}
	for i := range *largeTables / 4 {
		texts = append(texts, fmt.Sprintf(function, i))
	}
	for i := range *largeTables / 10 {
		texts = append(texts, fmt.Sprintf(trigger, i))
	}
	for len(texts) > 0 {
		n := min(100, len(texts))
		_, err := bare.ExecContext(t.Context(), strings.Join(texts[:n], ";"))
		require.NoError(t, err)
		texts = texts[n:]
	}
	require.NoError(t, bare.Close())
}

// What sessions cost depends on what the program uses, and not on what else the database has.
func TestSessionsOfALargeDatabaseAreCleanFromTheSecondUseOn(t *testing.T) {
	for _, s := range realtest.TxServers {
		t.Run(s.Name, func(t *testing.T) {
			dsn := s.DSN(t)
			largeDatabase(t, s.Driver, dsn)
			var texts []string
			for i := range usedTables {
				table := i * (*largeTables / usedTables)
				texts = append(texts,
					fmt.Sprintf("select id, name from t%d where num = 1", table), fmt.Sprintf("insert into t%d (id, num) values (1, 9)", table),
					fmt.Sprintf("update t%d set num = f%d(num) where id = 1", table, i), fmt.Sprintf("delete from t%d where id = 1", table),
				)
			}
			for _, most := range []int{1, 0} { // with one connection, each call waits for what is learnt behind the one before
				t.Run(fmt.Sprintf("pool_max_conns=%d", most), func(t *testing.T) {
					cfg := pooled.NewConfig()
					cfg.DriverName, cfg.DSN, cfg.Pool.MaxConns = s.Driver, dsn, most
					db, connector := pooltest.Open(t, cfg)
					round := func() stats.Endpoint {
						for _, text := range texts {
							_, err := db.ExecContext(t.Context(), text)
							require.NoError(t, err, text)
						}
						require.NoError(t, db.PingContext(t.Context())) // with one connection: and the last session was given back
						return connector.Stats().Endpoints[0]
					}
					heap := heapInUse()
					first := round()
					_ = round()
					third := round()
					t.Logf("%d dials, %d resets and %d closed connections in the first round, %d KiB more", third.Dials, first.Reset.Resets, first.Reset.Discards.Permanent,
						(heapInUse()-heap)>>10)
					assert.LessOrEqual(t, third.Dials-third.Reset.Discards.Permanent, uint64(2))
					if most == 1 {
						assert.Equal(t, first.Reset.Resets, third.Reset.Resets)
						assert.Equal(t, first.Reset.Discards, third.Reset.Discards)
						assert.GreaterOrEqual(t, third.Reset.Clean-first.Reset.Clean, uint64(2*len(texts)))
					}
				})
			}
		})
	}
}

// heapInUse is how much memory is reachable.
func heapInUse() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
