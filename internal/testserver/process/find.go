package process

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Variables that name directories of programs, for machines on which they are not where Debian has them, and not in PATH either.
const (
	EnvPostgresBin = "POOLED_TEST_POSTGRES_BIN"
	EnvMariaDBBin  = "POOLED_TEST_MARIADB_BIN"
)

// PostgresBin returns the directory of PostgreSQL's programs: the one that EnvPostgresBin names, or else that of the newest.
func PostgresBin() (string, error) {
	if dir := os.Getenv(EnvPostgresBin); dir != "" {
		return dir, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // where Debian has them; the pattern is well-formed
	if len(found) == 0 {
		path, err := exec.LookPath("postgres")
		if err != nil {
			return "", fmt.Errorf("no PostgreSQL is installed: %s", Hint)
		}
		found = []string{path}
	}
	newest := slices.MaxFunc(found, func(a, b string) int {
		return cmp.Or(len(a)-len(b), strings.Compare(a, b)) // 9.6 before 15
	})
	return filepath.Dir(newest), nil
}

// MariaDBProgram returns the path of one of MariaDB's programs.
func MariaDBProgram(name string) (string, error) {
	if dir := os.Getenv(EnvMariaDBBin); dir != "" {
		return filepath.Join(dir, name), nil
	}
	for _, path := range []string{name, "/usr/sbin/" + name} { // Debian keeps daemons there
		if path, err := exec.LookPath(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no MariaDB is installed: %s", Hint)
}

// MySQLAccount runs MySQL where root starts it: the package that would make an account of its own is not installed.
const MySQLAccount = "nobody"

// LayOutMySQL lays the MySQL that scripts/test-servers.sh has fetched out in a directory: below "software" the program mysqld, which every account may run,
// and below "template" the account's copy of the data that a new server begins with.
func LayOutMySQL(account, dir string) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	found, _ := filepath.Glob(filepath.Join(cache, "pooled-tests", "mysql-[0-9]*")) // the pattern is well-formed
	if len(found) == 0 {
		return fmt.Errorf("no MySQL was fetched: %s", Hint)
	}
	from, template := found[len(found)-1], filepath.Join(dir, "template")
	if err := copyTree(filepath.Join(from, "software"), filepath.Join(dir, "software")); err != nil {
		return err
	}
	if out, err := exec.Command("cp", "-r", filepath.Join(from, "data"), template).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return filepath.WalkDir(template, func(path string, _ fs.DirEntry, err error) error { return errors.Join(err, Give(account, path)) })
}

// copyTree links files, which costs nothing, or copies them where links would lead to another file system.
func copyTree(from, to string) error {
	if exec.Command("cp", "-al", from, to).Run() == nil {
		return nil
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if out, err := exec.Command("cp", "-r", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// FreePort finds a port below those of outgoing connections: it must still be free when a server that was killed comes back.
func FreePort() (int, error) {
	for range 100 {
		port := 15000 + rand.N(17000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no free port")
}
