package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience is how long the shop may take until it has something to show. Leaks are reported every ten seconds at most.
const patience = 90 * time.Second

func TestTheShopHasSomethingToShowInEveryPanel(t *testing.T) {
	t.Parallel()
	s := startShop(t)
	panels, err := panels()
	require.NoError(t, err)

	page := string(s.get(t, "/"))
	for _, p := range panels {
		assert.Contains(t, page, ">"+p.Title+"</h")
	}
	eventually(t, func() []string {
		if strings.Contains(string(s.get(t, "/pool")), "(*shop)") {
			return nil
		}
		return []string{"(*shop)"}
	}, "the page of the pool does not tell who holds connections")

	seen := s.scrapeUntilAllHasMoved(t)
	used := map[string]bool{}
	for _, p := range panels {
		for _, target := range p.Targets {
			requireKnown(t, seen, target.Expr, used)
		}
	}
	for _, name := range seen.names() {
		if family := familyOf(name); isOurs(name) && !slices.Contains(limits, family) {
			assert.True(t, used[family], "no panel shows %s", name)
		}
	}
	require.False(t, t.Failed(), "what does not exist has no figures either")

	answered := map[string]bool{}
	eventually(t, func() (empty []string) {
		for _, p := range panels {
			for _, target := range p.Targets {
				answered[target.Expr] = answered[target.Expr] || s.hasValue(t, target.Expr)
				if !answered[target.Expr] {
					empty = append(empty, p.Title+": "+target.Expr)
				}
			}
		}
		return empty
	}, "Prometheus has no figures for these panels")
	s.requireRules(t, seen)
	s.stop(t)
}

// never are the metrics of what the shop does not do: no goroutine of it takes a second connection.
var never = []string{"pooled_connection_nested_total", "pooled_connection_deadlocks_total"}

// scrapeUntilAllHasMoved returns all that was scraped until each metric had told something. What goes up and down may do so at another time than the rest.
func (s *running) scrapeUntilAllHasMoved(t *testing.T) (seen samples) {
	t.Helper()
	moved := map[string]bool{}
	eventually(t, func() (missing []string) {
		now := s.scrape(t)
		seen = append(seen, now...)
		for _, name := range now.names() {
			moved[name] = moved[name] || now.sum(name) > 0
		}
		for _, name := range slices.Concat(now.names(), sometimes) {
			if isOurs(name) && !strings.HasSuffix(name, "_bucket") && !slices.Contains(never, name) && !moved[name] {
				missing = append(missing, name)
			}
		}
		return missing
	}, "these metrics have not moved")
	return seen
}

// sometimes are metrics that are scraped only when, or if, there is something to tell.
var sometimes = []string{
	"db_client_connection_timeouts_total", "pooled_breaker_status", "pooled_endpoint_status", "pooled_replication_lag_seconds", "pooled_route_decisions_total",
	"pooled_session_effects_total",
}

// limits are metrics that never change, and that no panel shows: the DSN has them.
var limits = []string{"db_client_connection_idle_min", "db_client_connection_idle_max"}

// requireRules asks Prometheus whether it evaluates all alert rules, on metrics that exist, and waits until the leaks have woken one.
func (s *running) requireRules(t *testing.T, all samples) {
	t.Helper()
	type rule struct{ Name, Query, Health, LastError, State string }
	eventually(t, func() []string {
		var answer struct{ Groups []struct{ Rules []rule } }
		s.ask(t, "/api/v1/rules?type=alert", &answer)
		n := 0
		for _, group := range answer.Groups {
			for _, r := range group.Rules {
				n++
				require.Empty(t, r.LastError, r.Name)
				requireKnown(t, all, r.Query, map[string]bool{})
				if r.Name == "PooledLeak" && r.State == "pending" {
					return nil
				}
			}
		}
		require.NotZero(t, n, "Prometheus has not loaded the rules")
		return []string{"PooledLeak"}
	}, "these alerts are not pending")
}

func TestWithoutPrometheusTheProgramSaysHowToInstallIt(t *testing.T) {
	t.Setenv("PATH", "")
	p, err := startPrometheus(t.Context(), "127.0.0.1:1")
	require.NoError(t, err)
	defer p.stop()
	var out bytes.Buffer
	introduce(&out, "127.0.0.1:8080", p)
	assert.Contains(t, out.String(), "scripts/test-servers.sh install pg15 prometheus")
	assert.NotContains(t, out.String(), "http://127.0.0.1:8080/\n")
	assert.Contains(t, out.String(), "http://127.0.0.1:8080/metrics")

	site := http.NewServeMux()
	require.NoError(t, addPage(site, p))
	recorder := httptest.NewRecorder()
	site.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	assert.Equal(t, http.StatusNotFound, recorder.Code)
}

func TestAnAddressThatIsTakenIsAnErrorThatSaysWhatToDo(t *testing.T) {
	taken := httptest.NewServer(http.NotFoundHandler())
	defer taken.Close()
	err := run(t.Context(), strings.TrimPrefix(taken.URL, "http://"), 0, io.Discard)
	require.ErrorContains(t, err, "-listen takes another address")
}

func TestTheProgramEndsWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), "127.0.0.1:0", time.Millisecond, &out))
	assert.Contains(t, out.String(), "who holds connections")
}

// running is the program.
type running struct {
	url, prometheus string
	cancel          context.CancelFunc
	ended           chan struct{}
	err             error // when it has ended
}

// startShop runs the program until it has told where to look.
func startShop(t *testing.T) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &running{cancel: cancel, ended: make(chan struct{})}
	told, out := io.Pipe()
	go func() {
		defer close(s.ended)
		s.err = run(ctx, "127.0.0.1:0", 0, out)
		out.Close()
	}()
	t.Cleanup(func() {
		cancel()
		told.Close()
		<-s.ended
	})
	var text []string
	for lines := bufio.NewScanner(told); lines.Scan(); {
		text = append(text, lines.Text())
		fields := strings.Fields(lines.Text())
		switch {
		case strings.Contains(lines.Text(), "the dashboard's panels"):
			s.url = strings.TrimSuffix(fields[len(fields)-1], "/")
		case strings.Contains(lines.Text(), "Prometheus, with alerts"):
			s.prometheus = strings.TrimSuffix(fields[len(fields)-1], "/alerts")
		case strings.Contains(lines.Text(), "who holds connections"):
			require.NotEmpty(t, s.url, "%s\nprometheus is missing: %s", strings.Join(text, "\n"), installHint)
			return s
		}
	}
	<-s.ended
	require.NoError(t, s.err)
	t.Fatalf("the program told only: %q", text)
	return nil
}

// stop ends the program as Ctrl-C does. Nothing of it is left.
func (s *running) stop(t *testing.T) {
	t.Helper()
	s.cancel()
	<-s.ended
	require.NoError(t, s.err)
	for _, address := range []string{s.url, s.prometheus} {
		_, err := http.Get(address + "/metrics") //nolint:bodyclose // there is none
		assert.ErrorContains(t, err, "refused")
	}
}

func (s *running) get(t *testing.T, path string) []byte {
	t.Helper()
	response, err := http.Get(s.url + path)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s: %s", path, text)
	return text
}

func (s *running) scrape(t *testing.T) samples {
	t.Helper()
	all, err := readSamples(bytes.NewReader(s.get(t, "/metrics")))
	require.NoError(t, err)
	return all
}

// ask asks Prometheus, as the page does.
func (s *running) ask(t *testing.T, path string, data any) {
	t.Helper()
	answer := struct {
		Status string
		Data   any
	}{Data: data}
	require.NoError(t, json.Unmarshal(s.get(t, path), &answer))
	require.Equal(t, "success", answer.Status)
}

// hasValue reports whether an expression has a value now that is a number.
func (s *running) hasValue(t *testing.T, expr string) bool {
	t.Helper()
	var answer struct{ Result []struct{ Value [2]any } }
	s.ask(t, "/api/v1/query?query="+url.QueryEscape(expr), &answer)
	for _, r := range answer.Result {
		value, err := strconv.ParseFloat(r.Value[1].(string), 64)
		require.NoError(t, err)
		if !math.IsNaN(value) {
			return true
		}
	}
	return false
}

// eventually asks until nothing is missing any more.
func eventually(t *testing.T, missing func() []string, what string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		left := missing()
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s:\n%s", what, strings.Join(left, "\n"))
		}
		time.Sleep(200 * time.Millisecond)
	}
}
