package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/middleware"
)

// witness counts what happens in a pool, by name.
type witness struct {
	mu     sync.Mutex
	counts map[string]int
}

func newWitness() *witness { return &witness{counts: map[string]int{}} }

func (w *witness) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[what]++
}

func (w *witness) count(what string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts[what]
}

func (w *witness) middleware() pooled.Middleware {
	return pooled.Middleware{
		Name: "witness",
		Connect: func(next middleware.ConnectFunc) middleware.ConnectFunc {
			return func(ctx context.Context, d *middleware.Dial) (driver.Conn, error) {
				conn, err := next(ctx, d)
				if err == nil {
					w.note("dial " + d.Endpoint.Name)
				}
				return conn, err
			}
		},
		Acquire: func(next middleware.AcquireFunc) middleware.AcquireFunc {
			return func(ctx context.Context, a *middleware.Acquisition) error {
				w.note("acquire " + a.Endpoint.Name)
				return next(ctx, a)
			}
		},
		Call: func(next middleware.CallFunc) middleware.CallFunc {
			return func(ctx context.Context, c *middleware.Call) error {
				w.note("call")
				return next(ctx, c)
			}
		},
		Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
			return func(r *middleware.Release) {
				w.note("release " + r.Conn.Endpoint().Name)
				next(r)
			}
		},
	}
}

// pool is the label that tells the connections to servers apart.
const pool = "db_client_connection_pool_name"

// scraper holds what a service tells Prometheus against what was counted.
type scraper struct {
	*testing.T
	url     string
	last    samples
	checked map[string]bool
	wrong   []string // in the last look
}

func newScraper(t *testing.T, url string) *scraper {
	return &scraper{T: t, url: url, checked: map[string]bool{}}
}

// Errorf notes what is wrong, which may be right at the next look.
func (s *scraper) Errorf(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// eventually scrapes and looks until nothing is wrong.
func (s *scraper) eventually(look func()) {
	s.Helper()
	eventually(s.T, func() []string {
		s.scrape()
		s.wrong = nil
		look()
		return s.wrong
	}, "these metrics are wrong")
}

func (s *scraper) scrape() {
	s.Helper()
	response, err := http.Get(s.url)
	require.NoError(s.T, err)
	defer response.Body.Close()
	s.last, err = readSamples(response.Body)
	require.NoError(s.T, err)
}

// value adds up the values of a metric with these labels, which are names and values by turns. A histogram's is how many there are.
func (s *scraper) value(name string, labels ...string) float64 {
	s.checked[name] = true
	if len(s.last.of(name+"_count")) > 0 {
		return s.last.sum(name+"_count", labels...)
	}
	return s.last.sum(name, labels...)
}

// is holds a value against what was counted.
func (s *scraper) is(want int, name string, labels ...string) {
	assert.InDelta(s, want, s.value(name, labels...), 0, "%s %v", name, labels)
}

// allAreChecked makes sure that nothing was scraped whose value was not checked.
func (s *scraper) allAreChecked() {
	s.Helper()
	scraped := map[string]bool{}
	for _, name := range s.last.names() {
		if isOurs(name) {
			scraped[familyOf(name)] = true
		}
	}
	assert.Equal(s.T, slices.Sorted(maps.Keys(s.checked)), slices.Sorted(maps.Keys(scraped)))
}

// askServer asks a server over a connection of its own.
func askServer(t *testing.T, node *testserver.Node, query string) (n int) {
	t.Helper()
	db, err := sql.Open("pgx", node.DSN())
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}
