package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/dbconv"

	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
	"github.com/gopooled/pooled/tracing"
)

// Figure is a metric that is read from the pool when somebody collects, so that it costs a call nothing.
type Figure uint8

// The figures: those of the semantic conventions, and pooled's own. All are told for each server, by the name of the connections to it (middleware.Endpoint.Pool); what belongs to all
// of them is told for the first.
const (
	Connections        Figure = iota // of = idle or used
	MaxConnections                   // pool_max_conns, if there is such a limit
	MaxIdle                          // pool_max_idle_conns, if there is such a limit
	MinIdle                          // pool_min_idle_conns
	PendingRequests                  // sessions that wait for a permit; of a class, as the next two
	Overloads                        // sessions that were refused a connection; of = why
	PassedOver                       // sessions that had too little time left
	Nested                           // sessions whose goroutine held a connection already
	Deadlocks                        // sessions that were refused a connection so that others go on
	Evictions                        // of = why
	Discards                         // of = why
	DialFailures                     //
	Resets                           // of = what became of the session
	Effects                          // of = what was undone
	LeaksReported                    // of all servers, as the next three
	LeaksOrphaned                    //
	LeaksReturned                    //
	LeaksReclaimed                   //
	BreakerStatus                    // 1 for of = the state, 0 for the others
	BreakerTransitions               // of = the new state
	BreakerRefusals                  //
	RouteDecisions                   // of = why; of all servers
	ReplicationLag                   // nanoseconds
	EndpointStatus                   // 1 for of = the role that the server plays, 0 for the others and for one that does not answer
	figureCount
)

// spec is how a metric is called, in what it is measured, and what it is, as dbconv tells it too.
type spec interface {
	Name() string
	Unit() string
	Description() string
}

// own is a metric of pooled's own.
type own struct{ name, unit, description string }

func (o own) Name() string        { return o.name }
func (o own) Unit() string        { return o.unit }
func (o own) Description() string { return o.description }

// kind is how a figure behaves.
type kind uint8

const (
	level  kind = iota // goes up and down, and adds up over servers
	count              // only grows
	length             // a time, which does not add up
)

// figures tells of each figure what it is, and the attribute that tells its parts from each other, if it has any.
var figures = [figureCount]struct {
	spec
	kind
	part attribute.Key
}{
	Connections:     {dbconv.ClientConnectionCount{}, level, semconv.DBClientConnectionStateKey},
	MaxConnections:  {dbconv.ClientConnectionMax{}, level, ""},
	MaxIdle:         {dbconv.ClientConnectionIdleMax{}, level, ""},
	MinIdle:         {dbconv.ClientConnectionIdleMin{}, level, ""},
	PendingRequests: {dbconv.ClientConnectionPendingRequests{}, level, ""},
	Overloads: {own{"pooled.connection.overloads", "{request}",
		"The number of requests for a connection that were refused because too many were waiting."}, count, tracing.OverloadReasonKey},
	PassedOver: {own{"pooled.connection.passed_over", "{request}",
		"The number of requests for a connection that had less time left than connections are held for, and were served after all others."}, count, ""},
	Nested: {own{"pooled.connection.nested", "{request}",
		"The number of requests for a connection by goroutines that held one of the same server already."}, count, ""},
	Deadlocks: {own{"pooled.connection.deadlocks", "{deadlock}",
		"The number of deadlocks that were ended: all connections were held by goroutines that waited for one more, and one of them was refused."}, count, ""},
	Evictions: {own{"pooled.connection.evictions", "{connection}",
		"The number of connections in good health that were closed because of a limit, or on purpose."}, count, tracing.CloseReasonKey},
	Discards: {own{"pooled.connection.discards", "{connection}", "The number of connections that were closed because nobody could use them any more."}, count, tracing.CloseReasonKey},
	DialFailures: {own{"pooled.connection.dial_failures", "{dial}",
		"The number of attempts to open a connection that failed."}, count, ""},
	Resets: {own{"pooled.session.resets", "{session}",
		"The number of sessions that had left something behind, by what became of them: made clean, or closed for one of the reasons."}, count, tracing.ResetOutcomeKey},
	Effects: {own{"pooled.session.effects", "{session}",
		"The number of sessions that were made clean, by what they had left behind; one that left several things counts for each."}, count, tracing.SessionEffectKey},
	LeaksReported:  {own{"pooled.leak.reported", "{connection}", "The number of connections that were reported because they were held and not used."}, count, ""},
	LeaksOrphaned:  {own{"pooled.leak.orphaned", "{connection}", "The number of those reported whose borrower's goroutine had ended."}, count, ""},
	LeaksReturned:  {own{"pooled.leak.returned", "{connection}", "The number of those reported that were given back after all."}, count, ""},
	LeaksReclaimed: {own{"pooled.leak.reclaimed", "{connection}", "The number of those reported that were taken from their holder."}, count, ""},
	BreakerStatus: {own{"pooled.breaker.status", "{breaker}",
		"The state of the server's breaker: 1 for the state that it is in, 0 for the others."}, level, tracing.BreakerStateKey},
	BreakerTransitions: {own{"pooled.breaker.transitions", "{transition}", "The number of times that the server's breaker got into a state."}, count, tracing.BreakerStateKey},
	BreakerRefusals:    {own{"pooled.breaker.refusals", "{request}", "The number of requests for a connection that the server's breaker refused."}, count, ""},
	RouteDecisions: {own{"pooled.route.decisions", "{call}",
		"The number of calls that were sent to a server, by the reason for which they went there."}, count, tracing.RouteReasonKey},
	ReplicationLag: {own{"pooled.replication.lag", "s",
		"How old the replica's data is at most, compared with what the primary has told."}, length, ""},
	EndpointStatus: {own{"pooled.endpoint.status", "{endpoint}",
		"The role of the server in its cluster: 1 for the role that it plays, 0 for the others, and for all while it does not answer."}, level, tracing.EndpointRoleKey},
}

// BreakerStates are the states of a breaker as metrics and spans call them, by [policy.BreakerState].
var BreakerStates = [...]string{policy.BreakerClosed: "closed", policy.BreakerOpen: "open", policy.BreakerHalfOpen: "half_open"}

// Of is what a figure is of.
type Of struct {
	Server int    // its number
	Class  string // one of pool_classes; empty: of all, or there are none
	Part   string // for the figures that have parts
}

// Observe has the figures read from a snapshot of the pool whenever somebody collects metrics, until Close.
func (t *Telemetry) Observe(look func() stats.Pool) error {
	var all [figureCount]metric.Observable
	observables := make([]metric.Observable, 0, figureCount)
	meter := t.meter()
	for i := range figures {
		instrument, err := Figure(i).instrument(meter)
		if err != nil {
			return err
		}
		all[i] = instrument
		observables = append(observables, instrument)
	}
	registration, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		pool := look()
		read(&pool, func(f Figure, of Of, n int64) {
			var part []attribute.KeyValue
			if of.Part != "" {
				part = append(part, figures[f].part.String(of.Part))
			}
			attributes := metric.WithAttributeSet(attributesOf(t.servers[of.Server].info, of.Class, part...))
			switch instrument := all[f].(type) {
			case metric.Int64Observable:
				o.ObserveInt64(instrument, n, attributes)
			case metric.Float64Observable:
				o.ObserveFloat64(instrument, time.Duration(n).Seconds(), attributes)
			}
		})
		return nil
	}, observables...)
	t.registration = registration
	return err
}

// instrument makes the instrument of a figure.
func (f Figure) instrument(meter metric.Meter) (metric.Observable, error) {
	of := figures[f]
	unit, description := metric.WithUnit(of.Unit()), metric.WithDescription(of.Description())
	switch of.kind {
	case level:
		return meter.Int64ObservableUpDownCounter(of.Name(), unit, description)
	case count:
		return meter.Int64ObservableCounter(of.Name(), unit, description)
	case length:
		return meter.Float64ObservableGauge(of.Name(), unit, description)
	default:
		return nil, errors.New("pooled: a figure of no kind")
	}
}
