package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"

	"github.com/gopooled/pooled/examples/internal/tour"
)

// process is a tour that has shown everything, and measures itself whenever it is told to.
type process struct {
	cmd   *exec.Cmd
	out   bytes.Buffer // what it printed
	turns io.WriteCloser
	told  *bufio.Scanner // its standard error
	said  []string       // lines of it that are no figures: why it failed
	reads int            // on replicas, as it told at its end
}

// start runs a tour until it is ready for its first turn, or has failed.
func start(ctx context.Context, binary string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, binary, args...)}
	p.cmd.Stdout = &p.out
	turns, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	told, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	p.turns, p.told = turns, bufio.NewScanner(told)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	_, err = p.await(tour.Ready)
	if err != nil {
		return nil, errors.Join(err, p.end())
	}
	return p, nil
}

// turn has the process measure once, and returns its queries per second.
func (p *process) turn() (float64, error) {
	if _, err := io.WriteString(p.turns, "\n"); err != nil {
		return 0, err
	}
	rate, err := p.await(tour.QueriesPerSecond)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(rate, 64)
}

// end lets the process clean up, and returns why it failed, if it did.
func (p *process) end() error {
	closing := p.turns.Close()
	if reads, err := p.await(tour.ReplicaReads); err == nil { // those without routing tell none
		p.reads, _ = strconv.Atoi(reads)
	}
	for p.told.Scan() {
		p.said = append(p.said, p.told.Text())
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.Join(p.said, "\n"))
	}
	return closing
}

var errSilent = errors.New("the program ended too early")

// await returns what follows, on its line, a text that the process is to say.
func (p *process) await(text string) (string, error) {
	for p.told.Scan() {
		if rest, ok := strings.CutPrefix(p.told.Text(), text); ok {
			return rest, nil
		}
		p.said = append(p.said, p.told.Text())
	}
	return "", errSilent
}
