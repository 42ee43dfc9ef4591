package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// The tables of a Markdown file are between these two lines.
const (
	tablesBegin = "<!-- tables -->\n"
	tablesEnd   = "<!-- /tables -->\n"
)

// write makes the report of all sections.
func write(sections []section, e effort) string {
	parts := []string{fmt.Sprintf("Measured on %s with %s on %s/%s, %d CPUs; medians of %d rounds (burst: %d), quartiles in parentheses. %s\n",
		time.Now().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(),
		e.rounds, e.burstRounds(), versions())}
	if promises := requirementsMarkdown(sections); promises != "" {
		parts = append(parts, promises)
	}
	for _, s := range sections {
		parts = append(parts, s.markdown())
	}
	return strings.Join(parts, "\n")
}

// versions names the drivers and the wrappers, as they were linked.
func versions() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var list []string
	for _, dep := range info.Deps {
		switch dep.Path {
		case "github.com/jackc/pgx/v5", "github.com/go-sql-driver/mysql", "github.com/XSAM/otelsql", "github.com/ngrok/sqlmw":
			list = append(list, strings.TrimPrefix(dep.Path, "github.com/")+" "+dep.Version)
		}
	}
	return strings.Join(list, ", ") + "."
}

// replaceTables puts the report into a Markdown file, in place of the one that is there. A file that does not exist yet is made.
func replaceTables(path, report string) error {
	old, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		old, err = []byte("# Benchmarks\n\n"+tablesBegin+tablesEnd), nil
	}
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(old), tablesBegin)
	_, after, ends := strings.Cut(rest, tablesEnd)
	if !begins || !ends {
		return fmt.Errorf("%s has no place for the tables: write the lines %q and %q where they belong",
			path, strings.TrimSpace(tablesBegin), strings.TrimSpace(tablesEnd))
	}
	return os.WriteFile(path, []byte(before+tablesBegin+report+tablesEnd+after), 0o644)
}
