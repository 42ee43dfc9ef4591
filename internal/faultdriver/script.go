package faultdriver

import (
	"context"
	"database/sql/driver"
)

// Op is a call that a driver can get.
type Op string

// The operations, named as [Driver.Calls] shows them.
const (
	Connect   Op = "connect"
	Prepare   Op = "prepare"
	Exec      Op = "exec"
	Query     Op = "query"
	Begin     Op = "begin"
	Commit    Op = "commit"
	Rollback  Op = "rollback"
	Ping      Op = "ping"
	Reset     Op = "reset"
	IsValid   Op = "isvalid"
	Check     Op = "check"
	Close     Op = "close"
	StmtExec  Op = "stmt.exec"
	StmtQuery Op = "stmt.query"
	StmtCheck Op = "stmt.check"
	StmtClose Op = "stmt.close"
	RowsClose Op = "rows.close"
)

// Call is one call as a hook sees it.
type Call struct {
	Op Op
	// Conn is the number of the connection, beginning with 1; for Connect the one that it will get.
	Conn int
	// Text and Args are those of the statement.
	Text string
	Args []driver.NamedValue
	// TxOptions are those of Begin; nil: the driver has no ConnBeginTx.
	TxOptions *driver.TxOptions
}

// Outcome is what a call does. The zero value succeeds, or returns the error of its context if that is done.
type Outcome struct {
	// Err is returned.
	Err error
	// Wait, if not nil, makes the call wait until it is closed or the call's context is done. A call without a context waits for
	// the channel only.
	Wait <-chan struct{}
	// Rows are returned by Query and StmtQuery. Nil: one row that echoes text and arguments.
	Rows *Rows
	// Result is returned by Exec and StmtExec. Nil: as many rows affected as there are arguments.
	Result driver.Result
	// NoResult makes Exec and StmtExec return nil for a result.
	NoResult bool
	// Invalid makes the connection say from now on that it is not valid, if it has a Validator. For IsValid, only
	// this is looked at.
	Invalid bool
	// Panic, if not nil, is what the call panics with.
	Panic any
}

// Next says what the next calls of op do, one outcome each, whatever connection they come to. When they have been used up, calls
// do what Always says.
func (d *Driver) Next(op Op, outcomes ...Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next[op] = append(d.next[op], outcomes...)
}

// Always says what all calls of op do from now on, unless Next says something else for them.
func (d *Driver) Always(op Op, o Outcome) {
	d.Hook(op, func(context.Context, Call) Outcome { return o })
}

// Hook has hook decide what calls of op do, unless Next says something else for them. It runs on the caller's goroutine.
func (d *Driver) Hook(op Op, hook func(ctx context.Context, call Call) Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hooks[op] = hook
}

// outcome writes a call down and finds out what it does.
func (d *Driver) outcome(ctx context.Context, call Call) Outcome {
	d.mu.Lock()
	d.record(call)
	if next := d.next[call.Op]; len(next) > 0 {
		d.next[call.Op] = next[1:]
		d.mu.Unlock()
		return next[0]
	}
	hook := d.hooks[call.Op]
	d.mu.Unlock()
	if hook == nil {
		return Outcome{}
	}
	return hook(ctx, call)
}

// play does what the outcome says, and returns the error.
func (o Outcome) play(ctx context.Context) error {
	if o.Panic != nil {
		panic(o.Panic)
	}
	if o.Wait != nil {
		select {
		case <-o.Wait:
		case <-ctx.Done():
		}
	}
	if o.Err == nil {
		return ctx.Err() // as a driver does whose call was cancelled before or while it ran
	}
	return o.Err
}
