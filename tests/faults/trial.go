package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver/process"
	"github.com/gopooled/pooled/policy"
)

// The settings of the pool. The others are the defaults.
const (
	maxConns = 20
	maxDials = 4
	cooldown = time.Second
	settings = "pool_max_conns=20&pool_max_dials=4&pool_acquire_timeout=1500ms&pool_connect_timeout=1s&pool_breaker=on&pool_breaker_cooldown=1s"
)

// How many calls are made before a fault, under one that no call fails for, and after it.
const (
	callsBefore = 300
	callsDuring = 300
	callsAfter  = 1000
)

// trialTimeout is for what should take a few seconds.
const trialTimeout = time.Minute

// trial is one fault, met by a service.
type trial struct {
	server    *server
	fault     fault
	proxy     *proxy // nil: the network is not touched
	db        *sql.DB
	connector *pooled.Connector
	watch     *watch
	others    *others // nil: there are none
}

// result is what callers saw, and what the server says.
type result struct {
	family, fault string
	workers       int
	silent        bool // as the fault says
	gentle        bool // as the fault says
	took          time.Duration

	calls, succeeded int
	failed           map[string]int // by kind
	unexpected       []string       // kinds that this fault does not explain
	longest          time.Duration  // call
	back             time.Duration  // from when the server answered again to the first success of a call that began later
	waited           time.Duration  // of that, until the open breaker probed the server; 0: it was closed
	acknowledged     int
	lost, doubled    int
	mostConns        int64
	mostDials        int64
	// dead counts the dead connections that were handed out after the server had recovered: calls that began when it answered again, and
	// failed, not for want of a connection, but on one that was dialled before. That the first of them find out for the others is no excuse: the
	// fault lasts until workers have met it, so that the pool knows.
	dead int
}

// run has a service meet a fault on a server, which is well again afterwards.
func run(ctx context.Context, s *server, f fault) (result, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, trialTimeout)
	defer cancel()
	t := &trial{server: s, fault: f.withNetwork(), watch: &watch{full: s.full}}
	r, err := t.run(ctx)
	if err != nil {
		err = fmt.Errorf("%s, %s: %w", s.name, f.name, err)
	}
	r.took = time.Since(began)
	return r, err
}

func (t *trial) run(ctx context.Context) (result, error) {
	if err := t.server.makeLedger(ctx); err != nil {
		return result{}, err
	}
	address := t.server.address()
	if t.fault.network != well {
		var err error
		if t.proxy, err = newProxy(address); err != nil {
			return result{}, err
		}
		defer t.proxy.close()
		address = t.proxy.address
	}
	if err := t.open(address); err != nil {
		return result{}, err
	}
	samples := newSampler(t.server, t.proxy)
	recovered, calls, err := t.serve(ctx, samples)
	mostConns := samples.end()
	err = errors.Join(err, t.others.close(), t.db.Close())
	if t.proxy != nil {
		t.proxy.close()
	}
	r := t.judge(calls, recovered)
	r.mostConns, r.mostDials = mostConns, t.watch.mostDials.Load()
	if err != nil {
		return r, fmt.Errorf("%w (%s)", err, r.failures())
	}
	// What was sent and not waited for may still run.
	err = process.Until(ctx, func() bool {
		n, err := t.server.sessionsLeft(ctx)
		return err != nil || n == 0
	})
	if err != nil {
		return r, err
	}
	r.acknowledged, r.lost, r.doubled, err = t.server.settle(ctx, calls)
	return r, err
}

// open opens the service's database as sql.Open("pooled", dsn) does, with a middleware that watches, and without its log.
func (t *trial) open(address string) error {
	f := t.server.family
	cfg, err := pooled.ParseDSN(f.with(f.dsn(serviceUser, t.server.password, address), settings))
	if err != nil {
		return err
	}
	cfg.OnStateChange = t.watch.changed
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	if t.connector, err = pooled.NewConnector(cfg, t.watch.middleware()); err != nil {
		return err
	}
	t.db = sql.OpenDB(t.connector)
	return nil
}

// serve is the service's life: it opens all its connections, works, and meets the fault.
func (t *trial) serve(ctx context.Context, samples *sampler) (recovered time.Time, calls []call, err error) {
	if err := t.fill(ctx, samples); err != nil {
		return recovered, nil, err
	}
	load := newLoad(t.server.family, t.db, t.fault.workers, t.fault.think)
	recovered, err = t.phases(ctx, load)
	return recovered, load.end(), err
}

// fill opens all connections that the service may have, and returns when the server was seen to have them: the service itself may do with
// fewer.
func (t *trial) fill(ctx context.Context, samples *sampler) error {
	var all []*sql.Tx
	defer func() {
		for _, tx := range all {
			_ = tx.Rollback() // nothing was done in it
		}
	}()
	for range maxConns {
		tx, err := t.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		all = append(all, tx)
	}
	return process.Until(ctx, func() bool { return samples.most.Load() >= maxConns })
}

// phases waits until the service uses all its connections, breaks the server until all workers have met that or the breaker is open, and
// then lets the service work on. It returns when the server answered again.
func (t *trial) phases(ctx context.Context, l *load) (recovered time.Time, err error) {
	reaches := func(what string, condition func() bool) {
		if err == nil && process.Until(ctx, condition) != nil {
			err = fmt.Errorf("never in %s: %s", trialTimeout, what)
		}
	}
	reaches("all connections in use, all well", func() bool {
		return l.succeeded[before].Load() >= callsBefore && t.connector.Stats().Endpoints[0].Open == maxConns
	})
	if err != nil {
		return recovered, err
	}
	l.phase.Store(int32(during))
	err = t.fault.begin(ctx, t)
	if t.fault.gentle {
		reaches("calls succeed under the fault", func() bool { return l.succeeded[during].Load() >= callsDuring })
	} else {
		var failed error
		reaches("all workers have met the fault", func() bool {
			if t.fault.keep != nil {
				failed = t.fault.keep(ctx, t)
			}
			return failed != nil || l.met.Load() == int64(t.fault.workers) || t.breakerOpen()
		})
		err = errors.Join(err, failed)
	}
	again, cancel := context.WithTimeout(context.WithoutCancel(ctx), trialTimeout) // in any case: the server is needed again
	defer cancel()
	err = errors.Join(err, t.fault.end(again, t))
	recovered = time.Now()
	l.phase.Store(int32(after))
	reaches("calls succeed after the fault", func() bool { return l.succeeded[after].Load() >= callsAfter })
	return recovered, err
}

func (t *trial) breakerOpen() bool {
	return t.connector.Stats().Endpoints[0].Breaker.State != policy.BreakerClosed
}

// judge draws up what callers saw.
func (t *trial) judge(calls []call, recovered time.Time) result {
	r := result{
		family: t.server.name, fault: t.fault.name, workers: t.fault.workers, silent: t.fault.silent, gentle: t.fault.gentle,
		calls: len(calls), failed: map[string]int{},
	}
	var first time.Time // success
	for _, c := range calls {
		r.longest = max(r.longest, c.end.Sub(c.begin))
		if c.kind != "" {
			r.failed[c.kind]++
			continue
		}
		r.succeeded++
		if c.phase == after && (first.IsZero() || c.end.Before(first)) {
			first = c.end
		}
	}
	if !recovered.IsZero() && !first.IsZero() {
		r.back, r.waited = first.Sub(recovered), t.watch.waited(recovered)
		for _, c := range calls {
			if c.phase == after && c.diedOn(recovered) {
				r.dead++
			}
		}
	}
	for kind := range r.failed {
		if !t.fault.expects(t.server.family, kind) {
			r.unexpected = append(r.unexpected, kind)
		}
	}
	slices.Sort(r.unexpected)
	return r
}

// diedOn reports whether a call failed on a connection that was dialled before.
func (c call) diedOn(before time.Time) bool {
	switch c.kind {
	case "", breakerOpen, acquireTimeout, connectTimeout:
		return false
	}
	return !c.dialled.IsZero() && c.dialled.Before(before)
}

// expects reports whether a fault explains an error.
func (f fault) expects(of *family, kind string) bool {
	if f.gentle {
		return false
	}
	switch kind {
	case breakerOpen, acquireTimeout, connectTimeout, deadline, broken:
		return true
	}
	code, ok := strings.CutPrefix(kind, "server ")
	return ok && slices.Contains(f.codes[of], code)
}

// failures lists the kinds of errors, the most frequent first.
func (r result) failures() string {
	kinds := slices.Sorted(func(yield func(string) bool) {
		for kind := range r.failed {
			if !yield(kind) {
				return
			}
		}
	})
	slices.SortStableFunc(kinds, func(a, b string) int { return r.failed[b] - r.failed[a] })
	var list []string
	for _, kind := range kinds {
		list = append(list, fmt.Sprintf("%d %s", r.failed[kind], kind))
	}
	if list == nil {
		return "none"
	}
	return strings.Join(list, ", ")
}
