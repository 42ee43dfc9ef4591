package reset_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/internal/middleware/reset"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
)

func mode(m policy.ResetMode) func(*reset.Options, *policy.Pool) {
	return func(o *reset.Options, _ *policy.Pool) { o.Policy.Mode = m }
}

func TestCleanSessionIsNotTouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{}
		p := open(t, s, nil)
		for range 5 {
			p.borrow(t, "read", "write")
		}
		synctest.Wait()
		assert.Empty(t, s.seen())
		assert.Equal(t, &stats.Reset{Clean: 5, ByEffect: map[string]uint64{}}, p.reset.Stats())
	})
}

func TestEffectsAddUpUntilTheSessionIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{}
		p := open(t, s, func(o *reset.Options, _ *policy.Pool) { o.Init = " and init" })
		p.borrow(t, "set", "read", "temp", "set")
		synctest.Wait()
		p.borrow(t, "read")
		synctest.Wait()
		assert.Equal(t, "fresh, reset setting,temp_table and init", s.seen())
		assert.Equal(t, &stats.Reset{Clean: 1, Resets: 1, ByEffect: map[string]uint64{"setting": 1, "temp_table": 1}}, p.reset.Stats())
		assert.EqualValues(t, 1, p.stats().Dials)
	})
}

func TestRawMakesEverythingUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{}
		p := open(t, s, nil)
		conn, err := p.Conn(t.Context())
		require.NoError(t, err)
		require.NoError(t, pooled.Raw(t.Context(), conn, func(driver.Conn) error { return nil }))
		require.NoError(t, conn.Close())
		synctest.Wait()
		assert.Equal(t, "fresh, reset unknown", s.seen())
	})
}

func TestNumbersOfSequencesAreUndoneOnlyForThoseWhoCouldSeeThem(t *testing.T) {
	for name, c := range map[string]struct {
		second []string
		calls  string
	}{
		"nobody looks":       {[]string{"insert", "read", "insert"}, ""},
		"at once":            {[]string{"lastval"}, "reset sequence"},
		"later":              {[]string{"read", "lastval", "lastval"}, "reset sequence"},
		"at its own":         {[]string{"insert", "lastval"}, ""},
		"something may look": {[]string{"unknown"}, "fresh, reset sequence, reset unknown"},
		"with more to undo":  {[]string{"set"}, "fresh, reset setting,sequence"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sessions{}
				p := open(t, s, nil)
				p.borrow(t, "insert")
				p.borrow(t, c.second...)
				synctest.Wait()
				assert.Equal(t, c.calls, s.seen())
				assert.EqualValues(t, 1, p.stats().Dials)
			})
		})
	}
}

func TestRawSeesNoNumbersOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{}
		p := open(t, s, nil)
		p.borrow(t, "insert")
		conn, err := p.Conn(t.Context())
		require.NoError(t, err)
		require.NoError(t, pooled.Raw(t.Context(), conn, func(driver.Conn) error {
			assert.Equal(t, "fresh, reset sequence", s.seen())
			return nil
		}))
		require.NoError(t, conn.Close())
	})
}

func TestConnectionThatCannotBeMadeFitToBeSeenIsNotHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		s := &sessions{resets: func(context.Context) error { return broken }}
		p := open(t, s, func(_ *reset.Options, pool *policy.Pool) { pool.MaxConns = 1 })
		p.borrow(t, "insert")
		_, err := p.ExecContext(t.Context(), "lastval")
		require.Equal(t, broken, err)
		synctest.Wait()
		assert.Zero(t, p.stats().Open)
		p.borrow(t, "lastval")
	})
}

func TestModes(t *testing.T) {
	for name, want := range map[string]struct {
		mode  policy.ResetMode
		calls string
		dials uint64
	}{
		"dirty":   {policy.ResetDirty, "fresh, reset setting, reset open_tx", 1},
		"always":  {policy.ResetAlways, "fresh, reset unknown, reset setting,unknown, reset open_tx,unknown", 1},
		"discard": {policy.ResetDiscard, "reset open_tx", 2},
		"off":     {policy.ResetOff, "reset open_tx", 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sessions{}
				p := open(t, s, mode(want.mode))
				for _, text := range []string{"read", "set", "begin"} {
					p.borrow(t, text)
					synctest.Wait()
				}
				assert.Equal(t, want.calls, s.seen())
				assert.Equal(t, want.dials, p.stats().Dials)
			})
		})
	}
}

func TestWhatCannotBeUndoneCostsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &sessions{}, nil)
		p.borrow(t, "permanent")
		synctest.Wait()
		assert.Zero(t, p.stats().Open)
		assert.Equal(t, stats.Discards{Permanent: 1}, p.reset.Stats().Discards)
	})
}

func TestResetThatFailsOrPanicsCostsTheConnectionButNoPermit(t *testing.T) {
	for name, resets := range map[string]func(context.Context) error{
		"error": func(context.Context) error { return errors.New("no") },
		"panic": func(context.Context) error { panic("no") },
		"timeout": func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := open(t, &sessions{resets: resets}, func(_ *reset.Options, pool *policy.Pool) { pool.MaxConns = 1 })
				began := time.Now()
				p.borrow(t, "set")
				p.borrow(t, "read") // waits for the permit
				if name == "timeout" {
					assert.Equal(t, 5*time.Second, time.Since(began))
				}
				assert.EqualValues(t, 2, p.stats().Dials)
				assert.Equal(t, stats.Discards{Failed: 1}, p.reset.Stats().Discards)
				assert.Equal(t, name == "panic", strings.Contains(p.log.String(), "panic"))
			})
		})
	}
}

func TestPanicOfATracerCostsTheConnectionButNoPermit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, early := range []bool{true, false} {
			p := open(t, &sessions{}, func(o *reset.Options, pool *policy.Pool) {
				pool.MaxConns = 1
				o.Trace = func(context.Context, middleware.ServerConn) func(string) {
					if early {
						panic("no")
					}
					return func(string) { panic("no") }
				}
			})
			conn, err := p.Conn(t.Context())
			require.NoError(t, err)
			_, err = conn.ExecContext(t.Context(), "set")
			require.NoError(t, err)
			require.NoError(t, conn.Raw(func(session any) error {
				session.(middleware.Session).Conn().Changes().Cause = t.Context()
				return nil
			}))
			require.NoError(t, conn.Close())
			p.borrow(t, "read") // waits for the permit
			assert.EqualValues(t, 2, p.stats().Dials)
		}
	})
}

func TestBorrowerWaitsForAResetNoLongerThanADialTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		s := &sessions{resets: func(context.Context) error { <-end; return nil }}
		p := open(t, s, func(o *reset.Options, pool *policy.Pool) { pool.MaxConns, o.Policy.Timeout = 2, 0 })
		p.driver.Hook(faultdriver.Connect, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			time.Sleep(time.Second)
			return faultdriver.Outcome{}
		})
		p.borrow(t, "set")
		began := time.Now()
		for range 3 {
			p.borrow(t, "read") // on a new connection, and then on the idle one
		}
		assert.Equal(t, 2*time.Second, time.Since(began), "it waits as long as it takes to dial, and dials then")
		assert.Zero(t, p.stats().Waits)
		assert.EqualValues(t, 2, p.stats().Dials)
		close(end)
		synctest.Wait()
		assert.Equal(t, 2, p.stats().Idle)
	})
}

func TestCloseEndsAResetAndWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{resets: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		p := open(t, s, nil)
		p.borrow(t, "set")
		synctest.Wait()
		began := time.Now()
		require.NoError(t, p.Close())
		assert.Zero(t, time.Since(began))
		assert.Zero(t, p.stats().Open)
		assert.Equal(t, stats.Closes{Shutdown: 1}, p.stats().Closed)
		assert.Zero(t, p.reset.Stats().Discards, "nobody discarded it")
	})
}

func TestDirtySessionGivenBackAfterCloseIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{}
		p := open(t, s, nil)
		conn, err := p.Conn(t.Context())
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), "set")
		require.NoError(t, err)
		require.NoError(t, p.Close())
		require.NoError(t, conn.Close())
		assert.Zero(t, p.stats().Open)
		assert.Equal(t, "fresh", s.seen())
	})
}

func TestCatalogueIsReadOffEverybodysPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{stale: true}
		p := open(t, s, nil)
		p.borrow(t, "read")
		synctest.Wait()
		p.borrow(t, "set")
		synctest.Wait()
		assert.Equal(t, "learn, fresh, reset setting", s.seen())
		assert.Equal(t, 1, p.stats().Idle)
	})
}

func TestCatalogueAgesWithCleanSessionsToo(t *testing.T) {
	s := &sessions{}
	p := open(t, s, nil)
	for range 100 {
		p.borrow(t, "read")
	}
	assert.Empty(t, s.seen())
	assert.Equal(t, 3, s.aged)
}

// A connection that dies tells nothing about the server: if its sessions went unknown for that, every one of them would be closed until the next look.
func TestCatalogueThatADeadConnectionDidNotReadIsReadByTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{provisional: true, stale: true, learnErr: driver.ErrBadConn}
		p := open(t, s, nil)
		p.borrow(t, "read")
		synctest.Wait()
		assert.EqualValues(t, 1, p.reset.Stats().Discards.Failed)
		assert.True(t, s.Stale())

		s.mu.Lock()
		s.learnErr = nil
		s.mu.Unlock()
		p.borrow(t, "read")
		synctest.Wait()
		assert.Equal(t, "learn, learn, fresh", s.seen())
		assert.Equal(t, 1, p.stats().Idle)
	})
}

func TestDefinitionIsLearntWhenItsSessionIsGivenBack(t *testing.T) {
	for name, c := range map[string]struct {
		texts []string
		calls string
	}{
		"alone":                 {[]string{"read", "define"}, "learn, fresh"},
		"with what came before": {[]string{"set", "define"}, "fresh, reset setting, learn"},
		"with what comes after": {[]string{"define", "read"}, "learn, fresh"},
		"in a transaction":      {[]string{"begin", "define"}, "reset open_tx, learn, fresh"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sessions{}
				p := open(t, s, nil)
				p.borrow(t, c.texts...)
				synctest.Wait()
				assert.Equal(t, c.calls, s.seen())
			})
		})
	}
}

func TestReleaseThatAMiddlewareRunsTwiceGivesADirtyConnectionBackOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		s := &sessions{resets: func(context.Context) error { <-end; return nil }}
		r := reset.New(reset.Options{
			Policy: policy.NewConfig().Reset, Sessions: s, Dead: func(error) bool { return false }, Logger: slog.New(slog.DiscardHandler),
		})
		cfg := pooled.NewConfig()
		cfg.Connector = faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt)
		cfg.Pool.MaxConns = 1
		connector, err := pooled.NewConnector(cfg, pooled.Middleware{Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
			return func(event *middleware.Release) {
				next(event)
				next(event)
			}
		}}, r.Middleware())
		require.NoError(t, err)
		db := sql.OpenDB(connector)
		defer db.Close()
		_, err = db.ExecContext(t.Context(), "set")
		require.NoError(t, err)
		assert.Zero(t, connector.Stats().Endpoints[0].Idle)
		close(end)
		synctest.Wait()
		assert.Equal(t, 1, connector.Stats().Endpoints[0].Idle)
	})
}

func TestPendingStatementsAreJudgedWithTheCatalogue(t *testing.T) {
	for text, want := range map[string]string{"read": "learn, fresh", "set": "learn, reset setting"} {
		synctest.Test(t, func(t *testing.T) {
			s := &sessions{stale: true, provisional: true}
			p := open(t, s, nil)
			p.borrow(t, text)
			synctest.Wait()
			assert.Equal(t, want, s.seen())
			assert.Equal(t, 1, p.stats().Idle)
		})
	}
}

func TestCatalogueThatCannotBeReadIsLoggedAndProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{stale: true, provisional: true, learnErr: errors.New("no such table")}
		p := open(t, s, nil)
		p.borrow(t, "read")
		synctest.Wait()
		assert.Equal(t, "learn, reset unknown", s.seen())
		assert.Equal(t, 1, p.stats().Idle)
		assert.Contains(t, p.log.String(), "no such table")
	})
}

func TestBehindAProxyNothingIsSentAndOneLineIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{proxied: true, stale: true}
		p := open(t, s, nil)
		for range 3 {
			p.borrow(t, "set", "unknown")
			synctest.Wait()
		}
		assert.Equal(t, "fresh", s.seen())
		assert.Equal(t, 1, strings.Count(p.log.String(), "pool_reset=off"))
		assert.Equal(t, 1, p.stats().Idle)
		p.borrow(t, "begin")
		synctest.Wait()
		assert.Equal(t, "fresh, reset open_tx", s.seen())
	})
}

func TestProxyThatPoolsSessionsIsResetWhenToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{proxied: true}
		p := open(t, s, mode(policy.ResetAlways))
		p.borrow(t, "set")
		synctest.Wait()
		assert.Equal(t, "fresh, reset setting,unknown", s.seen())
		assert.Empty(t, p.log.String())
	})
}

func TestConnectionThatCouldNotBeAskedIsNoProxyAndTheNextOneIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{baselineErr: errors.New("unsupported")}
		s.resets = func(context.Context) error { return dialect.ErrOutdated } // as long as nothing is known
		p := open(t, s, nil)
		for range 3 {
			p.borrow(t, "set")
			synctest.Wait()
			assert.Zero(t, p.stats().Open, "nobody gets the session as it is")
		}
		assert.Equal(t, "fresh, reset setting, fresh, reset setting, fresh, reset setting", s.seen())
		assert.Equal(t, 1, strings.Count(p.log.String(), "unsupported"))
		s.mu.Lock()
		s.baselineErr, s.resets = nil, nil
		s.mu.Unlock()
		for range 2 {
			p.borrow(t, "set")
			synctest.Wait()
		}
		assert.Equal(t, 1, p.stats().Idle)
		assert.True(t, strings.HasSuffix(s.seen(), "fresh, reset setting, reset setting"), s.seen())
	})
}

func TestCleanSessionOfAConnectionThatCouldNotBeAskedIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{baselineErr: errors.New("unsupported")}
		p := open(t, s, atDial)
		for range 3 {
			p.borrow(t, "read")
		}
		assert.Equal(t, "fresh", s.seen())
		assert.Equal(t, 1, p.stats().Idle)
	})
}

func TestConnectionWhoseWayIsNotKnownIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{proxiedErr: errors.New("too many questions")}
		p := open(t, s, nil)
		p.borrow(t, "set")
		synctest.Wait()
		assert.Zero(t, p.stats().Open)
		assert.Equal(t, stats.Discards{Failed: 1}, p.reset.Stats().Discards)
		assert.Contains(t, p.log.String(), "too many questions")
		s.mu.Lock()
		s.proxiedErr = nil
		s.mu.Unlock()
		p.borrow(t, "set")
		synctest.Wait()
		assert.Equal(t, 1, p.stats().Idle)
	})
}

func TestWhatAFreshSessionHasIsTakenDownAgainWhenItIsOutdated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{resets: func(context.Context) error { return dialect.ErrOutdated }}
		p := open(t, s, nil)
		p.borrow(t, "set")
		synctest.Wait()
		p.borrow(t, "read")
		assert.Equal(t, "fresh, reset setting, fresh", s.seen())
		assert.Equal(t, stats.Discards{Permanent: 1}, p.reset.Stats().Discards)
		assert.Empty(t, p.log.String())
	})
}

func TestLoginThatCannotBeRepeatedIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{resets: func(context.Context) error { return dialect.ErrLogin }}
		p := open(t, s, nil)
		for range 3 {
			p.borrow(t, "set")
			synctest.Wait()
		}
		assert.Equal(t, stats.Discards{Permanent: 3}, p.reset.Stats().Discards)
		assert.Equal(t, 1, strings.Count(p.log.String(), "sessions that were changed are closed"))
	})
}

func TestConnectionThatDiesWhenItIsAskedIsAFailedDial(t *testing.T) {
	s := &sessions{baselineErr: driver.ErrBadConn}
	p := open(t, s, atDial)
	_, err := p.ExecContext(t.Context(), "read")
	require.ErrorIs(t, err, driver.ErrBadConn)
	assert.Zero(t, p.stats().Open)
	assert.Equal(t, p.stats().Dials, p.stats().FailedDials)
}
