package statement

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
)

// How old the copy of a catalogue may become: what other programs define is noticed after maxAge. What may have changed unseen
// is read again after minAge; so is it for a name that the copy does not have, which may be a mistake in the statement. What could not be
// read is read again at once, then after firstPause, and after twice as long each time.
const (
	maxAge     = 5 * time.Minute
	minAge     = 10 * time.Second
	firstPause = 100 * time.Millisecond
)

// firstWait is for how long others wait for whoever reads the first catalogue.
const firstWait = 5 * time.Second

// Reader says what texts do, and remembers it. It judges them by a copy of the server's catalogue, C, and knows when that is out of
// date. It is the part of [dialect.Sessions] that is the same for every family.
type Reader[C any] struct {
	judge     func(text string, c *C) (s *dialect.Statement, complete bool)
	cache     Cache[*dialect.Statement]
	catalogue atomic.Pointer[C] // nil: not read yet
	stale     atomic.Bool
	outdated  atomic.Bool   // the catalogue was changed since it was read
	learnt    atomic.Int64  // when, or when that failed, in Unix nanoseconds; 0 = never
	learning  chan struct{} // holds one for whoever reads the catalogue
	failures  atomic.Int32  // how often in a row the catalogue could not be read
}

// NewReader makes a reader that knows no catalogue yet. judge says what a text does, and whether the catalogue, which is nil at first,
// has all of the names in it.
func NewReader[C any](judge func(text string, c *C) (s *dialect.Statement, complete bool)) *Reader[C] {
	r := &Reader[C]{judge: judge, learning: make(chan struct{}, 1)}
	r.stale.Store(true)
	return r
}

// Statement reads a text, or remembers it.
func (r *Reader[C]) Statement(text string) *dialect.Statement {
	s, ok := r.cache.Get(text)
	if !ok {
		s = r.read(text)
	}
	return s
}

func (r *Reader[C]) read(text string) *dialect.Statement {
	c := r.catalogue.Load()
	s, complete := r.judge(text, c)
	if !complete {
		r.askAgain(minAge)
	}
	r.cache.Put(text, s)
	if r.catalogue.Load() != c { // which was replaced meanwhile, and the cache cleared
		r.cache.Clear()
	}
	return s
}

// Stale reports whether the catalogue should be read.
func (r *Reader[C]) Stale() bool { return r.stale.Load() }

// Known reports whether the catalogue was ever read.
func (r *Reader[C]) Known() bool { return r.catalogue.Load() != nil }

// Age has the catalogue read again when it is old, or could not be read.
func (r *Reader[C]) Age() {
	age := maxAge
	if n := r.failures.Load(); n > 0 {
		age = pause(n)
	}
	r.askAgain(age)
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
		r.outdated.Store(true)
		r.stale.Store(true)
	} else {
		r.askAgain(minAge)
	}
}

// askAgain has the catalogue read again if the copy is older than age.
func (r *Reader[C]) askAgain(age time.Duration) {
	if learnt := r.learnt.Load(); learnt != 0 && time.Since(time.Unix(0, learnt)) >= age {
		r.stale.Store(true)
	}
}

// Learn has fetch read the catalogue, if it is stale. Where another call is at it, it waits if nothing is known yet, and leaves it
// to that one otherwise.
func (r *Reader[C]) Learn(ctx context.Context, fetch func() (*C, error)) error {
	mine := r.stale.CompareAndSwap(true, false)
	if !mine && r.tried() {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, firstWait)
	defer cancel()
	if !r.begin(waiting) {
		if mine {
			r.stale.Store(true)
		}
		return nil
	}
	defer r.end()
	if !mine && r.tried() {
		return nil
	}
	err := r.replace(fetch)
	if err == nil {
		return nil
	}
	r.learnt.Store(time.Now().UnixNano())
	r.failures.Add(1)
	return err
}

// tried reports whether there is nothing to wait for: the catalogue is known, or could not be read only just.
func (r *Reader[C]) tried() bool {
	n := r.failures.Load()
	return r.catalogue.Load() != nil || n > 0 && time.Since(time.Unix(0, r.learnt.Load())) < pause(n)
}

// begin waits until nobody else reads the catalogue. It reports false if ctx ends before.
func (r *Reader[C]) begin(ctx context.Context) bool {
	select {
	case r.learning <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *Reader[C]) end() { <-r.learning }

func (r *Reader[C]) replace(fetch func() (*C, error)) error {
	r.learnt.Store(time.Now().UnixNano())
	outdated := r.outdated.Swap(false)
	c, err := fetch()
	if err != nil {
		if outdated { // what was read before proves nothing any more
			r.outdated.Store(true)
			r.catalogue.Store(nil)
			r.cache.Clear()
		}
		return err
	}
	r.failures.Store(0)
	r.catalogue.Store(c)
	r.cache.Clear()
	return nil
}
