package leak

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/held"
)

const dump = `goroutine 71 [running]:
main.main()
	/src/main.go:10 +0x1d

goroutine 7 [chan receive, 5 minutes, locked to thread]:
main.(*Service[...]).handle.func1(0xc000012345, {0x1, 0x2})
	/src/service.go:87 +0x5e
main.inlined(...)
	/src/service.go:12
created by main.main in goroutine 1
	/src/main.go:9 +0x2f

goroutine 18 [IO wait]:
net.(*conn).Read(0xc00001)
	/go/net.go:1 +0x1`

func TestGoroutineIsFoundByItsWholeNumber(t *testing.T) {
	whole := goroutines{[]byte(dump), true}
	fate, where := whole.find(7)
	assert.Equal(t, held.Alive, fate)
	assert.Equal(t, "chan receive, 5 minutes, locked to thread\n"+
		"main.(*Service[...]).handle.func1 (/src/service.go:87)\n"+
		"main.inlined (/src/service.go:12)\n"+
		"created by main.main in goroutine 1 (/src/main.go:9)", where)
	fate, where = whole.find(71)
	assert.Equal(t, held.Alive, fate)
	assert.Equal(t, "running\nmain.main (/src/main.go:10)", where)
	fate, where = whole.find(18)
	assert.Equal(t, held.Alive, fate)
	assert.Equal(t, "IO wait\nnet.(*conn).Read (/go/net.go:1)", where)
	fate, _ = whole.find(1)
	assert.Equal(t, held.Gone, fate)
	fate, _ = whole.find(0)
	assert.Equal(t, held.Unknown, fate)
}

func TestGoroutineThatAnIncompleteDumpDoesNotHaveIsNotGone(t *testing.T) {
	part := goroutines{[]byte(dump[:100]), false}
	fate, _ := part.find(71)
	assert.Equal(t, held.Alive, fate)
	fate, _ = part.find(18)
	assert.Equal(t, held.Unknown, fate)
	fate, _ = goroutines{}.find(71)
	assert.Equal(t, held.Unknown, fate)
}

func TestDumpHasAllGoroutinesOrNone(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	for range 500 {
		go func() { <-stop }()
	}
	d := dumper{limit: 1 << 20, each: 1} // too small a buffer at first
	all, took := d.dump()
	assert.True(t, all.whole)
	assert.NotZero(t, took)
	assert.Greater(t, d.each, 50)
	d.limit = 500
	none, took := d.dump()
	assert.False(t, none.whole)
	assert.Zero(t, took)
}
