package serverconn

import "sync/atomic"

// stmtCache holds the prepared statements of one connection by text, ordered by last use. Of one text there may be several, which
// [Stmt.serves] tells apart. The zero value is empty. Its size is the caller's concern: trim makes room, add does not.
type stmtCache struct {
	byText         map[string]*Stmt // the first of each text; the others follow by Stmt.sibling
	oldest, newest *Stmt
	n              int
	all            *atomic.Int64 // counts the cached statements of all connections of the endpoint
}

func (c *stmtCache) len() int { return c.n }

// each calls f for each statement with that text until f returns false.
func (c *stmtCache) each(text string, f func(st *Stmt) bool) {
	for st := c.byText[text]; st != nil; {
		next := st.sibling
		if !f(st) {
			return
		}
		st = next
	}
}

// use makes a statement the newest.
func (c *stmtCache) use(st *Stmt) {
	if st != c.newest {
		c.unlink(st)
		c.link(st)
	}
}

// add keeps a statement.
func (c *stmtCache) add(st *Stmt) {
	if c.byText == nil {
		c.byText = map[string]*Stmt{}
	}
	st.sibling = c.byText[st.text]
	c.byText[st.text] = st
	st.cached = true
	c.link(st)
	c.n++
	c.all.Add(1)
}

// trim closes the statements used longest ago until n are left, passing over those in use, and returns how many it closed.
func (c *stmtCache) trim(n int) int {
	closed := 0
	for st := c.oldest; st != nil && c.n > n; {
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
	if first := c.byText[st.text]; first != st {
		for first.sibling != st {
			first = first.sibling
		}
		first.sibling = st.sibling
	} else if st.sibling != nil {
		c.byText[st.text] = st.sibling
	} else {
		delete(c.byText, st.text)
	}
	st.sibling, st.cached = nil, false
	c.n--
	c.all.Add(-1)
}

// drop closes the statements with that text that nobody uses and for which f returns true.
func (c *stmtCache) drop(text string, f func(st *Stmt) bool) {
	c.each(text, func(st *Stmt) bool {
		if st.refs == 0 && f(st) {
			c.remove(st)
			st.close()
		}
		return true
	})
}

// forget closes the statements with that text; the next use of each prepares it again.
func (c *stmtCache) forget(text string) {
	c.each(text, func(st *Stmt) bool { st.close(); return true })
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
