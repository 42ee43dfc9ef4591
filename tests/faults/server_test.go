package main

import (
	"context"
	"database/sql"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/testserver/process"
)

func TestKilledServerLeavesNoProcessAndStartsAgainWhereItWas(t *testing.T) {
	for _, family := range families {
		t.Run(family.name, func(t *testing.T) {
			s, err := newServer(t.Context(), family)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, s.close()) })
			require.NoError(t, s.makeLedger(t.Context()))
			insert(t, s, 1)
			first := s.process
			all := first.All()
			require.NoError(t, first.Kill())
			for _, pid := range all {
				assert.False(t, process.Runs(pid), "process %d", pid)
			}
			_, err = net.Dial("tcp", s.address())
			require.Error(t, err)
			require.NoError(t, s.start(t.Context()))
			insert(t, s, 2)
			insert(t, s, 2)
			acknowledged, lost, doubled, err := s.settle(t.Context(), []call{{id: 1}, {id: 2}, {id: 3}, {id: 4, kind: deadline}, {}})
			require.NoError(t, err)
			assert.Equal(t, []int{3, 1, 1}, []int{acknowledged, lost, doubled}, "3 is not there, 2 is there twice")
		})
	}
}

func insert(t *testing.T, s *server, id int64) {
	t.Helper()
	db, err := s.bare(serviceUser)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), s.insert, id)
	require.NoError(t, err)
}

func TestHaltedServerIsSilentAndGoesOn(t *testing.T) {
	s, err := newServer(t.Context(), postgres)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.close()) })
	require.NoError(t, s.process.Stop())
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.Error(t, s.control.PingContext(ctx))
	require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded, "it is not gone, but silent")
	require.NoError(t, s.process.Continue())
	require.NoError(t, s.answers(t.Context()))
}

func TestSamplerCountsTheServicesConnectionsAndNoOthers(t *testing.T) {
	for _, family := range families {
		t.Run(family.name, func(t *testing.T) {
			s, err := newServer(t.Context(), family)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, s.close()) })
			hold(t, s, othersUser, 3)
			hold(t, s, serviceUser, 5)
			n, err := (&sampler{server: s}).sample(t.Context())
			require.NoError(t, err)
			assert.EqualValues(t, 5, n)
		})
	}
}

// hold opens connections that stay until the test ends.
func hold(t *testing.T, s *server, user string, n int) {
	t.Helper()
	db, err := s.bare(user)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	var conns []*sql.Conn
	for range n {
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		conns = append(conns, conn)
	}
	assert.Len(t, conns, n)
}

func TestServerThatCannotStartSaysWhyAndLeavesNothingBehind(t *testing.T) {
	var dir string
	wrong := *mariadb
	wrong.prepare = func(s *server) []string {
		dir = s.dir
		return []string{"/bin/sh", "-c", "echo no such luck; exit 1"}
	}
	s, err := newServer(t.Context(), &wrong)
	require.ErrorContains(t, err, "no such luck")
	assert.Nil(t, s)
	assert.NoDirExists(t, dir)
}
