package router

import (
	"context"
	"time"

	"github.com/gopooled/pooled/middleware"
)

// wait is one call's waiting for a primary. The zero value has not begun.
type wait struct {
	began time.Time
	timer *time.Timer
	cause error // of the last attempt
}

// forPrimary waits until there is a primary to try: another one than m or, if m could not be reached, m once it has answered again. err is
// what m failed with.
func (w *wait) forPrimary(ctx context.Context, r *Router, m *member, err error) error {
	if err != nil {
		w.cause = err
	}
	if w.timer == nil {
		if r.Policy.FailoverTimeout == 0 && err != nil {
			return err
		}
		w.began, w.timer = time.Now(), time.NewTimer(r.Policy.FailoverTimeout)
	}
	failed := r.now()
	if m != nil {
		m.awaken()
	}
	for {
		r.mu.Lock()
		v, changed := r.view.Load(), r.changed
		found := v.primary != nil && (v.primary != m || m.answeredAsPrimary(failed))
		r.mu.Unlock()
		switch {
		case found:
			return nil
		case v.bar != nil:
			return v.bar
		}
		select {
		case <-changed:
		case <-w.timer.C:
			if w.cause == nil {
				w.cause = r.barOfAny()
			}
			return &middleware.NoPrimaryError{Waited: time.Since(w.began), Why: r.whyNoPrimary(), Cause: w.cause}
		case <-ctx.Done():
			return &middleware.NoPrimaryError{Waited: time.Since(w.began), Why: r.whyNoPrimary(), Cause: ctx.Err()}
		}
	}
}

// barOfAny is the error of a server that lets nobody in; nil: there is none.
func (r *Router) barOfAny() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.members {
		if m.barred {
			return m.err
		}
	}
	return nil
}

// end ends the waiting.
func (w *wait) end() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// whyNoPrimary tells why no server can be written to.
func (r *Router) whyNoPrimary() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.view.Load()
	switch {
	case v.primary == nil:
		return v.why
	case v.primary.err != nil:
		return v.primary.Info.Name + " does not answer (" + v.primary.err.Error() + ")"
	default:
		return v.primary.Info.Name + " answers, but could not be used"
	}
}
