// Package tracing proves what is told: spans, metrics, comments for the server, logs.
package tracing
