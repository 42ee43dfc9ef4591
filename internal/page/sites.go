package page

import (
	"cmp"
	"slices"
)

// groupFrom is how many connections make call sites worth counting: fewer are seen at once.
const groupFrom = 8

// site is a call site, and what it holds.
type site struct {
	place
	Conns, Busy, InTx, Leaked int
	Oldest                    float64 // for how many seconds it has been held
}

// OldestFor is for how long the oldest has been held, as a person reads it.
func (s site) OldestFor() string { return duration(s.Oldest) }

// sites returns the call sites that hold several connections, those with the most first, and how many hold one.
func sites(rows []row) (several []site, single int) {
	bySite := map[place]*site{}
	for _, r := range rows {
		s := bySite[r.CallSite()]
		if s == nil {
			s = &site{place: r.CallSite()}
			bySite[r.CallSite()] = s
		}
		s.Conns++
		s.Oldest = max(s.Oldest, r.For)
		s.Busy += count(r.Busy)
		s.InTx += count(r.InTx)
		s.Leaked += count(r.Leaked)
	}
	for _, s := range bySite {
		if s.Conns == 1 {
			single++
			continue
		}
		several = append(several, *s)
	}
	slices.SortFunc(several, func(a, b site) int {
		return cmp.Or(cmp.Compare(b.Conns, a.Conns), cmp.Compare(b.Oldest, a.Oldest), cmp.Compare(a.Full(), b.Full()))
	})
	return several, single
}
