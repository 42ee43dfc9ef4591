package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// mostServerConns is how many connections a server allows: more than the service wants, and few enough to take all.
const mostServerConns = 60

// How long a server may take for what it does in a second or two on a machine that is not busy.
const (
	prepareTimeout = 2 * time.Minute
	startTimeout   = time.Minute
	stopTimeout    = 30 * time.Second
)

// server is a database server of its own: a data directory, a port, and the process that serves them now. It is not safe for concurrent
// use, but control is.
type server struct {
	*family
	programs map[string]string
	dir      string // of all that belongs to the server
	port     int
	password string  // of both users
	control  *sql.DB // the administrator's connections, which are of no TCP
	process  *process
}

// newServer makes a data directory, starts a server and sets its database up. The caller closes it.
func newServer(ctx context.Context, f *family) (s *server, err error) {
	s = &server{family: f, password: rand.Text()}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", f.name, errors.Join(err, s.close()))
			s = nil
		}
	}()
	if s.programs, err = f.software(); err != nil {
		return s, fmt.Errorf("%w: scripts/test-servers.sh install pg15 mariadb", err)
	}
	if s.dir, err = os.MkdirTemp("", "pooled-faults."); err != nil {
		return s, err
	}
	if err := s.prepareDir(ctx); err != nil {
		return s, err
	}
	if s.port, err = freePort(); err != nil {
		return s, err
	}
	if s.control, err = sql.Open(f.driver, f.controlDSN(s)); err != nil {
		return s, err
	}
	s.control.SetMaxOpenConns(2)
	if err := s.start(ctx); err != nil {
		return s, err
	}
	for _, statement := range f.setUp(s) {
		if _, err := s.control.ExecContext(ctx, statement); err != nil {
			return s, err
		}
	}
	return s, nil
}

// prepareDir has the server's own program fill the data directory. The directory above it can be passed by the account that runs the server.
func (s *server) prepareDir(ctx context.Context) error {
	if err := os.Chmod(s.dir, 0o711); err != nil {
		return err
	}
	for _, dir := range []string{s.data(), s.tmp()} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		if os.Getuid() == 0 {
			uid, gid, err := s.ids()
			if err != nil {
				return err
			}
			if err := os.Chown(dir, int(uid), int(gid)); err != nil {
				return err
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	p, err := s.run(s.family.prepare(s))
	if err != nil {
		return err
	}
	select {
	case <-p.ended:
	case <-ctx.Done():
		p.kill()
	}
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("the data directory could not be made: %s\n%s", p.cmd.ProcessState, s.logTail())
	}
	return nil
}

func (s *server) data() string   { return filepath.Join(s.dir, "data") }
func (s *server) tmp() string    { return filepath.Join(s.dir, "tmp") }
func (s *server) socket() string { return filepath.Join(s.data(), "socket") }

// address is where the service finds the server.
func (s *server) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// start starts the server's process on the same data and the same port as before, and waits until it answers.
func (s *server) start(ctx context.Context) error {
	p, err := s.run(s.serve(s))
	if err != nil {
		return err
	}
	s.process = p
	return s.answers(ctx)
}

// answers waits until the administrator gets an answer.
func (s *server) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err := until(ctx, func() bool {
		once, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		return s.control.PingContext(once) == nil || s.process.hasEnded()
	})
	if err != nil || s.process.hasEnded() {
		return fmt.Errorf("%s does not answer; its log ends with\n%s", s.name, s.logTail())
	}
	return nil
}

// stop ends the server in an orderly way.
func (s *server) stop(ctx context.Context) error {
	if err := s.process.cmd.Process.Signal(s.shutdown); err != nil {
		return err
	}
	select {
	case <-s.process.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(stopTimeout):
		return fmt.Errorf("%s does not stop; its log ends with\n%s", s.name, s.logTail())
	}
}

// close kills the server, whose data is of no use any more, and removes its directory.
func (s *server) close() error {
	if s.control != nil {
		_ = s.control.Close() // the sessions end with the server
	}
	if s.process != nil {
		s.process.kill()
	}
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// run starts a command as the server's account, with its output in the log.
func (s *server) run(command []string) (*process, error) {
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the process has its own
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	// A process group of its own, so that the terminal's Ctrl-C is for the program that owns the server. If that is killed outright, the server
	// must not outlive it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		uid, gid, err := s.ids()
		if err != nil {
			return nil, err
		}
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	return startProcess(cmd)
}

// ids are those of the account.
func (s *server) ids() (uid, gid uint32, err error) {
	account, err := user.Lookup(s.account)
	if err != nil {
		return 0, 0, err
	}
	u, err1 := strconv.ParseUint(account.Uid, 10, 32)
	g, err2 := strconv.ParseUint(account.Gid, 10, 32)
	return uint32(u), uint32(g), cmp.Or(err1, err2)
}

func (s *server) log() string { return filepath.Join(s.dir, "log") }

// logTail is the end of the log, for errors.
func (s *server) logTail() string {
	text, err := os.ReadFile(s.log())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// freePort finds a port below the range that outgoing connections take theirs from: it must still be free when the server starts again.
func freePort() (int, error) {
	for range 100 {
		port := 15000 + mathrand.N(17000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errors.New("no free port")
}

// until waits for a condition, by looking again and again.
func until(ctx context.Context, condition func() bool) error {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
