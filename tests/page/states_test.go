package page_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

var discarded = slog.New(slog.DiscardHandler)

// shownPool is what a test reads of the page's JSON.
type shownPool struct {
	Name, State string
	Troubles    []struct {
		Name, Severity, Endpoint, Text string
		Since                          *time.Time
	}
	Servers []struct {
		Endpoint, Role, Up string
		InUse              int     `json:"in_use"`
		Waiting            int     `json:"waiting"`
		P99                float64 `json:"wait_p99_seconds"`
		Acquires           float64 `json:"acquires_per_second"`
		Errors             float64 `json:"errors_per_second"`
		History            []struct{ At time.Time }
	}
	Held []struct {
		Leaked bool
		Fate   string `json:"goroutine_state"`
	}
	Events []struct {
		Kind, Message string
	}
}

// look reads the page's JSON.
func look(t *testing.T, c *pooled.Connector) (p shownPool) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(show(t, c, "/?format=json")), &p))
	return p
}

// show gets the page.
func show(t *testing.T, c *pooled.Connector, target string) string {
	t.Helper()
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, http.NoBody))
	require.Equal(t, http.StatusOK, w.Code)
	assert.NotContains(t, w.Body.String(), "s3cret")
	return w.Body.String()
}

// wrong lists what is on top of the page, as rule and server.
func (p shownPool) wrong() (all []string) {
	for _, t := range p.Troubles {
		all = append(all, t.Name+" "+t.Endpoint)
	}
	return all
}

const (
	db1, db2, db3 = "db1.internal:5432", "db2.internal:5432", "db3.internal:5432"
)

// states are what the page is to be looked at in. With POOLED_PICTURES=folder each is written there as name.html, and scripts/pictures.sh takes its picture.
var states = []struct {
	name     string
	replicas int
	settings string
	play     func(s *stage)
	want     []string // what is wrong
	check    func(t *testing.T, p shownPool)
}{
	{"idle", 0, "pool_min_idle_conns=2", func(s *stage) {
		time.Sleep(15 * time.Minute)
	}, nil, func(t *testing.T, p shownPool) {
		assert.Equal(t, "yes", p.Servers[0].Up)
		assert.Zero(t, p.Servers[0].InUse)
	}},
	{"busy", 0, "pool_min_idle_conns=2 pool_breaker=on", func(s *stage) {
		s.servers[0].answerIn(200 * time.Millisecond)
		s.load(30, s.orders.Find)
		s.load(15, s.orders.Place)
		time.Sleep(15 * time.Minute)
	}, nil, func(t *testing.T, p shownPool) {
		assert.InDelta(t, 45, p.Servers[0].Acquires, 8)
		assert.NotEmpty(t, p.Held)
		assert.Len(t, p.Servers[0].History, 90)
	}},
	{"saturated", 0, "pool_shed=off", func(s *stage) {
		s.servers[0].answerIn(100 * time.Millisecond)
		s.load(30, s.orders.Find)
		s.load(15, s.orders.Place)
		time.Sleep(11 * time.Minute)
		s.servers[0].answerIn(900 * time.Millisecond) // an index is gone
		time.Sleep(4 * time.Minute)
	}, []string{"saturated " + db1}, func(t *testing.T, p shownPool) {
		assert.InDelta(t, 4*time.Minute, p.sinceTrouble(t, 0), float64(20*time.Second))
		assert.Greater(t, p.Servers[0].P99, 0.5)
		assert.Positive(t, p.Servers[0].Errors)
	}},
	{"leak", 0, "", func(s *stage) {
		s.load(12, s.orders.Find)
		time.Sleep(8 * time.Minute)
		for range 3 {
			s.export()
			time.Sleep(95 * time.Second)
		}
		s.charge()
		time.Sleep(2*time.Minute + 15*time.Second)
	}, []string{"leaked "}, func(t *testing.T, p shownPool) {
		fates := map[string]int{}
		for _, h := range p.Held {
			if h.Leaked {
				fates[h.Fate]++
			}
		}
		assert.Equal(t, map[string]int{"gone": 3, "alive": 1}, fates)
		assert.True(t, p.Held[0].Leaked, "they are on top")
	}},
	{"breaker-open", 0, "pool_breaker=on", func(s *stage) {
		s.load(30, s.orders.Find)
		s.load(15, s.orders.Place)
		time.Sleep(12 * time.Minute)
		s.servers[0].fail(pooltest.ErrNobody)
		time.Sleep(3 * time.Minute)
	}, []string{"breaker_open " + db1}, func(t *testing.T, p shownPool) {
		assert.InDelta(t, 3*time.Minute, p.sinceTrouble(t, 0), float64(5*time.Second))
		assert.Equal(t, "no", p.Servers[0].Up)
		assert.InDelta(t, 45, p.Servers[0].Errors, 8)
	}},
	{"replica-lost-and-lagging", 2, "", func(s *stage) {
		s.load(40, s.orders.Find)
		s.load(10, s.orders.Place)
		time.Sleep(10 * time.Minute)
		s.servers[1].fail(pooltest.ErrNobody)
		time.Sleep(4 * time.Minute)
		s.servers[2].set(func(s *stageServer) { s.sight.Position = stagePosition(time.Now().UnixMilli()) })
		time.Sleep(time.Minute)
	}, []string{"server_down " + db2, "replica_behind " + db3}, func(t *testing.T, p shownPool) {
		assert.InDelta(t, 5*time.Minute, p.sinceTrouble(t, 0), float64(5*time.Second))
		assert.InDelta(t, 50*time.Second, p.sinceTrouble(t, 1), float64(5*time.Second))
	}},
	{"failover", 2, "pool_breaker=on", func(s *stage) {
		s.load(40, s.orders.Find)
		s.load(10, s.orders.Place)
		time.Sleep(13 * time.Minute)
		s.servers[0].fail(pooltest.ErrNobody)
		time.Sleep(12 * time.Second)
		s.servers[1].set(func(s *stageServer) { s.sight.Role, s.sight.Timeline = dialect.RolePrimary, 2 })
		time.Sleep(time.Minute + 48*time.Second)
	}, []string{"breaker_open " + db1}, func(t *testing.T, p shownPool) {
		roles := map[string]string{}
		for _, s := range p.Servers {
			roles[s.Endpoint] = s.Role + " " + s.Up
		}
		assert.Equal(t, "primary yes", roles[db2])
		assert.Equal(t, "replica yes", roles[db3])
		var messages []string
		for _, e := range p.Events {
			messages = append(messages, e.Message)
		}
		assert.Contains(t, messages, "this server is the primary now")
	}},
	{"five-servers", 4, "pool_breaker=on", func(s *stage) {
		for i, server := range s.servers {
			server.answerIn(time.Duration(20+15*i) * time.Millisecond)
		}
		s.load(80, s.orders.Find)
		s.load(20, s.orders.Place)
		time.Sleep(15 * time.Minute)
	}, nil, func(t *testing.T, p shownPool) {
		require.Len(t, p.Servers, 5)
		for _, s := range p.Servers {
			assert.Positive(t, s.Acquires, s.Endpoint)
		}
	}},
}

// sinceTrouble is for how long something has been wrong when the page is made.
func (p shownPool) sinceTrouble(t *testing.T, i int) time.Duration {
	t.Helper()
	require.NotNil(t, p.Troubles[i].Since)
	return time.Since(*p.Troubles[i].Since)
}

func TestWhatIsWrongIsOnTopOfThePage(t *testing.T) {
	for _, state := range states {
		t.Run(state.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, state.replicas, state.settings)
				state.play(s)
				p := look(t, s.connector)
				assert.Equal(t, "shop", p.Name)
				assert.Equal(t, "open", p.State)
				assert.Equal(t, state.want, p.wrong())
				state.check(t, p)
				page := show(t, s.connector, "/")
				if folder := os.Getenv("POOLED_PICTURES"); folder != "" {
					require.NoError(t, os.WriteFile(filepath.Join(folder, state.name+".html"), []byte(page), 0o600))
				}
			})
		})
	}
}
