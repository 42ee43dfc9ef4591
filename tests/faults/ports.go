package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

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
