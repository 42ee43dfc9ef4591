package router

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSamplesReachFarBack(t *testing.T) {
	var s samples
	for i := range 100_000 {
		s.add(int64(i+1), place(i+1))
	}
	assert.LessOrEqual(t, len(s), mostSamples)
	for i := 1; i < len(s); i++ {
		assert.Less(t, s[i-1].at, s[i].at)
	}
	assert.EqualValues(t, 100_000, s.asOf(place(200_000)))
	assert.EqualValues(t, 99_990, s.asOf(place(99_990)))
	assert.Positive(t, s.asOf(place(50_000)), "far behind, but not lost")
	assert.LessOrEqual(t, s.asOf(place(50_000)), int64(50_000))
	at, known := s.covering(place(99_990))
	assert.True(t, known)
	assert.EqualValues(t, 99_990, at)
	_, known = s.covering(place(100_001))
	assert.False(t, known)
	assert.Nil(t, s.after(100_001))
	assert.Equal(t, place(100_000), s.after(99_999+1))

	s.add(200_000, place(100_000))
	assert.Equal(t, sample{100_000, 200_000, place(100_000)}, s[len(s)-1], "nothing was written meanwhile")
}
