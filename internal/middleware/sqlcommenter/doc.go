// Package sqlcommenter is the middleware that adds a comment to the texts that are sent, so that the server's logs and statistics tell whose
// they are:
//
//	select id from orders where customer = $1 /*application='shop',traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01'*/
//
// The format is that of https://open-telemetry.github.io/opentelemetry-sqlcommenter/specifications. The comment stands last, but before a
// semicolon; a text that may have a comment already is sent as it is.
//
// Servers, drivers and pooled find prepared statements by their text, so the same statement needs the same comment: tags of the program, which
// never change. A trace is added only to a text that nobody prepares and nothing is kept by, as far as the driver is known.
//
// It belongs innermost, and puts the caller's text back when the call has returned: all other middlewares see that, and find it in their caches.
//
// What it is not: a propagator. What the server does with the comment is its own business.
package sqlcommenter
