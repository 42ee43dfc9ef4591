package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/credentials"
	"github.com/gopooled/pooled/policy"
)

var errRefused = errors.New("the server refused the password")

// vault tells a new password with each call.
type vault struct {
	calls   atomic.Int64
	at      atomic.Int64 // how many calls are under way
	most    atomic.Int64
	lasts   time.Duration // a call
	expires time.Duration // 0: not told
}

func (v *vault) ask(ctx context.Context, endpoint string) (policy.Credentials, error) {
	n := v.calls.Add(1)
	v.most.Store(max(v.most.Load(), v.at.Add(1)))
	defer v.at.Add(-1)
	select {
	case <-time.After(v.lasts):
	case <-ctx.Done():
		return policy.Credentials{}, ctx.Err()
	}
	c := policy.Credentials{User: "jack", Password: fmt.Sprintf("%s-%d", endpoint, n)}
	if v.expires > 0 {
		c.Expires = time.Now().Add(v.expires)
	}
	return c, nil
}

func keeper(ask func(context.Context, string) (policy.Credentials, error)) *credentials.Keeper {
	return credentials.New(credentials.Options{
		Endpoint: "db", Ask: ask, Refused: func(err error) bool { return errors.Is(err, errRefused) },
	})
}

// login returns the password that a dial was asked to log in with.
func login(ctx context.Context, k *credentials.Keeper) (password string, err error) {
	err = k.Login(ctx, func(ctx context.Context) error {
		l, _ := dialect.LoginOf(ctx)
		password = l.Password
		return nil
	})
	return password, err
}

func TestOneCallServesAllWhoWaitForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{lasts: time.Second, expires: time.Hour}
		k := keeper(v.ask)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				password, err := login(t.Context(), k)
				assert.NoError(t, err)
				assert.Equal(t, "db-1", password)
			})
		}
		wg.Wait()
		assert.EqualValues(t, 1, v.calls.Load())
	})
}

func TestAnAnswerIsKeptUntilShortlyBeforeItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{expires: 15 * time.Minute}
		k := keeper(v.ask)
		for _, step := range []struct {
			after time.Duration
			want  string
		}{{0, "db-1"}, {14*time.Minute - time.Second, "db-1"}, {time.Second, "db-2"}, {13 * time.Minute, "db-2"}, {time.Hour, "db-3"}} {
			time.Sleep(step.after)
			password, err := login(t.Context(), k)
			require.NoError(t, err)
			assert.Equal(t, step.want, password)
		}
	})
}

func TestAnAnswerThatDoesNotExpireServesOneDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{lasts: time.Second}
		k := keeper(v.ask)
		var seen sync.Map
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				password, err := login(t.Context(), k)
				assert.NoError(t, err)
				_, twice := seen.LoadOrStore(password, true)
				assert.False(t, twice, password)
			})
		}
		wg.Wait()
		assert.EqualValues(t, 1, v.most.Load(), "calls at once")
		assert.EqualValues(t, 5, v.calls.Load())
	})
}

func TestAnAnswerThatHasExpiredServesOneDial(t *testing.T) {
	v := &vault{expires: time.Nanosecond}
	k := keeper(v.ask)
	for n := range 3 {
		password, err := login(t.Context(), k)
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprint("db-", n+1), password)
	}
}

func TestWhoWaitsGoesAwayWithItsOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{lasts: time.Minute, expires: time.Hour}
		k := keeper(v.ask)
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := login(t.Context(), k)
			assert.NoError(t, err)
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := login(ctx, k)
		assert.Equal(t, context.DeadlineExceeded, err)
		assert.Equal(t, time.Second, time.Since(began))
		wg.Wait()
		assert.EqualValues(t, 1, v.calls.Load())
	})
}

func TestWhoWaitsAsksIfTheOneWhoAskedGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{lasts: time.Minute, expires: time.Hour}
		k := keeper(v.ask)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := login(ctx, k)
			assert.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		wg.Go(func() {
			password, err := login(t.Context(), k)
			assert.NoError(t, err)
			assert.Equal(t, "db-2", password)
		})
		synctest.Wait()
		cancel()
		wg.Wait()
	})
}

func TestAnErrorIsThatOfAllWhoWaitAndIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("the vault is sealed")
		calls := 0
		k := keeper(func(context.Context, string) (policy.Credentials, error) {
			calls++
			time.Sleep(time.Second)
			return policy.Credentials{Password: "s3cret"}, down
		})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				_, err := login(t.Context(), k)
				var told *dialect.CredentialsError
				assert.ErrorIs(t, err, dialect.ErrCredentials)
				assert.ErrorIs(t, err, down)
				if assert.ErrorAs(t, err, &told) {
					assert.Equal(t, "db", told.Endpoint)
				}
				assert.NotContains(t, err.Error(), "s3cret")
				assert.Equal(t, dialect.NotExecuted, dialect.ClassifyNetwork(err), "it says nothing about the server")
			})
		}
		wg.Wait()
		assert.Equal(t, 1, calls)
		_, err := login(t.Context(), k)
		assert.ErrorIs(t, err, down)
		assert.Equal(t, 2, calls)
	})
}

// dials counts dials of a server that takes one password.
type dials struct {
	n    int
	good string
}

func (d *dials) dial(ctx context.Context) error {
	d.n++
	if l, _ := dialect.LoginOf(ctx); l.Password != d.good {
		return errRefused
	}
	return nil
}

func TestWhatTheServerRefusesIsAskedForOnceMoreIfItMayBeOutOfDate(t *testing.T) {
	v := &vault{expires: time.Hour}
	k := keeper(v.ask)
	d := &dials{good: "db-1"}
	require.NoError(t, k.Login(t.Context(), d.dial))
	d.good = "db-2"
	require.NoError(t, k.Login(t.Context(), d.dial))
	assert.Equal(t, 3, d.n)
	d.good = "db-9"
	require.Equal(t, errRefused, k.Login(t.Context(), d.dial))
	assert.Equal(t, 5, d.n, "once more, and no more")
	assert.EqualValues(t, 3, v.calls.Load())
}

func TestWhatWasAskedForOneDialIsNotAskedForAgain(t *testing.T) {
	v := &vault{}
	d := &dials{}
	require.Equal(t, errRefused, keeper(v.ask).Login(t.Context(), d.dial))
	assert.Equal(t, 1, d.n)
	assert.EqualValues(t, 1, v.calls.Load())
}

func TestTheServerIsNotAskedAgainWithWhatItHasRefused(t *testing.T) {
	calls := 0
	k := keeper(func(context.Context, string) (policy.Credentials, error) {
		calls++
		return policy.Credentials{Password: "same", Expires: time.Now().Add(time.Hour)}, nil
	})
	d := &dials{good: "same"}
	require.NoError(t, k.Login(t.Context(), d.dial))
	d.good = "other"
	require.Equal(t, errRefused, k.Login(t.Context(), d.dial))
	assert.Equal(t, 2, d.n, "an account may be locked after some attempts")
	assert.Equal(t, 2, calls)
}

func TestTheErrorOfTheServerStaysIfNobodyKnowsMore(t *testing.T) {
	calls := 0
	k := keeper(func(context.Context, string) (policy.Credentials, error) {
		if calls++; calls > 1 {
			return policy.Credentials{}, errors.New("the vault is sealed")
		}
		return policy.Credentials{Password: "old", Expires: time.Now().Add(time.Hour)}, nil
	})
	d := &dials{good: "old"}
	require.NoError(t, k.Login(t.Context(), d.dial))
	d.good = "new"
	require.Equal(t, errRefused, k.Login(t.Context(), d.dial))
}

func TestManyThatAreRefusedAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{lasts: time.Second, expires: time.Hour}
		k := keeper(v.ask)
		_, err := login(t.Context(), k)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { assert.NoError(t, k.Login(t.Context(), (&dials{good: "db-2"}).dial)) })
		}
		wg.Wait()
		assert.EqualValues(t, 2, v.calls.Load())
	})
}

func TestAfterAPanicTheNextOneAsks(t *testing.T) {
	for name, fail := range map[string]func(){"panic": func() { panic("oops") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &vault{expires: time.Hour}
				first := true
				k := keeper(func(ctx context.Context, endpoint string) (policy.Credentials, error) {
					if first {
						first = false
						time.Sleep(time.Second)
						fail()
					}
					return v.ask(ctx, endpoint)
				})
				var wg sync.WaitGroup
				wg.Go(func() {
					defer func() { _ = recover() }()
					_, _ = login(t.Context(), k)
					t.Error("it has come back")
				})
				synctest.Wait()
				wg.Go(func() {
					password, err := login(t.Context(), k)
					assert.NoError(t, err)
					assert.Equal(t, "db-1", password)
				})
				wg.Wait()
			})
		})
	}
}

func TestATokenIsNoNewSecretAndAnotherUserIs(t *testing.T) {
	user := "jack"
	k := keeper(func(context.Context, string) (policy.Credentials, error) {
		return policy.Credentials{User: user, Password: time.Now().String()}, nil
	})
	numbers := func() (all []uint64) {
		for range 2 {
			var number uint64
			require.NoError(t, k.Login(credentials.Note(t.Context(), &number), func(context.Context) error { return nil }))
			all = append(all, number)
		}
		assert.Equal(t, all[1], k.Newest().Number)
		return all
	}
	assert.Zero(t, k.Newest())
	assert.Equal(t, []uint64{1, 1}, numbers())
	user = "jill"
	assert.Equal(t, []uint64{2, 2}, numbers())
}

func fileKeeper(path string) *credentials.Keeper {
	return credentials.New(credentials.Options{
		Endpoint: "db", File: path, Ask: credentials.FromFile(path), Refused: func(err error) bool { return errors.Is(err, errRefused) },
	})
}

func TestAFileIsReadAtEachDial(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	k := fileKeeper(path)
	for i, step := range []struct{ text, want string }{
		{"first", "first"}, {"second\n", "second"}, {"third\r\n", "third"}, {" fourth \n\n", " fourth \n"},
	} {
		require.NoError(t, os.WriteFile(path, []byte(step.text), 0o600))
		password, err := login(t.Context(), k)
		require.NoError(t, err)
		assert.Equal(t, step.want, password)
		assert.EqualValues(t, i+1, k.Newest().Number)
	}
	_, err := login(t.Context(), k)
	require.NoError(t, err)
	assert.EqualValues(t, 4, k.Newest().Number, "the same password is no new one")
}

func TestAFileThatCannotBeReadIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	k := fileKeeper(path)
	_, err := login(t.Context(), k)
	require.ErrorIs(t, err, dialect.ErrCredentials)
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.Equal(t, "pooled: the password for db cannot be read from pool_password_file="+path+
		": no such file or directory: correct the path, or write the file", err.Error())
	assert.Equal(t, dialect.NotExecuted, dialect.ClassifyNetwork(err))
	require.NoError(t, os.WriteFile(path, []byte("\n"), 0o600))
	_, err = login(t.Context(), k)
	require.ErrorContains(t, err, path+": it is empty")
}

func TestAFileThatIsReplacedDuringADialIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	d := &dials{good: "new"}
	err := fileKeeper(path).Login(t.Context(), func(ctx context.Context) error {
		if d.n == 0 {
			require.NoError(t, os.WriteFile(path, []byte("new"), 0o600))
		}
		return d.dial(ctx)
	})
	require.NoError(t, err)
	assert.Equal(t, 2, d.n)
}

func TestNothingShowsAPassword(t *testing.T) {
	for _, what := range []any{dialect.Login{User: "jack", Password: "s3cret"}, policy.Credentials{User: "jack", Password: "s3cret", Expires: time.Now()}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			text := fmt.Sprintf(verb, what)
			assert.Contains(t, text, "jack")
			assert.NotContains(t, text, "s3cret", verb)
		}
	}
	ctx := dialect.WithLogin(t.Context(), dialect.Login{User: "jack", Password: "s3cret"})
	assert.NotContains(t, fmt.Sprintf("%v %+v", ctx, ctx), "s3cret")
}
