package testserver

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// PrivateMariaDB starts a MariaDB for one test, which may change its global settings, and returns its DSN. The server is stopped
// when the test ends, and also when the test process is killed. It takes about two seconds: use [MariaDB] where that will do.
func PrivateMariaDB(t testing.TB) string {
	t.Helper()
	return private(t, EnvMariaDB)
}

// PrivateMySQL is [PrivateMariaDB] with a MySQL. It takes about three seconds.
func PrivateMySQL(t testing.TB) string {
	t.Helper()
	return private(t, EnvMySQL)
}

// private starts the server that the variable names and no other.
func private(t testing.TB, variable string) string {
	t.Helper()
	// The script runs the command until our end of its standard input is closed, by the clean-up or by our death.
	command := exec.Command(script(t), "run", "sh", "-c", `echo "$`+variable+`"; exec cat >/dev/null`)
	for _, v := range []string{EnvPostgres, EnvPostgres18, EnvMariaDB, EnvMySQL, EnvPgBouncer, EnvPgBouncerCurrent} {
		value := "not needed"
		if v == variable {
			value = "" // a server is started where the variable is empty
		}
		command.Env = append(command.Environ(), v+"="+value)
	}
	var messages bytes.Buffer
	command.Stderr = &messages
	lifeline, err := command.StdinPipe()
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("testserver: %v", err)
	}
	dsn, readErr := bufio.NewReader(output).ReadString('\n')
	if readErr != nil {
		_ = lifeline.Close()
		t.Fatalf("testserver: no private server: %v\n%s", command.Wait(), messages.String())
	}
	t.Cleanup(func() {
		_ = lifeline.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("testserver: private server: %v\n%s", err, messages.String())
		}
	})
	return strings.TrimSuffix(dsn, "\n")
}

// script returns the path of the script that starts servers. Tests run in the directory of their package.
func script(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	for {
		path := filepath.Join(dir, "scripts", "test-servers.sh")
		if _, err := os.Stat(path); err == nil {
			return path
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("testserver: scripts/test-servers.sh is in no directory above the test")
		}
		dir = filepath.Dir(dir)
	}
}
