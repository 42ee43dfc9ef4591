package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Trouble is something that is wrong, or that somebody should know.
type Trouble struct {
	Name     string     `json:"name"`     // of its rule
	Severity string     `json:"severity"` // error or notice
	Endpoint string     `json:"endpoint"` // empty: it is of no server in particular
	Text     string     `json:"text"`
	Since    *time.Time `json:"since"`
	Advice   string     `json:"advice"`
	Link     string     `json:"link"`
}

// The severities: an error is red and on top.
const (
	severe = "error"
	notice = "notice"
)

// docs is where the links lead.
const docs = "https://github.com/gopooled/pooled/blob/main/docs/"

// rule tells when something is wrong.
type rule struct {
	name, severity string
	// ofServer and ofPool return what is wrong; an empty text: nothing is. One of them is nil.
	ofServer func(s *Server, p *Pool) (text string, since *time.Time)
	ofPool   func(p *Pool) (text string, since *time.Time)
	advice   string
	link     string // below docs
}

// rules are in the order in which troubles are shown, the errors first.
var rules = []rule{
	{
		name: "breaker_open", severity: severe, ofServer: breakerOpen,
		advice: "Look at the server. It is probed, and used again by itself, so there is nothing to restart here. Reads of a replica go to other servers meanwhile.", link: "breaker.md#when-the-server-is-in-trouble",
	},
	{
		name: "server_down", severity: severe, ofServer: serverDown,
		advice: "Look at the server, and at the network, the credentials and the limits between here and there.", link: "breaker.md#when-the-server-is-in-trouble",
	},
	{
		name: "dials_fail", severity: severe, ofServer: dialsFail,
		advice: "Calls go on with the connections that there are. Look at the credentials, and at how many connections the server allows.", link: "breaker.md#when-the-server-is-in-trouble",
	},
	{
		name: "no_primary", severity: severe, ofPool: noPrimary,
		advice: "Promote a replica, or start the primary. Writes wait for pool_failover_timeout, and go on by themselves.", link: "replicas.md#reads-on-replicas",
	},
	{
		name: "leaked", severity: severe, ofPool: leaked,
		advice: "Close the Rows, Tx or Conn of the call sites below on all paths. pool_leak_reclaim=orphaned takes back what nobody can give back any more.",
		link:   "leaks.md#leaks-who-holds-the-connections",
	},
	{
		name: "saturated", severity: severe, ofServer: saturated,
		advice: "See below who holds the connections and for how long: slow statements, or too much work. Raise pool_max_conns only if the server has room.",
		link:   "overload.md#when-it-waits-too-long",
	},
	{
		name: "unserved", severity: severe, ofServer: unserved,
		advice: "See the events below, and the errors that callers get: each says why.", link: "overload.md#when-it-waits-too-long",
	},
	{
		name: "replica_behind", severity: severe, ofServer: replicaBehind,
		advice: "See whether it replicates. Its reads go to other servers meanwhile. It is read from again as soon as it has caught up.", link: "replicas.md#reads-on-replicas",
	},
	{
		name: "not_used", severity: severe, ofServer: notUsed,
		advice: "Correct the list of servers in the DSN, or the server.", link: "replicas.md#reads-on-replicas",
	},
	{
		name: "reset_refused", severity: severe, ofPool: resetRefused,
		advice: "See the event below for the server's reason. No borrower meets such a session, but each costs a new connection.", link: "clean-sessions.md#clean-sessions",
	},
	{
		name: "logged", severity: severe, ofPool: logged,
		advice: "See the event below, and what the list of messages says about it.", link: "observability.md#logs",
	},
	{
		name: "closed", severity: notice, ofPool: inState("closed", "This pool is closed: its *sql.DB was closed."),
		advice: "Nothing, if the program is about to end.", link: "configuration.md#when-the-program-ends",
	},
	{
		name: "draining", severity: notice, ofPool: inState("draining", "This pool is drained: nobody gets a connection any more, and it stays so until the program ends."),
		advice: "Nothing, if the program is about to end.", link: "configuration.md#when-the-program-ends",
	},
	{
		name: "no_limit", severity: notice, ofPool: noLimit,
		advice: "Set pool_max_conns, or pool_profile=service: when the server has no room, calls fail instead of waiting for their turn.", link: "configuration.md#pool_max_conns",
	},
}

const (
	// lately is how old an event may be that is wrong still.
	lately = 15 * time.Minute
	// recently is how old a failed dial may be, if there are connections: where nobody needs a new one, nobody finds out that they can be made again.
	recently = time.Minute
)

// findTroubles applies the rules.
func findTroubles(p *Pool) []Trouble {
	all := []Trouble{}
	for _, r := range rules {
		found := func(endpoint, text string, since *time.Time) {
			if text != "" {
				all = append(all, Trouble{Name: r.name, Severity: r.severity, Endpoint: endpoint, Text: text, Since: since, Advice: r.advice, Link: docs + r.link})
			}
		}
		if r.ofPool != nil {
			text, since := r.ofPool(p)
			found("", text, since)
			continue
		}
		for i := range p.Servers {
			s := &p.Servers[i]
			text, since := r.ofServer(s, p)
			found(s.Endpoint, text, since)
		}
	}
	return all
}

func breakerOpen(s *Server, _ *Pool) (string, *time.Time) {
	if !s.cutOff() {
		return "", nil
	}
	text := s.Endpoint + " is cut off by its breaker, and "
	if next := s.Breaker.NextProbe; next != nil {
		text += "tried again at " + next.Format(time.TimeOnly)
	} else {
		text += "being tried now"
	}
	text += "."
	if s.Failing != nil {
		text += " Last error: " + strings.TrimSuffix(s.Failing.Error, ".") + "."
	}
	return text, s.Breaker.Since
}

func serverDown(s *Server, _ *Pool) (string, *time.Time) {
	if s.Up != "no" || s.cutOff() {
		return "", nil
	}
	return s.Endpoint + " does not answer" + because(s.Why), s.Since
}

// cutOff says that the breaker refuses callers.
func (s *Server) cutOff() bool { return s.Breaker.State == "open" || s.Breaker.State == "half_open" }

func dialsFail(s *Server, p *Pool) (string, *time.Time) {
	f := s.Failing
	if f == nil || s.Up == "no" || s.cutOff() || p.At.Sub(f.Last) > recently {
		return "", nil
	}
	return "No new connection to " + s.Endpoint + " can be made" + because(f.Error), &f.First
}

func because(why string) string {
	if why == "" {
		return "."
	}
	return ": " + strings.TrimSuffix(why, ".") + "."
}

func noPrimary(p *Pool) (string, *time.Time) {
	var since *time.Time
	for _, s := range p.Servers {
		if s.Role == "single" || s.Up == "unknown" || s.Role == "primary" && s.Up == "yes" && s.Why == "" {
			return "", nil
		}
		if s.Role == "primary" {
			since = s.Since
		}
	}
	if since == nil {
		since = sinceEvent(p, "there is no primary")
	}
	return "There is no server to write to.", since
}

func leaked(p *Pool) (string, *time.Time) {
	n, gone := 0, 0
	idle := 0.0
	for _, h := range p.Held {
		if !h.Leaked {
			continue
		}
		n++
		idle = max(idle, h.Idle)
		if h.Fate == "gone" {
			gone++
		}
	}
	if n == 0 {
		return "", nil
	}
	text := fmt.Sprintf("%s held, and %s not been used for %s or longer", several(n, "connection is", "connections are"), verb(n, "has", "have"), duration(p.Leaks.Threshold))
	if gone > 0 {
		text += fmt.Sprintf("; %d of them by %s", gone, verb(gone, "a goroutine that has ended", "goroutines that have ended"))
	}
	since := p.At.Add(-seconds(idle))
	return text + ".", &since
}

func saturated(s *Server, p *Pool) (string, *time.Time) {
	full := func(inUse, waiting int) bool { return s.Max > 0 && inUse >= s.Max && waiting > 0 }
	if !full(s.InUse, s.Waiting) {
		return "", nil
	}
	since := sincePoint(s, func(pt Point) bool { return full(pt.InUse, pt.Waiting) })
	if since == nil && s.P99 < 0.1 { // a moment
		return "", nil
	}
	text := fmt.Sprintf("All %d connections to %s are in use, and %s", s.Max, s.Endpoint, several(s.Waiting, "call waits", "calls wait"))
	if s.Errors > 0 {
		text += "; " + rate(s.Errors) + " a second fail"
	}
	return text + ".", since
}

func unserved(s *Server, p *Pool) (string, *time.Time) {
	if s.Errors == 0 || p.State != "open" {
		return "", nil
	}
	for _, explained := range []func(*Server, *Pool) (string, *time.Time){breakerOpen, serverDown, dialsFail, saturated} {
		if text, _ := explained(s, p); text != "" {
			return "", nil
		}
	}
	if n := len(s.History); n > 0 && s.History[n-1].Errors == 0 { // it is over
		return "", nil
	}
	return fmt.Sprintf("Calls to %s get no connection: %s a second in the last minute.", s.Endpoint, rate(s.Errors)),
		sincePoint(s, func(pt Point) bool { return pt.Errors > 0 })
}

func notUsed(s *Server, _ *Pool) (string, *time.Time) {
	if s.Role == "replica" || s.Up != "yes" || s.Why == "" || s.cutOff() {
		return "", nil
	}
	return s.Endpoint + " is not used" + because(s.Why), s.Since
}

func replicaBehind(s *Server, _ *Pool) (string, *time.Time) {
	if s.Role != "replica" || s.Up != "yes" || s.Readable != "no" || s.cutOff() {
		return "", nil
	}
	why := s.Why
	if s.Lag != nil && *s.Lag > 0 {
		why += "; what it has is " + wait(*s.Lag) + " old"
	}
	return "No reads go to " + s.Endpoint + because(why), s.Since
}

func resetRefused(p *Pool) (string, *time.Time) {
	n := 0
	var since *time.Time
	for _, e := range p.Events {
		if e.Message == "a session could not be made clean; its connection is closed" && p.At.Sub(e.Last) < lately {
			n += e.Count
			since = &e.First
		}
	}
	if n == 0 {
		return "", nil
	}
	return several(n, "session could", "sessions could") + " not be made clean, and lost " + verb(n, "its connection.", "their connections."), since
}

// loggedKinds are those of events that no other rule tells of.
var loggedKinds = []string{"server", "reset", "deadlock", "panic", "leak"}

func logged(p *Pool) (string, *time.Time) {
	for _, e := range p.Events {
		if e.Level == severe && slices.Contains(loggedKinds, e.Kind) && p.At.Sub(e.Last) < lately {
			text := strings.ToUpper(e.Message[:1]) + e.Message[1:]
			if e.Endpoint != "" {
				text += " (" + e.Endpoint + ")"
			}
			return text + ".", &e.First
		}
	}
	return "", nil
}

func inState(state, text string) func(p *Pool) (string, *time.Time) {
	return func(p *Pool) (string, *time.Time) {
		if p.State != state {
			return "", nil
		}
		return text, nil
	}
}

func noLimit(p *Pool) (string, *time.Time) {
	if slices.ContainsFunc(p.Servers, func(s Server) bool { return s.Max > 0 }) {
		return "", nil
	}
	return "Nothing limits the server connections but SetMaxOpenConns, if that is set.", nil
}

// sincePoint is when it began that the points up to the last one have been so, but for one alone now and then; nil: neither of the last two is.
func sincePoint(s *Server, so func(Point) bool) *time.Time {
	var since *time.Time
	misses := 0
	for _, pt := range slices.Backward(s.History) {
		if so(pt) {
			since, misses = &pt.At, 0
		} else if misses++; misses == 2 {
			break
		}
	}
	return since
}

// sinceEvent is when something was logged for the first time, of the last times.
func sinceEvent(p *Pool, message string) *time.Time {
	for _, e := range p.Events {
		if e.Message == message {
			return &e.First
		}
	}
	return nil
}

// worstFirst puts the servers first of which something is wrong.
func worstFirst(p *Pool) {
	bad := map[string]int{}
	for _, t := range p.Troubles {
		if t.Severity == severe {
			bad[t.Endpoint] = -1
		}
	}
	slices.SortStableFunc(p.Servers, func(a, b Server) int { return cmp.Compare(bad[a.Endpoint], bad[b.Endpoint]) })
	slices.SortStableFunc(p.Held, func(a, b Held) int { return cmp.Compare(count(b.Leaked), count(a.Leaked)) })
}
