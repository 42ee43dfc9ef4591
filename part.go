package pooled

import (
	"errors"

	"github.com/gopooled/pooled/stats"
)

// part is a policy of pooled's own, as a connector holds it. Its wraps are in the chains; what else it has is here, so that nothing else in the connector has to know of it.
type part struct {
	tell  func(*stats.Pool) // adds what it has done to a snapshot; nil: it tells nothing
	begin func() error      // is called when the pool begins, and when it begins again; nil: it has nothing to do
	end   func() error      // is called when the pool is closed, after its endpoints; nil: nothing of it is left
}

// parts are those of a connector.
type parts []part

func (all *parts) add(p part) { *all = append(*all, p) }

func (all parts) tell(pool *stats.Pool) {
	for _, p := range all {
		if p.tell != nil {
			p.tell(pool)
		}
	}
}

func (all parts) begin() error {
	for _, p := range all {
		if p.begin == nil {
			continue
		}
		if err := p.begin(); err != nil {
			return err
		}
	}
	return nil
}

func (all parts) end() error {
	var errs []error
	for _, p := range all {
		if p.end != nil {
			errs = append(errs, p.end())
		}
	}
	return errors.Join(errs...)
}
