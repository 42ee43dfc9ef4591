package main

import (
	"errors"

	"github.com/gopooled/pooled/examples/internal/tour"
	"github.com/gopooled/pooled/internal/testserver"
)

// database is where a library is tried.
type database struct {
	title  string
	family string
	dsn    string // with all policies
}

// servers are a PostgreSQL and a MariaDB, each with a replica.
type servers struct {
	databases []database
	owner     testserver.Program
}

func startServers() (*servers, error) {
	s := &servers{}
	err := s.owner.Attempt(func() {
		s.add("PostgreSQL", tour.Postgres, "", testserver.PostgresCluster(&s.owner, 1))
		s.add("MariaDB", tour.MySQL, "parseTime=true&", testserver.MariaDBCluster(&s.owner, 1)) // without it, libraries that keep times fail
	})
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *servers) add(title, family, parameters string, c *testserver.Cluster) {
	replica := c.Nodes[1].Address()
	s.databases = append(s.databases, database{title, family, tour.With(c.Nodes[0].DSN(), parameters+tour.Policies+"&pool_replicas="+replica)})
}

func (s *servers) stop() error { return s.owner.End() }
