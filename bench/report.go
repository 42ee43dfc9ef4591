package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/gopooled/pooled/internal/markdown"
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
	list, ok := markdown.Linked("github.com/jackc/pgx/v5", "github.com/go-sql-driver/mysql", "github.com/XSAM/otelsql", "github.com/ngrok/sqlmw")
	if !ok {
		return ""
	}
	return list + "."
}

// replaceTables puts the report into a Markdown file, in place of the one that is there. A file that does not exist yet is made.
func replaceTables(path, report string) error {
	err := markdown.Replace(path, report)
	if os.IsNotExist(err) {
		return os.WriteFile(path, []byte("# Benchmarks\n\n"+markdown.Marked(markdown.Tables, report)+"\n"), 0o644)
	}
	return err
}
