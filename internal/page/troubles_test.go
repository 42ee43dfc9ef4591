package page_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/markdown"
	"github.com/gopooled/pooled/internal/page"
)

// ago is a moment before the page is made.
func ago(d time.Duration) *time.Time {
	at := now.Add(-d)
	return &at
}

// seconds is a duration of so many.
func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// points are the last ten of a server's history, ten seconds apart, the last one now. Each is changed by f with the number of seconds that it is old.
func points(f func(p *page.Point, old int)) (all []page.Point) {
	for old := 90; old >= 0; old -= 10 {
		p := page.Point{At: now.Add(-seconds(float64(old)))}
		f(&p, old)
		all = append(all, p)
	}
	return all
}

// full are points at which all connections were in use and somebody waited, for so many seconds.
func full(seconds int) []page.Point {
	return points(func(p *page.Point, old int) {
		if old <= seconds {
			p.InUse, p.Waiting = 10, 2
		}
	})
}

// cluster makes the pool one of a primary and a replica.
func cluster(p *page.Pool) (primary, replica *page.Server) {
	p.Servers = append(p.Servers, p.Servers[0])
	primary, replica = &p.Servers[0], &p.Servers[1]
	replica.Endpoint = "db2:5432"
	primary.Role, replica.Role, replica.Readable = "primary", "replica", "yes"
	return primary, replica
}

// cases are what rules find wrong, and what they do not. A trouble is told as its name, its server, and for how long it has been so.
var cases = []struct {
	name   string
	change func(p *page.Pool, s *page.Server)
	want   string // empty: nothing
	text   string
}{
	{"well", func(*page.Pool, *page.Server) {}, "", ""},

	{"breaker open", func(_ *page.Pool, s *page.Server) {
		s.Up, s.Errors = "no", 40
		s.Breaker = page.Breaker{State: "open", Since: ago(time.Minute), NextProbe: ago(-5 * time.Second)}
		s.Failing = &page.DialFailure{First: *ago(time.Minute), Last: now, Error: "connection refused."}
	}, "breaker_open db.example:5432 1m0s", "db.example:5432 is cut off by its breaker, and tried again at 03:07:05. Last error: connection refused."},
	{"breaker half-open", func(_ *page.Pool, s *page.Server) {
		s.Breaker = page.Breaker{State: "half_open", Since: ago(time.Minute)}
	}, "breaker_open db.example:5432 1m0s", "db.example:5432 is cut off by its breaker, and being tried now."},
	{"breaker closed", func(_ *page.Pool, s *page.Server) {
		s.Breaker = page.Breaker{State: "closed", Since: ago(time.Minute), Trips: 3, Refused: 100}
	}, "", ""},

	{"down", func(_ *page.Pool, s *page.Server) {
		s.Up, s.Since, s.Why, s.Errors = "no", ago(time.Hour), "connection refused", 3
	}, "server_down db.example:5432 1h0m0s", "db.example:5432 does not answer: connection refused."},
	{"not tried yet", func(_ *page.Pool, s *page.Server) { s.Up = "unknown" }, "", ""},

	{"dials fail", func(_ *page.Pool, s *page.Server) {
		s.Failing = &page.DialFailure{First: *ago(5 * time.Minute), Last: *ago(time.Minute), Error: "too many connections"}
	}, "dials_fail db.example:5432 5m0s", "No new connection to db.example:5432 can be made: too many connections."},
	{"dials have failed", func(_ *page.Pool, s *page.Server) {
		s.Failing = &page.DialFailure{First: *ago(5 * time.Minute), Last: *ago(time.Minute + time.Second)}
	}, "", ""},

	{"no primary", func(p *page.Pool, _ *page.Server) {
		primary, _ := cluster(p)
		primary.Role = "replica"
		primary.Readable = "yes"
		p.Events = []page.Event{{Level: "error", Kind: "role", Message: "there is no primary", First: *ago(time.Minute), Last: *ago(time.Minute)}}
	}, "no_primary  1m0s", "There is no server to write to."},
	{"a primary of another cluster", func(p *page.Pool, _ *page.Server) {
		primary, _ := cluster(p)
		primary.Why, primary.Since = "it belongs to another cluster", ago(time.Minute)
	}, "no_primary  1m0s, not_used db.example:5432 1m0s", "There is no server to write to."},
	{"nobody was asked for the primary yet", func(p *page.Pool, _ *page.Server) {
		primary, replica := cluster(p)
		primary.Role, primary.Up, replica.Role, replica.Up = "unknown", "unknown", "unknown", "unknown"
	}, "", ""},
	{"a primary and a replica", func(p *page.Pool, _ *page.Server) { cluster(p) }, "", ""},

	{"leaked", func(p *page.Pool, _ *page.Server) {
		p.Held = []page.Held{{Leaked: true, Idle: 100, Fate: "gone"}, {Leaked: true, Idle: 61, Fate: "alive"}, {Idle: 59}}
	}, "leaked  1m40s", "2 connections are held, and have not been used for 1m or longer; 1 of them by a goroutine that has ended."},
	{"one leaked", func(p *page.Pool, _ *page.Server) {
		p.Held = []page.Held{{Leaked: true, Idle: 100}}
	}, "leaked  1m40s", "1 connection is held, and has not been used for 1m or longer."},
	{"held and not used for a while", func(p *page.Pool, _ *page.Server) {
		p.Held = []page.Held{{Idle: 59, Fate: "gone"}}
	}, "", ""},

	{"saturated", func(_ *page.Pool, s *page.Server) {
		s.InUse, s.Waiting, s.Errors, s.P99, s.History = 10, 3, 2.5, 1, full(40)
	}, "saturated db.example:5432 40s", "All 10 connections to db.example:5432 are in use, and 3 calls wait; 2.5 a second fail."},
	{"saturated but for a moment", func(_ *page.Pool, s *page.Server) {
		s.InUse, s.Waiting, s.History = 10, 1, full(80)
		s.History[6].Waiting = 0
	}, "saturated db.example:5432 1m20s", "All 10 connections to db.example:5432 are in use, and 1 call waits."},
	{"saturated since a moment ago, and that is felt", func(_ *page.Pool, s *page.Server) {
		s.InUse, s.Waiting, s.P99 = 10, 3, 0.1
	}, "saturated db.example:5432", "All 10 connections to db.example:5432 are in use, and 3 calls wait."},
	{"a moment", func(_ *page.Pool, s *page.Server) { s.InUse, s.Waiting, s.P99 = 10, 3, 0.09 }, "", ""},
	{"all in use, and nobody waits", func(_ *page.Pool, s *page.Server) { s.InUse, s.P99, s.History = 10, 1, full(40) }, "", ""},
	{"somebody waits for a dial", func(_ *page.Pool, s *page.Server) { s.InUse, s.Waiting, s.P99, s.History = 9, 3, 1, full(40) }, "", ""},

	{"unserved", func(_ *page.Pool, s *page.Server) {
		s.Errors = 0.05
		s.History = points(func(p *page.Point, old int) { p.Errors = float64(max(0, 30-old)) })
	}, "unserved db.example:5432 20s", "Calls to db.example:5432 get no connection: 0.05 a second in the last minute."},
	{"refused because it is drained", func(p *page.Pool, s *page.Server) { p.State, s.Errors = "draining", 5 }, "draining ",
		"This pool is drained: nobody gets a connection any more, and it stays so until the program ends."},
	{"unserved until a moment ago", func(_ *page.Pool, s *page.Server) {
		s.Errors = 0.05
		s.History = points(func(p *page.Point, old int) { p.Errors = float64(min(old, 1)) })
	}, "", ""},
	{"was unserved", func(_ *page.Pool, s *page.Server) {
		s.History = points(func(p *page.Point, old int) { p.Errors = float64(max(0, old-70)) })
	}, "", ""},

	{"replica behind", func(p *page.Pool, _ *page.Server) {
		_, replica := cluster(p)
		lag := 61.0
		replica.Readable, replica.Why, replica.Lag, replica.Since = "no", "it is behind by more than pool_max_lag", &lag, ago(time.Minute)
	}, "replica_behind db2:5432 1m0s", "No reads go to db2:5432: it is behind by more than pool_max_lag; what it has is 1m1s old."},
	{"replica a little behind", func(p *page.Pool, _ *page.Server) {
		_, replica := cluster(p)
		lag := 61.0
		replica.Lag = &lag
	}, "", ""},
	{"replica cut off", func(p *page.Pool, _ *page.Server) {
		_, replica := cluster(p)
		replica.Readable, replica.Why, replica.Breaker = "no", "it is cut off by its breaker", page.Breaker{State: "open", Since: ago(time.Minute)}
	}, "breaker_open db2:5432 1m0s", "db2:5432 is cut off by its breaker, and being tried now."},

	{"resets refused", func(p *page.Pool, _ *page.Server) {
		p.Events = []page.Event{
			{Level: "warn", Kind: "reset", Message: "a session could not be made clean; its connection is closed", First: *ago(15 * time.Minute), Last: *ago(time.Minute), Count: 4},
		}
	}, "reset_refused  15m0s", "4 sessions could not be made clean, and lost their connections."},
	{"reset was refused", func(p *page.Pool, _ *page.Server) {
		p.Events = []page.Event{
			{Level: "warn", Kind: "reset", Message: "a session could not be made clean; its connection is closed", First: *ago(16 * time.Minute), Last: *ago(15 * time.Minute), Count: 4},
		}
	}, "", ""},

	{"an error was logged", func(p *page.Pool, _ *page.Server) {
		p.Events = []page.Event{{Level: "error", Kind: "panic", Message: "panic in the background", Endpoint: "db2", First: *ago(time.Minute), Last: now, Count: 2}}
	}, "logged  1m0s", "Panic in the background (db2)."},
	{"a warning was logged", func(p *page.Pool, _ *page.Server) {
		p.Events = []page.Event{{Level: "warn", Kind: "panic", Message: "panic in the background", First: now, Last: now, Count: 1}}
	}, "", ""},
	{"the breaker was open", func(p *page.Pool, _ *page.Server) {
		p.Events = []page.Event{{Level: "error", Kind: "breaker", Message: "the breaker is open", First: now, Last: now, Count: 1}}
	}, "", ""},
	{"an error was logged a while ago", func(p *page.Pool, _ *page.Server) {
		p.Events = []page.Event{{Level: "error", Kind: "panic", Message: "panic in the background", First: *ago(time.Hour), Last: *ago(15 * time.Minute), Count: 2}}
	}, "", ""},

	{"closed", func(p *page.Pool, _ *page.Server) { p.State = "closed" }, "closed ", "This pool is closed: its *sql.DB was closed."},
	{"draining", func(p *page.Pool, _ *page.Server) { p.State = "draining" }, "draining ",
		"This pool is drained: nobody gets a connection any more, and it stays so until the program ends."},
	{"no limit", func(_ *page.Pool, s *page.Server) { s.Max = 0 }, "no_limit ", "Nothing limits the server connections but SetMaxOpenConns, if that is set."},
}

// troubles are those of the JSON.
func troubles(t *testing.T, p page.Pool) (all []page.Trouble) {
	t.Helper()
	var answer struct{ Troubles []page.Trouble }
	require.NoError(t, json.NewDecoder(ask(t, show(p), http.MethodGet, "/?format=json").Body).Decode(&answer))
	return answer.Troubles
}

func TestWhatIsWrongIsFoundAndNothingElse(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := well()
			c.change(&p, &p.Servers[0])
			var got []string
			found := troubles(t, p)
			for _, trouble := range found {
				line := trouble.Name + " " + trouble.Endpoint
				if trouble.Since != nil {
					line += " " + now.Sub(*trouble.Since).String()
				}
				got = append(got, line)
			}
			assert.Equal(t, c.want, strings.Join(got, ", "))
			if c.want != "" {
				require.NotEmpty(t, found)
				assert.Equal(t, c.text, found[0].Text)
				assert.NotEmpty(t, found[0].Advice)
			}
		})
	}
}

// What is wrong has a link to where it stands in the docs what to do.
func TestTheLinksOfTroublesLeadToHeadings(t *testing.T) {
	names := map[string]bool{}
	for _, c := range cases {
		p := well()
		c.change(&p, &p.Servers[0])
		for _, trouble := range troubles(t, p) {
			names[trouble.Name] = true
			path, anchor, _ := strings.Cut(strings.TrimPrefix(trouble.Link, "https://github.com/gopooled/pooled/blob/main/docs/"), "#")
			text, err := os.ReadFile(filepath.Join("../../docs", path))
			require.NoError(t, err)
			assert.Contains(t, markdown.Anchors(string(text)), anchor, "%s links to %s", trouble.Name, trouble.Link)
		}
	}
	source, err := os.ReadFile("troubles.go")
	require.NoError(t, err)
	for _, rule := range regexp.MustCompile(`name: "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		assert.True(t, names[rule[1]], "no test has the trouble %s", rule[1])
	}
}
