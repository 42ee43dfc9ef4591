package main

import "syscall"

// family is what differs between PostgreSQL, MariaDB and MySQL.
type family struct {
	name     string
	driver   string         // the bare one, by its name in database/sql
	account  string         // who runs the server where root starts it: servers refuse to run as root
	shutdown syscall.Signal // stops the server in an orderly way, without waiting for clients to leave
	full     string         // the kind of error of a server that is out of connections

	software   func(s *server) (map[string]string, error)  // finds the programs, or lays them out in the server's directory
	prepare    func(s *server) []string                    // the command that makes the data directory
	serve      func(s *server) []string                    // the command that serves it
	setUp      func(s *server) []string                    // statements for the database, and the users named below
	controlDSN func(s *server) string                      // the administrator's, over a Unix socket
	dsn        func(user, password, address string) string // as the bare driver takes it
	with       func(dsn, settings string) string           // adds settings of pooled's

	insert, read string // each has one argument, an id of the ledger
	version      string // a query
	sessions     string // a query for the clients' ports of the service's sessions
	others       string // a query for how many sessions the other clients have
}

// The users of the database, and its name.
const (
	serviceUser = "service"
	othersUser  = "others"
	database    = "ledger"
)

// families are all of them.
var families = []*family{postgres, mariadb, mysqlFamily}
