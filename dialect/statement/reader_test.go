package statement

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
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
var whole = Catalogue[names]{
	Judge:    judgeByName,
	Reach:    func(text string, c *names) ([]string, bool) { return []string{text}, c != nil },
	Each:     func(*names, func(string)) {},
	Without:  func(*names, []string) *names { return nil },
	Asked:    func(*names) []string { return nil },
	Patience: 5 * time.Second,
}

func fetches(n names) func(*names, []string) (*names, error) {
	return func(*names, []string) (*names, error) { return &n, nil }
}

func TestReaderJudgesAgainOnceItHasTheCatalogue(t *testing.T) {
	r := NewReader(whole)
	assert.True(t, r.Stale())
	assert.False(t, r.Known())
	assert.True(t, r.Statement("f").Provisional)
	require.NoError(t, r.Learn(t.Context(), nil, false, fetches(names{"f": true})))
	assert.True(t, r.Known())
	assert.False(t, r.Stale())
	judged := r.Statement("f")
	assert.Equal(t, dialect.Read, judged.Class)
	assert.Same(t, judged, r.Statement("f"), "it is remembered")
}

func TestReaderAsksForAnUnknownNameOnceInMinAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReader(whole)
		require.NoError(t, r.Learn(t.Context(), nil, false, fetches(names{})))
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
		require.ErrorIs(t, r.Learn(t.Context(), nil, false, func(*names, []string) (*names, error) { return nil, refused }), refused)
		assert.True(t, r.Statement("f").Provisional, "nothing is known")
		for _, pause := range []time.Duration{0, firstPause, 2 * firstPause, 4 * firstPause} {
			if pause > 0 {
				r.Age()
				assert.False(t, r.Stale(), "it was tried only just")
			}
			time.Sleep(pause)
			r.Age()
			assert.True(t, r.Stale(), pause)
			require.ErrorIs(t, r.Learn(t.Context(), nil, false, func(*names, []string) (*names, error) { return nil, refused }), refused)
		}
		time.Sleep(minAge)
		r.Age()
		assert.True(t, r.Stale())
		require.NoError(t, r.Learn(t.Context(), nil, false, fetches(names{"f": true})))
		time.Sleep(minAge)
		r.Age()
		assert.False(t, r.Stale(), "a copy that was read is good for longer")
		time.Sleep(maxAge)
		r.Age()
		assert.True(t, r.Stale())
	})
}

func TestReaderReadsAgainWhatADriverPanickedOver(t *testing.T) {
	r := NewReader(whole)
	assert.True(t, r.Statement("f").Provisional)
	assert.PanicsWithValue(t, "boom", func() {
		_ = r.Learn(t.Context(), nil, false, func(*names, []string) (*names, error) { panic("boom") })
	})
	assert.True(t, r.Stale())
	require.NoError(t, r.Learn(t.Context(), nil, false, fetches(names{"f": true})))
	assert.Equal(t, dialect.Read, r.Statement("f").Class)
}

func TestReaderKnowsNothingWhereWhatWasChangedCannotBeRead(t *testing.T) {
	refused := errors.New("permission denied")
	refuse := func(*names, []string) (*names, error) { return nil, refused }
	r := NewReader(whole)
	require.NoError(t, r.Learn(t.Context(), nil, false, fetches(names{"f": true})))
	r.stale.Store(true) // for its age
	require.ErrorIs(t, r.Learn(t.Context(), nil, false, refuse), refused)
	assert.False(t, r.Statement("f").Provisional, "nothing says that it is another one now")
	r.Outdate(true)
	require.ErrorIs(t, r.Learn(t.Context(), nil, false, refuse), refused)
	assert.True(t, r.Statement("f").Provisional)
	r.Outdate(true)
	require.NoError(t, r.Learn(t.Context(), nil, false, fetches(names{"f": true})))
	assert.False(t, r.Statement("f").Provisional)
}

func TestReaderWaitsForTheFirstCatalogueOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReader(whole)
		answer := make(chan names)
		slow := func(*names, []string) (*names, error) { n := <-answer; return &n, nil }
		go func() { assert.NoError(t, r.Learn(t.Context(), nil, false, slow)) }()
		synctest.Wait()
		waited := make(chan error)
		go func() { waited <- r.Learn(t.Context(), nil, false, fetches(nil)) }()
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
		go func() { assert.NoError(t, r.Learn(t.Context(), nil, false, slow)) }()
		synctest.Wait()
		require.NoError(t, r.Learn(t.Context(), nil, false, fetches(nil)), "the old copy serves meanwhile")
		answer <- names{}
	})
}

// What statements have met may be removed before it is read anew. Then nobody could tell any more what that was.
func TestReaderReadsNothingAnewForTextsThatItKnows(t *testing.T) {
	r := NewReader(whole)
	fetched := 0
	fetch := func(*names, []string) (*names, error) { fetched++; return &names{"f": true}, nil }
	require.NoError(t, r.Learn(t.Context(), []string{"f"}, false, fetch))
	r.Removed([]string{"f"})
	r.stale.Store(true) // as it may have been changed unseen
	require.NoError(t, r.Learn(t.Context(), []string{"f"}, false, fetch))
	assert.Equal(t, 1, fetched)
	assert.Equal(t, dialect.Read, r.Statement("f").Class)
	assert.True(t, r.Stale(), "it is read anew when nobody waits for it")
	require.NoError(t, r.Learn(t.Context(), nil, false, fetch))
	assert.Equal(t, 2, fetched)
	r.Outdate(true)
	require.NoError(t, r.Learn(t.Context(), []string{"f"}, false, fetch))
	assert.Equal(t, 3, fetched, "what is known is what was")
}

func TestReaderStaysStaleWhenItWasOutdatedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReader(whole)
		answer := make(chan names)
		go func() {
			assert.NoError(t, r.Learn(t.Context(), nil, false, func(*names, []string) (*names, error) { n := <-answer; return &n, nil }))
		}()
		synctest.Wait()
		r.Outdate(true)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, r.Learn(ctx, nil, false, fetches(nil)))
		assert.False(t, r.Stale(), "somebody is at it")
		answer <- names{}
		synctest.Wait()
		assert.True(t, r.Stale())
	})
}

// byName is a catalogue that is asked for names.
var byName = Catalogue[names]{
	Judge: func(text string, c *names) (s *dialect.Statement, lacks []string, absent bool) {
		if c == nil || !(*c)[text] {
			return &dialect.Statement{Provisional: true}, []string{text}, false
		}
		return &dialect.Statement{Class: dialect.Read}, nil, false
	},
	Reach: func(text string, c *names) ([]string, bool) { return []string{text}, c != nil && (*c)[text] },
	Each: func(c *names, f func(string)) {
		for name := range *c {
			f(name)
		}
	},
	Without: func(c *names, without []string) *names {
		less := maps.Clone(*c)
		for _, name := range without {
			delete(less, name)
		}
		return &less
	},
	Asked: func(c *names) []string { return slices.Sorted(maps.Keys(*c)) },
}

// extends adds names to a catalogue, and notes which, and whether to a new one.
func extends(asked *[]string) func(c *names, more []string) (*names, error) {
	return func(c *names, more []string) (*names, error) {
		slices.Sort(more)
		extended, what := names{}, "all of "
		if c != nil {
			extended, what = maps.Clone(*c), ""
		}
		for _, name := range more {
			extended[name] = true
		}
		*asked = append(*asked, what+strings.Join(more, " "))
		return &extended, nil
	}
}

func TestReaderAsksForWhatTextsLackAndForAllWhenThatIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReader(byName)
		var asked []string
		learn := func(texts ...string) { require.NoError(t, r.Learn(t.Context(), texts, false, extends(&asked))) }
		learn("f")
		for range maxAge / time.Minute { // which is no reason to forget how old the rest is
			time.Sleep(time.Minute)
			r.Age()
			name := "g" + strconv.Itoa(len(asked))
			assert.True(t, r.Statement(name).Provisional)
			learn()
			assert.False(t, r.Statement(name).Provisional)
			assert.False(t, r.Statement("f").Provisional)
		}
		assert.Equal(t, []string{"all of f", "g1", "g2", "g3", "g4", "all of f g1 g2 g3 g4 g5"}, asked)
		learn("f", "g1")
		assert.Len(t, asked, 6, "nothing is lacking")
	})
}

func TestReaderForgetsWhatWasDefinedWhileItWasRead(t *testing.T) {
	r := NewReader(byName)
	asked := []string{}
	begun := r.Changes()
	require.NoError(t, r.Learn(t.Context(), []string{"f", "g"}, false, func(c *names, more []string) (*names, error) {
		r.Define([]string{"f"})
		return extends(&asked)(c, more)
	}))
	assert.True(t, r.Statement("f").Effects.Has(dialect.UnknownEffect))
	assert.False(t, r.Statement("g").Provisional)
	assert.True(t, r.ChangedSince(begun, "f"))
	assert.False(t, r.ChangedSince(begun, "g"))
	assert.False(t, r.ChangedSince(r.Changes(), "f"))
	r.Defined([]string{"f"})
	assert.True(t, r.Statement("f").Provisional)
	require.NoError(t, r.Learn(t.Context(), nil, false, extends(&asked)))
	assert.False(t, r.Statement("f").Provisional)

	r.Define(nil) // anything
	assert.True(t, r.Statement("g").Effects.Has(dialect.UnknownEffect))
	require.NoError(t, r.Learn(t.Context(), []string{"g"}, false, extends(&asked)))
	assert.True(t, r.Statement("g").Effects.Has(dialect.UnknownEffect), "whatever is read meanwhile")
	r.Defined(nil)
	require.NoError(t, r.Learn(t.Context(), []string{"g"}, false, extends(&asked)))
	assert.False(t, r.Statement("g").Provisional)
	assert.True(t, r.ChangedSince(begun, "g"))
	assert.Equal(t, []string{"all of f g", "f", "all of g"}, asked)
}

// What was read before something was removed tells what statements met until then; what was read after it does not.
func TestReaderKnowsWhetherItHasReadBeforeSomethingWasRemoved(t *testing.T) {
	r := NewReader(byName)
	asked := []string{}
	ran := r.Changes()
	require.NoError(t, r.Learn(t.Context(), []string{"before"}, false, extends(&asked)))
	r.Removed([]string{"before", "after"})
	assert.False(t, r.Statement("before").Provisional, "it goes on to be known")
	require.NoError(t, r.Learn(t.Context(), []string{"after", "other"}, false, extends(&asked)))
	assert.False(t, r.ChangedSince(ran, "before"))
	assert.True(t, r.ChangedSince(ran, "after"))
	assert.False(t, r.ChangedSince(ran, "other"))
	assert.False(t, r.ChangedSince(r.Changes(), "after"))

	ran = r.Changes()
	require.NoError(t, r.Learn(t.Context(), []string{"while"}, false, func(c *names, more []string) (*names, error) {
		r.Removed(nil) // anything
		return extends(&asked)(c, more)
	}))
	assert.True(t, r.ChangedSince(ran, "while"))
	assert.False(t, r.ChangedSince(ran, "other"))

	r.Outdate(true)
	require.NoError(t, r.Learn(t.Context(), nil, false, extends(&asked)))
	assert.True(t, r.ChangedSince(ran, "other"), "it was read again")
}

func TestMentionsFindsNamesAsWords(t *testing.T) {
	set := map[string]bool{"setval": true}
	assert.True(t, Mentions("select SetVal('s', 1)", set))
	assert.False(t, Mentions("select my_setval(1), setval2(1)", set))
}
