package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gopooled/pooled/internal/testserver/process"
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
	process  *process.Process
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
	if s.dir, err = os.MkdirTemp("", "pooled-faults."); err != nil {
		return s, err
	}
	if err := s.prepareDir(ctx); err != nil {
		return s, err
	}
	if s.port, err = process.FreePort(); err != nil {
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
		if err := process.Directory(s.account, dir); err != nil {
			return err
		}
	}
	var err error
	if s.programs, err = s.software(s); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	cmd, err := s.command(s.family.prepare(s))
	if err != nil {
		return err
	}
	if err := process.Run(ctx, cmd, s.log()); err != nil {
		return fmt.Errorf("the data directory could not be made: %w", err)
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
	cmd, err := s.command(s.serve(s))
	if err != nil {
		return err
	}
	if s.process, err = process.Start(cmd, s.log()); err != nil {
		return err
	}
	return s.answers(ctx)
}

// answers waits until the administrator gets an answer.
func (s *server) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err := s.process.Await(ctx, func() bool {
		once, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		return s.control.PingContext(once) == nil
	})
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", s.name, err)
	}
	return nil
}

// stop ends the server in an orderly way.
func (s *server) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if err := s.process.Terminate(ctx, s.shutdown); err != nil {
		return fmt.Errorf("%s does not stop: %w", s.name, err)
	}
	return nil
}

// close kills the server, whose data is of no use any more, and removes its directory.
func (s *server) close() error {
	if s.control != nil {
		_ = s.control.Close() // the sessions end with the server
	}
	var err error
	if s.process != nil && !s.process.HasEnded() {
		err = s.process.Kill()
	}
	if s.dir == "" {
		return err
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// command makes a command of the server's account. It has a process group of its own, so that the terminal's Ctrl-C is for the program that
// owns the server. If that is killed outright, the server must not outlive it.
func (s *server) command(command []string) (*exec.Cmd, error) {
	cmd, err := process.Command(s.account, s.dir, command...)
	if err != nil {
		return nil, err
	}
	cmd.SysProcAttr.Setpgid = true
	endWithParent(cmd.SysProcAttr)
	return cmd, nil
}

func (s *server) log() string { return filepath.Join(s.dir, "log") }
