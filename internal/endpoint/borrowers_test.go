package endpoint

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBorrowersKnowsWhoHasABorrow(t *testing.T) {
	var b borrowers
	var all sync.WaitGroup
	for first := range uint64(4) {
		all.Go(func() {
			for i := range uint64(5000) {
				number := 1 + first + 4*i
				assert.False(t, b.mayHave(number))
				b.add(number)
				b.add(number)
				assert.True(t, b.mayHave(number))
				b.remove(number)
				assert.True(t, b.mayHave(number), "the second")
				b.remove(number)
			}
		})
	}
	all.Wait()
	assert.False(t, b.mayHave(1))
}

func TestBorrowersForgetsNobodyForWantOfRoom(t *testing.T) {
	var b borrowers
	const many = 20 * borrowerLines
	for number := uint64(1); number <= many; number++ {
		b.add(number)
	}
	for number := uint64(1); number <= many; number++ {
		assert.True(t, b.mayHave(number))
	}
	for number := uint64(1); number <= many; number++ {
		b.remove(number)
	}
	for number := uint64(1); number <= many; number++ {
		assert.False(t, b.mayHave(number))
	}
}

func TestNobodyInParticularIsNoBorrower(t *testing.T) {
	var b borrowers
	b.add(0)
	b.remove(0)
	assert.Equal(t, int64(0), b.more.Load())
	assert.False(t, b.mayHave(7))
}
