package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Routing is which of several servers of a cluster a statement goes to. Without replicas there is nothing to choose.
type Routing struct {
	// Replicas are the other servers of the cluster. Which of all is the primary is found out, and may change: pool_replicas. Empty, the
	// default, = there are none, or they are in the DSN (see Mode).
	Replicas []Replica
	// Mode is pool_routing.
	Mode RoutingMode
	// MonitorInterval is how old the knowledge about a server may become: pool_monitor_interval, 1s by default.
	MonitorInterval time.Duration
	// MonitorBurst is how often the servers are asked how far they are, as long as there are writes that a replica may not have yet:
	// pool_monitor_burst, 20ms by default.
	MonitorBurst time.Duration
	// FailoverTimeout is how long a statement waits for a primary when there is none: pool_failover_timeout, 30s by default. 0 = not at all.
	FailoverTimeout time.Duration
	// Consistency is pool_consistency.
	Consistency Consistency
	// MaxLag is how far a replica may be behind to be read from at all: pool_max_lag, 10s by default. 0 = no limit.
	MaxLag time.Duration
	// Fallback is what becomes of a read when no replica may answer it: pool_replica_fallback.
	Fallback Fallback
	// PrimaryWeight has the primary answer such a share of the reads as if it were a replica of that weight. 0, the default, = only those
	// that no replica may answer. Only in Go.
	PrimaryWeight float64
	// Zone is where this program runs: replicas of the same zone are preferred. Empty = there are no zones. Only in Go.
	Zone string
}

// Replica is one more server of the cluster that the DSN leads to.
type Replica struct {
	// Address is host:port; everything else is as in the DSN.
	Address string
	// DSN is a DSN of its own, in place of Address. Only in Go.
	DSN string
	// Weight is its share of the reads, in proportion to those of the other replicas. 0 counts as 1. Only in Go.
	Weight float64
	// Zone is where the server stands. Only in Go.
	Zone string
	// Pool, if not nil, is how its connections are kept, in place of [Config].Pool. Only in Go.
	Pool *Pool
}

// RoutingMode is pool_routing: what decides where a statement goes.
type RoutingMode uint8

// The modes.
const (
	// RouteAuto, the default, is RouteSplit if there are Replicas. Several hosts in a PostgreSQL URL are pgx's to choose from.
	RouteAuto RoutingMode = iota
	// RouteSplit sends proved reads to replicas, and everything else to the primary. The hosts of a PostgreSQL URL are servers of the cluster.
	RouteSplit
	// RoutePrimary sends everything to the primary, whichever server that is.
	RoutePrimary
	// RouteReplica sends everything to replicas. What they refuse fails.
	RouteReplica
)

// Consistency is pool_consistency: what a read on a replica is sure to see.
type Consistency uint8

// The promises.
const (
	// ConsistencySession, the default: everything that was written before through the same *sql.DB or, with routing.NewSession, in the same
	// session.
	ConsistencySession Consistency = iota
	// ConsistencyEventual: everything that was written MaxLag ago.
	ConsistencyEventual
	// ConsistencyStrong: everything. All reads go to the primary.
	ConsistencyStrong
)

// Fallback is pool_replica_fallback.
type Fallback uint8

// The ways to go on without a replica.
const (
	// FallbackPrimary, the default, sends the read to the primary.
	FallbackPrimary Fallback = iota
	// FallbackError refuses it, so that the primary is spared.
	FallbackError
)

// On reports whether statements are routed.
func (r Routing) On() bool { return r.Mode != RouteAuto || len(r.Replicas) > 0 }

// ownPools reports whether there are servers whose connections are kept in another way than those of the others.
func (r Routing) ownPools() bool {
	return slices.ContainsFunc(r.Replicas, func(replica Replica) bool { return replica.Pool != nil })
}

// validate looks for settings that contradict each other.
func (r Routing) validate() error {
	for _, replica := range r.Replicas {
		if (replica.Address == "") == (replica.DSN == "") {
			return errors.New("pooled: a replica needs either an Address or a DSN")
		}
		if replica.Weight < 0 {
			return fmt.Errorf("pooled: the weight of the replica %s is negative", replica.Address)
		}
		if replica.Pool != nil {
			if err := replica.Pool.validate(); err != nil {
				return err
			}
		}
	}
	switch {
	case r.PrimaryWeight < 0:
		return errors.New("pooled: the PrimaryWeight is negative")
	case r.On() && r.MonitorInterval <= 0:
		return errors.New("pooled: pool_monitor_interval=0 leaves nobody who knows the servers: write 1s, or pool_routing=auto without pool_replicas")
	case r.On() && r.MonitorBurst <= 0:
		return errors.New("pooled: pool_monitor_burst=0 would ask the servers all the time: write 20ms, or more")
	}
	return nil
}

// replicas is the row of the addresses of replicas.
func replicas(doc Key) key {
	doc.Type = "list"
	set := func(c *Config, text string) error {
		var all []Replica
		for address := range strings.SplitSeq(text, ",") {
			if address == "" || strings.ContainsAny(address, spaces+"@/?") {
				return errors.New("is not a list of host:port")
			}
			all = append(all, Replica{Address: address})
		}
		c.Routing.Replicas = all
		return nil
	}
	get := func(c Config) string {
		var addresses []string
		for _, r := range c.Routing.Replicas {
			if r.Address != "" {
				addresses = append(addresses, r.Address)
			}
		}
		return strings.Join(addresses, ",")
	}
	return key{Key: doc, set: set, get: get}
}
