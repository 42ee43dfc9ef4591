package dialect

import "slices"

// How many provisional texts are kept for one server connection, and how many bytes of them: those of a migration, say, which names many tables for the
// first time.
const (
	maxPending      = 1024
	maxPendingBytes = 1 << 20
)

// Pending are the texts of provisional statements, and what [Sessions].Changes was when the first of them ran.
type Pending struct {
	Texts   []string
	Since   uint64
	bytes   int              // of Texts
	refused map[string]error // why the server has refused each run of a text; it has run otherwise where there is none
}

// Undone is what a reset has undone.
type Undone struct {
	Effects Effects
	Undo    []Undo
}

// add notes a text that ran when the sessions had counted so many changes, and the error that it ended with.
func (p *Pending) add(c *Changes, text string, changes uint64, err error) {
	switch {
	case slices.Contains(p.Texts, text):
		if was := p.refused[text]; err == nil || was == nil || was.Error() != err.Error() {
			delete(p.refused, text)
		}
		return
	case len(p.Texts) == maxPending || p.bytes+len(text) > maxPendingBytes:
		c.Unknown(tooMany)
		return
	case p.Texts == nil:
		p.Since = changes
	}
	p.Texts, p.bytes = append(p.Texts, text), p.bytes+len(text)
	if err != nil {
		if p.refused == nil {
			p.refused = map[string]error{}
		}
		p.refused[text] = err
	}
}

// TakePending returns the provisional statements, and forgets them.
func (c *Changes) TakePending() Pending {
	taken := c.Pending
	c.Pending = Pending{}
	return taken
}

// Settle reads provisional statements again. What is still provisional then is unknown; so is what meets definitions that have begun since: nobody knows
// what was before them. What has been undone since they ran, because they showed it by themselves or others did, is not done again.
func (c *Changes) Settle(sessions Sessions, pending Pending, undone Undone) {
	for _, text := range pending.Texts {
		s := sessions.Statement(text).EndedWith(pending.refused[text])
		if s.Lingers || s.Effects&^undone.Effects != 0 || slices.ContainsFunc(s.Undo, func(u Undo) bool { return !slices.Contains(undone.Undo, u) }) {
			c.Add(s, text, pending.Since)
		}
		if s.Provisional || sessions.ChangedSince(pending.Since, text) {
			c.Effects |= UnknownEffect &^ undone.Effects // all of it has been undone
		}
	}
	c.Pending = Pending{}
}
