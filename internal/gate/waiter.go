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
	served   uint64        // shares.served when it came
	tenant   *tenant       // nil: it is the pool's own work
	admitted chan struct{} // closed when the permit is the waiter's, or err is set
	permit   Permit        // when it is admitted
	err      error         // why it gets none

	arrival *list.Element // among those of its class who can be helped; nil: it cannot
	holder  *list.Element // among those who have a permit already; nil: it has none
	line    *list.List    // of those who are off as it is
	place   *list.Element // in that line
	stage   stage
	turn    int64 // stamp: when the stage may change
	index   int   // among those whose stage may change, or outside
}

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

func (w *waiter) stand(l *list.List) { w.line, w.place = l, l.PushBack(w) }

// forgo takes the waiter off those who can be helped.
func (w *waiter) forgo() {
	if w.arrival != nil {
		w.tenant.class.arrivals.Remove(w.arrival)
		w.arrival = nil
	}
}

// giveUp takes down that the waiter is hopeless.
func (w *waiter) giveUp() {
	w.stage = hopeless
	w.forgo()
	w.tenant.class.PassedOver++
}

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
