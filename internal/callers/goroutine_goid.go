//go:build gc && (386 || amd64 || arm || arm64 || s390x)

package callers

import "github.com/petermattis/goid"

// readGoroutine reads the number where goid thinks it is.
func readGoroutine() uint64 { return uint64(goid.Get()) }
