package credentials

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/policy"
)

// Options is what a keeper is made of.
type Options struct {
	// Endpoint is the name of the server.
	Endpoint string
	// Ask tells what to log in with.
	Ask func(ctx context.Context, endpoint string) (policy.Credentials, error)
	// File is where Ask has it from; empty: from the program.
	File string
	// Refused reports whether an error of a dial says that the server did not take it.
	Refused func(err error) bool
}

// Keeper knows what one server is logged in to with. It is safe for concurrent use.
type Keeper struct {
	Options

	newest atomic.Pointer[Secret]
	last   policy.Credentials // that were told; it belongs to the call under way

	mu   sync.Mutex // guards what follows
	kept *login     // nil: there is none
	call *call      // of Ask, under way; nil: there is none
}

// Secret is one of those that a server was logged in to with, one after the other. It does not hold it.
type Secret struct {
	Number uint64    // the first is 1
	Since  time.Time // when it was first told
}

// login is an answer.
type login struct {
	policy.Credentials
	secret Secret
	until  time.Time // from when on it is asked for again; zero: it is for one dial
}

// call is a call of Ask. login, err and settled are written before done is closed.
type call struct {
	done    chan struct{}
	login   *login
	err     error
	settled bool // the answer is one for those who wait for it as well
}

// New makes a keeper that has asked for nothing yet.
func New(o Options) *Keeper { return &Keeper{Options: o} }

// Newest is the secret that was told last; of the zero value: none was.
func (k *Keeper) Newest() Secret {
	if s := k.newest.Load(); s != nil {
		return *s
	}
	return Secret{}
}

// Login calls dial with a context that asks it to log in, and once more if the server does not take what may be out of date by then, and there is something else
// now. An answer that was asked for this dial alone is not. An error of dial is returned as it is.
func (k *Keeper) Login(ctx context.Context, dial func(context.Context) error) error {
	l, err := k.get(ctx)
	if err != nil {
		return err
	}
	err = k.dial(ctx, l, dial)
	once := l.Expires.IsZero() && k.File == ""
	if err == nil || once || !k.Refused(err) {
		return err
	}
	k.drop(l)
	again, asking := k.get(ctx)
	if asking != nil || again.User == l.User && again.Password == l.Password { // what the server said comes first
		return err
	}
	return k.dial(ctx, again, dial)
}

// dial dials with an answer.
func (k *Keeper) dial(ctx context.Context, l *login, dial func(context.Context) error) error {
	err := dial(dialect.WithLogin(ctx, dialect.Login{User: l.User, Password: l.Password}))
	if note, ok := ctx.Value(noteKey{}).(*uint64); ok && err == nil {
		*note = l.secret.Number
	}
	return err
}

// noteKey finds, in the context of a dial, where to leave which secret it has logged in with.
type noteKey struct{}

// Note has a dial leave the number of the secret that it has logged in with.
func Note(ctx context.Context, number *uint64) context.Context {
	return context.WithValue(ctx, noteKey{}, number)
}

// get returns what is kept, or asks.
func (k *Keeper) get(ctx context.Context) (*login, error) {
	for {
		k.mu.Lock()
		kept, c := k.kept, k.call
		if kept != nil && time.Now().Before(kept.until) {
			k.mu.Unlock()
			return kept, nil
		}
		if c == nil {
			c = &call{done: make(chan struct{})}
			k.call = c
			k.mu.Unlock()
			k.ask(ctx, c)
			return c.login, c.err
		}
		k.mu.Unlock()
		select {
		case <-c.done:
			if c.settled {
				return c.login, c.err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// ask makes a call. If the function panics, or ends the goroutine, the next one asks.
func (k *Keeper) ask(ctx context.Context, c *call) {
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.call = nil
		close(c.done)
	}()
	told, err := k.Ask(ctx, k.Endpoint)
	switch {
	case err != nil && ctx.Err() != nil: // the caller went away, which is nothing to others
		c.err = err
	case err != nil:
		c.err, c.settled = &dialect.CredentialsError{Endpoint: k.Endpoint, File: k.File, Cause: err}, true
	default:
		c.login = k.take(told)
		c.settled = !c.login.until.IsZero()
	}
}

// take takes an answer down.
func (k *Keeper) take(told policy.Credentials) *login {
	now := time.Now()
	l := &login{Credentials: told, secret: k.Newest()}
	if l.secret.Number == 0 || k.replaces(told) {
		l.secret = Secret{Number: l.secret.Number + 1, Since: now}
		k.newest.Store(&l.secret)
	}
	k.last = told
	k.mu.Lock()
	defer k.mu.Unlock()
	if left := told.Expires.Sub(now); !told.Expires.IsZero() && left > 0 {
		l.until = told.Expires.Add(-min(left/10, mostMargin))
		k.kept = l
	}
	return l
}

// mostMargin is how long before they expire credentials are asked for again at most. A log-in takes a moment, and clocks differ.
const mostMargin = time.Minute

// replaces reports whether the answer says that the one before is over. A file has one password until it gets another, while a program may tell of a new
// token each time, which says nothing about the others of that user. The caller is in a call of Ask.
func (k *Keeper) replaces(told policy.Credentials) bool {
	return told.User != k.last.User || k.File != "" && told.Password != k.last.Password
}

// drop forgets what the server did not take.
func (k *Keeper) drop(l *login) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == l {
		k.kept = nil
	}
}
