package routing

import "time"

// Stats is a snapshot of what a router knows and has done. Counters begin with 0 and only grow.
type Stats struct {
	// Primary is the name of the endpoint that is written to; empty: there is none.
	Primary string
	// Servers has one entry per server.
	Servers []ServerStats
	// Decisions counts calls by the reason for which they went where they did. Those that stayed on their connection without being looked at, such as
	// in a transaction, count as bound.
	Decisions map[string]uint64
}

// ServerStats is what is known of a server.
type ServerStats struct {
	// Endpoint is its name.
	Endpoint string
	// Role is primary, replica or unknown.
	Role string
	// Up says that it answers.
	Up bool
	// Since is since when it has answered or not, had this role, and been readable or too far behind; zero: it was not asked yet.
	Since time.Time
	// Readable says that reads may go to it as to a replica, some of them at least.
	Readable bool
	// Why tells why not.
	Why string
	// Lag is how old its data is at most, compared with what the primary has told; negative: nobody knows.
	Lag time.Duration
	// Behind is the same in the server's own terms, such as "340 kB".
	Behind string
	// InFlight is how many sessions have a connection to it, or want one.
	InFlight int
}

// Stats takes a snapshot.
func (r *Router) Stats() Stats {
	s := Stats{Decisions: map[string]uint64{}}
	for i := range r.counts {
		if n := r.counts[i].Load(); n > 0 {
			s.Decisions[Reason(i).String()] = n
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
		of := ServerStats{
			Endpoint: m.Info.Name, Role: m.sight.Role.String(), Up: m.up, Since: m.since, Behind: m.behind, InFlight: int(m.inFlight.Load()), Lag: -1,
		}
		switch fresh := m.fresh.Load(); {
		case m == v.primary:
			of.Lag, of.Behind = 0, ""
		case told && fresh != 0:
			of.Lag = max(time.Duration(last.at-fresh), 0)
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
