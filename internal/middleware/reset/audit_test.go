package reset_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/middleware/reset"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
)

// auditOneIn sets pool_reset_audit.
func auditOneIn(n int) func(*reset.Options, *policy.Pool) {
	return func(o *reset.Options, _ *policy.Pool) { o.Policy.Audit = n }
}

func TestAuditReportsWhatAResetForgotAndDiscards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{left: map[string]string{"setting a": "1", "setting b": "1"}}
		p := open(t, s, auditOneIn(2))
		p.borrow(t, "set")
		synctest.Wait()
		assert.Equal(t, "fresh, leftovers, reset setting", s.seen(), "one reset in two is audited")
		p.borrow(t, "set")
		synctest.Wait()
		assert.Zero(t, p.reset.Stats().AuditFailures)
		s.set(func() { s.left = map[string]string{"setting b": "secret", "role": "admin"} })
		p.borrow(t, "set")
		synctest.Wait()
		p.borrow(t, "set")
		synctest.Wait()
		assert.EqualValues(t, 1, p.reset.Stats().AuditFailures)
		assert.Equal(t, stats.Discards{Unclean: 1}, p.reset.Stats().Discards)
		assert.Zero(t, p.stats().Open)
		assert.Contains(t, p.log.String(), `leftovers="[role setting a setting b]"`)
		assert.NotContains(t, p.log.String(), "secret")
	})
}

func TestAuditReportsSessionsThatWereWronglyJudgedClean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{left: map[string]string{"setting a": "1"}}
		p := open(t, s, auditOneIn(3))
		read := func() {
			p.borrow(t, "read")
			synctest.Wait()
		}
		read()
		read()
		assert.Equal(t, "fresh, leftovers", s.seen())
		read()
		assert.Equal(t, "fresh, leftovers, leftovers", s.seen(), "one clean session in three is audited")
		assert.Zero(t, p.reset.Stats().AuditFailures)
		s.set(func() { s.left = map[string]string{"setting a": "secret"} })
		read()
		read()
		assert.Equal(t, 1, p.stats().Idle)
		read()
		assert.Equal(t, &stats.Reset{Clean: 6, ByEffect: map[string]uint64{}, AuditFailures: 1, Discards: stats.Discards{Unclean: 1}}, p.reset.Stats())
		assert.Zero(t, p.stats().Open)
		assert.Contains(t, p.log.String(), "level=ERROR")
		assert.Contains(t, p.log.String(), "judged clean")
		assert.Contains(t, p.log.String(), `leftovers="[setting a]"`)
		assert.NotContains(t, p.log.String(), "secret")
	})
}

func TestResetsAndCleanSessionsTakeTurnsOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{}
		p := open(t, s, auditOneIn(2))
		for _, text := range []string{"set", "read", "set", "read"} {
			p.borrow(t, text)
			synctest.Wait()
		}
		assert.Equal(t, "fresh, leftovers, reset setting, reset setting, leftovers, leftovers", s.seen())
	})
}

func TestNobodyWaitsForTheAuditOfACleanSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{}
		p := open(t, s, auditOneIn(1))
		p.borrow(t, "read")
		synctest.Wait()
		s.set(func() { s.asked = func(ctx context.Context) { <-ctx.Done() } })
		p.borrow(t, "read") // which returns
		synctest.Wait()
		assert.Zero(t, p.stats().Idle)
		s.set(func() { s.asked = nil })
		p.borrow(t, "read")
		synctest.Wait()
		assert.EqualValues(t, 2, p.stats().Dials)
		assert.Equal(t, 1, p.stats().Idle)
	})
}

func TestCloseEndsAnAuditAndWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{}
		p := open(t, s, auditOneIn(1))
		p.borrow(t, "read")
		synctest.Wait()
		s.set(func() {
			s.asked = func(ctx context.Context) { <-ctx.Done() }
			s.leftErr = context.Canceled
		})
		p.borrow(t, "read")
		synctest.Wait()
		require.NoError(t, p.Close())
		assert.Zero(t, p.stats().Open)
		assert.Zero(t, p.reset.Stats().Discards, "nobody discarded it")
		assert.Empty(t, p.log.String())
	})
}

func TestCleanSessionGivenBackAfterCloseIsNotAudited(t *testing.T) {
	s := &sessions{}
	p := open(t, s, auditOneIn(1))
	conn, err := p.Conn(t.Context())
	require.NoError(t, err)
	require.NoError(t, conn.PingContext(t.Context()))
	require.NoError(t, p.Close())
	require.NoError(t, conn.Close())
	assert.Equal(t, "fresh, leftovers", s.seen())
	assert.Zero(t, p.stats().Open)
}

// What was left on purpose is no finding.
func TestAuditUndoesTheNumbersOfSequencesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{}
		p := open(t, s, auditOneIn(2))
		p.borrow(t, "insert")
		synctest.Wait()
		p.borrow(t, "read")
		synctest.Wait()
		assert.Equal(t, "fresh, leftovers, reset sequence, leftovers", s.seen())
		p.borrow(t, "lastval")
		synctest.Wait()
		assert.Equal(t, "fresh, leftovers, reset sequence, leftovers", s.seen(), "nothing is left to those who could see it")
		assert.Equal(t, 1, p.stats().Idle)
		assert.Equal(t, &stats.Reset{Clean: 3, ByEffect: map[string]uint64{}}, p.reset.Stats())
	})
}

func TestSessionThatTheCatalogueProvesCleanIsAuditedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{stale: true, provisional: true}
		p := open(t, s, auditOneIn(1))
		conn, err := p.Conn(t.Context())
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), "read")
		require.NoError(t, err)
		s.set(func() { s.left = map[string]string{"setting a": "1"} })
		require.NoError(t, conn.Close())
		synctest.Wait()
		assert.Equal(t, "fresh, leftovers, learn, leftovers", s.seen())
		assert.Contains(t, p.log.String(), "judged clean")
	})
}

func TestSessionThatCannotBeAuditedCostsItsConnection(t *testing.T) {
	for text, calls := range map[string]string{"read": "fresh, leftovers, leftovers", "set": "fresh, leftovers, reset setting, leftovers"} {
		synctest.Test(t, func(t *testing.T) {
			s := &sessions{}
			p := open(t, s, auditOneIn(1))
			require.NoError(t, p.PingContext(t.Context()))
			synctest.Wait()
			s.set(func() { s.calls, s.leftErr = s.calls[:2], errors.New("too busy") })
			p.borrow(t, text)
			synctest.Wait()
			assert.Equal(t, calls, s.seen())
			assert.Zero(t, p.stats().Open)
			assert.Equal(t, stats.Discards{Failed: 1}, p.reset.Stats().Discards)
			assert.Zero(t, p.reset.Stats().AuditFailures)
			assert.Equal(t, 1, strings.Count(p.log.String(), "too busy"))
		})
	}
}

// Somebody else's session behind a proxy tells nothing of this one.
func TestCleanSessionBehindAProxyIsNotAudited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{}
		p := open(t, s, auditOneIn(1))
		held, err := p.Conn(t.Context())
		require.NoError(t, err)
		require.NoError(t, held.PingContext(t.Context()))
		s.set(func() { s.proxied = true }) // behind one address there may be both
		p.borrow(t, "read")
		synctest.Wait()
		assert.Equal(t, "fresh, leftovers", s.seen())
		assert.Equal(t, 1, p.stats().Idle)
		require.NoError(t, held.Close())
	})
}

// A server may give new sessions something else than those that were dialled before.
func TestConnectionIsNotComparedWithOneOfAnotherKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{left: map[string]string{"setting a": "1"}}
		p := open(t, s, auditOneIn(1))
		old, err := p.Conn(t.Context())
		require.NoError(t, err)
		require.NoError(t, old.PingContext(t.Context()))
		time.Sleep(time.Second)
		s.set(func() {
			s.left = map[string]string{"setting a": "2"}
			s.resets = func(context.Context) error { return dialect.ErrOutdated }
		})
		p.borrow(t, "set")
		synctest.Wait()
		p.borrow(t, "read") // and is the one that others are compared with
		synctest.Wait()
		s.set(func() { s.left = map[string]string{"setting a": "1"} })
		require.NoError(t, old.Close())
		synctest.Wait()
		assert.Zero(t, p.reset.Stats().AuditFailures, p.log)
		assert.Equal(t, 2, p.stats().Idle)
	})
}

func TestAuditThatCannotBeginDoesNotCostTheDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{leftErr: errors.New("permission denied")}
		p := open(t, s, auditOneIn(1))
		p.borrow(t, "read")
		synctest.Wait()
		assert.Equal(t, 1, p.stats().Idle)
		assert.Contains(t, p.log.String(), "permission denied")
	})
}
