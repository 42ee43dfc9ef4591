package main

import (
	"errors"
	"fmt"

	"github.com/gopooled/pooled/internal/testserver"
)

// servers are a PostgreSQL and its replica. What the tests of pooled use is good for a demonstration too: they end with the program.
type servers struct {
	cluster          *testserver.Cluster
	primary, replica *testserver.Node
	owner            owner
}

func startServers() (*servers, error) {
	s := &servers{}
	err := attempt(func() { s.cluster = testserver.PostgresCluster(&s.owner, 1) })
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.primary, s.replica = s.cluster.Nodes[0], s.cluster.Nodes[1]
	return s, nil
}

// dsn is that of the primary, with the replica's address.
func (s *servers) dsn() string { return s.primary.DSN() + "&pool_replicas=" + s.replica.Address() }

// kill ends the replica at once.
func (s *servers) kill() error { return attempt(s.replica.Kill) }

// revive starts it again, and waits until it answers.
func (s *servers) revive() error { return attempt(s.replica.Start) }

func (s *servers) stop() error {
	err := attempt(s.owner.cleanUp)
	return errors.Join(err, errors.Join(s.owner.errors...))
}

// owner is to the servers what a test is otherwise.
type owner struct {
	cleanUps []func()
	errors   []error
}

func (*owner) Helper() {}

func (o *owner) Cleanup(f func()) { o.cleanUps = append(o.cleanUps, f) }

func (o *owner) Errorf(format string, args ...any) {
	o.errors = append(o.errors, fmt.Errorf(format, args...))
}

// Fatalf ends what was attempted.
func (*owner) Fatalf(format string, args ...any) { panic(fatal{fmt.Errorf(format, args...)}) }

func (o *owner) cleanUp() {
	for _, f := range o.cleanUps { // there is one
		f()
	}
}

type fatal struct{ error }

// attempt returns the error of a Fatalf.
func attempt(f func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case fatal:
			err = r.error
		default:
			panic(r)
		}
	}()
	f()
	return nil
}
