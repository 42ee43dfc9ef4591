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

func judgeByName(text string, c *names) (s *dialect.Statement, lacks []string, absent bool) {
	switch {
	case c == nil:
		return &dialect.Statement{Provisional: true}, nil, false
	case (*c)[text]:
		return &dialect.Statement{Class: dialect.Read}, nil, false
	default:
		return &dialect.Statement{Effects: dialect.UnknownEffect}, nil, true
	}
}

// whole is a catalogue that is read as a whole.
var whole = Catalogue[names]{Judge: judgeByName}

func fetches(n names) func(*names, []string) (*names, error) {
	return func(*names, []string) (*names, error) { return &n, nil }
}

func TestReaderJudgesAgainOnceItHasTheCatalogue(t *testing.T) {
	r := NewReader(whole)
	assert.True(t, r.Stale())
	assert.False(t, r.Known())
	assert.True(t, r.Statement("f").Provisional)
	require.NoError(t, r.Learn(t.Context(), nil, fetches(names{"f": true})))
	assert.True(t, r.Known())
	assert.False(t, r.Stale())
	judged := r.Statement("f")
	assert.Equal(t, dialect.Read, judged.Class)
	assert.Same(t, judged, r.Statement("f"), "it is remembered")
}

func TestReaderAsksForAnUnknownNameOnceInMinAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReader(whole)
		require.NoError(t, r.Learn(t.Context(), nil, fetches(names{})))
		r.Statement("f")
		assert.False(t, r.Stale(), "the copy is new, so that the name is a mistake")
		time.Sleep(minAge)
		r.Statement("g")
		assert.True(t, r.Stale())
	})
}

func TestReaderReadsWhatCouldNotBeReadSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReader(whole)
		refused := errors.New("permission denied")
		require.ErrorIs(t, r.Learn(t.Context(), nil, func(*names, []string) (*names, error) { return nil, refused }), refused)
		assert.True(t, r.Statement("f").Provisional, "nothing is known")
		for _, pause := range []time.Duration{0, firstPause, 2 * firstPause, 4 * firstPause} {
			if pause > 0 {
				r.Age()
				assert.False(t, r.Stale(), "it was tried only just")
			}
			time.Sleep(pause)
			r.Age()
			assert.True(t, r.Stale(), pause)
			require.ErrorIs(t, r.Learn(t.Context(), nil, func(*names, []string) (*names, error) { return nil, refused }), refused)
		}
		time.Sleep(minAge)
		r.Age()
		assert.True(t, r.Stale())
		require.NoError(t, r.Learn(t.Context(), nil, fetches(names{"f": true})))
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
	refuse := func(*names, []string) (*names, error) { return nil, refused }
	r := NewReader(whole)
	require.NoError(t, r.Learn(t.Context(), nil, fetches(names{"f": true})))
	r.stale.Store(true) // for its age
	require.ErrorIs(t, r.Learn(t.Context(), nil, refuse), refused)
	assert.False(t, r.Statement("f").Provisional, "nothing says that it is another one now")
	r.Outdate(true)
	require.ErrorIs(t, r.Learn(t.Context(), nil, refuse), refused)
	assert.True(t, r.Statement("f").Provisional)
	r.Outdate(true)
	require.NoError(t, r.Learn(t.Context(), nil, fetches(names{"f": true})))
	assert.False(t, r.Statement("f").Provisional)
}

func TestReaderWaitsForTheFirstCatalogueOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReader(whole)
		answer := make(chan names)
		slow := func(*names, []string) (*names, error) { n := <-answer; return &n, nil }
		go func() { assert.NoError(t, r.Learn(t.Context(), nil, slow)) }()
		synctest.Wait()
		waited := make(chan error)
		go func() { waited <- r.Learn(t.Context(), nil, fetches(nil)) }()
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
		go func() { assert.NoError(t, r.Learn(t.Context(), nil, slow)) }()
		synctest.Wait()
		require.NoError(t, r.Learn(t.Context(), nil, fetches(nil)), "the old copy serves meanwhile")
		answer <- names{}
	})
}

func TestReaderStaysStaleWhenItWasOutdatedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReader(whole)
		answer := make(chan names)
		go func() {
			assert.NoError(t, r.Learn(t.Context(), nil, func(*names, []string) (*names, error) { n := <-answer; return &n, nil }))
		}()
		synctest.Wait()
		r.Outdate(true)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, r.Learn(ctx, nil, fetches(nil)))
		assert.False(t, r.Stale(), "somebody is at it")
		answer <- names{}
		synctest.Wait()
		assert.True(t, r.Stale())
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
