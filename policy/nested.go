package policy

// NestedMode says what becomes of a goroutine that takes a server connection while it holds another one of the same server.
type NestedMode uint8

// The modes of pool_nested.
const (
	// NestedWarn logs it, once for each call site, where the number of connections is limited. The default.
	NestedWarn NestedMode = iota
	// NestedOff does not look, so that deadlocks are not found either.
	NestedOff
	// NestedError refuses the second connection, with an error that matches ErrNested.
	NestedError
)
