package router

import (
	"time"

	"github.com/gopooled/pooled/routing"
	"github.com/gopooled/pooled/stats"
)

// Stats takes a snapshot.
func (r *Router) Stats() *stats.Routing {
	s := &stats.Routing{Decisions: map[string]uint64{}}
	for i := range r.counts {
		if n := r.counts[i].Load(); n > 0 {
			s.Decisions[routing.Reason(i).String()] = n
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.view.Load()
	if v.primary != nil {
		s.Primary = v.primary.Info.Name
	}
	last, told := r.samples.last()
	for _, m := range r.members {
		of := stats.Server{
			Endpoint: m.Info.Name, Role: m.sight.Role.String(), Up: m.up, Since: m.since, Behind: m.behind, InFlight: int(m.inFlight.Load()),
		}
		switch asOf := m.asOf.Load(); {
		case m == v.primary:
			of.LagKnown, of.Behind = true, ""
		case told && asOf != 0:
			of.Lag, of.LagKnown = max(time.Duration(last.at-asOf), 0), true
		}
		for _, c := range v.replicas {
			of.Readable = of.Readable || c.member == m
		}
		if !of.Readable && m != v.primary {
			of.Why = m.whyNot()
		}
		s.Servers = append(s.Servers, of)
	}
	return s
}
