package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a process that this program has started, with its children: PostgreSQL has one for each session.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it was waited for
}

// startProcess starts a command, and waits for its end in a goroutine that ends with it.
func startProcess(cmd *exec.Cmd) (*process, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // ProcessState has it
		close(p.ended)
	}()
	return p, nil
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// pause stops the process, so that it starts no more children, and then the children. Their sockets stay open, and the kernel goes on
// accepting connections for them.
func (p *process) pause() (children []int) {
	_ = p.cmd.Process.Signal(syscall.SIGSTOP) // one that has ended needs no stopping
	_ = eventually(func() bool { state, _ := status(p.cmd.Process.Pid); return state == 'T' || p.hasEnded() })
	children = childrenOf(p.cmd.Process.Pid)
	for _, pid := range children {
		_ = syscall.Kill(pid, syscall.SIGSTOP)
	}
	return children
}

// resume lets a paused process and its children go on.
func (p *process) resume() {
	for _, pid := range childrenOf(p.cmd.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
}

// kill ends the process and its children at once, without a word to their clients, and waits until none is left. The parent is paused
// before, as it would otherwise see its children die, and tell the clients of the others.
func (p *process) kill() {
	if p.hasEnded() {
		return
	}
	all := append(p.pause(), p.cmd.Process.Pid)
	for _, pid := range all {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-p.ended
	_ = eventually(func() bool { // PostgreSQL does not start while one of the old processes is there
		for _, pid := range all {
			if state, _ := status(pid); state != 0 && state != 'Z' {
				return false
			}
		}
		return true
	})
}

// eventually waits for what the kernel does soon.
func eventually(condition func() bool) error {
	for end := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("the kernel takes too long")
		}
	}
	return nil
}

// childrenOf lists the children of a process.
func childrenOf(parent int) (children []int) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if state, of := status(pid); state != 0 && of == parent {
			children = append(children, pid)
		}
	}
	return children
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

// openPorts are the local ports of the connections to an address that are open from this end.
func openPorts(port int) (map[int]bool, error) {
	text, err := os.ReadFile("/proc/self/net/tcp")
	if err != nil {
		return nil, err
	}
	open := map[int]bool{}
	remote := fmt.Sprintf("0100007F:%04X", port)
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line) // number, local, remote, state
		if len(f) < 4 || f[2] != remote || f[3] != "01" {
			continue
		}
		_, hex, _ := strings.Cut(f[1], ":")
		local, err := strconv.ParseInt(hex, 16, 32)
		if err != nil {
			return nil, err
		}
		open[int(local)] = true
	}
	return open, nil
}
