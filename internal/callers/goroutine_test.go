package callers

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAGoroutinesNumberIsTheOneInItsDump(t *testing.T) {
	if readGoroutine() == 0 {
		assert.Zero(t, Goroutine())
		t.Skip("this architecture cannot know it cheaply: " + runtime.GOARCH)
	}
	var goroutines sync.WaitGroup
	for range 100 {
		goroutines.Go(func() {
			assert.NotZero(t, Goroutine())
			assert.Equal(t, dumpedGoroutine(), Goroutine())
		})
	}
	goroutines.Wait()
	assert.Zero(t, testing.AllocsPerRun(100, func() { Goroutine() }))
}
