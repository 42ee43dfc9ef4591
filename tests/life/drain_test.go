package life_test

import (
	"context"
	"database/sql/driver"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

func TestDrainLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConns = 3 })
		held := p.Hold(t, 2)
		p.Idle(t, 1)
		tx, err := p.Begin()
		require.NoError(t, err)
		waiting := make(chan error, 1)
		go func() {
			_, err := p.Exec("waits since before")
			waiting <- err
		}()
		synctest.Wait()
		drained := make(chan error, 1)
		go func() {
			left, err := p.Connector.Drain(t.Context())
			assert.Empty(t, left)
			drained <- err
		}()
		synctest.Wait()
		_, err = p.Exec("too late")
		require.ErrorIs(t, err, pooled.ErrDraining)
		require.NotErrorIs(t, err, driver.ErrBadConn)
		_, err = tx.Exec("update")
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		require.NoError(t, <-waiting)
		for _, c := range held {
			time.Sleep(time.Second)
			require.NoError(t, c.Close())
		}
		require.NoError(t, <-drained)
		assert.Zero(t, p.EndpointStats().Open)
	})
}

func TestDrainTellsWhatIsStillHeldWhenItsTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		conn := p.Hold(t, 1)[0]
		p.Idle(t, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		left, err := p.Connector.Drain(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, left, 1)
		assert.Equal(t, "hold", left[0].Text)
		assert.Equal(t, 1, p.EndpointStats().Open)
		require.NoError(t, conn.Close())
	})
}

func TestDrainCanLetNewBorrowersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.Drain = policy.DrainWait })
		p.Idle(t, 1)
		_, err := p.Connector.Drain(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = p.ExecContext(ctx, "waits")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		failed := make(chan error, 1)
		go func() {
			_, err := p.Exec("waits for ever")
			failed <- err
		}()
		synctest.Wait()
		require.NoError(t, p.Close())
		require.ErrorIs(t, <-failed, pooled.ErrDraining)
	})
}
