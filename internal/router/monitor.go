package router

import (
	"context"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/policy"
)

const (
	// longestBurst is how long after a write the monitors hurry: a replica that has not caught up by then is looked at as usual.
	longestBurst = 2 * time.Second
	// dialTimeout is how long a monitor's dial may take, at least.
	dialTimeout = time.Second
	// learnTimeout is how long the catalogue may take to be read.
	learnTimeout = 30 * time.Second
	// patience is after how many failures in a row the connections of a server are cut off that is not the primary, or not any more: whoever waits
	// for an answer goes elsewhere.
	patience = 2
)

// monitor asks a server again and again, on a connection of its own, until ctx is done.
func (r *Router) monitor(ctx context.Context, m *member) {
	defer m.hangUp()
	for {
		at := r.asking()
		sight, err := r.look(ctx, m, &at)
		if ctx.Err() != nil {
			return
		}
		r.note(m, at, sight, err)
		if !r.pause(ctx, m) {
			return
		}
	}
}

// look asks a server. A connection that fails at once is replaced: it may have been ended by hand. at is the moment of the question.
func (r *Router) look(ctx context.Context, m *member, at *int64) (sight dialect.Sight, err error) {
	m.refused = false
	defer func() {
		if r.contain(m, recover(), &err) {
			m.hangUp()
		}
	}()
	if m.conn != nil {
		limited, cancel := context.WithTimeout(ctx, r.Policy.MonitorInterval/2)
		sight, err = m.Dialect.Replication.Look(limited, m.conn)
		silent := limited.Err() != nil
		cancel()
		if err == nil {
			return sight, nil
		}
		m.hangUp()
		if silent {
			return sight, err
		}
	}
	limited, cancel := context.WithTimeout(ctx, max(r.Policy.MonitorInterval/2, dialTimeout))
	defer cancel()
	conn, err := m.Dialect.Connector.Connect(limited)
	if err != nil {
		m.refused = true
		return dialect.Sight{}, err
	}
	m.conn, m.dialled = conn, true
	*at = r.asking()
	sight, err = m.Dialect.Replication.Look(limited, conn)
	if err != nil {
		m.hangUp()
	}
	return sight, err
}

// hangUp closes the monitor's connection.
func (m *member) hangUp() {
	if conn := m.conn; conn != nil {
		m.conn = nil
		defer func() { _ = recover() }() // whatever the driver does, it is of no use any more
		_ = conn.Close()
	}
}

// pause waits until the server is to be asked again, and reports false if ctx ends before.
func (r *Router) pause(ctx context.Context, m *member) bool {
	pause := r.Policy.MonitorInterval / 2
	if r.hurries(m) {
		pause = min(pause, r.Policy.MonitorBurst)
	}
	least := min(r.Policy.MonitorBurst, pause)
	timer := time.NewTimer(least)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	}
	if pause == least {
		return true
	}
	m.asleep.Store(true)
	defer m.asleep.Store(false)
	if r.hurries(m) { // since a moment ago: nobody has seen that it sleeps
		return true
	}
	timer.Reset(pause - least)
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-m.wake:
	}
	return true
}

// hurries reports whether somebody waits for what the server has to tell: a mark that the primary has told no position for, or that a replica has
// not reached.
func (r *Router) hurries(m *member) bool {
	latest := r.latest.Load()
	if latest == 0 || time.Duration(r.now()-latest) > longestBurst {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.view.Load()
	if m != v.primary {
		return m.up && m.asOf.Load() < latest
	}
	last, told := r.samples.last()
	return !told || last.at < latest
}

// note takes down what a server has said, or that it has said nothing.
func (r *Router) note(m *member, at int64, sight dialect.Sight, err error) {
	sever := false
	r.mu.Lock()
	if err != nil {
		m.failures++
		m.up, m.err, m.barred = false, err, m.refused && r.isPermanent(err)
		if m.failures == 1 {
			r.tell(func() { r.Logger.Warn("pooled: a server does not answer", "endpoint", m.Info.Name, "error", err) })
		}
	} else {
		if m.failures > 0 {
			r.tell(func() { r.Logger.Info("pooled: a server answers again", "endpoint", m.Info.Name) })
		}
		if m.dialled { // it may have been restored from an older copy meanwhile
			m.incarnation.Add(1)
			m.asOf.Store(0)
			m.dialled = false
		}
		if !m.up {
			m.up, m.upSince = true, at
		}
		m.failures, m.err, m.severed, m.barred = 0, nil, false, false
		m.sight, m.seenAt = sight, at
		r.identify(m)
	}
	r.assign()
	if err == nil {
		r.measure(m)
	} else if m.failures >= patience && m != r.view.Load().primary && !m.severed {
		sever, m.severed = true, true
	}
	r.publish()
	m.forget()
	close(r.changed)
	r.changed = make(chan struct{})
	news := r.news
	r.news = nil
	blind := m.up && m.sight.Missing != "" && r.view.Load().primary == nil
	r.mu.Unlock()
	for _, tell := range news {
		tell()
	}
	if sever {
		m.Sever()
	}
	if blind { // a privilege that is granted now counts for those who log in afterwards
		m.hangUp()
	}
	r.learn(m)
}

// identify finds out whether a server belongs to the cluster. The caller holds mu, here and below.
func (r *Router) identify(m *member) {
	name := m.sight.Cluster
	if r.cluster == "" {
		r.cluster = name
	}
	foreign := name != "" && name != r.cluster
	if foreign && !m.foreign {
		r.tell(func() {
			r.Logger.Error("pooled: a server belongs to another cluster, and is not used", "endpoint", m.Info.Name)
		})
	} else if !foreign && m.foreign {
		r.tell(func() { r.Logger.Info("pooled: a server belongs to the cluster again", "endpoint", m.Info.Name) })
	}
	m.foreign = foreign
}

// assign finds the primary: of several that say they are it, the one of the latest timeline.
func (r *Router) assign() {
	old := r.view.Load()
	var primary *member
	why, tied := "", false
	for _, m := range r.members {
		if !m.up || m.foreign || m.sight.Role != dialect.RolePrimary {
			continue
		}
		switch {
		case primary == nil || m.sight.Timeline > primary.sight.Timeline:
			primary, tied = m, false
		case m.sight.Timeline == primary.sight.Timeline:
			tied = true
			why = "both " + primary.Info.Name + " and " + m.Info.Name + " say that they are the primary" + mayReplicate(primary, m)
		}
	}
	switch {
	case tied:
		primary = nil
	case primary == nil && old.primary != nil && !old.primary.up:
		primary = old.primary // it may come back
	case primary == nil:
		why = "no server says that it is the primary"
		for _, m := range r.members {
			if m.err != nil {
				why += "; " + m.Info.Name + " does not answer (" + m.err.Error() + ")"
			}
		}
	}
	if primary == old.primary {
		if primary == nil && why != old.why {
			r.view.Store(&view{why: why, replicas: old.replicas, judge: old.judge})
		}
		return
	}
	for _, m := range r.members { // before anybody is sent there
		m.SetReadOnly(m != primary)
	}
	judge := old.judge
	if primary != nil {
		judge = primary
	}
	r.view.Store(&view{primary: primary, why: why, replicas: old.replicas, judge: judge})
	r.samples = nil
	switch {
	case primary == nil:
		r.tell(func() { r.Logger.Error("pooled: there is no primary", "why", why) })
	case r.known.Load():
		r.tell(func() { r.Logger.Warn("pooled: this server is the primary now", "endpoint", primary.Info.Name) })
	}
}

// mayReplicate tells for people that one of the servers may be a replica without anybody being allowed to see it.
func mayReplicate(members ...*member) string {
	for _, m := range members {
		if m.sight.Missing != "" {
			return ", but the user may not see whether they replicate: grant " + m.sight.Missing + " on all of them, or set read_only on replicas"
		}
	}
	return ""
}

// isPermanent reports whether a dial that failed so will fail again as long as nobody changes anything.
func (r *Router) isPermanent(err error) bool {
	class := r.Classify(err)
	return class.Has(dialect.Misconfigured) || class.Has(dialect.Application) && !class.Has(dialect.TooManyConnections)
}

// bar returns what has kept everybody from writing since the router began, and will until somebody changes something: the server that the DSN leads to
// lets nobody in, or no server that is not a replica does. A primary that was there before may come back, and is waited for.
func (r *Router) bar() error {
	if first := r.members[0]; first.barred {
		return first.err
	}
	var bar error
	for _, m := range r.members {
		switch {
		case m.up:
		case !m.barred:
			return nil
		case bar == nil:
			bar = m.err
		}
	}
	return bar
}

// tell has f log something once mu is free: a handler may use the pool itself.
func (r *Router) tell(f func()) { r.news = append(r.news, f) }

// measure finds out how far the replicas are.
func (r *Router) measure(m *member) {
	v := r.view.Load()
	if m != v.primary {
		r.measureReplica(m)
		return
	}
	if m.sight.Position == nil {
		return
	}
	r.samples.add(m.seenAt, m.sight.Position)
	for _, other := range r.members {
		if other != m && other.up {
			r.measureReplica(other)
		}
	}
}

func (r *Router) measureReplica(m *member) {
	position := m.sight.Position
	last, told := r.samples.last()
	if position == nil || !told {
		return
	}
	if as := r.samples.asOf(position); as > m.asOf.Load() {
		m.asOf.Store(as)
		m.proof = position
	}
	m.caughtUp, m.behind = position.Covers(last.position), position.Behind(last.position)
}

// publish brings the candidates up to date.
func (r *Router) publish() {
	old := r.view.Load()
	next := *old
	next.replicas = nil
	asked := true
	for _, m := range r.members {
		asked = asked && (m.up || m.failures > 0)
		m.farBehind = r.isFarBehind(m)
		r.noteLate(m)
		if m.up || m.failures > 0 {
			m.notePart()
		}
		if !m.up || m.foreign || m.sight.Role != dialect.RoleReplica || m.farBehind {
			continue
		}
		c := candidate{m, m.upSince}
		if r.isOld(m) {
			c.upSince = 0
		}
		next.replicas = append(next.replicas, c)
	}
	r.met = r.met || next.primary != nil
	if next.bar = nil; !r.met && asked {
		next.bar = r.bar()
	}
	r.view.Store(&next)
	if next.primary != nil || asked {
		r.known.Store(true)
	}
}

// isOld reports whether a server has its whole share: it is up for long, or was when the router began.
func (r *Router) isOld(m *member) bool {
	return m.incarnation.Load() == 1 || time.Duration(r.now()-m.upSince) >= ramp
}

// noteLate logs when a replica gets too far behind, and when it is no longer. One that has just come has not been measured yet.
func (r *Router) noteLate(m *member) {
	if !m.up || m.foreign || m.sight.Role != dialect.RoleReplica {
		return // it is known when it is back
	}
	late := m.farBehind
	if late && !m.late && r.Policy.MaxLag > 0 && m.asOf.Load() == 0 {
		late = time.Duration(r.now()-m.upSince) > r.Policy.MaxLag
	}
	if late == m.late {
		return
	}
	m.late = late
	if late {
		why := m.whyNot()
		r.tell(func() {
			r.Logger.Warn("pooled: a replica is too far behind to be read from", "endpoint", m.Info.Name, "why", why)
		})
		return
	}
	r.tell(func() { r.Logger.Info("pooled: a replica has caught up", "endpoint", m.Info.Name) })
}

// isFarBehind reports whether a replica is too far behind to be read from. When the primary is silent, nothing is written that the replicas
// could miss.
func (r *Router) isFarBehind(m *member) bool {
	if r.Policy.MaxLag == 0 {
		return r.Policy.Consistency == policy.ConsistencySession && m.sight.Position == nil
	}
	last, told := r.samples.last()
	asOf := m.asOf.Load()
	if !told {
		return asOf == 0 && r.view.Load().primary != nil && r.view.Load().primary.up
	}
	return asOf == 0 || time.Duration(last.at-asOf) > r.Policy.MaxLag
}

// learn has the catalogue read that statements are judged by, if nobody else has: with pool_reset, who gives a connection back does it. Only the primary
// has what was defined a moment ago; another server is asked while that does not answer.
func (r *Router) learn(m *member) {
	r.mu.Lock()
	v := r.view.Load()
	sessions := v.judge.Dialect.Sessions
	lends := m != v.primary
	asks := m.up && !m.foreign && (!lends || v.primary == nil || !v.primary.up)
	if !lends && m.up && r.lent {
		r.lent = false
		sessions.Outdate(true)
	}
	r.mu.Unlock()
	if !asks {
		return
	}
	sessions.Age()
	if !sessions.Stale() || !r.learning.CompareAndSwap(false, true) {
		return
	}
	if lends {
		r.mu.Lock()
		r.lent = true
		r.mu.Unlock()
	}
	if !m.Background(func(ctx context.Context) {
		defer r.learning.Store(false)
		ctx, cancel := context.WithTimeout(ctx, learnTimeout)
		defer cancel()
		err := r.teach(ctx, m, &v.judge.Dialect, nil, false)
		if err != nil && ctx.Err() == nil {
			r.Logger.Warn("pooled: the server's catalogue cannot be read, so fewer statements go to replicas", "endpoint", m.Info.Name, "error", err)
		}
	}) {
		r.learning.Store(false)
	}
}

// learnNow has the primary asked for what a text names for the first time, as a caller waits to be routed by it. While another one is, or where that
// was no use only just, the text goes to the primary.
func (r *Router) learnNow(primary *member, text string) {
	r.mu.Lock()
	up := primary.up
	r.mu.Unlock()
	if !up || r.now() < r.learnsNoText.Load() || !r.learning.CompareAndSwap(false, true) {
		return
	}
	defer r.learning.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), learnNowTimeout)
	defer cancel()
	sessions := primary.Dialect.Sessions
	err := r.teach(ctx, primary, &primary.Dialect, []string{text}, true)
	if s := sessions.Statement(text); err != nil || s.Provisional && !s.AwaitsBaseline { // which the monitor says
		r.learnsNoText.Store(r.now() + int64(learnNowTimeout))
	}
}

// learnNowTimeout is how long a caller waits for that at most, and how long nobody does where it was no use.
const learnNowTimeout = time.Second

// teach has the sessions of a server learn from the member, over a connection that is for nothing else.
func (r *Router) teach(ctx context.Context, m *member, of *dialect.Server, texts []string, wait bool) (err error) {
	defer func() { r.contain(m, recover(), &err) }()
	conn, err := m.Dialect.Connector.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // what went wrong before is the reason
	if of.Dialled != nil {              // it tells what texts are judged by; what others set up besides, the first connection that they may use tells
		_, err = of.Dialled(ctx, conn)
	}
	if err == nil {
		err = of.Sessions.Learn(ctx, conn, texts, wait)
	}
	return err
}

// answeredAsPrimary reports whether the server has said after a moment that it is the primary. The caller holds Router.mu.
func (m *member) answeredAsPrimary(after int64) bool {
	return m.up && m.seenAt > after && m.sight.Role == dialect.RolePrimary && !m.CutOff()
}
