package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each library's own test runs its tour on all databases. With all of them, this one builds and runs them a second time.
var everything = flag.Bool("all", false, "run the tours of all libraries, and not of two")

func TestEveryTourIsFound(t *testing.T) {
	libraries, err := find(t.Context(), nil)
	require.NoError(t, err)
	var names []string
	for _, l := range libraries {
		names = append(names, l.name)
	}
	assert.Equal(t, sourcesOfTours(t), names)
}

func TestAllFeaturesWorkOnAllDatabasesThroughPooled(t *testing.T) {
	libraries := []string{"river", "sqlx"}
	if *everything {
		libraries = sourcesOfTours(t)
	}
	var out bytes.Buffer
	err := run(t.Context(), effort{rounds: 1, turns: 1, queries: 50, only: libraries}, &out)
	text := out.String()
	require.NoError(t, err, text)

	for _, library := range libraries {
		for column, server := range []struct{ family, title string }{{"postgres", "PostgreSQL"}, {"mysql", "MariaDB"}, {"mysql", "MySQL"}} {
			family, title := server.family, server.title
			golden, err := os.ReadFile(filepath.Join("..", library, "testdata", family+".golden"))
			if library == "river" && family == "mysql" { // it has no driver for MySQL
				require.ErrorIs(t, err, os.ErrNotExist)
				continue
			}
			require.NoError(t, err)
			fails := strings.Count(string(golden), "  fails: ")
			works := strings.Count(string(golden), "\n") - 1 - fails
			assert.Regexp(t, ` `+library+` +`+title+` +`+all(works)+` +`+all(fails)+` +[1-9]\d* +[1-9]\d* `, text)
			for _, line := range strings.Split(strings.TrimSpace(string(golden)), "\n")[1:] {
				name, _, _ := strings.Cut(line, "  ")
				assert.Regexp(t, fmt.Sprintf(`(?m)^%s +%s( +\S+){%d} +ok( +\S+)*$`, library, regexp.QuoteMeta(name), column), text)
			}
		}
	}
	assert.NotContains(t, text, failed)
	assert.Regexp(t, `(?m) (PostgreSQL|MariaDB|MySQL) .* [1-9]\d* *$`, text, "some reads went to replicas")
}

// sourcesOfTours finds the tours in another way than the program does.
func sourcesOfTours(t *testing.T) (names []string) {
	t.Helper()
	sources, err := filepath.Glob("../*/main.go")
	require.NoError(t, err)
	for _, file := range sources {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		if strings.Contains(string(source), "tour.Main(") {
			names = append(names, filepath.Base(filepath.Dir(file)))
		}
	}
	require.Subset(t, names, []string{"bun", "gorm", "sqlx", "squirrel"})
	return names
}

func all(n int) string { return fmt.Sprintf("%d of %d", n, n) }
