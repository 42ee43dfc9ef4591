package process

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// PostgresBin returns the directory of the newest PostgreSQL's programs.
func PostgresBin() (string, error) {
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
	for _, path := range []string{name, "/usr/sbin/" + name} { // Debian keeps daemons there
		if path, err := exec.LookPath(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no MariaDB is installed: %s", Hint)
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
