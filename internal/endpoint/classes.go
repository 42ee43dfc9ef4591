package endpoint

import (
	"github.com/gopooled/pooled/internal/gate"
	"github.com/gopooled/pooled/policy"
)

// classes are those of a queue, for so many permits.
func classes(q policy.Queue, limit int) []gate.Class {
	all := make([]gate.Class, len(q.Classes))
	for i, c := range q.Classes {
		all[i] = gate.Class{Name: c.Name, Weight: float64(c.Weight), Most: c.Max.Of(limit), Reserve: c.Reserve}
	}
	return all
}
