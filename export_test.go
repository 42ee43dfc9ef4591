package pooled

// ReclaimUnused takes every connection away that is held and not busy at this moment, and returns how many there were.
func (c *Connector) ReclaimUnused() int {
	n := 0
	for _, h := range c.holdings() {
		if h.Reclaim() {
			n++
		}
	}
	return n
}

// TendNow looks after the idle connections, as the endpoint does each second.
func (c *Connector) TendNow() { c.servers[0].endpoint.LookAfter() }

// SetLimit changes how many connections the first server's pool may have.
func (c *Connector) SetLimit(limit int) { c.servers[0].endpoint.SetLimit(limit) }
