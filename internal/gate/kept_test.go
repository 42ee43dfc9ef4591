package gate

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// queued has somebody wait for a permit, and tells when it was admitted.
func queued(t *testing.T, enter func(context.Context, time.Duration) (Permit, Wait, error)) <-chan Permit {
	t.Helper()
	admitted := make(chan Permit, 1)
	go func() {
		p, _, err := enter(t.Context(), 0)
		assert.NoError(t, err)
		admitted <- p
	}()
	synctest.Wait()
	return admitted
}

func TestWhatIsKeptIsForThoseWhoHaveAPermit(t *testing.T) {
	for name, o := range map[string]Options{
		"one class":   {Limit: 3},
		"two classes": {Limit: 4, Classes: []Class{{Name: "web", Weight: 8}, {Name: "admin", Weight: 1, Reserve: 1}}},
		"tenants":     {Limit: 3, MaxOfTenant: 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New(o)
				g.KeepOne()
				first, second := enter(t, g), enter(t, g)
				newcomer := queued(t, g.Enter)
				late := queued(t, g.EnterHolding)
				p := <-late
				assert.Empty(t, newcomer, "the last one is kept")
				later := queued(t, g.EnterHolding)
				g.Leave(p)
				p = <-later
				assert.Empty(t, newcomer, "and goes from one of them to the other")
				g.Leave(p)
				synctest.Wait()
				assert.Empty(t, newcomer)
				g.Leave(first)
				p = <-newcomer
				g.Leave(p)
				g.Leave(second)
				assert.Zero(t, g.State().Taken)
			})
		})
	}
}

func TestAPermitIsKeptAsLongAsItIsNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Limit: 2})
		g.KeepOne()
		p := enter(t, g)
		began := time.Now()
		newcomer := queued(t, g.Enter)
		time.Sleep(keptFor - 1)
		second, _, err := g.EnterHolding(t.Context(), 0)
		require.NoError(t, err)
		g.Leave(second)
		second = <-newcomer
		assert.Equal(t, 2*keptFor-1, time.Since(began), "nobody has given anything back, but nobody has needed it either")
		g.Leave(second)
		g.Leave(p)
		assert.False(t, g.Keeps())
		assert.Zero(t, g.State().Taken)
	})
}

func TestNothingIsKeptOfOnePermitOrByAClosedGate(t *testing.T) {
	g := one()
	g.KeepOne()
	enter(t, g)
	g = New(Options{Limit: 2})
	g.KeepOne()
	g.Close()
	g.KeepOne()
	g.Open()
	enter(t, g)
	enter(t, g)
}

func TestALoweredLimitLeavesNothingToKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Limit: 3})
		g.KeepOne()
		g.SetLimits(Limits{Permits: 1})
		p := enter(t, g)
		newcomer := queued(t, g.Enter)
		g.Leave(p)
		g.Leave(<-newcomer)
		assert.Zero(t, g.State().Taken)
	})
}
