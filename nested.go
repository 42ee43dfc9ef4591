package pooled

import (
	"slices"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/callers"
	"github.com/gopooled/pooled/internal/middleware/nested"
	"github.com/gopooled/pooled/policy"
)

// newNested makes what looks at goroutines that take a connection while they hold one; nil: no harm can come of that, nobody wants to
// know, or nobody can.
func newNested(cfg Config, d dialect.Dialect, servers []*server) (*nested.Nested, error) {
	refuses := cfg.Nested == policy.NestedError
	limited := slices.ContainsFunc(servers, func(s *server) bool { return s.pool.Limited() })
	if cfg.Nested == policy.NestedOff || !refuses && !limited {
		return nil, nil
	}
	if callers.Goroutine() == 0 {
		if refuses {
			return nil, misconfigured("pooled: pool_nested=error needs to know goroutines by their numbers, which this version of Go does not allow: write warn, or off")
		}
		return nil, nil
	}
	o := nested.Options{Mode: cfg.Nested, Background: servers[0].background, Mask: d.Mask, Logger: cfg.Logger}
	for _, s := range servers {
		s.nested = true
		o.Servers = append(o.Servers, nested.Server{
			Endpoint: s.info.Name, Timeout: s.pool.AcquireTimeout,
			MaxConns: func() int { return s.endpoint.Limit() },
			MayHold:  func(goroutine uint64) bool { return s.endpoint.MayHold(goroutine) },
			Queue:    func() (taken, waiting int) { return s.endpoint.Queue() },
			Holdings: s.nestedHoldings,
			KeepOne:  func() { s.endpoint.KeepOne() },
		})
	}
	return nested.New(o), nil
}

// nestedHoldings lists the connections in use for who looks for deadlocks.
func (s *server) nestedHoldings() []nested.Holding {
	var all []nested.Holding
	for _, h := range s.endpoint.Holdings() {
		all = append(all, nested.Holding{Conn: h.Conn, Borrow: h.Number(), Version: h.Version(), User: h.User, Context: h.Context})
	}
	return all
}
