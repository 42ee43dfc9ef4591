package serverconn

// stmtCache holds the prepared statements of one connection by text, ordered by last use. The zero value is empty.
// Its size is the caller's concern: trim makes room, add does not.
type stmtCache struct {
	byText         map[string]*Stmt
	oldest, newest *Stmt
}

func (c *stmtCache) len() int { return len(c.byText) }

// get returns the statement with that text and makes it the newest; nil if there is none.
func (c *stmtCache) get(text string) *Stmt {
	st := c.byText[text]
	if st != nil && st != c.newest {
		c.unlink(st)
		c.link(st)
	}
	return st
}

// add keeps a statement, unless there is one with its text.
func (c *stmtCache) add(st *Stmt) {
	if c.byText == nil {
		c.byText = map[string]*Stmt{}
	}
	if c.byText[st.text] != nil {
		return
	}
	c.byText[st.text] = st
	st.cached = true
	c.link(st)
}

// trim closes the statements used longest ago until n are left, passing over those in use, and returns how many it closed.
func (c *stmtCache) trim(n int) int {
	closed := 0
	for st := c.oldest; st != nil && len(c.byText) > n; {
		next := st.newer
		if st.refs == 0 {
			c.remove(st)
			st.close()
			closed++
		}
		st = next
	}
	return closed
}

// remove takes a statement out of the cache. Whoever uses it closes it.
func (c *stmtCache) remove(st *Stmt) {
	c.unlink(st)
	delete(c.byText, st.text)
	st.cached = false
}

// forget closes the statement with that text; its next use prepares it again.
func (c *stmtCache) forget(text string) {
	if st := c.byText[text]; st != nil {
		st.close()
	}
}

func (c *stmtCache) link(st *Stmt) {
	st.older, st.newer = c.newest, nil
	if c.newest != nil {
		c.newest.newer = st
	} else {
		c.oldest = st
	}
	c.newest = st
}

func (c *stmtCache) unlink(st *Stmt) {
	if st.older != nil {
		st.older.newer = st.newer
	} else {
		c.oldest = st.newer
	}
	if st.newer != nil {
		st.newer.older = st.older
	} else {
		c.newest = st.older
	}
	st.older, st.newer = nil, nil
}
