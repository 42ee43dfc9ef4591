package schema_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

var (
	schemaSteps    = flag.Int("schema-steps", 150, "how many random borrowers meet random schemas on each server")
	schemaSeed     = flag.Uint64("schema-seed", 0, "the seed of the first round of them; the next ones have the next seeds")
	schemaFailures = flag.Int("schema-failures", 1, "how many rounds may fail on a server before its test ends")
)

// A random schema hides changes of the session: a default calls a function that reads a view that sets a variable. Whatever a borrower
// runs against it, the next one finds what a connection finds that was just dialled.
//
// A round is a pool and up to three schemas, one after the other, whose objects have the same names. An act of it is either what a bare
// connection defines, with which the pool is opened anew, or what one borrower does, which may define as well.

// schemaCall is one statement, and how it is sent.
type schemaCall struct{ way, text string }

// schemaAct is what one connection does.
type schemaAct struct {
	bare  bool // it is no borrower's
	looks bool // the borrower looks at what is left in the session before it is given back
	adds  bool // the borrower adds definitions
	calls []schemaCall
}

func (a schemaAct) String() string {
	var b strings.Builder
	if a.bare {
		b.WriteString("a bare connection, then a new pool:\n")
	} else {
		fmt.Fprintf(&b, "a borrower (looks: %t):\n", a.looks)
	}
	for _, c := range a.calls {
		fmt.Fprintf(&b, "    %-8s %s\n", c.way, c.text)
	}
	return b.String()
}

// schemaUser is somebody who opens the pool.
type schemaUser struct {
	name    string
	dsn     string
	definer string // the DSN of who defines by a bare connection
	defines bool   // the user may do that as well
}

// schemaServer is a server with a database of its own.
type schemaServer struct {
	driver string
	users  []schemaUser
	clear  func(t *testing.T) // drops all that was defined
	own    []string           // queries that show what is left in a session
	state  []string           // queries besides those, by which the next borrower looks
	round  func(random *rand.Rand, user schemaUser) []schemaAct
	errors map[string]int // of definitions, by code and first words
}

// schemaTally counts borrowers.
type schemaTally struct {
	steps, clean               int // all, and those whose session was judged clean
	looked, left               int // those who looked, and who found something
	nothing, nothingClean      int // those who found nothing and added no definitions, and of those whose session was judged clean
	definitions, badDefinition int // by bare connections, and those that were refused
}

func (a schemaTally) String() string {
	share := func(n, of int) string {
		return fmt.Sprintf("%d of %d (%.1f %%)", n, of, 100*float64(n)/float64(max(of, 1)))
	}
	return fmt.Sprintf("%d borrowers, %s judged clean; of those who looked, %s left something; of those who left nothing, %s judged clean; %s definitions refused",
		a.steps, share(a.clean, a.steps), share(a.left, a.looked), share(a.nothingClean, a.nothing), share(a.badDefinition, a.definitions))
}

// schemaFailure is the first borrower who found something.
type schemaFailure struct {
	act         int // which left it
	differences []string
}

func testResetSchemas(t *testing.T, s *schemaServer) {
	var tally schemaTally
	failures, seed, logged := 0, *schemaSeed, 10_000
	for ; tally.steps < *schemaSteps; seed++ {
		random := rand.New(rand.NewPCG(seed, 3))
		user := s.users[random.IntN(len(s.users))]
		acts := s.round(random, user)
		if failed := s.run(t, user, acts, &tally); failed != nil {
			few := s.shrink(t, user, acts[:failed.act+1])
			t.Errorf("-schema-seed=%d, %s:\n%s\nThese acts are enough:\n%s\nAll acts until then:\n%s",
				seed, user.name, strings.Join(failed.differences, "\n"), showActs(few), showActs(acts[:failed.act+1]))
			if failures++; failures >= *schemaFailures {
				t.Log(tally)
				return
			}
		}
		if tally.steps >= logged {
			t.Logf("seed %d: %s", seed, tally)
			logged += 10_000
		}
	}
	t.Logf("seeds %d to %d: %s", *schemaSeed, seed-1, tally)
	for what, n := range s.errors {
		if n > 5 && testing.Verbose() {
			t.Logf("refused %d times: %s", n, what)
		}
	}
	if *schemaSteps >= 150 {
		assert.Greater(t, tally.left*20, tally.looked, "too few borrowers leave something")
		assert.Greater(t, tally.nothingClean*20, tally.nothing, "too few sessions are judged clean")
	}
}

func showActs(acts []schemaAct) string {
	var b strings.Builder
	for _, a := range acts {
		b.WriteString(a.String())
	}
	return b.String()
}

// run plays a round on an empty database. Errors of statements are part of it.
func (s *schemaServer) run(t *testing.T, user schemaUser, acts []schemaAct, tally *schemaTally) *schemaFailure {
	t.Helper()
	s.clear(t)
	bare, err := sql.Open(s.driver, user.dsn)
	require.NoError(t, err)
	defer bare.Close()
	bare.SetMaxIdleConns(0) // a new connection each time
	var db *sql.DB
	var connector *pooled.Connector
	closePool := func() {
		if db != nil {
			assert.NoError(t, db.Close())
		}
	}
	defer func() { closePool() }()
	openPool := func() {
		cfg := pooled.NewConfig()
		cfg.DriverName, cfg.DSN, cfg.Pool.MaxConns = s.driver, user.dsn, 1
		connector, err = pooled.NewConnector(cfg)
		require.NoError(t, err)
		db = sql.OpenDB(connector)
		var one int
		require.NoError(t, db.QueryRowContext(t.Context(), "select 1").Scan(&one)) // the catalogue is read after it
	}
	var want map[string]string
	for i, a := range acts {
		if a.bare {
			closePool()
			s.define(t, user, a.calls, tally)
			openPool()
			want = nil
			continue
		}
		if db == nil {
			openPool()
		}
		if want == nil {
			want = s.see(t, bare, s.own, s.state)
		}
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		before := connector.Stats().Endpoints[0].Reset
		for _, c := range a.calls {
			_ = c.run(t.Context(), conn)
		}
		var found []string
		if a.looks {
			found = s.found(t, want, bare, seeOn(t.Context(), conn, s.own))
		}
		_ = conn.Close() // may be closed already
		next, err := db.Conn(t.Context())
		require.NoError(t, err)
		clean := connector.Stats().Endpoints[0].Reset.Clean > before.Clean
		got := seeOn(t.Context(), next, s.own, s.state)
		require.NoError(t, next.Close())
		tally.count(a, clean, len(found) > 0)
		if len(resettest.Differences(want, got)) > 0 { // or the borrower has changed what every new connection sees
			want = s.see(t, bare, s.own, s.state)
		}
		if d := resettest.Differences(want, got); len(d) > 0 {
			return &schemaFailure{i, d}
		}
	}
	return nil
}

func (a *schemaTally) count(act schemaAct, clean, left bool) {
	one := func(is bool) int {
		if is {
			return 1
		}
		return 0
	}
	a.steps++
	a.clean += one(clean)
	a.looked += one(act.looks)
	a.left += one(act.looks && left)
	a.nothing += one(act.looks && !left && !act.adds)
	a.nothingClean += one(act.looks && !left && !act.adds && clean)
}

// found is what differs in a borrower's own session from a fresh one.
func (s *schemaServer) found(t *testing.T, want map[string]string, bare *sql.DB, got map[string]string) []string {
	t.Helper()
	own := maps.Clone(want)
	maps.DeleteFunc(own, func(name, _ string) bool { return strings.HasPrefix(name, "then ") })
	if len(resettest.Differences(own, got)) == 0 {
		return nil
	}
	return resettest.Differences(s.see(t, bare, s.own), got)
}

// see asks a connection of its own.
func (s *schemaServer) see(t *testing.T, db *sql.DB, queries ...[]string) map[string]string {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	return seeOn(t.Context(), conn, queries...)
}

// seeOn takes the first column of a row for a name. Those of the second list of queries are marked.
func seeOn(ctx context.Context, conn *sql.Conn, lists ...[]string) map[string]string {
	state := map[string]string{}
	for i, queries := range lists {
		for j, query := range queries {
			for line := range strings.SplitSeq(realtest.Outcome(ctx, conn, query), "\n") {
				name, value, _ := strings.Cut(line, " ")
				state[[]string{"", "then "}[i]+fmt.Sprintf("query %d, %s", j, name)] = value
			}
		}
	}
	return state
}

// define runs definitions on one bare connection, which is closed then. Some are refused.
func (s *schemaServer) define(t *testing.T, user schemaUser, calls []schemaCall, tally *schemaTally) {
	t.Helper()
	db, err := sql.Open(s.driver, user.definer)
	require.NoError(t, err)
	defer db.Close()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	for _, c := range calls {
		tally.definitions++
		if _, err := conn.ExecContext(t.Context(), c.text); err != nil {
			tally.badDefinition++
			s.errors[err.Error()+": "+c.text[:min(len(c.text), 60)]]++
		}
	}
}

// run sends the statement. What becomes of it is not told: it may well be refused.
func (c schemaCall) run(ctx context.Context, conn *sql.Conn) error {
	switch c.way {
	case "query":
		rows, err := conn.QueryContext(ctx, c.text)
		if err != nil {
			return err
		}
		return realtest.Drain(rows)
	case "prepared":
		return realtest.QueryPrepared(ctx, conn, c.text)
	case "commit", "rollback":
		tx, err := conn.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, c.text)
		if err != nil || c.way == "rollback" {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	case "several":
		_, err := conn.ExecContext(ctx, "select 1; "+c.text)
		return err
	}
	_, err := conn.ExecContext(ctx, c.text)
	return err
}

// shrinkTrials is how many rounds are tried to find a smaller one that fails.
const shrinkTrials = 250

// shrink leaves out what a failure does not need.
func (s *schemaServer) shrink(t *testing.T, user schemaUser, acts []schemaAct) []schemaAct {
	t.Helper()
	trials := 0
	fails := func(acts []schemaAct) bool {
		trials++
		return trials <= shrinkTrials && s.run(t, user, acts, &schemaTally{}) != nil
	}
	plain := slices.Clone(acts)
	for i := range plain {
		plain[i].looks, plain[i].calls = false, slices.Clone(plain[i].calls)
		for j := range plain[i].calls {
			plain[i].calls[j].way = "exec"
		}
	}
	if fails(plain) {
		acts = plain
	}
	for size := callsOf(acts) / 2; size > 0; {
		shorter := false
		for from := callsOf(acts) - size; from > -size; from -= size {
			if fewer := without(acts, from, from+size); fails(fewer) {
				acts, shorter = fewer, true
			}
		}
		if size = min(size, callsOf(acts)); !shorter || size > 1 {
			size /= 2
		}
	}
	return acts
}

func callsOf(acts []schemaAct) (n int) {
	for _, a := range acts {
		n += len(a.calls)
	}
	return n
}

// without leaves out the calls of these numbers, counted over all acts, and acts that have none then.
func without(acts []schemaAct, from, to int) (fewer []schemaAct) {
	n := 0
	for _, a := range acts {
		var calls []schemaCall
		for _, c := range a.calls {
			if n < from || n >= to {
				calls = append(calls, c)
			}
			n++
		}
		if a.calls = calls; len(calls) > 0 {
			fewer = append(fewer, a)
		}
	}
	return fewer
}

// schemaWriter makes up a schema and statements against it.
type schemaWriter interface {
	// schema are the definitions of a new schema, after a clean-up if the old one is there.
	schema(again bool) []string
	// more are definitions that are added to the schema.
	more() []string
	// statements are what a borrower does.
	statements() []string
}

// randomRound composes a round.
func randomRound(random *rand.Rand, user schemaUser, ways []string, w schemaWriter) (acts []schemaAct) {
	way := func(ways ...string) string { return ways[random.IntN(len(ways))] }
	sent := func(texts []string, ways ...string) (calls []schemaCall) {
		for _, text := range texts {
			calls = append(calls, schemaCall{way(ways...), text})
		}
		return calls
	}
	for i := range 1 + random.IntN(3) {
		definitions := w.schema(i > 0)
		var first []schemaCall // by the borrower who runs a statement as well
		switch n := random.IntN(6); {
		case !user.defines || n < 2:
			acts = append(acts, schemaAct{bare: true, calls: sent(definitions, "exec")})
		case n < 5:
			acts = append(acts, schemaAct{adds: true, calls: sent(definitions, way("exec", "commit"))})
		default:
			first = sent(definitions, "exec")
		}
		for range 8 + random.IntN(10) {
			if user.defines && random.IntN(6) == 0 {
				if more := sent(w.more(), way("exec", "commit")); random.IntN(2) == 0 {
					acts = append(acts, schemaAct{adds: true, looks: random.IntN(2) == 0, calls: more})
				} else {
					first = append(first, more...)
				}
			}
			calls := slices.Concat(first, sent(w.statements(), ways...))
			acts, first = append(acts, schemaAct{adds: len(first) > 0, looks: random.IntN(2) == 0, calls: calls}), nil
		}
	}
	return acts
}
