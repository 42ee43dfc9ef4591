package statement

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCacheFindsWhatWasPut(t *testing.T) {
	var c Cache[int]
	for i := range 1000 {
		c.Put(fmt.Sprint(i), i)
		for j := 0; j <= i; j += 1 + i/7 {
			v, ok := c.Get(fmt.Sprint(j))
			require.True(t, ok, "%d after %d", j, i)
			require.Equal(t, j, v)
		}
	}
	_, ok := c.Get("1000")
	assert.False(t, ok)
	c.Clear()
	_, ok = c.Get("1")
	assert.False(t, ok)
}

func TestCacheRemembersNoMoreThanItsSize(t *testing.T) {
	var c Cache[int]
	for i := range 10_000 {
		c.Put(fmt.Sprint(i)+strings.Repeat("x", 4096), i)
		require.LessOrEqual(t, c.size+c.recentSize, cacheBytes+cacheBytes/2)
	}
	_, ok := c.Get(fmt.Sprint(9_999) + strings.Repeat("x", 4096))
	assert.True(t, ok, "the last one")
	_, ok = c.Get("0" + strings.Repeat("x", 4096))
	assert.False(t, ok, "the first one")
}

func TestCacheServesManyAtOnce(t *testing.T) {
	var c Cache[int]
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 5000 {
				text := fmt.Sprint(i % 300)
				if v, ok := c.Get(text); ok {
					assert.Equal(t, i%300, v)
				} else {
					c.Put(text, i%300)
				}
				if i == 2500 {
					c.Clear()
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkCacheHit(b *testing.B) {
	var c Cache[int]
	text := strings.Repeat("select a, b, c from some_table where id = $1 ", 5)
	c.Put(text, 1)
	for range 3 {
		c.Get(text)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := c.Get(text); !ok {
			b.Fatal("lost")
		}
	}
}
