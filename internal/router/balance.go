package router

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/routecontext"
	"github.com/gopooled/pooled/policy"
)

// view is who plays which part. It never changes.
type view struct {
	primary  *member     // also if it does not answer any more; nil: there is none
	why      string      // why
	judge    *member     // statements are judged by its catalogue: that of the last primary there was
	bar      error       // there is none, because of this error of a server, and there will be none until somebody changes something
	replicas []candidate // those that may be read from
}

// candidate is a replica that may be read from.
type candidate struct {
	*member
	upSince int64 // stamp; 0: it is no longer new
}

// most is how many candidates are chosen from: room for them costs time at each read.
const most = 8

// choose picks a server for a read: one that has everything that must be seen, is near, and not busy. nil: none may answer. The bits of tried
// are servers that could not answer.
func (r *Router) choose(o routecontext.Says, tried uint64) *member {
	v := r.view.Load()
	mark, last, own := r.need(o)
	var some [most]*member
	var cold *member // the least busy of those that came back and are to be spared
	n, near := 0, false
	first := 0
	if len(v.replicas) > most {
		first = rand.IntN(len(v.replicas)) // not always the same ones
	}
	for i := range v.replicas {
		c := &v.replicas[(first+i)%len(v.replicas)]
		if n == most {
			break
		}
		if tried>>c.index&1 == 1 || !c.has(mark) && (c.member != last || !c.has(own)) || c.CutOff() {
			continue
		}
		if c.upSince != 0 && len(v.replicas) > 1 && !c.warm(r.now(), c.upSince) {
			if cold == nil || c.load() < cold.load() {
				cold = c.member
			}
			continue
		}
		if r.Policy.Zone != "" && c.Zone == r.Policy.Zone != near {
			if near {
				continue
			}
			n, near = 0, true // the others are too far away
		}
		some[n] = c.member
		n++
	}
	if p := v.primary; r.Policy.PrimaryWeight > 0 && p != nil && n < most && tried>>p.index&1 == 0 && !p.CutOff() {
		some[n] = p
		n++
	}
	switch n {
	case 0:
		return cold
	case 1:
		return some[0]
	}
	// The less busy one of two at random: as good as the least busy of all, and not the same one for everybody.
	i, j := rand.IntN(n), rand.IntN(n-1)
	if j >= i {
		j++
	}
	if some[j].load() < some[i].load() {
		i = j
	}
	return some[i]
}

// mayAnswer reports whether a server still is one that may answer a read.
func (r *Router) mayAnswer(m *member, o routecontext.Says) bool {
	mark, last, own := r.need(o)
	for _, c := range r.view.Load().replicas {
		if c.member == m {
			return m.has(mark) || m == last && m.has(own)
		}
	}
	return false
}

// has reports whether the server has everything as of a mark.
func (m *member) has(mark int64) bool { return mark == 0 || m.asOf.Load() >= mark }

// need is the mark of what a read must see: see seen.
func (r *Router) need(o routecontext.Says) (mark int64, last *member, own int64) {
	switch {
	case r.Policy.Consistency != policy.ConsistencySession:
		return 0, nil, 0
	case o.Session != nil:
		r.markUnsettled()
		return r.seen(o.Session)
	default:
		r.markUnsettled()
		return r.written.Load(), nil, 0
	}
}

// whyNone tells for each server why it may not answer a read.
func (r *Router) whyNone(o routecontext.Says) string {
	mark, _, _ := r.need(o)
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.view.Load()
	var all []string
	for _, m := range r.members {
		if m == v.primary {
			continue
		}
		why := m.whyNot()
		if why == "" && !m.has(mark) {
			why = m.whyBehind()
		}
		if why != "" {
			all = append(all, fmt.Sprintf("%s %s", m.Info.Name, why))
		}
	}
	if all == nil {
		return "there is no replica"
	}
	return strings.Join(all, "; ")
}

// whyBehind tells why a replica is not proved to have the last writes. The caller holds Router.mu.
func (m *member) whyBehind() string {
	switch {
	case m.caughtUp:
		return "is not known to have the last writes yet: the primary has not told its position since"
	case m.behind != "":
		return "is behind by " + m.behind
	case m.sight.Missing != "":
		return "cannot show what it has: grant " + m.sight.Missing + " to the user"
	default:
		return "does not have the last writes yet"
	}
}

// whyNot tells why nobody reads from the server; empty: some may. The caller holds Router.mu.
func (m *member) whyNot() string {
	switch {
	case m.foreign:
		return "belongs to another cluster"
	case !m.up && m.err != nil:
		return "does not answer (" + m.err.Error() + ")"
	case !m.up:
		return "has not been asked yet"
	case m.CutOff():
		return "is cut off by its breaker"
	case m.sight.Role == dialect.RoleReplica && m.sight.Position == nil:
		return "cannot tell how far it is"
	case m.farBehind && !m.caughtUp && m.behind == "" && m.sight.Missing != "":
		return m.whyBehind()
	case m.farBehind:
		return "is behind by more than pool_max_lag"
	default:
		return ""
	}
}
