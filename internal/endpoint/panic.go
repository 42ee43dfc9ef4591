package endpoint

import (
	"fmt"
	"runtime/debug"
)

// A bare driver panics in its caller, who may recover. Much of what pooled has drivers, middlewares and hooks do runs on goroutines of its own, where a
// panic would end the program. A dial for a caller hands it over; see [Endpoint.run]. Everything else has nobody to hand it to, and contains it.

// contain is deferred around what has no caller who could recover. A panic becomes the error, and is logged with its stack; doing tells where it was.
func (e *Endpoint) contain(doing string, err *error) {
	p := recover()
	if p == nil {
		return
	}
	e.Logger.Error("pooled: panic in the background", "endpoint", e.info.Name, "while", doing, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	*err = fmt.Errorf("pooled: panic while %s: %v", doing, p)
}

// contained calls f, and returns its error or its panic.
func (e *Endpoint) contained(doing string, f func() error) (err error) {
	defer e.contain(doing, &err)
	return f()
}
