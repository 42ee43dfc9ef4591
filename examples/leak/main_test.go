package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// In half an hour, requests forget 18 connections: more than there are permits.
const (
	halfAnHour = 30 * time.Minute
	requests   = int(halfAnHour / time.Second)
	forgotten  = requests / forgetful
)

func TestTheServiceStarvesUnlessTheConnectionsOfEndedGoroutinesAreReclaimed(t *testing.T) {
	for name, dsn := range map[string]func() string{
		"pretend server": func() string { return "" },
		"PostgreSQL":     func() string { return os.Getenv("POOLED_TEST_POSTGRES") },
	} {
		t.Run(name, func(t *testing.T) {
			dsn := dsn()
			if name == "PostgreSQL" && dsn == "" {
				t.Fatal("POOLED_TEST_POSTGRES is not set: make test starts servers and sets it, and so does scripts/test-servers.sh run COMMAND")
			}
			var out bytes.Buffer
			require.NoError(t, run(t.Context(), dsn, halfAnHour, &out))
			text := out.String()
			t.Log(text)

			off := outcomeOf(t, text, "off")
			assert.Positive(t, off.failed)
			assert.Equal(t, requests, off.served+off.failed)
			assert.Equal(t, maxConns, off.leaked)
			assert.Zero(t, off.reclaimed)
			assert.Regexp(t, `pooled: no server connection to .* \(pool_acquire_timeout=1\.8s\): 10 of 10 permits`, text)
			assert.Regexp(t, `held longest: connection \d+, held for \S+ by \S+\.\(\*shop\)\.(search|order) \(\S+/main\.go:\d+\), idle for`, text)

			orphaned := outcomeOf(t, text, "orphaned")
			assert.Zero(t, orphaned.failed)
			assert.Equal(t, requests, orphaned.served)
			assert.Equal(t, forgotten, orphaned.leaked)
			assert.Positive(t, orphaned.reclaimed)
			assert.LessOrEqual(t, orphaned.reclaimed, forgotten)
			assert.LessOrEqual(t, orphaned.sockets, maxConns+1, "reclaimed connections are closed on the server too")
			assert.Regexp(t, `borrowed at +\S+\.\(\*shop\)\.(search|order) \(\S+/main\.go:\d+\)`, text)
			assert.Regexp(t, `goroutine +gone`, text)
			assert.Regexp(t, `last call +query select name from \(values \(\?\)\) as goods \(name\)`, text)
			assert.Regexp(t, `reclaimed +true`, text)
		})
	}
}

func TestABadDSNIsAnErrorThatSaysWhy(t *testing.T) {
	for dsn, says := range map[string]string{
		"host=/tmp password=secret":                       "postgres://",
		"postgres://u:secret@127.0.0.1:1/d":               "refused",
		"postgres://u:secret@127.0.0.1/d?pool_max_conn=1": "pool_max_conns",
	} {
		err := run(t.Context(), dsn, halfAnHour, io.Discard)
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestAnInterruptEndsTheProgram(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, run(ctx, "", halfAnHour, io.Discard), context.Canceled)
}

func TestADurationIsPrintedWithoutZerosAtItsEnd(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Hour: "1h", 30 * time.Minute: "30m", 90 * time.Minute: "1h30m", 10 * time.Second: "10s", 0: "0s",
	} {
		assert.Equal(t, want, short(d))
	}
}

// outcome is a row of the last table.
type outcome struct{ served, failed, leaked, reported, reclaimed, sockets int }

func outcomeOf(t *testing.T, text, reclaim string) outcome {
	t.Helper()
	row := regexp.MustCompile(`\n +` + reclaim + ` +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)\n`)
	found := row.FindStringSubmatch(text)
	require.Len(t, found, 7, text)
	var figures [6]int
	for i := range figures {
		var err error
		figures[i], err = strconv.Atoi(found[i+1])
		require.NoError(t, err)
	}
	return outcome{figures[0], figures[1], figures[2], figures[3], figures[4], figures[5]}
}
