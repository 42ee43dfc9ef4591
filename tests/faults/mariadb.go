package main

import (
	"fmt"
	"io"
	"log"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/go-sql-driver/mysql"

	"github.com/gopooled/pooled/internal/testserver/process"
	_ "github.com/gopooled/pooled/mysql"
)

// mariadb is Debian's. What it has acknowledged survives the death of its process, though not that of the machine.
var mariadb = &family{
	name:     "MariaDB",
	driver:   "mysql",
	account:  "mysql",
	shutdown: syscall.SIGTERM,
	full:     "server 1040",
	software: func(*server) (map[string]string, error) {
		install, err := process.MariaDBProgram("mariadb-install-db")
		if err != nil {
			return nil, err
		}
		daemon, err := process.MariaDBProgram("mariadbd")
		return map[string]string{"mariadb-install-db": install, "mariadbd": daemon}, err
	},
	prepare: func(s *server) []string {
		return []string{
			s.programs["mariadb-install-db"], "--no-defaults", "--datadir=" + s.data(), "--tmpdir=" + s.tmp(),
			"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=16M",
			"--innodb-flush-log-at-trx-commit=0", "--cross-bootstrap",
		}
	},
	serve: func(s *server) []string {
		return []string{
			s.programs["mariadbd"], "--no-defaults", "--datadir=" + s.data(), "--tmpdir=" + s.tmp(), "--bind-address=127.0.0.1",
			"--port=" + strconv.Itoa(s.port), "--socket=" + s.socket(), "--pid-file=" + filepath.Join(s.data(), "pid"),
			"--skip-name-resolve", "--skip-log-bin", "--max-connections=" + strconv.Itoa(mostServerConns),
			"--innodb-log-file-size=16M", "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=2",
		}
	},
	setUp: func(s *server) []string {
		return []string{
			"create database " + database,
			"create user '" + serviceUser + "'@'%' identified by '" + s.password + "'",
			"create user '" + othersUser + "'@'%' identified by '" + s.password + "'",
			"grant all privileges on " + database + ".* to '" + serviceUser + "'@'%', '" + othersUser + "'@'%'",
		}
	},
	controlDSN: func(s *server) string { return fmt.Sprintf("root@unix(%s)/", s.socket()) },
	dsn: func(user, password, address string) string {
		return fmt.Sprintf("%s:%s@tcp(%s)/%s", user, password, address, database)
	},
	with:   func(dsn, settings string) string { return dsn + "?" + settings },
	insert: "insert into ledger (id) values (?)",
	read:   "select count(*) from ledger where id = ?",

	version:  "select concat('MariaDB ', substring_index(version(), '-', 1))",
	sessions: "select substring_index(host, ':', -1) from information_schema.processlist where user = '" + serviceUser + "'",
	others:   "select count(*) from information_schema.processlist where user = '" + othersUser + "'",
}

// The driver writes to standard error what it also returns as errors.
func init() {
	if err := mysql.SetLogger(log.New(io.Discard, "", 0)); err != nil {
		panic(err)
	}
}
