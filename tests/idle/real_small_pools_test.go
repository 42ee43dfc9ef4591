package idle_test

import (
	"database/sql"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// smallPools is how many programs share a server, and smallBurst how many callers each of them has now and then.
const (
	smallPools = 40
	smallBurst = 3
)

// serverSessions counts the sessions in the database, but for the one that asks.
var serverSessions = map[string]string{
	"pgx":   "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
	"mysql": "select count(*) from information_schema.processlist where db = database() and id <> connection_id()",
}

// small are small pools of one server.
type small struct {
	*testing.T
	dbs        []*sql.DB
	connectors []*pooled.Connector
	watcher    *sql.DB
	count      string
}

func openSmall(t *testing.T, driver, dsn string) *small {
	t.Helper()
	s := &small{T: t, watcher: realtest.Open(t, driver, dsn), count: serverSessions[driver]}
	s.watcher.SetMaxOpenConns(1)
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = driver, dsn
	for range smallPools {
		db, connector := pooltest.Open(t, cfg)
		s.dbs, s.connectors = append(s.dbs, db), append(s.connectors, connector)
	}
	return s
}

// burst has so many callers of each pool use a connection at the same time.
func (s *small) burst(callers int) {
	var all sync.WaitGroup
	for _, db := range s.dbs {
		var ready sync.WaitGroup
		ready.Add(callers)
		for range callers {
			all.Go(func() {
				conn, err := db.Conn(s.Context())
				if err == nil {
					err = realtest.ReadAll(conn.QueryContext(s.Context(), "select 1"))
					defer conn.Close()
				}
				assert.NoError(s, err)
				ready.Done()
				ready.Wait() // so that each has one of its own
			})
		}
	}
	all.Wait()
}

// requireSessions fails if the pools have more connections than that. It returns when the server has no more either, which ends sessions after the
// pools have closed them.
func (s *small) requireSessions(most int) {
	s.Helper()
	open := 0
	for _, c := range s.connectors {
		open += c.Stats().Endpoints[0].Open
	}
	require.LessOrEqual(s, open, most)
	for n := most + 1; n > most; {
		require.NoError(s, s.watcher.QueryRow(s.count).Scan(&n))
	}
}

// What one program keeps for a burst that does not come is missing to the others. Time is virtual.
func TestManySmallPoolsKeepWhatTheLastMinuteHasNeeded(t *testing.T) {
	for _, server := range realtest.TxServers {
		t.Run(server.Name, func(t *testing.T) {
			dsn := server.DSN(t)
			synctest.Test(t, func(t *testing.T) {
				s := openSmall(t, server.Driver, dsn)
				for range 6 {
					s.burst(smallBurst)
					time.Sleep(10 * time.Second)
				}
				s.requireSessions(smallPools * smallBurst)
				dials := uint64(0)
				for _, c := range s.connectors {
					dials += c.Stats().Endpoints[0].Dials
				}
				assert.EqualValues(t, smallPools*smallBurst, dials, "no burst has dialled again")
				for range 12 {
					s.burst(1)
					time.Sleep(10 * time.Second)
				}
				s.requireSessions(smallPools)
				time.Sleep(2 * time.Minute)
				s.requireSessions(0)
			})
		})
	}
}
