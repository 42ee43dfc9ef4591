package page

import (
	"time"

	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/readable"
)

// Format is the version of the JSON. It is raised when a key is renamed, removed or changes its meaning, and not when keys are added.
const Format = 1

// Pool is what the page shows: a pool at one moment. Its JSON is documented in docs/page.md: keys in snake_case, times in RFC 3339, durations in seconds, words for
// states, null for what nobody knows. All keys are always there.
type Pool struct {
	Format   int       `json:"format"`
	Name     string    `json:"name"`
	At       time.Time `json:"at"`
	State    string    `json:"state"` // open, draining or closed
	Troubles []Trouble `json:"troubles"`
	Servers  []Server  `json:"servers"`
	Leaks    Leaks     `json:"leaks"`
	Held     []Held    `json:"held"`
	Routes   Counts    `json:"routes"` // by the reason for which calls went where they did; empty: nothing is routed
	Events   []Event   `json:"events"`
	Settings []Setting `json:"settings"`
}

// Counts are figures that only grow, by name.
type Counts map[string]uint64

// Server is one server of the pool.
type Server struct {
	Endpoint string       `json:"endpoint"`
	Role     string       `json:"role"`     // primary, replica or unknown, when it was last seen; single: nothing is routed
	Up       string       `json:"up"`       // yes, no or unknown
	Since    *time.Time   `json:"since"`    // when Up or Role became so
	Readable string       `json:"readable"` // whether reads go there as to a replica: yes or no; unknown: it is none
	Why      string       `json:"why"`      // it is not up, or not used; empty: there is nothing wrong
	Lag      *float64     `json:"lag_seconds"`
	Failing  *DialFailure `json:"dial_failure"` // nil: the last dial succeeded, or there was none
	Breaker  Breaker      `json:"breaker"`

	InUse      int `json:"in_use"`
	Idle       int `json:"idle"`
	Max        int `json:"max_conns"` // 0: no limit
	Waiting    int `json:"waiting"`
	Statements int `json:"prepared_statements"`

	// Of the last minute.
	P50      float64 `json:"wait_p50_seconds"`
	P99      float64 `json:"wait_p99_seconds"`
	Acquires float64 `json:"acquires_per_second"`
	Dials    float64 `json:"dials_per_second"`
	Errors   float64 `json:"errors_per_second"`

	Totals  Totals  `json:"totals"`
	Classes []Class `json:"classes"`
	History []Point `json:"history"`
}

// DialFailure tells that dials fail.
type DialFailure struct {
	First time.Time `json:"first"` // after which none has succeeded
	Last  time.Time `json:"last"`
	Error string    `json:"error"` // of the last one, in the words of the driver
}

// Breaker is that of a server.
type Breaker struct {
	State     string     `json:"state"` // off, closed, open or half_open
	Since     *time.Time `json:"since"` // when it opened
	NextProbe *time.Time `json:"next_probe"`
	Trips     uint64     `json:"trips"`
	Refused   uint64     `json:"refused"`
}

// Totals count since the pool was made.
type Totals struct {
	Acquires   uint64  `json:"acquires"`
	Unserved   uint64  `json:"unserved"`
	Waits      uint64  `json:"waits"`
	WaitTime   float64 `json:"wait_seconds"`
	Full       uint64  `json:"refused_full"`
	Shed       uint64  `json:"refused_shed"`
	PassedOver uint64  `json:"passed_over"`
	Dials      uint64  `json:"dials"`
	Failed     uint64  `json:"failed_dials"`
	Nested     uint64  `json:"nested"`
	Deadlocks  uint64  `json:"deadlocks"`
	Closed     Counts  `json:"closed"`  // connections by reason
	Clean      uint64  `json:"clean"`   // sessions that needed no reset
	Resets     Counts  `json:"resets"`  // the others, by outcome
	Effects    Counts  `json:"effects"` // what was undone
}

// Class is one of pool_classes at a server.
type Class struct {
	Name       string  `json:"name"`
	InUse      int     `json:"in_use"`
	Waiting    int     `json:"waiting"`
	Admitted   uint64  `json:"admitted"`
	Waits      uint64  `json:"waits"`
	WaitTime   float64 `json:"wait_seconds"`
	Full       uint64  `json:"refused_full"`
	Shed       uint64  `json:"refused_shed"`
	PassedOver uint64  `json:"passed_over"`
}

// Point is a server as it was at a moment of the last 15 minutes. Rates and waits are those since the moment before.
type Point struct {
	At       time.Time `json:"at"`
	InUse    int       `json:"in_use"`
	Waiting  int       `json:"waiting"`
	P50      float64   `json:"wait_p50_seconds"`
	P99      float64   `json:"wait_p99_seconds"`
	Acquires float64   `json:"acquires_per_second"`
	Dials    float64   `json:"dials_per_second"`
	Errors   float64   `json:"errors_per_second"`
}

// Leaks count connections that were held and not used.
type Leaks struct {
	Threshold float64 `json:"threshold_seconds"` // pool_leak; 0: nobody looks
	Reported  uint64  `json:"reported"`
	Orphaned  uint64  `json:"orphaned"`
	Returned  uint64  `json:"returned"`
	Reclaimed uint64  `json:"reclaimed"`
}

// Held is a connection in use.
type Held struct {
	ID        uint64    `json:"id"`
	Endpoint  string    `json:"endpoint"`
	Since     time.Time `json:"since"`
	For       float64   `json:"held_seconds"`
	Calls     int       `json:"calls"`
	Busy      bool      `json:"busy"`
	Op        string    `json:"op"`
	Text      string    `json:"text"` // without literals
	Idle      float64   `json:"idle_seconds"`
	InTx      bool      `json:"in_transaction"`
	Leaked    bool      `json:"leaked"` // not used for pool_leak
	Goroutine uint64    `json:"goroutine"`
	Fate      string    `json:"goroutine_state"` // unknown, alive or gone, when it was reported as a leak
	Site      string    `json:"borrowed_at"`     // the innermost of Stack that is not in a well-known library; empty: it was not sampled
	Stack     []string  `json:"stack"`           // empty: it was not sampled

	places []place
	site   int // which of them Site is
}

// NewHeld makes a Held of what is known of a connection in use.
func NewHeld(c held.Conn, leaked bool, fate held.Fate) Held {
	h := Held{
		ID: c.ID, Endpoint: c.Endpoint, Since: c.Since, For: c.For.Seconds(), Calls: c.Calls, Busy: c.Busy || c.Reading, Op: c.Op, Text: c.Text,
		Idle: c.Idle.Seconds(), InTx: c.InTx, Leaked: leaked, Goroutine: c.Goroutine, Fate: fate.String(), Stack: []string{},
	}
	frames := c.Frames()
	h.site = readable.CallSite(frames)
	for _, f := range frames {
		p := newPlace(f)
		h.places = append(h.places, p)
		h.Stack = append(h.Stack, p.Full())
	}
	if len(h.Stack) > 0 {
		h.Site = h.Stack[h.site]
	}
	return h
}

// Event is something that the pool has logged.
type Event struct {
	Kind     string            `json:"kind"`
	Level    string            `json:"level"` // error, warn or info
	Endpoint string            `json:"endpoint"`
	Message  string            `json:"message"`
	Details  map[string]string `json:"details"`
	First    time.Time         `json:"first"`
	Last     time.Time         `json:"last"`
	Count    int               `json:"count"`
}

// Setting is a setting in force.
type Setting struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Default string `json:"default"`
}

// Changed says that it is not the default.
func (s Setting) Changed() bool { return s.Value != s.Default }
