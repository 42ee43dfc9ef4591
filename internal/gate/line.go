package gate

// line is a discipline: who of those that wait, and want the same, is served next. Whoever is taken out of it has to be told the outcome.
type line interface {
	len() int
	push(w *waiter)
	remove(w *waiter)
	// next takes out whose turn it is, now that permits are held for so long, or the newest. There is somebody.
	next(now, hold int64, newest bool) *waiter
	// worst takes out who is to be refused first. There is somebody.
	worst() *waiter
}
