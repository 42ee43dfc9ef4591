package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// requirement is a promise of pooled's, and the worst that was seen of it.
type requirement struct {
	what, want, got string
	holds           bool
}

// What the promises about time leave to a machine that has other things to do, clients and servers on the same two CPUs among them.
const (
	callSlack = 100 * time.Millisecond
	backSlack = time.Second
)

// cancelTimeout is how long pooled waits for a server that was asked to end a statement, when the caller's context has ended. A server that is
// silent makes callers wait for so much longer.
const cancelTimeout = time.Second

// steady are the promises that do not depend on how fast the machine is.
func steady(results []result) []requirement {
	list := []requirement{
		atMost(results, "acknowledged writes that were lost", 0, func(r result) int64 { return int64(r.lost) }),
		atMost(results, "writes that were executed twice", 0, func(r result) int64 { return int64(r.doubled) }),
		atMost(results, "dead connections that were handed out after the server answered", 0, func(r result) int64 { return int64(r.dead) }),
		atMost(results, "connections on the server", maxConns, func(r result) int64 { return r.mostConns }),
		atMost(results, "dials at the same time", maxDials, func(r result) int64 { return r.mostDials }),
		atMost(results, "kinds of errors that the fault does not explain", 0, func(r result) int64 { return int64(len(r.unexpected)) }),
	}
	if gentle := slices.DeleteFunc(slices.Clone(results), func(r result) bool { return !r.gentle }); len(gentle) > 0 {
		list = append(list, atMost(gentle, "calls that fail because of latency", 0, func(r result) int64 { return int64(r.calls - r.succeeded) }))
	}
	return list
}

// timed are the promises that the clock decides.
func timed(results []result) []requirement {
	var list []requirement
	add := func(what, want string, of func(r result) bool, figure, most func(r result) time.Duration) {
		chosen := slices.DeleteFunc(slices.Clone(results), func(r result) bool { return !of(r) })
		if len(chosen) == 0 {
			return
		}
		w := worst(chosen, func(r result) time.Duration { return figure(r) - most(r) })
		list = append(list, requirement{what, want, seconds(figure(w)) + w.where(), figure(w) <= most(w)})
	}
	longest := func(r result) time.Duration { return r.longest }
	most := func(r result) time.Duration {
		if r.silent {
			return callTimeout + cancelTimeout + callSlack
		}
		return callTimeout + callSlack
	}
	add("the longest call", fmt.Sprintf("at most its context (%s) and %s", callTimeout, callSlack),
		func(r result) bool { return !r.silent }, longest, most)
	add("the longest call to a server that is silent", fmt.Sprintf("%s more, for the cancellation that it does not answer", cancelTimeout),
		func(r result) bool { return r.silent }, longest, most)
	add("the first success after the server answers", fmt.Sprintf("at most %s and the breaker's cooldown (%s, or what is left of a longer one)", backSlack, cooldown),
		func(result) bool { return true }, func(r result) time.Duration { return r.back }, func(r result) time.Duration { return max(cooldown, r.waited) + backSlack })
	return list
}

// atMost is the requirement that a figure of all results is no more than so much.
func atMost(results []result, what string, most int64, figure func(r result) int64) requirement {
	w := worst(results, figure)
	got := fmt.Sprint(figure(w))
	if figure(w) > most {
		got += w.where()
		if len(w.unexpected) > 0 {
			got += ": " + strings.Join(w.unexpected, ", ")
		}
	}
	want := fmt.Sprintf("at most %d", most)
	if most == 0 {
		want = "none"
	}
	return requirement{what, want, got, figure(w) <= most}
}

// worst is the result with the largest figure.
func worst[T cmp.Ordered](results []result, figure func(r result) T) result {
	return slices.MaxFunc(results, func(a, b result) int { return cmp.Compare(figure(a), figure(b)) })
}

func (r result) where() string { return fmt.Sprintf(" (%s, %s)", r.family, r.fault) }
