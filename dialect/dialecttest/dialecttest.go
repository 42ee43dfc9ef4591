// Package dialecttest is the test that every dialect has to pass: what pooled relies on, tried through pooled on the real database.
//
//	import _ "example.com/my/dialect" // registers it, and the real driver
//
//	func TestTheDialect(t *testing.T) {
//		dialecttest.Run(t, dialecttest.Config{Driver: "mine", DSN: dsn, Look: ..., Traces: ..., Reads: ..., Writes: ...})
//	}
//
// The author gives tables of statements, and says of each what it does. The test looks whether the dialect sees it, and whether it is so: what a
// borrower leaves has to be gone for the next one, who is compared with a connection that was just dialled.
//
// What it is not: a proof. It knows the statements that it is given. A dialect needs tests of its own for the texts that are hard to read, and one with
// random sequences of statements.
package dialecttest

import (
	"context"
	"database/sql/driver"
	"testing"

	"github.com/gopooled/pooled/dialect"
)

// Secret is what stands in the literals and comments of [Config].Secrets, and is shown nowhere.
const Secret = "s3cret"

// Config is what the test needs to know of a family and a database. Fields that are not called optional must be there: a test without them would prove
// less than it seems to.
type Config struct {
	// Driver is the name of the real driver in database/sql, for which the dialect is registered.
	Driver string
	// DSN is the real driver's own, of a database that is there for the test. It is opened many times.
	DSN string
	// Password stands in DSN or in BadDSNs, and is shown nowhere. Optional, for families that have none.
	Password string
	// BadDSNs are some that Open refuses. Optional: some drivers take any text for a DSN.
	BadDSNs []string

	// Setup are statements that run once, before everything else, such as those that make tables. Optional.
	Setup []string
	// Look are queries that tell the state of a session, as far as they can. What they answer, rows or an error, is the same in every session that was just
	// dialled, so they leave out what is the connection's own, such as its number.
	Look []string
	// Data are queries that tell what is stored. Reads must not change what they answer.
	Data []string
	// Init is a statement that changes a session, for pool_init: sessions begin with it, and have it after a reset. Optional.
	Init string

	// Traces are what borrowers leave in a session.
	Traces []Trace
	// Clean are statements that leave nothing, and that the dialect must know to leave nothing. Reads count as well.
	Clean []string
	// Reads are statements that a replica could answer.
	Reads []string
	// Writes are statements that no replica may be sent. They run, in this order, so they have to succeed.
	Writes []string
	// Unknown are statements of which nobody can know what they leave. They do not run.
	Unknown []string
	// Secrets are texts that have [Secret] in a literal or a comment, in all ways in which the family can write these. Texts that any family knows are tried without being
	// named here. They do not run.
	Secrets []string
	// Mistakes are statements that the server refuses, and is well.
	Mistakes []string
	// Break ends a session as a server may do, and returns the error that the real driver gives the next call. An embedded database has no server: there it
	// closes the connection.
	Break func(ctx context.Context, real driver.Conn) error
	// Begin and Rollback are how a transaction is begun and ended by statement. Empty: "begin" and "rollback".
	Begin, Rollback string
}

// Trace is something that a borrower leaves.
type Trace struct {
	// Name is that of the subtest.
	Name string
	// SQL are the statements that leave it, one in each.
	SQL []string
	// Effects are what the dialect has to see in them, at least.
	Effects dialect.Effects
	// Probes are queries of which the answer, rows or an error, shows it, besides those of [Config].Look. Optional.
	Probes []string
	// Discards says that only a new connection is without it. False: the connection is kept.
	Discards bool
	// Hidden says that the server does not tell of it when it is asked for [dialect.Sessions].Leftovers, as of an open transaction.
	Hidden bool
}

// Run tries the dialect. Each check is a subtest.
func Run(t *testing.T, c Config) {
	t.Helper()
	if c.Begin == "" {
		c.Begin = "begin"
	}
	if c.Rollback == "" {
		c.Rollback = "rollback"
	}
	if problems := c.prepare(t.Context()); len(problems) > 0 {
		for _, p := range problems {
			t.Error(p)
		}
		return
	}
	for _, check := range checks(c) {
		t.Run(check.name, func(t *testing.T) {
			for _, p := range check.problems(t.Context(), c) {
				t.Error(p)
			}
		})
	}
}

// check is something that every dialect must hold.
type check struct {
	name string
	run  func(ctx context.Context, s *suite)
}

// problems runs a check, and tells what is wrong.
func (c check) problems(ctx context.Context, config Config) []string {
	s, err := newSuite(config)
	if err != nil {
		return []string{err.Error()}
	}
	c.run(ctx, s)
	s.isSafe("the log", s.log.String())
	return s.found
}

// checks lists all of them.
func checks(c Config) []check {
	all := []check{
		{"a server is opened, and shows no password", opening},
		{"a fresh session tells the same as another", fresh},
		{"what is clean leaves nothing", clean},
		{"reads read", reads},
		{"writes are no reads", writes},
		{"what is unknown is unknown", unknown},
		{"a comment tells where a statement runs", hints},
		{"an answer is never changed", answers},
		{"a mask shows no literal", masks},
		{"a summary is short", summaries},
		{"errors are told apart", mistakes},
		{"a connection that is dead is known to be", deaths},
		{"the state of a connection is not made up", states},
	}
	for _, t := range c.Traces {
		all = append(all,
			check{"seen: " + t.Name, func(ctx context.Context, s *suite) { seen(ctx, s, t) }},
			check{"undone: " + t.Name, func(ctx context.Context, s *suite) { undone(ctx, s, t) }},
			check{"not met: " + t.Name, func(ctx context.Context, s *suite) { notMet(ctx, s, t) }})
	}
	return all
}
