package routing

import (
	"database/sql"

	"github.com/gopooled/pooled/dialect"
)

// Reason is why a call goes to its endpoint.
type Reason uint8

// The reasons.
const (
	ReasonUnrouted    Reason = iota // nothing was decided
	ReasonRead                      // a replica may answer
	ReasonWrite                     // the statement is not proved to be a read without effects
	ReasonTx                        // it begins a transaction that belongs to the primary
	ReasonBound                     // the session holds a connection, and stays on it
	ReasonNoStatement               // the call is a ping, or the caller reaches the real connection
	ReasonContext                   // WithPrimary, WithReplica
	ReasonComment                   // /* pool:primary */, /* pool:replica */
	ReasonMode                      // pool_routing, pool_consistency=strong
	ReasonFallback                  // a read that no replica may answer
	ReasonRefused                   // a replica has refused the statement as a write
	ReasonRetry                     // a read that another server could not answer
)

var reasonNames = [...]string{
	"unrouted", "read", "write", "tx", "bound", "no_statement", "context", "comment", "mode", "fallback", "refused", "retry",
}

// String returns the reason as logs and metrics call it.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return "unknown"
}

// Decision is where a call goes, and why.
type Decision struct {
	// Endpoint is the name of the endpoint, or of the one that would be chosen now; empty: there is none.
	Endpoint string
	// Role is the part that it plays.
	Role   dialect.ServerRole
	Reason Reason
	// Detail says more, such as "function nextval is volatile"; may be empty.
	Detail string
}

// String tells the decision in a few words.
func (d Decision) String() string {
	text := d.Role.String() + " " + d.Endpoint + ": " + d.Reason.String()
	if d.Detail != "" {
		text += ": " + d.Detail
	}
	return text
}

// Explain tells where db would send a statement now, outside a transaction and without a session, and why. Nothing is sent. ok is false
// if db is not a pooled one, or does not route.
func Explain(db *sql.DB, text string) (d Decision, ok bool) {
	if r, routes := db.Driver().(interface {
		Explain(text string) (d Decision, ok bool)
	}); routes {
		return r.Explain(text)
	}
	return Decision{}, false
}
