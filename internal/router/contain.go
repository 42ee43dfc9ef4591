package router

import (
	"fmt"
	"runtime/debug"
)

// contain makes an error of a panic, which would end the program as the goroutine has no caller, and reports whether there was one.
func (r *Router) contain(m *member, panicked any, err *error) bool {
	if panicked == nil {
		return false
	}
	r.Logger.Error("pooled: panic while a server was asked", "endpoint", m.Info.Name, "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
	*err = fmt.Errorf("pooled: panic while a server was asked: %v", panicked)
	return true
}
