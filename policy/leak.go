package policy

import "time"

// ReclaimMode says what becomes of a server connection that nobody has used for [Leak].Threshold, though somebody holds it.
type ReclaimMode uint8

// The modes of pool_leak_reclaim.
const (
	// ReclaimOff reports it, and leaves it to its holder. The default.
	ReclaimOff ReclaimMode = iota
	// ReclaimOrphaned takes it away if the goroutine that borrowed it has ended.
	ReclaimOrphaned
	// ReclaimAll takes it away from whoever holds it.
	ReclaimAll
)

// AutoSample as [Leak].Sample captures as many stacks as cost next to nothing.
const AutoSample = -1

// Leak is how connections are found that somebody holds and nobody uses.
type Leak struct {
	// Threshold is for how long a connection may be held without a call on it before it is reported: pool_leak, 1m by default.
	// 0 = never: nothing is watched, and nothing about borrowers is noted but the time.
	Threshold time.Duration
	// Sample says that one borrow in so many has its stack captured: pool_leak_sample. 1 = every one, 0 = none; [AutoSample], the default, is 1 where
	// that costs some 10 nanoseconds (amd64 and arm64), and 16 elsewhere. When a connection without a stack is reported, all are captured for the next
	// ten minutes.
	Sample int
	// Reclaim is what becomes of a connection that is reported: pool_leak_reclaim. The zero value is [ReclaimOff], the default.
	Reclaim ReclaimMode
}
