package endpoint

import (
	"context"
	"time"

	"github.com/gopooled/pooled/internal/gate"
	"github.com/gopooled/pooled/middleware"
)

// mostLooks is how often a request looks once more for an idle connection before it waits for a moment: what counts as idle may be on its way there.
const mostLooks = 3

// obtain gets a connection for a request that has found none idle: what comes first, as the [line] says. It returns nothing if the request is to look for an
// idle one again.
//
// With pool_acquire_timeout, a server that is starting, or has no room, is asked again while there is time; without, nobody has said that callers want
// to wait.
func (e *Endpoint) obtain(r *Request) (*Conn, error) {
	ctx, cancel := r.patience()
	defer cancel()
	if err := ctx.Err(); err != nil {
		return nil, e.explain(ctx, r, err)
	}
	s := &standing{Endpoint: e, request: r, away: e.dismissal()}
	e.line.join(&r.place, e.now())
	defer s.leave()
	for {
		switch {
		case e.closed.Load():
			return nil, ErrClosed
		case s.own == nil && r.looks < mostLooks && e.idle.Load() > 0:
			r.looks++
			return nil, nil
		}
		if c, err := s.next(ctx); c != nil || err != nil {
			return c, err
		}
	}
}

// standing is how a request stands in line.
type standing struct {
	*Endpoint
	request *Request
	away    <-chan struct{} // closed when those who wait are sent away
	may     bool            // a dial counts as under way for the request that has not begun, or whose connection the request has
	own     *detached       // the request's dial; nil: none is under way
	pause   backoff         // after a dial that failed for a reason that may be gone in a moment
	failure error           // of that dial
}

// next waits for the next thing to happen. It returns nothing if the request stays in line.
func (s *standing) next(ctx context.Context) (*Conn, error) {
	r := s.request
	again := s.ask()
	if s.may && s.dialling == nil {
		return nil, s.begin()
	}
	var turn chan<- struct{}
	if s.may {
		turn = s.dialling
	}
	var ended <-chan dialled
	if s.own != nil {
		ended = s.own.ended
	}
	var alarm <-chan time.Time
	if again > 0 {
		timer := time.NewTimer(again)
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case c := <-r.place.given:
		return s.take(c)
	case result := <-ended:
		return s.end(result)
	case turn <- struct{}{}:
		return nil, s.begin()
	case <-r.place.changed:
		r.looks = 0
	case <-alarm:
		r.looks = 0
	case <-s.away:
		return nil, errDismissed
	case <-ctx.Done():
		if s.failure != nil {
			return nil, s.failure
		}
		return nil, s.explain(ctx, r, ctx.Err()) // before the permit may be somebody else's
	}
	return nil, nil
}

// ask asks whether the request may dial, and returns after how long to ask again; 0: when something has changed.
func (s *standing) ask() (again time.Duration) {
	if s.own != nil || s.may {
		return 0
	}
	if pause := time.Until(s.pause.next); pause > 0 {
		return pause
	}
	now := s.now()
	may, at := s.line.mayDial(&s.request.place, now, s.expect(), &s.idle)
	if s.may = may; may || at == 0 {
		return 0
	}
	return time.Duration(max(at-now, moment))
}

// expect tells what is known of how soon a connection is to be had.
func (e *Endpoint) expect() expectation {
	open := e.CountOpen()
	return expectation{
		hold: e.holdTime.Typical(),
		dial: e.dialTime.Typical(),
		busy: open - int(e.idle.Load()),
		room: e.room(),
		gone: e.going.Load() > 0,
	}
}

// begin begins the dial that the request may.
func (s *standing) begin() error {
	s.may = false
	if s.own = s.dialDetached(s.request); s.own == nil {
		s.endTurn()
		s.line.endDial(s.now())
		return ErrClosed
	}
	return nil
}

// end takes the result of the request's dial.
func (s *standing) end(result dialled) (*Conn, error) {
	ctx, r := s.own.ctx, s.request
	s.own, s.may = nil, true // until it has left the line
	switch {
	case result.panicked != nil:
		panic(result.panicked)
	case result.err == nil:
		r.at = s.now()
		return result.conn, nil
	}
	err := s.explain(ctx, r, result.err)
	if s.isFull(err) && s.line.hopes(&r.place, s.now(), &s.idle, &s.going) {
		s.stay(err)
		return nil, nil
	}
	if r.deadline.IsZero() || !s.mayPass(err) {
		return nil, err
	}
	s.pause.note(err)
	if !s.pause.next.Before(r.deadline) {
		return nil, err
	}
	s.stay(err)
	return nil, nil
}

// stay has the request stay in line after a dial that failed.
func (s *standing) stay(err error) {
	s.may = false
	s.line.endDial(s.now())
	if !s.request.deadline.IsZero() {
		s.failure = err
	}
	s.request.limit = time.Time{} // pool_connect_timeout is for one server that does not answer
}

// take takes the connection that the request was given, if it is fit for that. Otherwise the request stands in line again.
func (s *standing) take(c *Conn) (*Conn, error) {
	r := s.request
	if err := r.ctx.Err(); err != nil { // at the same moment
		s.passOn(c)
		return nil, err
	}
	r.at = s.now()
	why := failed // if the real driver panics
	defer func() {
		if why != kept {
			s.closeOffPath(c, why)
		}
	}()
	why, err := s.unfitToBorrow(c, r)
	switch {
	case why != kept:
		s.line.join(&r.place, s.now())
		return nil, nil
	case err != nil: // there was no time to find out
		s.passOn(c)
		return nil, err
	}
	if s.own == nil {
		s.gate.Leave(c.permit) // it has brought one
	} else {
		s.leaveDial(c.permit)
	}
	return c, nil
}

// leaveDial leaves the request's dial alone, with a permit.
func (s *standing) leaveDial(p gate.Permit) {
	d := s.own
	d.permit = p
	s.own = nil
	// The cause is that of a server that does not answer: whether its borrower was in a hurry or not, it has had all of grace.
	time.AfterFunc(grace, func() { d.end(middleware.ErrConnectTimeout) })
	close(d.left)
}

// leave ends the standing in line.
func (s *standing) leave() {
	if c := s.line.leave(&s.request.place, s.now()); c != nil {
		s.passOn(c)
	}
	if s.may {
		s.line.endDial(s.now())
	}
	if s.own != nil {
		s.request.admitted = false
		s.leaveDial(s.request.permit)
	}
}

// passOn gives a connection that is in use by the caller, and its permit, to the next in line, or makes it idle.
func (e *Endpoint) passOn(c *Conn) {
	switch {
	case e.line.give(c, e.now):
	case !e.isSurplus() && e.countIdle():
		p := c.giveUpPermit()
		e.keep(c)
		e.gate.Leave(p)
	default:
		e.closeOffPath(c, idleLimit)
	}
}

// passOnNew is passOn for a connection whose borrower has gone during the dial.
func (e *Endpoint) passOnNew(c *Conn) {
	if e.line.give(c, e.now) {
		return
	}
	p := c.giveUpPermit()
	if why := e.admit(c); why != kept {
		c.permit = p
		e.closeOffPath(c, why)
		return
	}
	e.gate.Leave(p)
}
