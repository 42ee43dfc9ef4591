package policy

import "time"

// ResetMode says what becomes of a server connection when its borrower has given it back.
type ResetMode uint8

// The modes of pool_reset. In each of them a transaction left open is rolled back.
const (
	// ResetOff leaves sessions as they are. It is the mode for a proxy that shares sessions among transactions, such as
	// PgBouncer.
	ResetOff ResetMode = iota
	// ResetDirty undoes what the borrower did to the session, and nothing if it did nothing. The default.
	ResetDirty
	// ResetAlways undoes everything that a session can be, after each borrower.
	ResetAlways
	// ResetDiscard closes what ResetDirty would reset.
	ResetDiscard
)

// Reset is how the next borrower of a server connection finds a clean session. It needs a dialect that knows sessions
// ([NewConfig] names no driver yet; with a driver that pooled knows nothing about, only ResetOff and ResetDirty are
// valid, and do the same).
type Reset struct {
	// Mode is pool_reset. The zero value is [ResetOff]; the default is [ResetDirty].
	Mode ResetMode
	// Timeout is how long a reset may take; one that takes longer discards the connection: pool_reset_timeout, 5s by
	// default. 0 = no limit.
	Timeout time.Duration
	// Audit asks the server, after one reset in Audit and for one in Audit of the sessions that were judged clean, what is left of the session,
	// reports it, and discards the connection if there is anything: pool_reset_audit. 0, the default, = never; 1 = for each.
	Audit int
	// Harmless are routines that leave nothing in the session, also not by what they call, though pooled cannot prove it: pool_harmless. A
	// statement that may call one needs the primary as before. Empty, the default, = none.
	Harmless []Routine
}
