package routing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/routing"
)

// heldOf are the connections of a server that sessions hold.
func (p *pool) heldOf(node int) (n int) {
	for _, c := range p.connector.Held() {
		if c.Endpoint == p.Nodes[node].Address() {
			n++
		}
	}
	return n
}

// A session that goes from a replica to the primary leaves its connection to others as soon as the rows on it are over.
func TestSessionThatMovedToThePrimaryHoldsNoReplica(t *testing.T) {
	change := func(c *pooled.Config) {
		c.Pool.MaxConns = 1
		c.Pool.AcquireTimeout = 10 * time.Second
	}
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			p := open(t, f, f.cluster(t, 1), change)
			_, err := p.ExecContext(t.Context(), "insert into register values (0, 0), (1, 1), (2, 2)")
			require.NoError(t, err)
			for _, rows := range []string{"read", "closed", "prepared", "open"} {
				t.Run("its rows are "+rows, func(t *testing.T) {
					p.readable(t, asks)
					conn, err := p.Conn(t.Context())
					require.NoError(t, err)
					defer conn.Close()
					ask := "select id from register order by id"
					result, err := conn.QueryContext(t.Context(), ask)
					if rows == "prepared" {
						require.NoError(t, result.Close())
						st, err := conn.PrepareContext(t.Context(), ask)
						require.NoError(t, err)
						defer st.Close()
						result, err = st.QueryContext(t.Context())
						require.NoError(t, err)
					}
					require.NoError(t, err)
					require.Equal(t, 1, p.heldOf(1), "it reads from the replica")
					require.True(t, result.Next())
					if rows == "read" || rows == "prepared" {
						for result.Next() {
						}
					}
					if rows == "closed" {
						require.NoError(t, result.Close())
					}
					_, err = conn.ExecContext(t.Context(), "update register set n = n + 1")
					require.NoError(t, err)
					require.Equal(t, 1, p.heldOf(0), "it writes to the primary")
					if rows == "open" {
						assert.Equal(t, 1, p.heldOf(1), "its rows are read on")
						n := 1
						for result.Next() {
							n++
						}
						require.NoError(t, result.Err())
						assert.Equal(t, 3, n)
						_, err = conn.ExecContext(t.Context(), "update register set n = n + 1")
						require.NoError(t, err)
					}
					assert.Zero(t, p.heldOf(1))
					assert.Equal(t, 1, p.node(routing.WithReplica(routing.NewSession(t.Context())), t, p), "others get its permit")
				})
			}
		})
	}
}
