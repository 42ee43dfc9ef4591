package serverconn

import (
	"cmp"
	"context"
	"database/sql/driver"
	"slices"
	"strings"
	"sync"

	"github.com/gopooled/pooled/dialect"
)

const (
	// The first countedCalls of each connection are counted, then one in sampledCalls, for that many.
	countedCalls = 16
	sampledCalls = 16
	// countedTexts is how many texts are counted for each one that is wanted. A program that writes values into its texts fills the
	// room with what it never sends again, which is forgotten first.
	countedTexts = 16
	// longestText is the longest text in bytes that is counted.
	longestText = 16 << 10
)

// Texts counts how often statements are used that it helps to have prepared, roughly. It is safe for concurrent use.
type Texts struct {
	most int // how many Most returns

	mu     sync.Mutex // guards what follows
	counts map[string]int
}

// NewTexts makes one of which Most returns so many texts.
func NewTexts(most int) *Texts { return &Texts{most: most, counts: map[string]int{}} }

// Add says that a text was used so many times.
func (t *Texts) Add(text string, times int) {
	if len(text) > longestText {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.counts[text]; !known {
		for len(t.counts) >= countedTexts*t.most {
			t.halve()
		}
		text = strings.Clone(text) // it may be a piece of a larger one
	}
	t.counts[text] += times
}

// halve halves all counts, so that what is not used any more is forgotten.
func (t *Texts) halve() {
	for text, n := range t.counts {
		if n /= 2; n == 0 {
			delete(t.counts, text)
		} else {
			t.counts[text] = n
		}
	}
}

// Forget takes a text out.
func (t *Texts) Forget(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.counts, text)
}

// Most returns the texts used most often, the most used first.
func (t *Texts) Most() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]string, 0, len(t.counts))
	for text := range t.counts {
		all = append(all, text)
	}
	slices.SortFunc(all, func(a, b string) int {
		return cmp.Or(cmp.Compare(t.counts[b], t.counts[a]), strings.Compare(a, b))
	})
	return all[:min(len(all), t.most)]
}

// CountTexts has the calls of a connection counted, and the texts prepared by PrepareMost.
func (c *Conn) CountTexts(t *Texts) { c.texts = t }

// count counts a call, if it goes faster when its statement is prepared.
func (c *Conn) count(st *Stmt, text string, args []driver.NamedValue, rows bool) {
	if c.texts == nil {
		return
	}
	times := 1
	if c.calls++; c.calls > countedCalls {
		if c.calls%sampledCalls != 0 {
			return
		}
		times = sampledCalls
	}
	traits := &c.cfg.Traits
	if st != nil || len(args) > 0 && traits.PreparesArgs || (rows || len(args) > 0) && traits.PreparesQueries {
		c.texts.Add(text, times)
	}
}

// PrepareMost prepares the most used statements that are not prepared yet, until enough reports true. It stops at an error that is not one
// statement's own: the connection is dead then, or ctx is done.
func (c *Conn) PrepareMost(ctx context.Context, enough func() bool) error {
	if c.texts == nil {
		return nil
	}
	texts := c.texts.Most()
	for _, text := range texts[:min(len(texts), c.cacheSize())] {
		if c.cache.byText[text] != nil {
			continue
		}
		if enough() {
			return nil
		}
		st, err := c.Stmt(ctx, text, nil, 0)
		if err == nil {
			st.Release()
			if c.cfg.Plan != nil {
				err = c.note(c.cfg.Plan(ctx, c.real, text))
			}
		}
		switch {
		case err == nil:
		case dialect.Died(c.cfg.Dialect, err), ctx.Err() != nil:
			return err
		case c.tooMany(err):
			return nil
		default:
			c.texts.Forget(text) // the table is gone, or the text cannot be prepared
		}
	}
	return nil
}
