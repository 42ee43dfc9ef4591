package pooled

import (
	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/middleware/leak"
)

// Held lists the server connections in use, the oldest borrow first. With pool_leak=off it does not tell who the borrowers are.
func (c *Connector) Held() []held.Conn { return c.leak.Held() }

// holdings lists the connections in use for those who watch them.
func (c *Connector) holdings() []leak.Holding {
	var all []leak.Holding
	for _, s := range c.servers {
		for _, h := range s.endpoint.Holdings() {
			all = append(all, leak.Holding{
				Conn:    h.Conn,
				Borrow:  leak.Borrow{Conn: h.ID, Number: h.Number()},
				Version: h.Version(),
				Watched: h.Watched(),
				Reclaim: func() bool { return c.source.Reclaim(h) },
			})
		}
	}
	return all
}
