package pooltest

import (
	"context"
	"time"

	"github.com/gopooled/pooled/internal/faultdriver"
)

// Grace is for how long a dial goes on whose borrower has gone.
const Grace = time.Second

// Takes is a dial that succeeds after a while, unless its context ends before.
func Takes(d time.Duration) func(context.Context, faultdriver.Call) faultdriver.Outcome {
	return func(context.Context, faultdriver.Call) faultdriver.Outcome {
		answer := make(chan struct{})
		time.AfterFunc(d, func() { close(answer) })
		return faultdriver.Outcome{Wait: answer}
	}
}
