package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

const (
	examples = "github.com/gopooled/pooled/examples"
	tours    = examples + "/internal/tour"
)

// library is an example that is a tour.
type library struct {
	name   string
	path   string // as Go imports it
	dir    string // of its source
	binary string
}

// find lists the tours among the examples, or those of them that have one of the names.
func find(ctx context.Context, only []string) ([]library, error) {
	listed, err := output(ctx, "go", "list", "-f", `{{if eq .Name "main"}}{{.ImportPath}} {{.Dir}} {{join .Imports " "}}{{end}}`, examples+"/...")
	if err != nil {
		return nil, err
	}
	var all []library
	for _, line := range strings.Split(strings.TrimSpace(listed), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 2 || !slices.Contains(fields[2:], tours) {
			continue
		}
		name := path.Base(fields[0])
		if len(only) > 0 && !slices.Contains(only, name) {
			continue
		}
		if l := (library{name: name, path: fields[0], dir: fields[1]}); l.hasTest() {
			all = append(all, l)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no library has such a name")
	}
	return all, nil
}

// build builds the tours. Linking takes most of the time, and nobody debugs these.
func build(ctx context.Context, into string, libraries []library) error {
	command := append([]string{"go", "build", "-ldflags=-s -w", "-o", into + string(filepath.Separator)}, flags()...)
	for i := range libraries {
		libraries[i].binary = filepath.Join(into, libraries[i].name)
		command = append(command, libraries[i].path)
	}
	_, err := output(ctx, command...)
	return err
}

// flags are those that this program was built with, if they matter: what is compiled already need not be compiled again.
func flags() []string {
	info, _ := debug.ReadBuildInfo()
	if info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return []string{"-race"}
	}
	return nil
}

func output(ctx context.Context, command ...string) (string, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", command[0], command[1], err, complaint.Bytes())
	}
	return string(out), nil
}

// hasTest tells a tour from this program, which imports the package for its words.
func (l library) hasTest() bool {
	_, known := l.golden("postgres")
	return known
}

// golden is what a library's own test expects it to print on a family of databases. There is none for families that the library does not know.
func (l library) golden(family string) (text string, known bool) {
	content, err := os.ReadFile(filepath.Join(l.dir, "testdata", family+".golden"))
	return string(content), err == nil
}
