package tracing_test

import (
	"context"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/middleware/telemetry"
	"github.com/gopooled/pooled/middleware"
)

// session is one that holds a clean connection.
type session struct {
	middleware.Session
	middleware.ServerConn
	endpoint *middleware.Endpoint
	changes  dialect.Changes
}

func (s *session) Endpoint() *middleware.Endpoint { return s.endpoint }
func (s *session) Conn() middleware.ServerConn    { return s }
func (s *session) Changes() *dialect.Changes      { return &s.changes }

// BenchmarkCall is what the wraps cost a call that takes a connection and gives it back.
func BenchmarkCall(b *testing.B) {
	innermost := middleware.Chain{
		Acquire: func(context.Context, *middleware.Acquisition) error { return nil },
		Call:    func(context.Context, *middleware.Call) error { return nil },
		Release: func(*middleware.Release) {},
	}
	bench := func(b *testing.B, chain middleware.Chain) {
		s := &session{endpoint: &middleware.Endpoint{Name: "127.0.0.1:5432", Dialect: "postgres"}}
		call := middleware.Call{Session: s, Op: middleware.Query, Text: "select name from users where id = $1"}
		acquisition := middleware.Acquisition{Session: s, Endpoint: s.endpoint, Conn: s}
		release := middleware.Release{Conn: s}
		b.ReportAllocs()
		for b.Loop() {
			_ = chain.Call(b.Context(), &call)
			_ = chain.Acquire(b.Context(), &acquisition)
			chain.Release(&release)
		}
	}
	b.Run("without", func(b *testing.B) { bench(b, innermost) })
	for _, c := range []struct {
		name     string
		provider trace.TracerProvider
	}{
		{"nobody listens", nil},
		{"1 percent", sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.TraceIDRatioBased(0.01)))},
		{"all spans", sdktrace.NewTracerProvider()},
	} {
		t, err := telemetry.New(telemetry.Options{
			TracerProvider: c.provider,
			Servers:        []*middleware.Endpoint{{Name: "127.0.0.1:5432", Dialect: "postgres"}},
			Summary:        func(string) string { return "select users" },
			Mask:           func(text string) string { return text },
			Code:           func(error) string { return "" },
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) { bench(b, middleware.Compose(innermost, t.Middleware())) })
	}
}
