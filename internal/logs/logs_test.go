package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// written is the records that a logger has written, as JSON.
type written struct{ bytes.Buffer }

func (w *written) logger() *slog.Logger {
	return New(slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelInfo})), nil)
}

// take returns the records since the last call.
func (w *written) take(t *testing.T) (all []map[string]any) {
	t.Helper()
	for d := json.NewDecoder(w); ; {
		var r map[string]any
		err := d.Decode(&r)
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		all = append(all, r)
	}
}

func storm(l *slog.Logger, n int, args ...any) {
	for range n {
		l.Warn("storm", args...)
	}
}

func TestABurstOfAKindPassesAndThenOneASecondWithTheCountOfTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w written
		l := w.logger()
		storm(l, 1000)
		all := w.take(t)
		assert.Len(t, all, burst)
		for _, r := range all {
			assert.NotContains(t, r, "suppressed")
		}
		time.Sleep(every - 1)
		storm(l, 1)
		assert.Empty(t, w.take(t))
		time.Sleep(time.Nanosecond)
		storm(l, 10)
		all = w.take(t)
		require.Len(t, all, 1)
		assert.EqualValues(t, 1000-burst+1, all[0]["suppressed"])
		time.Sleep(3 * every)
		storm(l, 10)
		all = w.take(t)
		require.Len(t, all, 3)
		assert.EqualValues(t, 9, all[0]["suppressed"])
		assert.NotContains(t, all[1], "suppressed")
	})
}

func TestAKindThatWasQuietHasItsWholeBurstAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w written
		l := w.logger()
		storm(l, burst+1)
		time.Sleep(burst * every)
		w.take(t)
		storm(l, 1000)
		assert.Len(t, w.take(t), burst)
		time.Sleep(24 * time.Hour)
		storm(l, 1000)
		assert.Len(t, w.take(t), burst, "quiet time is not saved up")
	})
}

func TestKindsAreLimitedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w written
		l := w.logger()
		storm(l, 1000, "endpoint", "a")
		storm(l, 1000)
		require.Len(t, w.take(t), 2*burst)
		for name, log := range map[string]func(){
			"endpoint":              func() { l.Warn("storm", "endpoint", "b") },
			"endpoint of a logger":  func() { l.With("endpoint", "c").Warn("storm") },
			"endpoint of a group":   func() { l.WithGroup("g").Warn("storm", "endpoint", "d") },
			"endpoint by LogValuer": func() { l.Warn("storm", "endpoint", valuer("e")) },
			"message":               func() { l.Warn("other", "endpoint", "a") },
			"level":                 func() { l.Error("storm", "endpoint", "a") },
		} {
			log()
			all := w.take(t)
			require.Len(t, all, 1, name)
			assert.NotContains(t, all[0], "suppressed", name)
		}
		l.Warn("storm", "connection", 7, "endpoint", "a")
		assert.Empty(t, w.take(t), "other attributes make no kind")
		l.Warn("storm", "endpoint", valuer("a"))
		assert.Empty(t, w.take(t), "it is the value that counts")
	})
}

type valuer string

func (v valuer) LogValue() slog.Value { return slog.StringValue(string(v)) }

func TestDerivedLoggersShareTheLimitsAndNoGroupHidesTheCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w written
		l := w.logger()
		derived := l.With("a", 1).WithGroup("g").With("b", 2)
		storm(l, burst)
		storm(derived, 5)
		require.Len(t, w.take(t), burst)
		time.Sleep(every)
		storm(derived, 1, "c", 3)
		all := w.take(t)
		require.Len(t, all, 1)
		delete(all[0], "time")
		assert.Equal(t, map[string]any{
			"level": "WARN", "msg": "storm", "suppressed": 5.0, "a": 1.0, "g": map[string]any{"b": 2.0, "c": 3.0},
		}, all[0])
	})
}

func TestSiblingsHaveTheirOwnAttributes(t *testing.T) {
	var w written
	l := w.logger().With("a", 1).With("b", 2).With("c", 3)
	one, two := l.With("one", 1), l.With("two", 2)
	one.Info("one")
	two.Info("two")
	all := w.take(t)
	require.Len(t, all, 2)
	assert.NotContains(t, all[0], "two")
	assert.NotContains(t, all[1], "one")
}

func TestWhatTheProgramDoesNotWantCountsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w written
		l := w.logger()
		assert.False(t, l.Enabled(t.Context(), slog.LevelDebug))
		assert.True(t, l.Enabled(t.Context(), slog.LevelInfo))
		for range 1000 {
			l.Debug("detail")
		}
		assert.Empty(t, l.Handler().(*handler).limits.kinds)
	})
}

func TestWithoutALoggerTheDefaultIsFollowed(t *testing.T) {
	before, output, flags := slog.Default(), log.Writer(), log.Flags()
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(output)
		log.SetFlags(flags)
	})
	synctest.Test(t, func(t *testing.T) {
		l := New(nil, nil)
		derived := l.With("a", 1)
		for _, level := range []slog.Level{slog.LevelWarn, slog.LevelError} {
			var w written
			slog.SetDefault(slog.New(slog.NewJSONHandler(&w, &slog.HandlerOptions{Level: level})))
			assert.Equal(t, level == slog.LevelWarn, l.Enabled(t.Context(), slog.LevelWarn))
			l.Error("one")
			derived.Error("two")
			all := w.take(t)
			require.Len(t, all, 2)
			assert.Equal(t, "ERROR", all[0]["level"])
			assert.EqualValues(t, 1, all[1]["a"])
		}
	})
}

func TestNothingIsLostFromTheCountWhenManyLogAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const goroutines, each = 50, 200
		var passed, suppressed atomic.Uint64
		l := New(slog.New(counter{&passed, &suppressed}), nil)
		for i := range goroutines {
			go func() {
				l := l.With("goroutine", i)
				for range each {
					storm(l, 1)
					time.Sleep(every / 100)
				}
			}()
		}
		synctest.Wait()
		time.Sleep(each * every)
		storm(l, 1)
		assert.EqualValues(t, goroutines*each+1, passed.Load()+suppressed.Load())
		assert.EqualValues(t, burst+1+1, passed.Load(), "within two seconds of the first, and at the end")
	})
}

// counter counts what it handles, and what it is told was suppressed.
type counter struct{ passed, suppressed *atomic.Uint64 }

func (c counter) Enabled(context.Context, slog.Level) bool { return true }

func (c counter) Handle(context.Context, slog.Record) error {
	c.passed.Add(1)
	return nil
}

func (c counter) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		if a.Key == "suppressed" {
			c.suppressed.Add(a.Value.Uint64())
		}
	}
	return c
}

func (c counter) WithGroup(string) slog.Handler { return c }

func TestAHandlerMayLogItself(t *testing.T) {
	var l *slog.Logger
	var passed, suppressed atomic.Uint64
	l = New(slog.New(again{counter{&passed, &suppressed}, &l}), nil)
	storm(l, 1) // which would never end if a lock were held meanwhile
	assert.EqualValues(t, burst, passed.Load())
}

// again logs the same once more.
type again struct {
	counter
	l **slog.Logger
}

func (a again) Handle(ctx context.Context, r slog.Record) error {
	storm(*a.l, 1)
	return a.counter.Handle(ctx, r)
}

func TestKindsThatThereIsNoRoomForShareALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w written
		l := w.logger()
		for i := range mostKinds + 1000 {
			storm(l, 1, "endpoint", fmt.Sprint(i))
		}
		assert.Len(t, w.take(t), mostKinds+burst)
		assert.Len(t, l.Handler().(*handler).limits.kinds, mostKinds+1)
	})
}

func TestTheHandlerKeepsTheRulesOfSlog(t *testing.T) {
	var w written
	slogtest.Run(t, func(*testing.T) slog.Handler {
		w.Reset()
		return New(slog.New(slog.NewJSONHandler(&w, nil)), nil).Handler()
	}, func(t *testing.T) map[string]any {
		all := w.take(t)
		require.Len(t, all, 1)
		return all[0]
	})
}

func TestWhoObservesGetsEachRecordWhateverTheHandlerWants(t *testing.T) {
	var w written
	var seen []string
	l := New(slog.New(slog.NewJSONHandler(&w, &slog.HandlerOptions{Level: slog.LevelWarn})), func(r slog.Record) {
		r.Attrs(func(a slog.Attr) bool {
			seen = append(seen, r.Level.String()+" "+r.Message+" "+a.String())
			return true
		})
	}).With("pool", "orders")
	l.Debug("debug", "n", 0)
	l.Info("info", "n", 1)
	storm(l, 3*burst, "n", 2)
	assert.Len(t, seen, 1+3*burst, "all but those for debugging")
	assert.Equal(t, "INFO info n=1", seen[0])
	all := w.take(t)
	assert.Len(t, all, burst, "the program gets what it wants")
	assert.Equal(t, "orders", all[0]["pool"])
}
