package testserver

import (
	"errors"
	"fmt"
	"slices"
)

// Program is to a cluster what a test is otherwise. The zero value is ready for use, by one goroutine at a time.
type Program struct {
	cleanUps []func()
	errs     []error
}

// programError is what a Fatalf panics with.
type programError struct{ error }

// Attempt runs f, and returns the error of the Fatalf that ended it.
func (*Program) Attempt(f func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case programError:
			err = r.error
		default:
			panic(r)
		}
	}()
	f()
	return nil
}

// End stops all servers, and returns what went wrong with them.
func (p *Program) End() error {
	err := p.Attempt(func() {
		for _, f := range slices.Backward(p.cleanUps) {
			f()
		}
	})
	p.cleanUps = nil
	return errors.Join(append(p.errs, err)...)
}

// Helper is there for [T].
func (*Program) Helper() {}

// Cleanup has f run by [Program.End].
func (p *Program) Cleanup(f func()) { p.cleanUps = append(p.cleanUps, f) }

// Errorf keeps an error for [Program.End].
func (p *Program) Errorf(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf(format, args...))
}

// Fatalf ends what is attempted.
func (*Program) Fatalf(format string, args ...any) { panic(programError{fmt.Errorf(format, args...)}) }
