package gate

import (
	"container/list"
	"context"
	"time"
)

// waiter is one session that waits. Whoever takes it out of the queue owes it the outcome.
type waiter struct {
	joined   int64         // stamp: since when it waits
	due      int64         // stamp: the deadline of its context, by which its work has to be done; 0: none
	until    int64         // stamp: until when it waits, due or earlier; 0: for ever
	ahead    bool          // it waits for nobody who waits
	admitted chan struct{} // closed when the permit is the waiter's, or err is set
	err      error         // why it gets no permit

	line  *list.List    // in which it stands
	place *list.Element // where
	stage stage
	turn  int64 // stamp: when the stage may change
	index int   // in the heap of those whose stage may change, or outside
}

// outside is the index of a waiter whose stage does not change any more.
const outside = -1

// stage is how a waiter is off who has a deadline.
type stage uint8

const (
	patient   stage = iota // it has waited for less than half of its time
	impatient              // it has waited for longer, and can still be served in time
	hopeless               // it has less time than its work takes
)

// patience is how many times as long as it has been patient a waiter waits at most.
const patience = 2

// isHopeless reports whether a waiter has less time than permits are held for.
func (w *waiter) isHopeless(now, hold int64) bool { return w.due != 0 && now+hold > w.due }

// wait returns nil once the waiter is admitted.
func (w *waiter) wait(ctx context.Context, timeout time.Duration) error {
	var expired <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-w.admitted:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	case <-expired:
		return context.DeadlineExceeded
	}
}
