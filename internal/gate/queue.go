package gate

import "container/list"

// queue is the order in which waiters are served. It is made by newQueue.
//
// As long as all can be served in good time, they are served in the order in which they came. That is over when one with a deadline has waited for half of its time:
// served in turn, each would get its permit when its time is nearly over, and its statement would be cancelled half way. So the newest are served then, who have
// the most time, and when there are none, those who have waited for long, in turn. Who has less time left than permits are held for is hopeless, and served when
// there is nobody else.
//
// Those without a deadline are always served in turn. Of the permits they get as large a part as they are of those who wait and have not become impatient. But they
// get half at most while there are others, who cannot wait for ever.
//
// Everything costs O(log n) for n waiters.
type queue struct {
	timed   list.List        // of those with a deadline who can be helped, the oldest first, as in the other lists
	untimed list.List        // of those without
	lost    list.List        // of those who are hopeless
	stages  ranking[*waiter] // those of timed whose stage may change, by when
	hasty   int              // how many are impatient
	credit  float64          // of the next permit, due to those without a deadline
}

func newQueue() *queue {
	return &queue{stages: ranking[*waiter]{
		before: func(a, b *waiter) bool { return a.turn < b.turn },
		place:  func(w *waiter) *int { return &w.index },
	}}
}

func (q *queue) len() int { return q.timed.Len() + q.untimed.Len() + q.lost.Len() }

func (q *queue) push(w *waiter) {
	if w.until == 0 {
		w.stand(&q.untimed)
		return
	}
	w.stand(&q.timed)
	w.turn = w.joined + (w.until-w.joined)/patience
	q.stages.settle(w, true)
}

func (q *queue) remove(w *waiter) {
	w.line.Remove(w.place)
	if w.line == &q.timed && w.stage == impatient {
		q.hasty--
	}
	q.stages.settle(w, false)
}

func (q *queue) next(now, hold int64, newest bool) *waiter {
	q.age(now, hold)
	for {
		w := q.choose(newest)
		if w.line == &q.timed && w.isHopeless(now, hold) { // it came with less time than that, or permits are held for longer now
			q.giveUp(w)
			continue
		}
		q.remove(w)
		return w
	}
}

// choose returns whose turn it is.
func (q *queue) choose(newest bool) *waiter {
	timed, untimed := q.timed.Len(), q.untimed.Len()
	switch {
	case timed+untimed == 0:
		return last(&q.lost) // who has the most time of them, most likely
	case timed == 0:
		return q.nextUntimed(newest)
	case untimed == 0:
		return q.nextTimed(newest)
	}
	q.credit += min(0.5, float64(untimed)/float64(untimed+timed-q.hasty))
	if q.credit < 1 {
		return q.nextTimed(newest)
	}
	q.credit--
	return q.nextUntimed(newest)
}

func (q *queue) nextTimed(newest bool) *waiter {
	if w := last(&q.timed); newest || q.hasty > 0 && w.stage == patient {
		return w
	}
	return first(&q.timed)
}

func (q *queue) nextUntimed(newest bool) *waiter {
	if newest {
		return last(&q.untimed)
	}
	return first(&q.untimed)
}

func first(l *list.List) *waiter { return l.Front().Value.(*waiter) }
func last(l *list.List) *waiter  { return l.Back().Value.(*waiter) }

func (q *queue) worst() *waiter {
	w := q.eldest()
	if q.lost.Len() > 0 {
		w = first(&q.lost)
	}
	q.remove(w)
	return w
}

// eldest returns who has waited for longest of those who can be helped; nil: there is nobody.
func (q *queue) eldest() *waiter {
	switch timed, untimed := q.timed.Len(), q.untimed.Len(); {
	case timed+untimed == 0:
		return nil
	case timed == 0:
		return first(&q.untimed)
	case untimed == 0 || first(&q.timed).joined <= first(&q.untimed).joined:
		return first(&q.timed)
	default:
		return first(&q.untimed)
	}
}

// age has those become impatient and hopeless whose time it is.
func (q *queue) age(now, hold int64) {
	for q.stages.Len() > 0 && q.stages.first().turn <= now {
		w := q.stages.first()
		if w.stage == patient {
			w.stage = impatient
			q.hasty++
		}
		switch {
		case w.isHopeless(now, hold):
			q.giveUp(w)
		case w.due == 0: // it waits for a permit only, and has all the time for what comes then
			q.stages.settle(w, false)
		default:
			w.turn = max(now+1, w.due-hold)
			q.stages.settle(w, true)
		}
	}
}

// giveUp puts one to those who are hopeless.
func (q *queue) giveUp(w *waiter) {
	q.remove(w)
	w.stand(&q.lost)
	w.giveUp()
}
