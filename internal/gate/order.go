package gate

// order is a discipline: who of those that wait is served next. Whoever is taken out of it has to be told the outcome.
type order interface {
	len() int
	push(w *waiter)
	remove(w *waiter)
	// next takes out whose turn it is, now that permits are held for so long. There is somebody.
	next(now, hold int64) *waiter
	// worst takes out who is to be refused first; nil: nobody may be.
	worst() *waiter
	// oldest is since when the oldest has waited of those who can be helped; 0: there is nobody.
	oldest() int64
	// hurry has the newest served first, or not.
	hurry(on bool)
	// passedOver counts those who were found to be hopeless.
	passedOver() uint64
}
