package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnSQLitePooledDialsOnceForEachRequestOfABurst(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	text := quickstart(t)
	bare, pooled := dialsOf(t, text, "sqlite"), dialsOf(t, text, "pooled")
	require.Greater(t, bare, 2*requests, text)
	require.LessOrEqual(t, pooled, requests, text)
	lines := strings.Split(text, "\n")
	require.Contains(t, lines[1], "With pooled the same work was done ", "the second line is what it is all about")
	require.Contains(t, lines[2], "instead of making "+strconv.Itoa(bare-pooled)+" new ones.")
	for _, line := range lines {
		require.LessOrEqual(t, len(line), 80, line)
	}

	left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*"))
	require.NoError(t, err)
	require.Empty(t, left, "the database is removed")
}

func TestOnARealServerPooledDialsOnceForEachRequestOfABurst(t *testing.T) {
	for env, driverName := range map[string]string{"POOLED_TEST_POSTGRES": "pgx", "POOLED_TEST_MARIADB": "mysql", "POOLED_TEST_MYSQL": "mysql"} {
		t.Run(env, func(t *testing.T) {
			dsn := os.Getenv(env)
			if dsn == "" {
				t.Fatalf("%s is not set: make test starts servers and sets it, and so does scripts/test-servers.sh run COMMAND", env)
			}
			text := quickstart(t, dsn)
			require.Greater(t, dialsOf(t, text, driverName), 2*requests, text)
			// One connection may still be reading the server's catalogue, for all, when the second burst comes.
			require.LessOrEqual(t, dialsOf(t, text, "pooled"), requests+1, text)
		})
	}
}

func TestABadDSNIsAnErrorThatSaysWhy(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"nonsense"}, "pool_driver"},
		{[]string{"postgres://u:secret@127.0.0.1:1/d"}, "refused"},
		{[]string{"u:secret@tcp(127.0.0.1:1)/d"}, "refused"},
		{[]string{"postgres://u:secret@127.0.0.1/d?pool_max_con=1"}, "pool_max_conns"},
		{[]string{"a", "b"}, "at most one argument"},
	} {
		var out bytes.Buffer
		err := run(t.Context(), c.args, &out)
		require.ErrorContains(t, err, c.says)
		require.NotContains(t, err.Error(), "secret")
		require.Empty(t, out.String())
	}
}

func quickstart(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), args, &out))
	return out.String()
}

// dialsOf reads the second figure of the row with that name.
func dialsOf(t *testing.T, text, name string) int {
	t.Helper()
	row := regexp.MustCompile(`sql\.Open\("` + name + `"\) +[0-9]+ ms +([0-9]+) +[0-9.]+ ms +[0-9.]+ ms`)
	found := row.FindStringSubmatch(text)
	require.Len(t, found, 2, text)
	dials, err := strconv.Atoi(found[1])
	require.NoError(t, err)
	return dials
}
