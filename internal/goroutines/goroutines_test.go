package goroutines

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
	whole := Dump{[]byte(dump), true}
	fate, where := whole.Find(7)
	assert.Equal(t, held.Alive, fate)
	assert.Equal(t, "chan receive, 5 minutes, locked to thread\n"+
		"main.(*Service[...]).handle.func1 (/src/service.go:87)\n"+
		"main.inlined (/src/service.go:12)\n"+
		"created by main.main in goroutine 1 (/src/main.go:9)", where)
	fate, where = whole.Find(71)
	assert.Equal(t, held.Alive, fate)
	assert.Equal(t, "running\nmain.main (/src/main.go:10)", where)
	fate, where = whole.Find(18)
	assert.Equal(t, held.Alive, fate)
	assert.Equal(t, "IO wait\nnet.(*conn).Read (/go/net.go:1)", where)
	fate, _ = whole.Find(1)
	assert.Equal(t, held.Gone, fate)
	fate, _ = whole.Find(0)
	assert.Equal(t, held.Unknown, fate)
}

func TestGoroutineThatAnIncompleteDumpDoesNotHaveIsNotGone(t *testing.T) {
	part := Dump{[]byte(dump[:100]), false}
	fate, _ := part.Find(71)
	assert.Equal(t, held.Alive, fate)
	fate, _ = part.Find(18)
	assert.Equal(t, held.Unknown, fate)
	fate, _ = Dump{}.Find(71)
	assert.Equal(t, held.Unknown, fate)
}

func TestDumpHasAllGoroutinesOrNone(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	for range 500 {
		go func() { <-stop }()
	}
	d := Dumper{Limit: 1 << 20, each: 1} // too small a buffer at first
	all, took := d.Dump()
	assert.True(t, all.Whole)
	assert.NotZero(t, took)
	assert.Greater(t, d.each, 50)
	d.Limit = 500
	none, took := d.Dump()
	assert.False(t, none.Whole)
	assert.Zero(t, took)
}

func TestAllGoroutinesAreReadWithWhatTheyWaitForAndWhoHasStartedThem(t *testing.T) {
	all := Dump{[]byte(dump + "\n\ngoroutine 20 [chan receive (durable), synctest bubble 3]:\nmain.f(...)\n\t/src/main.go:3\ncreated by time.goFunc\n\t/go/sleep.go:1 +0x2d\n"), true}.All()
	assert.Equal(t, map[uint64]Goroutine{
		71: {Number: 71, State: "running", Functions: []string{"main.main"}},
		7: {
			Number: 7, State: "chan receive", Minutes: 5, Functions: []string{"main.(*Service[...]).handle.func1", "main.inlined"}, Creator: "main.main", Parent: 1,
		},
		18: {Number: 18, State: "IO wait", Functions: []string{"net.(*conn).Read"}},
		20: {Number: 20, State: "chan receive", Functions: []string{"main.f"}, Creator: "time.goFunc"},
	}, all)
	assert.Nil(t, Dump{}.All())
}
