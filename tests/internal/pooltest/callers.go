package pooltest

import (
	"sync"
	"testing/synctest"
	"time"
)

// Waiting runs functions, each on a goroutine of its own, until all of them wait.
func Waiting(fs ...func() error) (told chan error) {
	told = make(chan error, len(fs))
	for _, f := range fs {
		go func() { told <- f() }()
	}
	synctest.Wait()
	return told
}

// Crowd runs work by so many callers at once, and returns how long the last one took.
func Crowd(callers int, work func(caller int)) time.Duration {
	began := time.Now()
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() { work(i) })
	}
	wg.Wait()
	return time.Since(began)
}
