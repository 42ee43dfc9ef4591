package main

import (
	"errors"
	"strings"

	"github.com/gopooled/pooled/examples/internal/tour"
	"github.com/gopooled/pooled/internal/testserver"
)

// database is where a library is tried.
type database struct {
	title  string
	family string
	dsn    string // with all policies
	bare   string // of another database on the same server
}

// servers are a PostgreSQL, a MariaDB and a MySQL, each with a replica.
type servers struct {
	databases []database
	owner     testserver.Program
}

func startServers() (*servers, error) {
	s := &servers{}
	err := s.owner.Attempt(func() {
		s.add("PostgreSQL", tour.Postgres, "", testserver.PostgresCluster(&s.owner, 1))
		s.add("MariaDB", tour.MySQL, "parseTime=true&", testserver.MariaDBCluster(&s.owner, 1)) // without it, libraries that keep times fail
		s.add("MySQL", tour.MySQL, "parseTime=true&", testserver.MySQLCluster(&s.owner, 1))
	})
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *servers) add(title, family, parameters string, c *testserver.Cluster) {
	primary, replica := c.Nodes[0], c.Nodes[1]
	primary.Exec("create database bare")
	head, tail := primary.DSN(), ""
	if i := strings.LastIndexByte(head, '?'); i > strings.LastIndexByte(head, '/') {
		head, tail = head[:i], head[i:]
	}
	bare := head[:strings.LastIndexByte(head, '/')] + "/bare" + tail
	s.databases = append(s.databases, database{
		title: title, family: family,
		dsn:  tour.With(primary.DSN(), parameters+tour.Policies+"&pool_replicas="+replica.Address()),
		bare: tour.With(bare, parameters+tour.Policies), // which -bare takes out
	})
}

func (s *servers) stop() error { return s.owner.End() }
