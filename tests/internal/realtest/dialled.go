package realtest

import (
	"context"
	"database/sql/driver"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
)

// Dialled is a real connection with what the dialect knows about its sessions.
type Dialled struct {
	T       *testing.T
	Dialect dialect.Dialect
	Server  dialect.Server
	Conn    driver.Conn
}

// Exec runs a statement as it is.
func (d *Dialled) Exec(query string) error {
	d.T.Helper()
	_, err := d.Conn.(driver.ExecerContext).ExecContext(d.T.Context(), query, nil)
	return err
}

// Used runs statements as a borrower would, and makes the session clean again.
func (d *Dialled) Used(queries ...string) error {
	d.T.Helper()
	var changes dialect.Changes
	for _, query := range queries {
		require.NoError(d.T, d.Exec(query), query)
		changes.Add(d.Server.Sessions.Statement(query), query, 0)
	}
	pending := changes.TakePending()
	require.NoError(d.T, d.Server.Sessions.Learn(d.T.Context(), d.Conn, pending.Texts, false))
	changes.Settle(d.Server.Sessions, pending, dialect.Undone{})
	return d.Server.Sessions.Reset(d.T.Context(), d.Conn, &changes, "")
}

// Refuses asserts that a write is refused as such.
func (d *Dialled) Refuses(query string, messages ...any) {
	d.T.Helper()
	class := d.Dialect.Classify(d.Exec(query))
	assert.True(d.T, class.Has(dialect.WriteRefused|dialect.Application), append(messages, class)...)
	assert.False(d.T, class.Has(dialect.Dead))
}

// Ways lists the ways to dial a server.
func (d *Dialled) Ways(t *testing.T, adopted driver.Connector) map[string]func(context.Context) driver.Conn {
	t.Helper()
	connect := func(server dialect.Server) func(context.Context) driver.Conn {
		return func(ctx context.Context) driver.Conn {
			conn, err := server.Connector.Connect(ctx)
			require.NoError(t, err)
			return conn
		}
	}
	return map[string]func(context.Context) driver.Conn{
		"connector": connect(d.Server),
		"adopted":   connect(d.Dialect.Adopt(adopted)),
		"socket": func(ctx context.Context) driver.Conn {
			conn, socket, err := d.Server.Dial(ctx)
			require.NoError(t, err)
			require.NotNil(t, socket)
			return conn
		},
	}
}

// Open dials, and has the dialect learn about the session.
func (d *Dialled) Open(t *testing.T, dial func(context.Context) driver.Conn) {
	t.Helper()
	d.T = t
	d.Conn = dial(dialect.ReadOnly(t.Context()))
	t.Cleanup(func() { assert.NoError(t, d.Conn.Close()) })
}

// Learn has the catalogue read that some texts are judged by.
func Learn(t *testing.T, d *Dialled, texts ...string) {
	t.Helper()
	_, err := d.Server.Sessions.Baseline(t.Context(), d.Conn, false)
	require.NoError(t, err)
	require.NoError(t, d.Server.Sessions.Learn(t.Context(), d.Conn, texts, false))
}
