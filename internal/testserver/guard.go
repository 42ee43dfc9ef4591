package testserver

import (
	"os/exec"
	"syscall"
)

// guardScript waits until our end of its standard input is closed, by the clean-up or by our death. Then it ends all servers, those that
// are stopped too, and removes the directory.
const guardScript = `
trap '' INT TERM HUP
cat >/dev/null
for file in "$0"/*.pid; do
	pid= signal=
	[ -s "$file" ] && read -r pid signal <"$file"
	[ -n "$signal" ] || continue
	kill -s "$signal" "$pid"
	kill -s CONT "$pid" $(cat "/proc/$pid/task/$pid/children")
done
for file in "$0"/*.pid; do
	pid= tries=0
	[ -s "$file" ] && read -r pid signal <"$file"
	[ -n "$pid" ] || continue
	while grep -qs '^State:[[:space:]]*[^Z]' "/proc/$pid/status"; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || kill -s KILL "$pid"
		sleep 0.05
	done
done
rm -rf "$0" || { sleep 1; rm -rf "$0"; }
`

// guardDirectory starts the guard of a directory, a process that outlives the test's.
func guardDirectory(t T, dir string) {
	t.Helper()
	guard := exec.Command("sh", "-c", guardScript, dir)
	guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	lifeline, err := guard.StdinPipe()
	if err == nil {
		err = guard.Start()
	}
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	t.Cleanup(func() {
		_ = lifeline.Close()
		if err := guard.Wait(); err != nil {
			t.Errorf("testserver: the servers' directory is not gone: %v", err)
		}
	})
}
