package routing_test

import (
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/routing"
)

func TestNoReadMissesWhatItsConnectionHidesOrItsServerHasLost(t *testing.T) {
	forEachFamily(t, 2, nil, func(t *testing.T, p *pool) {
		t.Run("a connection leaves a replica that misses a write", p.testHeldConnection)
		t.Run("what is written by the real connection is seen", p.testRawWrite)
		if p.family.driver == "mysql" {
			t.Run("what implicit commits leave is seen after a rollback", p.testImplicitCommit)
			t.Run("a write counts while nobody seems to be the primary", p.testWriteWithoutPrimary)
			return
		}
		t.Run("a session does not miss what a transaction of it has shown", p.testTransactionOfSession)
		t.Run("a replica that comes back with older data is not trusted", p.testReplicaWithOlderData)
	})
}

// prepare makes register 0, which all nodes have then, and holds the replicas that are named.
func (p *pool) prepare(t *testing.T, held ...int) {
	t.Helper()
	for _, query := range []string{"delete from register", "insert into register values (0, 0)"} {
		_, err := p.ExecContext(t.Context(), query)
		require.NoError(t, err)
	}
	p.readable(t, p.family.readSQL())
	for _, i := range held {
		p.Nodes[i].Pause()
		t.Cleanup(p.Nodes[i].Resume)
	}
}

func (p *pool) testHeldConnection(t *testing.T) {
	p.prepare(t, 1, 2)
	conn, err := p.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	value(t.Context(), t, conn)
	require.NotZero(t, p.last(t))
	_, err = p.ExecContext(t.Context(), "update register set n = 1")
	require.NoError(t, err)
	assert.Equal(t, 1, value(t.Context(), t, conn))
	assert.Zero(t, p.last(t))
}

func (p *pool) testRawWrite(t *testing.T) {
	p.prepare(t)
	conn, err := p.Conn(t.Context())
	require.NoError(t, err)
	require.NoError(t, pooled.Raw(t.Context(), conn, func(real driver.Conn) error {
		p.readable(t, p.family.readSQL()) // since the call began
		for _, node := range p.Nodes[1:] {
			node.Pause()
			t.Cleanup(node.Resume)
		}
		_, err := real.(driver.ExecerContext).ExecContext(t.Context(), "update register set n = 1", nil)
		return err
	}))
	require.NoError(t, conn.Close())
	assert.Equal(t, 1, value(t.Context(), t, p))
}

func (p *pool) testImplicitCommit(t *testing.T) {
	p.prepare(t, 1, 2)
	tx, err := p.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), "update register set n = 1")
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), "create table other (id int)") // which commits
	require.NoError(t, err)
	require.NoError(t, tx.Rollback())
	assert.Equal(t, 1, value(t.Context(), t, p))
}

func (p *pool) testWriteWithoutPrimary(t *testing.T) {
	p.prepare(t, 1, 2)
	conn, err := p.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.ExecContext(t.Context(), "set @v = 1") // which binds it to its connection
	require.NoError(t, err)
	p.Nodes[0].Exec("set global read_only = 1") // the user of the tests may write nevertheless
	p.eventually(t, "the primary seems to be a replica", func() bool { return p.stats().Primary == "" })
	_, err = conn.ExecContext(t.Context(), "update register set n = 1")
	require.NoError(t, err)
	p.Nodes[0].Exec("set global read_only = 0")
	assert.Equal(t, 1, value(t.Context(), t, p))
}

func (p *pool) testTransactionOfSession(t *testing.T) {
	p.prepare(t, 2)
	ctx := routing.NewSession(t.Context())
	tx, err := p.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	require.NoError(t, err)
	for p.last(t) != 1 { // it began on the other one
		require.NoError(t, tx.Rollback())
		ctx = routing.NewSession(t.Context())
		tx, err = p.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		require.NoError(t, err)
	}
	defer tx.Rollback()
	p.eventually(t, "the session reads from both", func() bool {
		value(ctx, t, p)
		return p.last(t) == 2
	})
	_, err = p.ExecContext(t.Context(), "update register set n = 1") // by somebody else
	require.NoError(t, err)
	p.eventually(t, "the transaction shows it", func() bool { return value(ctx, t, tx) == 1 })
	for range 20 {
		require.Equal(t, 1, value(ctx, t, p))
	}
}

// A standby that was killed comes back with what it had on disk, and applies the rest later: here, after an hour.
func (p *pool) testReplicaWithOlderData(t *testing.T) {
	p.prepare(t)
	for _, node := range p.Nodes {
		node.Exec("checkpoint") // which is where the standbys will begin
	}
	_, err := p.ExecContext(t.Context(), "update register set n = 1")
	require.NoError(t, err)
	p.readable(t, p.family.readSQL())
	for _, node := range p.Nodes[1:] {
		node.Exec("alter system set recovery_min_apply_delay = '1h'")
		node.Kill()
	}
	p.eventually(t, "they are left", func() bool {
		s := p.stats()
		return !s.Servers[1].Up && !s.Servers[2].Up
	})
	for _, node := range p.Nodes[1:] {
		node.Start()
	}
	p.eventually(t, "they are back", func() bool {
		s := p.stats()
		return s.Servers[1].Up && s.Servers[2].Up
	})
	require.Zero(t, p.registers(t, p.Nodes[1])[0], "it has lost nothing, so this test shows nothing")
	for range 20 {
		require.Equal(t, 1, value(t.Context(), t, p))
	}
}

// What was sent to a primary that has become silent fails, since it may have been executed. What was not is executed by the next one.
func TestWhoWaitsForASilentPrimaryIsToldOnceThereIsAnotherOne(t *testing.T) {
	forEachFamily(t, 2, nil, func(t *testing.T, p *pool) {
		p.prepare(t)
		p.Nodes[0].Stop()
		told := make(chan error, 1)
		go func() {
			_, err := p.ExecContext(t.Context(), "update register set n = 1")
			told <- err
		}()
		p.eventually(t, "the silence is noticed", func() bool { return !p.stats().Servers[0].Up })
		for _, node := range p.Nodes[2:] {
			node.Kill() // it is of no use here
		}
		p.Nodes[1].Promote()
		p.eventually(t, "it is told", func() bool { return len(told) == 1 })
		want := int64(1)
		if err := <-told; err != nil { // it had been sent
			t.Log(err)
			want = 0
		}
		assert.Equal(t, want, p.registers(t, p.Nodes[1])[0])
		p.Nodes[0].Kill() // or pgx would go on asking it to cancel what was sent
	})
}
