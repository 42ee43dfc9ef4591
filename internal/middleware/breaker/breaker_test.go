package breaker_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/middleware/breaker"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// The goroutine that probes may begin long after the breaker opened: here it never does.
func TestTheFirstWhoIsRefusedIsToldWhenTheServerIsTriedAgain(t *testing.T) {
	p := policy.NewConfig().Breaker
	p.Failures, p.Cooldown = 1, time.Minute
	b := breaker.New(breaker.Options{
		Policy: p, Endpoint: "db:5432", Logger: slog.New(slog.DiscardHandler),
		Classify:   func(error) dialect.ErrorClass { return dialect.Infrastructure },
		Background: func(func(context.Context)) bool { return true },
	})
	failing := middleware.Compose(middleware.Chain{
		Acquire: func(context.Context, *middleware.Acquisition) error { return nil },
		Call:    func(context.Context, *middleware.Call) error { return errors.New("the server went away") },
	}, b.Middleware())
	before := time.Now()
	require.Error(t, failing.Call(t.Context(), &middleware.Call{Op: middleware.Exec, Session: connected{}}))

	err := failing.Acquire(t.Context(), &middleware.Acquisition{})
	var refused *middleware.BreakerOpenError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, policy.BreakerOpen, refused.State)
	assert.WithinRange(t, refused.NextProbe, before.Add(time.Minute-time.Minute/10), time.Now().Add(time.Minute+time.Minute/10))
	assert.ErrorContains(t, err, "it is tried again at "+refused.NextProbe.Format(time.TimeOnly))
	assert.Equal(t, refused.NextProbe, b.Stats().NextProbe)
}

// connected is a session with a server connection.
type connected struct{ middleware.Session }

func (connected) Conn() middleware.ServerConn { return struct{ middleware.ServerConn }{} }
