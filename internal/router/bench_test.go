package router

import (
	"context"
	"log/slog"
	"math"
	"testing"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/routing"
)

// cachedSessions remember texts as those of the known families do.
type cachedSessions struct {
	dialect.Sessions
	cache statement.Cache[*dialect.Statement]
}

func (s *cachedSessions) Statement(text string) *dialect.Statement {
	if st, ok := s.cache.Get(text); ok {
		return st
	}
	st := fakeSessions{}.Statement(text)
	s.cache.Put(text, st)
	return st
}

// benchSession is a session that holds no connection.
type benchSession struct{ middleware.Session }

func (benchSession) Conn() middleware.ServerConn    { return nil }
func (benchSession) Move(*middleware.Endpoint) bool { return true }

// BenchmarkDecision measures what routing adds to a call whose text is known.
func BenchmarkDecision(b *testing.B) {
	sessions := &cachedSessions{}
	o := Options{
		Policy: policy.NewConfig().Routing, Classify: func(error) dialect.ErrorClass { return 0 }, Logger: slog.New(slog.DiscardHandler),
	}
	for _, name := range []string{"primary", "one", "two"} {
		o.Servers = append(o.Servers, Server{
			Info: &middleware.Endpoint{Name: name}, Dialect: dialect.Server{Sessions: sessions}, CutOff: func() bool { return false },
		})
	}
	r := New(o)
	v := &view{primary: r.members[0], judge: r.members[0]}
	for _, m := range r.members[1:] {
		m.asOf.Store(math.MaxInt64)
		v.replicas = append(v.replicas, candidate{member: m})
	}
	r.view.Store(v)
	r.known.Store(true)
	call := r.call(func(context.Context, *middleware.Call) error { return nil })
	for _, bench := range []struct {
		name, text string
		ctx        context.Context
	}{
		{"read", "select a, b, c from accounts where id = $1", context.Background()},
		{"read in a session", "select a, b, c from accounts where id = $1", routing.NewSession(context.Background())},
		{"write", "insert into accounts (a, b, c) values ($1, $2, $3)", context.Background()},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := &middleware.Call{Session: benchSession{}, Op: middleware.Query, Text: bench.text}
			if bench.name == "write" {
				c.Op = middleware.Exec
				c.Session = inTx{}
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := call(bench.ctx, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// inTx is a session that holds no connection, and whose writes nobody can see yet.
type inTx struct{ benchSession }

func (inTx) InTx() bool { return true }
