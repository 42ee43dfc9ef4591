package main

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"syscall"

	_ "github.com/jackc/pgx/v5/stdlib" // the bare driver

	"github.com/gopooled/pooled/internal/testserver/process"
	_ "github.com/gopooled/pooled/postgres"
)

// postgres is the newest PostgreSQL of Debian's packages. What it has acknowledged survives the death of its processes, though not
// that of the machine.
var postgres = &family{
	name:     "PostgreSQL",
	driver:   "pgx",
	account:  "postgres",
	shutdown: syscall.SIGINT,
	full:     "server 53300",
	software: func(*server) (map[string]string, error) {
		bin, err := process.PostgresBin()
		return map[string]string{"initdb": filepath.Join(bin, "initdb"), "postgres": filepath.Join(bin, "postgres")}, err
	},
	prepare: func(s *server) []string {
		return []string{
			s.programs["initdb"], "-D", s.data(), "-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256",
			"--encoding=UTF8", "--no-locale", "--no-sync",
		}
	},
	serve: func(s *server) []string {
		return []string{
			s.programs["postgres"], "-D", s.data(), "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1",
			"-c", "unix_socket_directories=" + s.data(), "-c", "max_connections=" + strconv.Itoa(mostServerConns),
			"-c", "synchronous_commit=on", "-c", "fsync=off",
		}
	},
	setUp: func(s *server) []string {
		return []string{
			"create role " + serviceUser + " login password '" + s.password + "'",
			"create role " + othersUser + " login password '" + s.password + "'",
			"create database " + database + " owner " + serviceUser,
		}
	},
	controlDSN: func(s *server) string {
		return fmt.Sprintf("host=%s port=%d user=postgres dbname=postgres sslmode=disable", s.data(), s.port)
	},
	dsn: func(user, password, address string) string {
		return fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", user, url.QueryEscape(password), address, database)
	},
	with:   func(dsn, settings string) string { return dsn + "&" + settings },
	insert: "insert into ledger (id) values ($1)",
	read:   "select count(*) from ledger where id = $1",

	version:  "select 'PostgreSQL ' || current_setting('server_version')",
	sessions: "select client_port from pg_stat_activity where usename = '" + serviceUser + "'",
	others:   "select count(*) from pg_stat_activity where usename = '" + othersUser + "'",
}
