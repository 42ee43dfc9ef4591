package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCallersAndTheirWritesSurviveEveryFault(t *testing.T) {
	for _, family := range families {
		t.Run(family.name, func(t *testing.T) {
			s, err := newServer(t.Context(), family)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, s.close()) })
			for _, f := range faults {
				t.Run(f.name, func(t *testing.T) {
					r, err := run(t.Context(), s, f)
					require.NoError(t, err)
					t.Logf("%d calls, %d succeeded; failed: %s; %d acknowledged writes; %s", r.calls, r.succeeded, r.failures(), r.acknowledged, r.took)
					for _, q := range steady([]result{r}) {
						assert.True(t, q.holds, "%s: %s", q.what, q.got)
					}
					assert.NotZero(t, r.acknowledged)
					assert.EqualValues(t, maxConns, r.mostConns, "otherwise nobody has seen the service's connections")
					assert.NotZero(t, r.mostDials)
					if !f.gentle {
						assert.NotEmpty(t, r.failed, "nobody has met the fault")
					}
				})
			}
		})
	}
}
