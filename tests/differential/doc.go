// Package differential holds pooled's own reading of statements against the parsers of PostgreSQL and TiDB: what a parser's tree
// shows as a write or as a change of the session must never be called clean, or a read.
//
// It is a module of its own, so that the parsers never reach a user's go.mod.
package differential
