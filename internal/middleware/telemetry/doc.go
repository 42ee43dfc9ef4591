// Package telemetry is the middleware that tells OpenTelemetry what a pool does: a span for each call, and the metrics of the semantic
// conventions for databases, with pooled's own facts beside them.
//
// Nothing has to be set up: the global providers are used as soon as the program has set them, and until then a call pays a comparison. What can be
// known of a statement is found out once and kept with its text: the name of the span, its attributes, those of the metrics. So a span is
// started with all that a sampler may want to see, and costs little more than the SDK's own work.
//
// A span covers the logical call: the wait for a connection, retries, and another server where the first could not answer. What happens after the call, such as
// the reading of rows and the reset of the session, is not in it. driver.ErrSkip, by which drivers and database/sql agree on how to go on, is no
// error; nor is a caller who gave up an error of the server.
//
// Names and attributes are those of the semantic conventions, version 1.43; pooled's own begin with "pooled.".
package telemetry
