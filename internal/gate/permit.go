package gate

// Permit is the right to have a connection. Whoever has it gives it back by [Gate.Leave], once. The zero value is one of which nobody counts whose it is.
type Permit struct {
	tenant *tenant
	since  int64 // stamp
	paid   int64 // in advance, in nanoseconds
	lent   bool  // nobody waited when it was taken: it costs nothing
}
