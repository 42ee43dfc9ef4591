package main

import (
	"errors"

	"github.com/gopooled/pooled/internal/testserver"
)

// servers are a PostgreSQL and its replica. What the tests of pooled use is good for a demonstration too: they end with the program.
type servers struct {
	cluster          *testserver.Cluster
	primary, replica *testserver.Node
	owner            testserver.Program
}

func startServers() (*servers, error) {
	s := &servers{}
	err := s.owner.Attempt(func() { s.cluster = testserver.PostgresCluster(&s.owner, 1) })
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.primary, s.replica = s.cluster.Nodes[0], s.cluster.Nodes[1]
	return s, nil
}

// dsn is that of the primary, with the replica's address.
func (s *servers) dsn() string { return s.primary.DSN() + "&pool_replicas=" + s.replica.Address() }

// kill ends the replica at once.
func (s *servers) kill() error { return s.owner.Attempt(s.replica.Kill) }

// revive starts it again, and waits until it answers.
func (s *servers) revive() error { return s.owner.Attempt(s.replica.Start) }

func (s *servers) stop() error { return s.owner.End() }
