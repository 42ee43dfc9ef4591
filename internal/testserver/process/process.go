// Package process starts, stops and kills the servers of tests and of the programs that break servers. Its functions return errors, as not all of
// these are tests.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a server that runs, with its children, which have none: PostgreSQL has one for each session.
type Process struct {
	cmd   *exec.Cmd
	log   string
	ended chan struct{} // closed when it was waited for
}

// kernelTimeout bounds what the kernel does soon, on a machine that is busy.
const kernelTimeout = 30 * time.Second

// Start starts a command, whose output is added to a file. A goroutine waits for its end.
func Start(cmd *exec.Cmd, log string) (*Process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // the process has its own
	cmd.Stdout, cmd.Stderr = file, file
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, log: log, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // ProcessState has it
		close(p.ended)
	}()
	return p, nil
}

// Run runs a command to its end, and kills it when the context is over. If it fails, the error has the end of its output.
func Run(ctx context.Context, cmd *exec.Cmd, log string) error {
	p, err := Start(cmd, log)
	if err != nil {
		return err
	}
	select {
	case <-p.ended:
	case <-ctx.Done():
		return p.explain(errors.Join(ctx.Err(), p.Kill()))
	}
	if !cmd.ProcessState.Success() {
		return p.explain(errors.New(cmd.ProcessState.String()))
	}
	return nil
}

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// HasEnded reports whether the process has ended.
func (p *Process) HasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Terminate sends a signal to the process, and waits until it has ended.
func (p *Process) Terminate(ctx context.Context, s os.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return p.explain(ctx.Err())
	}
}

// Stop stops the process, so that it starts no more children, and then these. Their sockets stay open, and the kernel goes on accepting
// connections for them.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	if err := soon(func() bool { state, _ := status(p.cmd.Process.Pid); return state == 'T' || p.HasEnded() }); err != nil {
		return fmt.Errorf("process %d does not stop: %w", p.cmd.Process.Pid, err)
	}
	signal(p.children(), syscall.SIGSTOP)
	return nil
}

// Continue ends a Stop.
func (p *Process) Continue() error {
	signal(p.children(), syscall.SIGCONT)
	return p.cmd.Process.Signal(syscall.SIGCONT)
}

// Kill ends the process and its children at once, without a word to their clients, and waits until none is left. It stops them before, as the
// parent would otherwise see its children die, and tell the clients of the others.
func (p *Process) Kill() error {
	if err := p.Stop(); err != nil {
		return err
	}
	all := p.All()
	signal(all, syscall.SIGKILL)
	<-p.ended
	for _, pid := range all { // PostgreSQL does not start while one of the old processes is there
		if err := soon(func() bool { return !Runs(pid) }); err != nil {
			return fmt.Errorf("process %d does not die: %w", pid, err)
		}
	}
	return nil
}

// All lists the process and its children.
func (p *Process) All() []int { return append(p.children(), p.cmd.Process.Pid) }

func (p *Process) children() (pids []int) {
	dirs, _ := filepath.Glob("/proc/[0-9]*") // the pattern is well-formed
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if _, parent := status(pid); parent == p.cmd.Process.Pid {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Runs reports whether a process runs, and is not a zombie.
func Runs(pid int) bool {
	state, _ := status(pid)
	return state != 0 && state != 'Z'
}

// Await waits for a condition. If the process ends before, or the context, the error has the end of the log.
func (p *Process) Await(ctx context.Context, condition func() bool) error {
	met := false
	err := Until(ctx, func() bool {
		met = condition()
		return met || p.HasEnded()
	})
	switch {
	case err != nil:
		return p.explain(err)
	case !met:
		return p.explain(errors.New("it has ended"))
	}
	return nil
}

// explain adds the end of the log to an error.
func (p *Process) explain(err error) error {
	log, readErr := os.ReadFile(p.log)
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	return fmt.Errorf("%w; its log ends with\n%s", err, log[max(0, len(log)-2000):])
}

// Until waits for a condition, by looking again and again.
func Until(ctx context.Context, condition func() bool) error {
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

// soon waits for what the kernel does.
func soon(condition func() bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), kernelTimeout)
	defer cancel()
	return Until(ctx, condition)
}

func signal(pids []int, s syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, s) // it may have ended
	}
}

// status tells the state of a process as in proc(5), and its parent; 0: there is no such process.
func status(pid int) (state byte, parent int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	rest := text[bytes.LastIndexByte(text, ')')+1:] // the program's name is in parentheses, and may hold anything
	fields := strings.Fields(string(rest))
	if len(fields) < 2 {
		return 0, 0
	}
	parent, _ = strconv.Atoi(fields[1])
	return fields[0][0], parent
}
