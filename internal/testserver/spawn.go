package testserver

import (
	"context"
	"os"
	"path/filepath"

	"github.com/gopooled/pooled/internal/testserver/process"
)

// spawn starts a server.
func (c *Cluster) spawn(n *Node) {
	c.t.Helper()
	who, command := c.family.server(n)
	pidFile, err := os.CreateTemp(c.dir, n.name+".*.pid") // of its own: the server may be started again before it is removed
	c.must(err)
	c.must(pidFile.Close())
	c.give(who, pidFile.Name())
	// The guard must know the process before it does anything.
	announced := append([]string{"sh", "-c", `echo "$$ $0" >"$1" && shift && exec "$@"`, c.family.stopSignal(), pidFile.Name()}, command...)
	cmd, err := process.Command(who, c.dir, announced...)
	c.must(err)
	cmd.SysProcAttr.Setsid = true // out of reach of the terminal's Ctrl-C
	n.process, err = process.Start(cmd, c.log(n.name))
	c.must(err)
	go func(p *process.Process) {
		<-p.Ended()
		_ = os.Remove(pidFile.Name())
	}(n.process)
}

// run runs a command to its end.
func (c *Cluster) run(who string, environment []string, command ...string) {
	c.t.Helper()
	cmd, err := process.Command(who, c.dir, command...)
	c.must(err)
	cmd.Env = append(cmd.Environ(), environment...)
	ctx, cancel := context.WithTimeout(context.Background(), clusterTimeout)
	defer cancel()
	if err := process.Run(ctx, cmd, c.log("commands")); err != nil {
		c.t.Fatalf("testserver: %s: %v", filepath.Base(command[0]), err)
	}
}

// give makes a file the user's.
func (c *Cluster) give(who, path string) {
	c.t.Helper()
	c.must(process.Give(who, path))
}

// directory makes a directory of the user's.
func (c *Cluster) directory(who, path string) {
	c.t.Helper()
	c.must(process.Directory(who, path))
}

func (c *Cluster) log(name string) string { return filepath.Join(c.dir, name+".log") }

// must ends the test if something went wrong.
func (c *Cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("testserver: %v", err)
	}
}
