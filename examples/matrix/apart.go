package main

import (
	"context"
	"os"
	"os/exec"
	"strconv"
)

// setApart keeps this program, and the servers that it starts from now on, on one processor, and returns the command by which examples are started on
// another one, as if they ran on two machines. Where the system moves them about, a process can be slower by a third than the next one of the
// same program, for as long as it runs. Without taskset, or a second processor, it returns nothing, and they run where they run.
func setApart(ctx context.Context) []string {
	programs := []string{"taskset", "--cpu-list", "1"}
	for _, command := range [][]string{append(programs, "true"), {"taskset", "--all-tasks", "--cpu-list", "--pid", "0", strconv.Itoa(os.Getpid())}} {
		if exec.CommandContext(ctx, command[0], command[1:]...).Run() != nil {
			return nil
		}
	}
	return programs
}
