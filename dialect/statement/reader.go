package statement

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
)

// How old the copy of a catalogue may become: what other programs define is noticed after maxAge. What may have changed unseen
// is read again after minAge, or sooner where reading takes little; so is it for an object that does not exist, which may be a mistake in the
// statement. What could not be read is read again at once, then after firstPause, and after twice as long each time.
const (
	maxAge     = 5 * time.Minute
	minAge     = 10 * time.Second
	firstPause = 100 * time.Millisecond
)

// share is the part of the time, as one of so many, that reading takes at most of what may have changed unseen.
const share = 20

// patience is for how long those wait for whoever reads the catalogue who cannot do without.
const patience = 5 * time.Second

// maxWanted is how many names are noted that nobody has asked the server for yet.
const maxWanted = 10_000

// Catalogue is how a family judges texts by C, its copy of the server's catalogue, which never changes. The copy may know a few names only, and
// is extended then by those that texts have. Names are spelled by the family, so that what is one thing to the server is one name here.
//
// All functions must be there, and may be called by several goroutines at once. c is nil until the catalogue was read for the first time.
type Catalogue[C any] struct {
	// Judge says what a text does, which is provisional as long as the copy, nil at first, lacks the names that it returns. It reports that one
	// of them is absent if the server has nothing of the kind that the text needs.
	Judge func(text string, c *C) (s *dialect.Statement, lacks []string, absent bool)
	// Each calls f for the names that a copy knows, which is not nil.
	Each func(c *C, f func(name string))
	// Without returns a copy that lacks some names, of one that is not nil.
	Without func(c *C, names []string) *C
	// Reach returns all names that decide what a text does; false: the copy lacks some.
	Reach func(text string, c *C) (names []string, ok bool)
	// Asked returns the names that a copy, which is not nil, was asked for, and which the next one is to know.
	Asked func(c *C) []string
	// Patience is for how long who has a connection in hand waits for whoever reads the copy: as long as it takes to make up for what is not known.
	// Zero: nobody waits.
	Patience time.Duration
}

// Reader says what texts do, and remembers it. It judges them by a copy of the server's catalogue, C, and knows when that is out of
// date. It is the part of [dialect.Sessions] that is the same for every family with a catalogue that matters. It is to be made by [NewReader], and safe for concurrent use.
//
// What is left to the dialect: Declare, Proxied, Baseline, Reset and Leftovers; Learn, Define and Defined, which call those of the Reader with the names in a text.
type Reader[C any] struct {
	family   Catalogue[C]
	known    Cache[*dialect.Statement]
	guesses  Cache[*dialect.Statement] // that are provisional
	copy     atomic.Pointer[C]         // nil: not read yet; changes while mu is held
	stale    atomic.Bool
	wants    atomic.Bool   // there are wanted names
	learning atomic.Bool   // somebody reads the catalogue
	learnt   atomic.Int64  // when all of it was last asked for, in Unix nanoseconds; 0 = never
	failedAt atomic.Int64  // when it could last not be read
	took     atomic.Int64  // how long it took to read all of it, in nanoseconds
	failures atomic.Int32  // how often in a row the catalogue could not be read
	hurry    atomic.Bool   // that is no reason to wait
	doubted  atomic.Bool   // it may have been changed unseen, and is to be read again when that is not too soon
	changes  atomic.Uint64 // see Changes
	rejudged atomic.Uint64 // how often something else than the catalogue became known
	turn     chan struct{} // holds one for whoever reads the catalogue

	mu       sync.Mutex // guards what follows
	outdates int        // how often the catalogue was changed as a whole
	answered int        // how many of those have been read since
	asked    int        // how many of those there were when it began to be read
	wanted   map[string]bool
	defining map[string]int    // names whose definitions have begun and are not over, and how many
	anything int               // definitions of nobody knows what, which have begun and are not over
	defined  map[string]uint64 // the count of changes at the last definition of a name
	floor    uint64            // the same for all other names
	readAt   map[string]uint64 // the same as it was when what the copy knows of a name had been read
	began    []string          // the names of definitions that have begun since the catalogue is being read
	beganAll bool              // the same for those of nobody knows what
	// What was defined since it is being read, and of which all is known.
	extensions []func(c *C) *C
}

// NewReader makes a reader that knows no catalogue yet.
func NewReader[C any](c Catalogue[C]) *Reader[C] {
	r := &Reader[C]{family: c, turn: make(chan struct{}, 1), wanted: map[string]bool{}, defining: map[string]int{}, defined: map[string]uint64{}, readAt: map[string]uint64{}}
	r.stale.Store(true)
	return r
}

// Statement says what a text does, or remembers it. A text with names that the copy lacks has them wanted.
func (r *Reader[C]) Statement(text string) *dialect.Statement {
	if s, ok := r.known.Get(text); ok {
		return s
	}
	if s, ok := r.guesses.Get(text); ok {
		return s
	}
	c, changes, rejudged := r.copy.Load(), r.changes.Load(), r.rejudged.Load()
	s, lacks, absent := r.family.Judge(text, c)
	if absent {
		r.askAgain(minAge)
	}
	if s.Provisional {
		if r.isDefining(lacks) {
			s.Provisional = false
			Unknown(s, "names what is being defined")
			s.Unproved = dialect.Reason{} // it will be known when that is over
			return s
		}
		r.guesses.Put(text, s)
		r.want(lacks)
	} else {
		r.known.Put(text, s)
	}
	if r.copy.Load() != c || r.changes.Load() != changes || r.rejudged.Load() != rejudged { // and what was remembered has been forgotten
		r.forget()
	}
	return s
}

// isDefining reports whether a definition of one of these names has begun and is not over.
func (r *Reader[C]) isDefining(names []string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.anything > 0 || slices.ContainsFunc(names, func(name string) bool { return r.defining[name] > 0 })
}

func (r *Reader[C]) forget() {
	r.known.Clear()
	r.guesses.Clear()
}

// Rejudge has all texts judged anew, as something is known now which is not the catalogue's, such as what a fresh session has.
func (r *Reader[C]) Rejudge() {
	r.rejudged.Add(1)
	r.forget()
}

// want notes names to ask the server for.
func (r *Reader[C]) want(names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wantLocked(names)
}

func (r *Reader[C]) wantLocked(names []string) {
	for _, name := range names {
		if r.defining[name] == 0 && len(r.wanted) < maxWanted {
			r.wanted[name] = true
		}
	}
	r.wants.Store(len(r.wanted) > 0)
}

// Stale reports whether the catalogue should be read, and nobody is at it.
func (r *Reader[C]) Stale() bool {
	if r.doubted.Load() {
		r.doubt()
	}
	return (r.stale.Load() || r.wants.Load()) && !r.learning.Load() && !r.paused()
}

// Unsettled reports whether names are wanted, or being read.
func (r *Reader[C]) Unsettled() bool { return r.wants.Load() || r.learning.Load() }

// Known reports whether the catalogue was ever read.
func (r *Reader[C]) Known() bool { return r.copy.Load() != nil }

// Changes counts the definitions that have begun.
func (r *Reader[C]) Changes() uint64 { return r.changes.Load() }

// ChangedSince reports whether what a text does may have been changed by definitions that have begun after so many.
func (r *Reader[C]) ChangedSince(changes uint64, text string) bool {
	if r.changes.Load() == changes {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	names, ok := r.family.Reach(text, r.copy.Load())
	return !ok || slices.ContainsFunc(names, func(name string) bool {
		at, read := r.readAt[name]
		if !read {
			at = r.changedAtLocked(name)
		}
		return at > changes
	})
}

// changedAtLocked is the count of changes at the last one of a name.
func (r *Reader[C]) changedAtLocked(name string) uint64 { return max(r.floor, r.defined[name]) }

// Age has the catalogue read again when it is old.
func (r *Reader[C]) Age() { r.askAgain(maxAge) }

// paused reports whether nobody reads the catalogue yet, as that has failed only just.
func (r *Reader[C]) paused() bool {
	n := r.failures.Load()
	return n > 0 && !r.hurry.Load() && time.Since(time.Unix(0, r.failedAt.Load())) < pause(n)
}

// pause is how long nobody reads the catalogue after so many failures: the first may have been that of a connection.
func pause(failures int32) time.Duration {
	if failures <= 1 {
		return 0
	}
	return min(minAge, firstPause<<min(failures-2, 10))
}

// Outdate has the catalogue read again.
func (r *Reader[C]) Outdate(sure bool) {
	if sure {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.outdateLocked()
		return
	}
	r.doubted.Store(true)
	r.doubt()
}

// doubt has the catalogue read again if that is not too soon.
func (r *Reader[C]) doubt() {
	age := minAge
	if took := time.Duration(r.took.Load()); took > 0 {
		age = min(max(share*took, firstPause), minAge)
	}
	if r.askAgain(age) {
		r.doubted.Store(false)
	}
}

func (r *Reader[C]) outdateLocked() {
	r.outdates++
	r.hurry.Store(true)
	r.stale.Store(true)
}

// askAgain has the catalogue read again if the copy is older than age, and reports whether it is.
func (r *Reader[C]) askAgain(age time.Duration) bool {
	learnt := r.learnt.Load()
	old := learnt != 0 && time.Since(time.Unix(0, learnt)) >= age
	if old {
		r.stale.Store(true)
	}
	return old
}

// Define says that what is called by one of these names, or anything if there are none, is about to be defined: until Defined, nobody
// knows what it is.
func (r *Reader[C]) Define(names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changedLocked(names)
	if len(names) == 0 {
		r.anything++
		r.beganAll = true
	}
	for _, name := range names {
		r.defining[name]++
		delete(r.wanted, name)
	}
	r.began = append(r.began, names...)
	r.dropLocked(names)
}

// Removed says that what is called by one of these names, or anything if there are none, is about to be removed. The copy may go on to know it: that
// proves less than could be. But nobody can tell any more what earlier statements met.
func (r *Reader[C]) Removed(names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changedLocked(names)
}

// changedLocked counts a change of some names.
func (r *Reader[C]) changedLocked(names []string) {
	changes := r.changes.Add(1)
	if len(names) == 0 || len(r.defined) > maxWanted {
		r.floor = changes
		clear(r.defined)
	}
	for _, name := range names {
		r.defined[name] = changes
	}
}

// dropLocked has the copy lack what is defined.
func (r *Reader[C]) dropLocked(names []string) {
	if c := r.copy.Load(); c != nil {
		if len(names) > 0 {
			c = r.family.Without(c, names)
		} else {
			c = nil
		}
		r.copy.Store(c)
	}
	for _, name := range names {
		delete(r.readAt, name)
	}
	r.forget()
}

// Extend replaces the copy, if there is one, by what change makes of it: something was defined of which all is known. Who reads the catalogue at this moment may not
// have seen it, so what he has read is changed as well.
func (r *Reader[C]) Extend(change func(c *C) *C) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.learning.Load() {
		r.extensions = append(r.extensions, change)
	}
	c := r.copy.Load()
	if c == nil {
		return
	}
	if changed := change(c); changed != c {
		r.copy.Store(changed)
		r.forget()
	}
}

// Defined says that a definition is over, for which Define was told these names.
func (r *Reader[C]) Defined(names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.guesses.Clear()
	if len(names) == 0 {
		r.anything--
		r.stale.Store(true)
	} else {
		for _, name := range names {
			if r.defining[name]--; r.defining[name] == 0 {
				delete(r.defining, name)
			}
		}
	}
}

// Learn has fetch extend the copy c, which it must not change, by the names that texts lack or, if it is out of date, make a new one: c is nil then, and the names are all
// that the new one is to know. Where another call is at it, it leaves it to
// that one, unless it is to wait.
func (r *Reader[C]) Learn(ctx context.Context, texts []string, wait bool, fetch func(c *C, names []string) (*C, error)) error {
	if !r.begin(ctx, wait) {
		return nil
	}
	defer r.end()
	c, names, ok := r.prepare(texts)
	if !ok {
		return nil
	}
	start := time.Now()
	if c == nil {
		r.learnt.Store(start.UnixNano())
	}
	read := false
	defer func() {
		if !read { // or the driver panicked
			r.mu.Lock()
			defer r.mu.Unlock()
			r.failedLocked(c, names)
		}
	}()
	extended, err := fetch(c, names)
	if err != nil {
		return err
	}
	read = true
	if c == nil {
		r.took.Store(int64(time.Since(start)))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.replaceLocked(c, extended, names)
	return nil
}

// begin waits until nobody else reads the catalogue, if that is asked for or worth it.
func (r *Reader[C]) begin(ctx context.Context, wait bool) bool {
	select {
	case r.turn <- struct{}{}:
	default:
		most := r.family.Patience
		if wait {
			most = patience
		} else if most == 0 || r.paused() {
			return false
		}
		ctx, cancel := context.WithTimeout(ctx, most)
		defer cancel()
		select {
		case r.turn <- struct{}{}:
		case <-ctx.Done():
			return false
		}
	}
	r.learning.Store(true)
	return true
}

func (r *Reader[C]) end() {
	r.learning.Store(false)
	<-r.turn
}

// prepare tells what to read: names that the copy lacks, or all of those that it should know if c is nil. It reports false if there is nothing.
func (r *Reader[C]) prepare(texts []string) (c *C, names []string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c = r.copy.Load()
	known := len(texts) > 0 && c != nil && r.outdates == r.answered
	for _, text := range texts {
		_, lacks, _ := r.family.Judge(text, c)
		known = known && len(lacks) == 0
		r.wantLocked(lacks)
	}
	if known { // since another has read it; to read it anew might be to find that it has gone
		return nil, nil, false
	}
	if r.anything > 0 || r.paused() || c != nil && !r.stale.Load() && len(r.wanted) == 0 {
		return nil, nil, false
	}
	if r.stale.Swap(false) {
		if c != nil {
			r.wantLocked(r.family.Asked(c))
		}
		c = nil
	}
	for name := range r.wanted {
		names = append(names, name)
	}
	clear(r.wanted)
	r.wants.Store(false)
	r.hurry.Store(false)
	r.began, r.beganAll, r.extensions, r.asked = nil, false, nil, r.outdates
	return c, names, true
}

// failedLocked notes that the catalogue could not be read.
func (r *Reader[C]) failedLocked(base *C, names []string) {
	r.failedAt.Store(time.Now().UnixNano())
	r.failures.Add(1)
	r.wantLocked(names)
	if base == nil {
		r.stale.Store(true)
	}
	if r.outdates != r.answered { // what was read before proves nothing any more
		r.copy.Store(nil)
		r.forget()
	}
}

// replaceLocked takes what was read instead of the copy, but for what was being defined meanwhile.
func (r *Reader[C]) replaceLocked(base, c *C, names []string) {
	r.failures.Store(0)
	if base == nil {
		r.answered = r.asked
	}
	if r.beganAll {
		r.wantLocked(names)
		return
	}
	for _, change := range r.extensions {
		c = change(c)
	}
	// Some have begun before, of names that were reached only.
	if being := slices.AppendSeq(slices.Clone(r.began), maps.Keys(r.defining)); len(being) > 0 {
		c = r.family.Without(c, being)
	}
	if base == nil {
		r.known.Clear()
		clear(r.readAt)
	}
	r.family.Each(c, func(name string) {
		if _, before := r.readAt[name]; !before {
			r.readAt[name] = r.changedAtLocked(name)
		}
	})
	r.copy.Store(c)
	r.guesses.Clear()
}
