package routing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadsGoToReplicasAndWritesToThePrimary(t *testing.T) {
	forEachFamily(t, 2, nil, func(t *testing.T, p *pool) {
		where := map[int]int{}
		for range 40 {
			where[p.node(t.Context(), t, p)]++
		}
		assert.Zero(t, where[0], "reads go to replicas")
		assert.Positive(t, where[1])
		assert.Positive(t, where[2])

		conn, err := p.Conn(t.Context())
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), "insert into register values (1, 1)")
		require.NoError(t, err)
		assert.Zero(t, p.node(t.Context(), t, conn), "a session stays on the primary")
		require.NoError(t, conn.Close())
		assert.Equal(t, 1, value(t.Context(), t, p), "what was just written is seen, wherever that is")
		p.readsReturn(t)
	})
}
