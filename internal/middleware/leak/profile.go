package leak

import (
	"io"
	"reflect"
	"runtime/pprof"
	"sync"
	"unsafe"

	"github.com/gopooled/pooled/internal/callers"
)

// profileName is the name of the profile in runtime/pprof: as its documentation wants, an import path.
const profileName = "github.com/gopooled/pooled"

// profiles is what the profile is made of.
var profiles = struct {
	sync.Mutex
	of map[*Leak]struct{}
}{of: map[*Leak]struct{}{}}

// It is made before anybody can ask for it: what is set in it has no lock.
func init() { makeProfile() }

// profiled adds the connections in use to the profile, until the function that it returns is called.
func profiled(l *Leak) (end func()) {
	profiles.Lock()
	defer profiles.Unlock()
	profiles.of[l] = struct{}{}
	return func() {
		profiles.Lock()
		defer profiles.Unlock()
		delete(profiles.of, l)
	}
}

// makeProfile registers the profile: the stacks of the connections in use, at the moment when somebody asks for it.
//
// runtime/pprof has no way to say that. Profile.Add captures the stack of its caller at once, under a lock, which would cost every
// borrow a microsecond. But a profile has two functions for what the runtime itself contributes; they are set here, if they are what
// they have been since Go 1.0. Otherwise there is no profile.
func makeProfile() {
	if !known(reflect.TypeFor[pprof.Profile]()) || pprof.Lookup(profileName) != nil {
		return
	}
	p := pprof.NewProfile(profileName)
	set(p, "count", func() int { return len(heldStacks()) })
	set(p, "write", func(w io.Writer, debug int) error {
		var now pprof.Profile // which knows how to write stacks
		set(&now, "name", profileName)
		set(&now, "m", heldStacks())
		return now.WriteTo(w, debug)
	})
}

// profileFields are the fields of a profile that are set here.
var profileFields = map[string]reflect.Type{
	"name":  reflect.TypeFor[string](),
	"m":     reflect.TypeFor[map[any][]uintptr](),
	"count": reflect.TypeFor[func() int](),
	"write": reflect.TypeFor[func(io.Writer, int) error](),
}

// known reports whether profiles have these fields.
func known(profile reflect.Type) bool {
	for name, want := range profileFields {
		if f, ok := profile.FieldByName(name); !ok || f.Type != want {
			return false
		}
	}
	return true
}

// set sets a field of a profile that nobody uses yet. The caller has made sure that the field has type T.
func set[T any](p *pprof.Profile, field string, value T) {
	at := reflect.ValueOf(p).Elem().FieldByName(field)
	*(*T)(unsafe.Pointer(at.UnsafeAddr())) = value
}

// heldStacks returns the stacks of the connections in use that were sampled, by borrow.
func heldStacks() map[any][]uintptr {
	profiles.Lock()
	all := make([]*Leak, 0, len(profiles.of))
	for l := range profiles.of {
		all = append(all, l)
	}
	profiles.Unlock()
	stacks := map[any][]uintptr{}
	for _, l := range all {
		for _, h := range l.Holdings() {
			if h.Stack != nil {
				stacks[profiledBorrow{l, h.Borrow}] = callers.OutsideSQL(h.Stack)
			}
		}
	}
	return stacks
}

type profiledBorrow struct {
	leak   *Leak
	borrow Borrow
}
