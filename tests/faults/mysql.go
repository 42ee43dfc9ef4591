package main

import (
	"path/filepath"
	"strconv"

	"github.com/gopooled/pooled/internal/testserver/process"
)

// mysqlFamily is Oracle's MySQL, as scripts/test-servers.sh fetches it. Its driver, its SQL and what survives are as in MariaDB.
var mysqlFamily = func() *family {
	f := *mariadb
	f.name, f.account = "MySQL", process.MySQLAccount
	f.software = func(s *server) (map[string]string, error) {
		return map[string]string{"mysqld": filepath.Join(s.dir, "software", "mysqld")}, process.LayOutMySQL(s.account, s.dir)
	}
	f.prepare = func(s *server) []string {
		return []string{"cp", "-r", filepath.Join(s.dir, "template") + "/.", s.data()}
	}
	f.serve = func(s *server) []string {
		return []string{
			s.programs["mysqld"], "--datadir=" + s.data(), "--tmpdir=" + s.tmp(), "--bind-address=127.0.0.1",
			"--port=" + strconv.Itoa(s.port), "--socket=" + s.socket(), "--pid-file=" + filepath.Join(s.data(), "pid"),
			"--skip-name-resolve", "--skip-log-bin", "--max-connections=" + strconv.Itoa(mostServerConns),
			"--innodb-redo-log-capacity=16M", "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=2", "--innodb-flush-method=nosync",
		}
	}
	f.version = "select concat('MySQL ', substring_index(version(), '-', 1))"
	return &f
}()
