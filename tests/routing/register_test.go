package routing_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// The registers are rows that clients add 1 to. No two writes leave the same value, unless a failover took one of them back, and later writes
// leave larger ones.
//
// What is promised is not that all clients see one order of all operations: a session may see old data, as long as it does not miss what it has
// written or seen. So there is a history for each session and register, and its state is a floor, the largest value that the session has
// written or seen. Writes of others may appear at any time, which is why reads of anything above the floor are right. A read below it is a write that
// was seen and has disappeared. A session of several goroutines has concurrent operations: porcupine looks for an order of them, which must exist as
// far as one ended before another one began.
//
// The *sql.DB itself promises more and less: a read sees all that the process has written before, in whatever session. But it may see
// what is just being written by somebody else and miss it the next time. So a register has one more history, of all writes and
// of the reads without a session, where only writes raise the floor.
//
// A write of which nobody knows whether it happened raises no floor, whether it happened or not, and so it is left out. This is what Jepsen's
// operations without an end come to, with a state that only knows what must be seen.
//
// What a read has shown counts once its writer has been told: until then a replica may show a commit that the primary does not show yet, as PostgreSQL
// sends a commit to its standbys before it makes it visible itself. No pool can help that.
//
// A failover lets the floors sink to what the promoted server has, since the database itself has lost the rest. That is an operation too. It
// begins when the old primary dies and ends before the new one is promoted: until then, reads may have been answered by the old one; afterwards,
// no more.

// operation is what a client does to a register, or what happens to it.
type operation uint8

const (
	read      operation = iota
	write               // by the session, or by anyone in the history of the *sql.DB
	inherited           // a write of the session that this one continues by a token
	failover            // Value is what is left
	seen                // a read before has shown it, and its writer has been told by now
)

// scope is a session, by its number.
type scope int

// process is the scope of the *sql.DB.
const process scope = 0

// input is what porcupine calls an input. The output is the value, an int64.
type input struct {
	scope     scope
	register  int
	operation operation
}

var model = porcupine.Model{
	Init: func() any { return int64(0) },
	Step: func(state, in, out any) (bool, any) {
		floor, value := state.(int64), out.(int64)
		switch what := in.(input); what.operation {
		case read:
			return value >= floor, floor
		case write:
			return value > floor, max(floor, value)
		case inherited, seen:
			return true, max(floor, value)
		default:
			return true, min(floor, value)
		}
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprint(in.(input).operation, " ", out) },
}

// String names the operation.
func (o operation) String() string {
	return [...]string{"read", "write", "inherited", "failover", "seen"}[o]
}

// checkTimeout is how long porcupine may look for an order of one history.
const checkTimeout = 30 * time.Second

// violations checks the histories of all sessions and registers, and describes those that are wrong.
func violations(t *testing.T, all []porcupine.Operation) (wrong []string) {
	t.Helper()
	type key struct {
		scope    scope
		register int
	}
	histories := map[key][]porcupine.Operation{}
	var failovers []porcupine.Operation
	for _, o := range all {
		in := o.Input.(input)
		if in.operation == failover {
			failovers = append(failovers, o)
			continue
		}
		k := key{in.scope, in.register}
		histories[k] = append(histories[k], o)
	}
	told := map[key]map[int64]int64{} // when the writer of a value was told, by register
	for _, o := range all {
		if in := o.Input.(input); in.scope == process && in.operation == write {
			k := key{process, in.register}
			if told[k] == nil {
				told[k] = map[int64]int64{}
			}
			told[k][o.Output.(int64)] = max(told[k][o.Output.(int64)], o.Return)
		}
	}
	for k, history := range histories {
		for _, o := range history {
			if in := o.Input.(input); in.operation == read && in.scope != process {
				in.operation = seen
				at := max(o.Return, told[key{process, in.register}][o.Output.(int64)])
				history = append(history, porcupine.Operation{ClientId: o.ClientId, Input: in, Call: at, Output: o.Output, Return: at})
			}
		}
		for _, o := range failovers {
			if o.Input.(input).register == k.register {
				history = append(history, o)
			}
		}
		if result := porcupine.CheckOperationsTimeout(model, history, checkTimeout); result != porcupine.Ok {
			wrong = append(wrong, fmt.Sprintf("session %d, register %d: %s\n%s", k.scope, k.register, result, excerpt(history)))
		}
	}
	return wrong
}

// excerpt shows a history up to the first operation with which it is wrong.
func excerpt(history []porcupine.Operation) string {
	slices.SortFunc(history, func(a, b porcupine.Operation) int { return int(a.Return - b.Return) })
	n := len(history)
	for n > 1 && porcupine.CheckOperationsTimeout(model, history[:n-1], checkTimeout) != porcupine.Ok {
		n--
	}
	var b strings.Builder
	const shown = 12
	for _, o := range history[max(0, n-shown):n] {
		fmt.Fprintf(&b, "  %v to %v: client %d, %s\n", time.Duration(o.Call), time.Duration(o.Return), o.ClientId, model.DescribeOperation(o.Input, o.Output))
	}
	return b.String()
}

// op writes an operation of a history down.
func op(what operation, s scope, value, call, end int64) porcupine.Operation {
	return porcupine.Operation{Input: input{scope: s, register: 1, operation: what}, Output: value, Call: call, Return: end}
}

func TestCheckerAcceptsWhatIsPromisedAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		name    string
		right   bool
		history []porcupine.Operation
	}{
		{"nothing", true, nil},
		{"a session sees its own writes and those of others", true, []porcupine.Operation{op(write, 1, 1, 1, 2), op(read, 1, 1, 3, 4), op(read, 1, 9, 5, 6), op(write, 1, 12, 7, 8)}},
		{"a session misses its own write", false, []porcupine.Operation{op(write, 1, 2, 1, 2), op(read, 1, 1, 3, 4)}},
		{"a session misses what it has seen", false, []porcupine.Operation{op(read, 1, 2, 1, 2), op(read, 1, 1, 3, 4)}},
		{"a write builds on less than what was seen", false, []porcupine.Operation{op(read, 1, 2, 1, 2), op(write, 1, 2, 3, 4)}},
		{"another session has not seen it", true, []porcupine.Operation{op(write, 1, 2, 1, 2), op(read, 2, 1, 3, 4)}},
		{"concurrent reads of a session differ", true, []porcupine.Operation{op(read, 1, 2, 1, 4), op(read, 1, 1, 2, 3), op(read, 1, 2, 5, 6)}},
		{"and then the older one is seen again", false, []porcupine.Operation{op(read, 1, 2, 1, 4), op(read, 1, 1, 2, 3), op(read, 1, 1, 5, 6)}},
		{"a session continues another one", true, []porcupine.Operation{op(inherited, 2, 2, 1, 2), op(read, 2, 2, 3, 4)}},
		{"and misses what that one has written", false, []porcupine.Operation{op(inherited, 2, 2, 1, 2), op(read, 2, 1, 3, 4)}},
		{"the process sees what any session has written", true, []porcupine.Operation{op(write, process, 2, 1, 2), op(read, process, 2, 3, 4)}},
		{"the process misses it", false, []porcupine.Operation{op(write, process, 2, 1, 2), op(read, process, 1, 3, 4)}},
		{"the process need not see again what is being written", true, []porcupine.Operation{op(write, process, 2, 1, 9), op(read, process, 2, 2, 3), op(read, process, 1, 4, 5)}},
		{"a replica shows a commit before its writer is told", true, []porcupine.Operation{op(write, process, 5, 1, 9), op(read, 1, 5, 2, 3), op(read, 1, 4, 4, 5)}},
		{"and is right afterwards", false, []porcupine.Operation{op(write, process, 5, 1, 9), op(read, 1, 5, 2, 3), op(read, 1, 4, 10, 11)}},
		{"a failover takes a write back", true, []porcupine.Operation{op(write, 1, 5, 1, 2), op(failover, 0, 3, 3, 4), op(read, 1, 3, 5, 6), op(write, 1, 4, 7, 8)}},
		{"a failover does not take back what the promoted server has", false, []porcupine.Operation{op(write, 1, 5, 1, 2), op(failover, 0, 3, 3, 4), op(read, 1, 2, 5, 6)}},
		{"a failover does not take back what is written later", false, []porcupine.Operation{op(failover, 0, 3, 3, 4), op(write, 1, 5, 5, 6), op(read, 1, 3, 7, 8)}},
		{"the old primary answers while it dies", true, []porcupine.Operation{op(failover, 0, 3, 2, 7), op(read, 1, 5, 3, 4), op(read, 1, 3, 5, 8)}},
		{"two writes with the same value", false, []porcupine.Operation{op(write, process, 2, 1, 4), op(write, process, 2, 2, 3)}},
		{"the largest value", true, []porcupine.Operation{op(write, 1, math.MaxInt64, 1, 2)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if wrong := violations(t, c.history); (len(wrong) == 0) != c.right {
				t.Errorf("right should be %v: %q", c.right, wrong)
			}
		})
	}
}
