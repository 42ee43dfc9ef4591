package statement

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
)

// names is a catalogue of functions that are known to be harmless.
type names map[string]bool

func judgeByName(text string, c *names) (*dialect.Statement, bool) {
	switch {
	case c == nil:
		return &dialect.Statement{Provisional: true}, true
	case (*c)[text]:
		return &dialect.Statement{Class: dialect.Read}, true
	default:
		return &dialect.Statement{Effects: dialect.UnknownEffect}, false
	}
}

func fetches(n names) func() (*names, error) { return func() (*names, error) { return &n, nil } }

func TestReaderJudgesAgainOnceItHasTheCatalogue(t *testing.T) {
	r := NewReader(judgeByName)
	assert.True(t, r.Stale())
	assert.False(t, r.Known())
	assert.True(t, r.Statement("f").Provisional)
	require.NoError(t, r.Learn(t.Context(), fetches(names{"f": true})))
	assert.True(t, r.Known())
	assert.False(t, r.Stale())
	judged := r.Statement("f")
	assert.Equal(t, dialect.Read, judged.Class)
	assert.Same(t, judged, r.Statement("f"), "it is remembered")
}

func TestReaderAsksForAnUnknownNameOnceInMinAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReader(judgeByName)
		require.NoError(t, r.Learn(t.Context(), fetches(names{})))
		r.Statement("f")
		assert.False(t, r.Stale(), "the copy is new, so that the name is a mistake")
		time.Sleep(minAge)
		r.Statement("g")
		assert.True(t, r.Stale())
	})
}

func TestReaderReadsWhatCouldNotBeReadSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReader(judgeByName)
		refused := errors.New("permission denied")
		require.ErrorIs(t, r.Learn(t.Context(), func() (*names, error) { return nil, refused }), refused)
		assert.True(t, r.Statement("f").Provisional, "nothing is known")
		for _, pause := range []time.Duration{0, firstPause, 2 * firstPause, 4 * firstPause} {
			if pause > 0 {
				r.Age()
				assert.False(t, r.Stale(), "it was tried only just")
			}
			time.Sleep(pause)
			r.Age()
			assert.True(t, r.Stale(), pause)
			require.ErrorIs(t, r.Learn(t.Context(), func() (*names, error) { return nil, refused }), refused)
		}
		time.Sleep(minAge)
		r.Age()
		assert.True(t, r.Stale())
		require.NoError(t, r.Learn(t.Context(), fetches(names{"f": true})))
		time.Sleep(minAge)
		r.Age()
		assert.False(t, r.Stale(), "a copy that was read is good for longer")
		time.Sleep(maxAge)
		r.Age()
		assert.True(t, r.Stale())
	})
}

func TestReaderKnowsNothingWhereWhatWasChangedCannotBeRead(t *testing.T) {
	refused := errors.New("permission denied")
	refuse := func() (*names, error) { return nil, refused }
	r := NewReader(judgeByName)
	require.NoError(t, r.Learn(t.Context(), fetches(names{"f": true})))
	r.stale.Store(true) // for its age
	require.ErrorIs(t, r.Learn(t.Context(), refuse), refused)
	assert.False(t, r.Statement("f").Provisional, "nothing says that it is another one now")
	r.Outdate(true)
	require.ErrorIs(t, r.Learn(t.Context(), refuse), refused)
	assert.True(t, r.Statement("f").Provisional)
	r.Outdate(true)
	require.NoError(t, r.Learn(t.Context(), fetches(names{"f": true})))
	assert.False(t, r.Statement("f").Provisional)
}

func TestReaderWaitsForTheFirstCatalogueOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReader(judgeByName)
		answer := make(chan names)
		slow := func() (*names, error) { n := <-answer; return &n, nil }
		go func() { assert.NoError(t, r.Learn(t.Context(), slow)) }()
		synctest.Wait()
		waited := make(chan error)
		go func() { waited <- r.Learn(t.Context(), fetches(nil)) }()
		synctest.Wait()
		select {
		case <-waited:
			t.Error("nothing is known yet, and it did not wait")
		default:
		}
		answer <- names{"f": true}
		require.NoError(t, <-waited)
		assert.Equal(t, dialect.Read, r.Statement("f").Class, "the second did not read it again")

		r.Outdate(true)
		go func() { assert.NoError(t, r.Learn(t.Context(), slow)) }()
		synctest.Wait()
		require.NoError(t, r.Learn(t.Context(), fetches(nil)), "the old copy serves meanwhile")
		answer <- names{}
	})
}

func TestReaderStaysStaleWhenTheReaderGaveUpWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReader(judgeByName)
		answer := make(chan names)
		go func() {
			assert.NoError(t, r.Learn(t.Context(), func() (*names, error) { n := <-answer; return &n, nil }))
		}()
		synctest.Wait()
		r.Outdate(true)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, r.Learn(ctx, fetches(nil)))
		assert.True(t, r.Stale())
		answer <- names{}
	})
}

func TestMentionsFindsNamesAsWords(t *testing.T) {
	set := map[string]bool{"setval": true}
	assert.True(t, Mentions("select SetVal('s', 1)", set))
	assert.False(t, Mentions("select my_setval(1), setval2(1)", set))
}

func TestSeveral(t *testing.T) {
	assert.False(t, Several("select 1; \n"))
	assert.True(t, Several("select 1; select 2"))
	assert.False(t, Several(strings.Repeat(";", 3)))
}
