package telemetry

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/gopooled/pooled/middleware"
)

// failure is what can be told of an error. The zero value is no failure.
type failure struct {
	kind string // error.type
	code string // the server's, if it is the server's error
}

// failureOf looks at the error of a call.
func (t *Telemetry) failureOf(err error) failure {
	if err == nil || err == driver.ErrSkip {
		return failure{}
	}
	if code := t.Code(err); code != "" {
		return failure{code, code}
	}
	for _, known := range refusals {
		if errors.Is(err, known.err) {
			return failure{kind: known.kind}
		}
	}
	return failure{kind: fmt.Sprintf("%T", err)}
}

// add adds the attributes of the failure.
func (f failure) add(to []attribute.KeyValue) []attribute.KeyValue {
	if f.kind == "" {
		return to
	}
	to = append(to, semconv.ErrorTypeKey.String(f.kind))
	if f.code != "" {
		to = append(to, semconv.DBResponseStatusCode(f.code))
	}
	return to
}

// refusals are the errors that have a name of their own as error.type.
var refusals = []struct {
	err  error
	kind string
}{
	{middleware.ErrAcquireTimeout, "acquire_timeout"},
	{middleware.ErrOverloaded, "overloaded"},
	{middleware.ErrNested, "nested"},
	{middleware.ErrDeadlock, "deadlock"},
	{middleware.ErrConnectTimeout, "connect_timeout"},
	{middleware.ErrBreakerOpen, "breaker_open"},
	{middleware.ErrDraining, "draining"},
	{middleware.ErrReclaimed, "reclaimed"},
	{middleware.ErrNoPrimary, "no_primary"},
	{middleware.ErrNoReplica, "no_replica"},
	{context.Canceled, "context.Canceled"},
	{context.DeadlineExceeded, "context.DeadlineExceeded"},
	{driver.ErrBadConn, "driver.ErrBadConn"},
}
