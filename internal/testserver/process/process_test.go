package process_test

import (
	"context"
	"os/exec"
	"os/user"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/testserver/process"
)

// shell makes a command of our own account, and names a file for its output.
func shell(t *testing.T, script string) (cmd *exec.Cmd, log string) {
	t.Helper()
	me, err := user.Current()
	require.NoError(t, err)
	dir := t.TempDir()
	cmd, err = process.Command(me.Username, dir, "sh", "-c", script)
	require.NoError(t, err)
	return cmd, filepath.Join(dir, "log")
}

func TestCommandThatFailsSaysWhy(t *testing.T) {
	cmd, log := shell(t, "echo no such luck; exit 3")
	err := process.Run(t.Context(), cmd, log)
	require.ErrorContains(t, err, "no such luck")
	require.ErrorContains(t, err, "exit status 3")
}

func TestCommandThatTakesTooLongIsKilled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cmd, log := shell(t, "sleep 600")
	require.ErrorIs(t, process.Run(ctx, cmd, log), context.Canceled)
	assert.False(t, process.Runs(cmd.Process.Pid))
}

func TestChildrenAreStoppedAndKilledToo(t *testing.T) {
	cmd, log := shell(t, "sleep 600 & wait")
	p, err := process.Start(cmd, log)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, p.Await(ctx, func() bool { return len(p.All()) == 2 }))
	require.NoError(t, p.Stop())
	all := p.All()
	require.Len(t, all, 2)
	for _, pid := range all {
		assert.True(t, process.Runs(pid))
	}
	require.NoError(t, p.Kill())
	for _, pid := range all {
		assert.False(t, process.Runs(pid))
	}
	require.Error(t, p.Stop(), "there is nothing left")
}

func TestNobodyWaitsForAnAnswerOfAProcessThatHasEnded(t *testing.T) {
	cmd, log := shell(t, "echo address in use")
	p, err := process.Start(cmd, log)
	require.NoError(t, err)
	err = p.Await(t.Context(), func() bool { return false })
	require.ErrorContains(t, err, "it has ended")
	require.ErrorContains(t, err, "address in use")
}
