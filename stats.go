package pooled

import (
	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/endpoint"
	"github.com/gopooled/pooled/internal/gate"
	"github.com/gopooled/pooled/internal/middleware/leak"
	"github.com/gopooled/pooled/stats"
)

// Stats is a snapshot of a pool: see package stats.
type Stats = stats.Pool

// Stats takes a snapshot. It takes no lock that a call holds for long.
func (c *Connector) Stats() Stats {
	all, _ := c.snapshot()
	return all
}

// snapshot is Stats, with what the endpoints know besides.
func (c *Connector) snapshot() (all Stats, endpoints []endpoint.Stats) {
	all.Name = c.name()
	for _, s := range c.servers {
		now := s.endpoint.Stats()
		endpoints = append(endpoints, now)
		all.Endpoints = append(all.Endpoints, s.told(now))
	}
	c.parts.tell(&all)
	return all, endpoints
}

// Pressure tells how full the pool is, for health checks and load balancers. From 0 to 0.5 it is the part of pool_max_conns that is in use. Above, all are, and
// sessions have to wait for longer than pool_queue_target; 1 says that they have for pool_queue_interval, so that more come than can be served. Of several servers
// that of the fullest counts. Without pool_max_conns it is 0. It costs a lock for each server, and is safe for concurrent use.
func (c *Connector) Pressure() float64 {
	var most float64
	for _, s := range c.servers {
		most = max(most, s.endpoint.Pressure())
	}
	return most
}

// Held lists the server connections in use, the oldest borrow first. With pool_leak=off it does not tell who the borrowers are.
func (c *Connector) Held() []held.Conn { return c.leak.Held() }

// holdings lists the connections in use for those who watch them.
func (c *Connector) holdings() []leak.Holding {
	var all []leak.Holding
	for _, s := range c.servers {
		for _, h := range s.endpoint.Holdings() {
			all = append(all, leak.Holding{
				Conn:    h.Conn,
				Borrow:  leak.Borrow{Conn: h.ID, Number: h.Number()},
				Version: h.Version(),
				Watched: h.Watched(),
				Reclaim: func() bool { return c.source.Reclaim(h) },
			})
		}
	}
	return all
}

// told is what the endpoint of a server tells of itself.
func (s *server) told(e endpoint.Stats) stats.Endpoint {
	queue := &e.Queue
	all := stats.Endpoint{
		Endpoint: e.Endpoint, MaxConns: e.MaxConns, MinIdle: s.pool.MinIdleConns,
		Open: e.Open, InUse: e.InUse, Idle: e.Idle, Waiting: queue.Waiting,
		Statements: e.Statements, Acquires: e.Acquires, Unserved: e.Unserved, Admitted: queue.Admitted, Waits: queue.Waits, WaitTime: queue.WaitTime,
		Overloaded: queue.Refused(), Full: queue.Full, Shed: queue.Shed, PassedOver: queue.PassedOver, Classes: classStats(queue.Classes),
		Dials: e.Dials, FailedDials: e.FailedDials,
		Closed: e.Closed,
	}
	if idle := s.pool.MaxIdleConns; idle >= 0 {
		all.MaxIdle = &idle
	}
	return all
}

func classStats(all []gate.ClassState) []stats.Class {
	var classes []stats.Class
	for _, c := range all {
		classes = append(classes, stats.Class{
			Name: c.Name, InUse: c.Taken, Waiting: c.Waiting, Admitted: c.Admitted, Waits: c.Waits, WaitTime: c.WaitTime,
			Overloaded: c.Refused(), Full: c.Full, Shed: c.Shed, PassedOver: c.PassedOver,
		})
	}
	return classes
}
