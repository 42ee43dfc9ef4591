package testserver

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that runs. Its children are its own, and have none.
type process struct {
	pid  int
	done chan struct{} // closed when it has ended
}

// spawn starts a server.
func (c *Cluster) spawn(name, who string, command []string) *process {
	c.t.Helper()
	pidFile := filepath.Join(c.dir, name+".pid")
	// The guard must know the process before it does anything.
	started := c.as(who, append([]string{"sh", "-c", `echo "$$ $0" >"$1" && shift && exec "$@"`, c.family.stopSignal(), pidFile}, command...))
	started.SysProcAttr.Setsid = true // out of reach of the terminal's Ctrl-C
	log, err := os.OpenFile(c.logFile(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatalf("testserver: %v", err)
	}
	defer func() { _ = log.Close() }() // the server has it
	started.Stdout, started.Stderr = log, log
	if err := os.WriteFile(pidFile, nil, 0o600); err != nil {
		c.t.Fatalf("testserver: %v", err)
	}
	c.give(who, pidFile)
	if err := started.Start(); err != nil {
		c.t.Fatalf("testserver: %s: %v", name, err)
	}
	p := &process{pid: started.Process.Pid, done: make(chan struct{})}
	go func() {
		_ = started.Wait() // that it has ended is all that matters
		_ = os.Remove(pidFile)
		close(p.done)
	}()
	return p
}

// run runs a command to its end.
func (c *Cluster) run(who string, environment []string, command ...string) {
	c.t.Helper()
	var output bytes.Buffer
	r := c.as(who, command)
	r.Env = append(r.Environ(), environment...)
	r.Stdout, r.Stderr = &output, &output
	if err := r.Run(); err != nil {
		c.t.Fatalf("testserver: %s: %v\n%s", filepath.Base(command[0]), err, output.String())
	}
}

// as makes a command that runs as another user if tests run as root, as servers refuse to run so.
func (c *Cluster) as(who string, command []string) *exec.Cmd {
	c.t.Helper()
	r := exec.Command(command[0], command[1:]...)
	r.Dir = c.dir
	r.SysProcAttr = &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		uid, gid := c.ids(who)
		r.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		r.Env = append(os.Environ(), "HOME="+c.dir)
	}
	return r
}

// give makes a file the user's.
func (c *Cluster) give(who, path string) {
	c.t.Helper()
	if os.Getuid() != 0 {
		return
	}
	uid, gid := c.ids(who)
	if err := os.Chown(path, uid, gid); err != nil {
		c.t.Fatalf("testserver: %v", err)
	}
}

// directory makes a directory of the user's.
func (c *Cluster) directory(who, path string) {
	c.t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		c.t.Fatalf("testserver: %v", err)
	}
	c.give(who, path)
}

func (c *Cluster) ids(who string) (uid, gid int) {
	c.t.Helper()
	u, err := user.Lookup(who)
	if err != nil {
		c.t.Fatalf("testserver: %v: %s", err, installHint)
	}
	uid, _ = strconv.Atoi(u.Uid) // numbers on every Unix
	gid, _ = strconv.Atoi(u.Gid)
	return uid, gid
}

const installHint = `"scripts/test-servers.sh run true" installs the servers`

func (c *Cluster) logFile(name string) string { return filepath.Join(c.dir, name+".log") }

// logOf returns the end of a server's log.
func (c *Cluster) logOf(name string) string {
	log, _ := os.ReadFile(c.logFile(name)) // for people; there may be none
	return string(log[max(0, len(log)-2000):])
}

// all lists the process and its children.
func (p *process) all() []int {
	id := strconv.Itoa(p.pid)
	children, _ := os.ReadFile("/proc/" + id + "/task/" + id + "/children") // none of a process that has ended
	pids := []int{p.pid}
	for field := range strings.FieldsSeq(string(children)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// stop stops the process before its children, so that it makes no more of them.
func (p *process) stop(t T) {
	t.Helper()
	if err := syscall.Kill(p.pid, syscall.SIGSTOP); err != nil {
		t.Fatalf("testserver: %v", err)
	}
	for _, pid := range p.all()[1:] {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // it may have ended
	}
}

func (p *process) goOn(t T) {
	t.Helper()
	for _, pid := range p.all() {
		_ = syscall.Kill(pid, syscall.SIGCONT) // as above
	}
}

func (p *process) kill(t T) {
	t.Helper()
	p.stop(t)
	all := p.all()
	for _, pid := range all {
		_ = syscall.Kill(pid, syscall.SIGKILL) // as above
	}
	<-p.done
	deadline := time.Now().Add(clusterTimeout)
	for _, pid := range all[1:] { // whoever inherits them sees their end
		for isRunning(pid) {
			if time.Now().After(deadline) {
				t.Fatalf("testserver: process %d does not die", pid)
			}
			time.Sleep(pollPause)
		}
	}
}

// isRunning reports whether a process runs, and is not a zombie.
func isRunning(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, state, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(state, "Z")
}

// guard is a process that outlives the test's.
type guard struct {
	lifeline io.Closer
	command  *exec.Cmd
}

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

// guardDirectory starts the guard of a directory.
func guardDirectory(t T, dir string) *guard {
	t.Helper()
	g := &guard{command: exec.Command("sh", "-c", guardScript, dir)}
	g.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var err error
	if g.lifeline, err = g.command.StdinPipe(); err == nil {
		err = g.command.Start()
	}
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	t.Cleanup(func() {
		_ = g.lifeline.Close()
		if err := g.command.Wait(); err != nil {
			t.Errorf("testserver: the servers' directory is not gone: %v", err)
		}
	})
	return g
}

// freePort returns a port that nobody listens on, below those of outgoing connections, as a server that was killed comes back on its port.
func freePort(t T) int {
	t.Helper()
	for range 100 {
		port := 15000 + rand.IntN(17000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil && l.Close() == nil {
			return port
		}
	}
	t.Fatalf("testserver: no free port")
	return 0
}
