package lately

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// typical returns what is to be expected after so many milliseconds each.
func typical(durations ...int) time.Duration {
	var l Times
	for _, ms := range durations {
		l.Note(int64(ms) * int64(time.Millisecond))
	}
	return time.Duration(l.Typical())
}

func TestNothingIsExpectedBeforeAnythingWasNoted(t *testing.T) {
	assert.Zero(t, typical())
	assert.Equal(t, time.Nanosecond, typical(0), "what takes no time is not unknown")
}

func TestFewTimesThatDifferChangeNothingOfWhatIsExpected(t *testing.T) {
	for name, durations := range map[string][]int{
		"prolonged":          {2, 500},
		"prolonged at first": {500, 2},
		"prolonged in a row": {2, 2, 2, 2, 2, 500, 500, 500, 500, 500},
		"every other":        {2, 90, 2, 90, 2, 90, 2, 90, 2, 90, 2, 90},
		"at the beginning":   {500, 400, 300, 2},
		"one that was short": {2, 2, 2, 2, 0, 2, 2, 2, 2},
	} {
		assert.Equal(t, 2*time.Millisecond, typical(durations...), name)
	}
}

func TestWhatIsExpectedFollowsTheLastTimes(t *testing.T) {
	assert.Equal(t, 20*time.Millisecond, typical(2, 2, 2, 2, 2, 2, 2, 2, 20, 20, 20, 20, 20, 20, 20))
	assert.Equal(t, 2*time.Millisecond, typical(20, 20, 20, 20, 20, 20, 20, 20, 2, 2))
}
