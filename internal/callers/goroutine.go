package callers

import (
	"bytes"
	"runtime"
	"strconv"
)

// goroutineKnown says whether Goroutine may believe readGoroutine.
var goroutineKnown = checkGoroutine()

// Goroutine returns the number of the current goroutine, as goroutine dumps show it; 0 if that cannot be known cheaply, with this
// version of Go or on this architecture.
func Goroutine() uint64 {
	if !goroutineKnown {
		return 0
	}
	return readGoroutine()
}

// checkGoroutine compares readGoroutine with the dumps of two goroutines. It reads a field of the runtime that has no fixed place:
// another version of Go may have something else there. One goroutine could agree by chance, as the first has the number 1.
func checkGoroutine() bool {
	agrees := func() bool {
		number := dumpedGoroutine()
		return number != 0 && number == readGoroutine()
	}
	other := make(chan bool)
	go func() { other <- agrees() }()
	return <-other && agrees()
}

// dumpedGoroutine returns the number of the current goroutine from its dump, which begins "goroutine 7 [running]:"; 0 if it
// does not.
func dumpedGoroutine() uint64 {
	var dump [64]byte
	fields := bytes.Fields(dump[:runtime.Stack(dump[:], false)])
	if len(fields) < 2 || string(fields[0]) != "goroutine" {
		return 0
	}
	number, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return number
}
