package reset_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/internal/middleware/reset"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
)

// atDial has connections asked when they are dialled.
func atDial(o *reset.Options, _ *policy.Pool) { o.AtDial = true }

// noteExecs has the sessions note what the callers send.
func (p pool) noteExecs(s *sessions) {
	p.driver.Hook(faultdriver.Exec, func(_ context.Context, call faultdriver.Call) faultdriver.Outcome {
		s.note("exec " + call.Text)
		return faultdriver.Outcome{}
	})
}

func TestCallerOfAFirstStatementWaitsForNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		s := &sessions{stale: true, provisional: true, asksBaseline: func(context.Context) { <-end }}
		p := open(t, s, nil)
		p.noteExecs(s)
		p.borrow(t, "read") // which returns
		synctest.Wait()
		assert.Equal(t, "exec read, learn, fresh", s.seen())
		assert.Zero(t, p.stats().Idle)
		close(end)
		synctest.Wait()
		assert.Equal(t, 1, p.stats().Idle)
	})
}

func TestConnectionIsAskedBeforeAStatementThatWillChangeItsSession(t *testing.T) {
	for name, before := range map[string][]string{"at once": nil, "after others": {"read", "insert", "begin"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sessions{needsBaseline: true}
				p := open(t, s, nil)
				for _, text := range before {
					p.borrow(t, text)
					synctest.Wait()
				}
				s.set(func() { s.calls = nil })
				p.noteExecs(s)
				p.borrow(t, "set")
				synctest.Wait()
				p.borrow(t, "set")
				synctest.Wait()
				assert.Equal(t, "fresh, exec set, reset setting, exec set, reset setting", s.seen())
				assert.Equal(t, 1, p.stats().Idle)
				assert.Zero(t, p.reset.Stats().Discards)
			})
		})
	}
}

// What the session had when it was dialled is not known any more, or cannot be asked.
func TestConnectionThatWasChangedUnaskedIsClosedAndTheNextIsAskedWhenItIsDialled(t *testing.T) {
	for name, use := range map[string]func(t *testing.T, s *sessions, p pool){
		"by what the catalogue knows": func(t *testing.T, s *sessions, p pool) {
			s.set(func() { s.stale, s.provisional = true, true })
			p.borrow(t, "set")
		},
		"behind another statement": func(t *testing.T, _ *sessions, p pool) { p.borrow(t, "read", "set") },
		"in a transaction": func(t *testing.T, _ *sessions, p pool) {
			tx, err := p.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_, err = tx.ExecContext(t.Context(), "set")
			require.NoError(t, err)
			require.NoError(t, tx.Commit())
		},
		"behind the driver's back": func(t *testing.T, _ *sessions, p pool) {
			conn, err := p.Conn(t.Context())
			require.NoError(t, err)
			require.NoError(t, conn.PingContext(t.Context()))
			require.NoError(t, pooled.Raw(t.Context(), conn, func(driver.Conn) error { return nil }))
			require.NoError(t, conn.Close())
		},
		"before others were dialled": func(t *testing.T, _ *sessions, p pool) {
			p.borrow(t, "read")
			p.reset.Renew()
			p.borrow(t, "set")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sessions{needsBaseline: true}
				p := open(t, s, nil)
				use(t, s, p)
				synctest.Wait()
				assert.NotContains(t, s.seen(), "fresh")
				assert.Equal(t, stats.Discards{Permanent: 1}, p.reset.Stats().Discards)
				s.set(func() { s.calls = nil })
				p.noteExecs(s)
				p.borrow(t, "read")
				p.borrow(t, "read", "set")
				synctest.Wait()
				assert.Equal(t, "fresh, exec read, exec read, exec set, reset setting", s.seen())
				assert.Equal(t, 1, p.stats().Idle)
				assert.Empty(t, p.log.String())
			})
		})
	}
}

func TestDialThatBeganBeforeOthersWereDialledIsNotAsked(t *testing.T) {
	for name, change := range map[string]func(*reset.Options, *policy.Pool){"when it is dialled": atDial, "later": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sessions{needsBaseline: true}
				p := open(t, s, change)
				p.driver.Hook(faultdriver.Connect, func(context.Context, faultdriver.Call) faultdriver.Outcome {
					if p.stats().Dials == 1 {
						p.reset.Renew()
					}
					return faultdriver.Outcome{}
				})
				p.borrow(t, "set")
				synctest.Wait()
				if change == nil {
					assert.NotContains(t, s.seen(), "fresh")
					assert.Zero(t, p.stats().Open)
				}
				s.set(func() { s.calls = nil })
				require.NoError(t, p.connector.Evict(""))
				p.borrow(t, "set")
				assert.Contains(t, s.seen(), "fresh")
			})
		})
	}
}

// Whether it has changed its session is not known before Baseline has told, which has to say so.
func TestStatementThatAwaitsAFreshSessionIsJudgedWhenItHasTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{needsBaseline: true}
		p := open(t, s, nil)
		p.borrow(t, "create")
		synctest.Wait()
		assert.Equal(t, "learn, fresh for those who await it", s.seen())
		assert.Equal(t, 1, p.stats().Idle)
		p.borrow(t, "create")
		synctest.Wait()
		assert.Equal(t, "learn, fresh for those who await it", s.seen())
		assert.Equal(t, 1, p.stats().Idle)
	})
}

func TestSessionThatMayHaveBeenChangedByWhatAwaitsAFreshOneIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{needsBaseline: true, baselineErr: dialect.ErrUsed}
		p := open(t, s, nil)
		p.borrow(t, "create")
		synctest.Wait()
		assert.Equal(t, "learn, fresh for those who await it, reset unknown", s.seen())
		assert.Zero(t, p.stats().Open)
		s.set(func() { s.calls, s.baselineErr = nil, nil })
		p.borrow(t, "create")
		synctest.Wait()
		assert.Equal(t, "fresh", s.seen(), "the next one is asked when it is dialled")
		assert.Equal(t, 1, p.stats().Idle)
		assert.Empty(t, p.log.String())
	})
}

func TestConnectionThatDiesWhenItIsAskedBehindAStatementIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{stale: true, provisional: true, baselineErr: driver.ErrBadConn}
		p := open(t, s, nil)
		p.borrow(t, "read")
		synctest.Wait()
		assert.Equal(t, stats.Discards{Failed: 1}, p.reset.Stats().Discards)
		assert.Zero(t, p.stats().Open)
	})
}

func TestConnectionThatDoesNotTellBehindAStatementIsKeptIfItIsClean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{stale: true, provisional: true, baselineErr: errors.New("unsupported")}
		p := open(t, s, nil)
		p.borrow(t, "read")
		synctest.Wait()
		p.borrow(t, "set")
		synctest.Wait()
		assert.Equal(t, "learn, fresh, reset setting", s.seen(), "it is not asked again")
		assert.Equal(t, 1, p.stats().Idle)
		assert.Contains(t, p.log.String(), "unsupported")
	})
}

// What nobody knows of a session is no reason to hold up those who need nothing of it.
func TestOneConnectionAtATimeIsAskedBehindStatements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		s := &sessions{stale: true, provisional: true, asksBaseline: func(context.Context) { <-end }}
		p := open(t, s, nil)
		first, err := p.Conn(t.Context())
		require.NoError(t, err)
		_, err = first.ExecContext(t.Context(), "read")
		require.NoError(t, err)
		second, err := p.Conn(t.Context())
		require.NoError(t, err)
		_, err = second.ExecContext(t.Context(), "read")
		require.NoError(t, err)
		require.NoError(t, first.Close())
		synctest.Wait()
		require.NoError(t, second.Close())
		synctest.Wait()
		assert.Equal(t, "learn, fresh, learn", s.seen())
		assert.Equal(t, 1, p.stats().Idle)
		close(end)
	})
}
