package page

import (
	"encoding/json"
	"io"
	"time"

	"github.com/gopooled/pooled/held"
)

// jsonConn is a held.Conn as programs read it. The keys are a promise: all are always there, and none is renamed.
type jsonConn struct {
	ID            uint64    `json:"id"`
	Endpoint      string    `json:"endpoint"`
	Since         time.Time `json:"since"`
	HeldSeconds   float64   `json:"held_seconds"`
	Calls         int       `json:"calls"`
	Busy          bool      `json:"busy"`
	Op            string    `json:"op"`
	Text          string    `json:"text"`
	IdleSeconds   float64   `json:"idle_seconds"`
	InTransaction bool      `json:"in_transaction"`
	Goroutine     uint64    `json:"goroutine"`
	Stack         []string  `json:"stack"` // never null: empty if it was not sampled
}

func writeJSON(w io.Writer, conns []held.Conn, stats any) error {
	list := make([]jsonConn, len(conns))
	for i, c := range conns {
		frames := c.Frames()
		stack := make([]string, len(frames))
		for j, f := range frames {
			stack[j] = newPlace(f).Full()
		}
		list[i] = jsonConn{
			ID: c.ID, Endpoint: c.Endpoint, Since: c.Since, HeldSeconds: c.For.Seconds(), Calls: c.Calls,
			Busy: c.Busy, Op: c.Op, Text: c.Text, IdleSeconds: c.Idle.Seconds(), InTransaction: c.InTx,
			Goroutine: c.Goroutine, Stack: stack,
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ") // people read it too
	return enc.Encode(struct {
		Held  []jsonConn `json:"held"`
		Stats any        `json:"stats"`
	}{list, stats})
}
