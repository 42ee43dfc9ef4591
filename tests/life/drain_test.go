package pooled_test

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
)

func TestDrainLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.MaxConns = 3 })
		held := p.hold(t, 2)
		p.idle(t, 1)
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
			left, err := p.connector.Drain(t.Context())
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
		assert.Zero(t, p.stats().Open)
	})
}

func TestDrainTellsWhatIsStillHeldWhenItsTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, nil)
		conn := p.hold(t, 1)[0]
		p.idle(t, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		left, err := p.connector.Drain(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, left, 1)
		assert.Equal(t, "hold", left[0].Text)
		assert.Equal(t, 1, p.stats().Open)
		require.NoError(t, conn.Close())
	})
}

func TestDrainCanLetNewBorrowersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.DrainWaits = true })
		p.idle(t, 1)
		_, err := p.connector.Drain(t.Context())
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
