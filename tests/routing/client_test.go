package routing_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/routing"
)

// recorder writes down what clients do.
type recorder struct {
	start    time.Time
	sessions atomic.Int64
	done     atomic.Int64 // operations, also those that failed

	mu     sync.Mutex // guards what follows
	all    []porcupine.Operation
	failed []failure
}

// failure is an operation that failed.
type failure struct {
	way   string
	began int64
	err   error
}

func newRecorder() *recorder { return &recorder{start: time.Now()} }

func (r *recorder) now() int64 { return int64(time.Since(r.start)) }

func (r *recorder) add(ops ...porcupine.Operation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, ops...)
}

func (r *recorder) fail(f failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(r.failed, f)
}

// session is one session, or the whole process, in which a client works.
type session struct {
	ctx   context.Context
	scope scope

	mu      sync.Mutex
	written map[int]porcupine.Operation // its last writes, by register
}

// session begins a session.
func (r *recorder) session(ctx context.Context) *session {
	return &session{ctx: routing.NewSession(ctx), scope: scope(r.sessions.Add(1)), written: map[int]porcupine.Operation{}}
}

// continued begins a session that continues another one, which may not do anything meanwhile.
func (r *recorder) continued(ctx context.Context, s *session) *session {
	next := &session{ctx: routing.WithToken(ctx, routing.Token(s.ctx)), scope: scope(r.sessions.Add(1)), written: s.written}
	for _, o := range s.written {
		in := o.Input.(input)
		in.scope, in.operation = next.scope, inherited
		o.Input = in
		r.add(o)
	}
	return next
}

// client does one operation after the other.
type client struct {
	*recorder
	pool     *pool
	id       int
	random   *rand.Rand
	prepared *sql.Stmt // the read
}

// registers is how many there are.
const registers = 3

// note writes down what has been done since call.
func (c *client) note(s *session, what operation, register int, value, call int64) {
	o := porcupine.Operation{
		ClientId: c.id, Input: input{scope: s.scope, register: register, operation: what}, Output: value, Call: call, Return: c.now(),
	}
	c.add(o)
	if what != write {
		return
	}
	s.mu.Lock()
	s.written[register] = o
	s.mu.Unlock()
	if s.scope != process {
		o.Input = input{scope: process, register: register, operation: write}
		c.add(o)
	}
}

// way is one in which programs read or write.
type way struct {
	name string
	do   func(c *client, s *session, register int) error
}

var reads = []way{
	{"read", (*client).read}, {"read", (*client).read}, {"read", (*client).read},
	{"read with a prepared statement", (*client).readPrepared},
	{"read in a transaction", (*client).readInTx},
}

var readsAndWrites = append(slices.Clone(reads), []way{
	{"write", (*client).write},
	{"write in a transaction", (*client).writeInTx},
	{"write in a transaction of statements", (*client).writeInText},
	{"read twice on a connection", (*client).readTwice},
}...)

// act reads or writes one of the registers.
func (c *client) act(s *session) { c.proceed(s, readsAndWrites) }

// look reads one of the registers.
func (c *client) look(s *session) { c.proceed(s, reads) }

// proceed goes one of the ways. What has failed is not part of the history.
func (c *client) proceed(s *session, ways []way) {
	way := ways[c.random.IntN(len(ways))]
	began := c.now()
	if err := way.do(c, s, c.random.IntN(registers)); err != nil {
		c.fail(failure{way.name, began, err})
	}
	c.done.Add(1)
}

func (c *client) read(s *session, register int) error { return c.readFrom(s, c.pool.DB, register) }

func (c *client) readFrom(s *session, q querier, register int) error {
	call := c.now()
	var n int64
	err := q.QueryRowContext(s.ctx, c.pool.family.readSQL(), register).Scan(&n)
	if err == nil {
		c.note(s, read, register, n, call)
	}
	return err
}

func (c *client) readPrepared(s *session, register int) error {
	call := c.now()
	var n int64
	err := c.prepared.QueryRowContext(s.ctx, register).Scan(&n)
	if err == nil {
		c.note(s, read, register, n, call)
	}
	return err
}

// readInTx reads what there was when the transaction began, or later.
func (c *client) readInTx(s *session, register int) error {
	call := c.now()
	var n int64
	err := inTx(s.ctx, c.pool.DB, &sql.TxOptions{ReadOnly: true}, func(ctx context.Context, tx querier) error {
		return tx.QueryRowContext(ctx, c.pool.family.readSQL(), register).Scan(&n)
	})
	if err == nil {
		c.note(s, read, register, n, call)
	}
	return err
}

// readTwice reads on one connection, which stays where it is as long as it may, before and after a write that goes another way.
func (c *client) readTwice(s *session, register int) error {
	conn, err := c.pool.Conn(s.ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := c.readFrom(s, conn, register); err != nil {
		return err
	}
	return errors.Join(c.write(s, register), c.readFrom(s, conn, register))
}

func (c *client) write(s *session, register int) error {
	call := c.now()
	var n int64
	var err error
	if f := c.pool.family; f.increment != "" {
		err = c.pool.QueryRowContext(s.ctx, f.increment, register).Scan(&n)
	} else {
		var result sql.Result
		if result, err = c.pool.ExecContext(s.ctx, "update register set n = last_insert_id(n + 1) where id = ?", register); err == nil {
			n, err = result.LastInsertId()
		}
	}
	if err == nil {
		c.note(s, write, register, n, call)
	}
	return err
}

func (c *client) writeInTx(s *session, register int) error {
	call := c.now()
	var n int64
	err := inTx(s.ctx, c.pool.DB, nil, func(ctx context.Context, tx querier) (err error) {
		n, err = c.add1(ctx, tx, register)
		return err
	})
	if err == nil {
		c.note(s, write, register, n, call)
	}
	return err
}

// writeInText begins and commits by statement text.
func (c *client) writeInText(s *session, register int) error {
	call := c.now()
	conn, err := c.pool.Conn(s.ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(s.ctx, "begin"); err != nil {
		return err
	}
	n, err := c.add1(s.ctx, conn, register)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(s.ctx, "commit"); err != nil {
		return err
	}
	c.note(s, write, register, n, call)
	return nil
}

// add1 adds 1 in a transaction, and returns what came out.
func (c *client) add1(ctx context.Context, q querier, register int) (n int64, err error) {
	f := c.pool.family
	if _, err := q.ExecContext(ctx, "update register set n = n + 1 where id = "+f.argument, register); err != nil {
		return 0, err
	}
	err = q.QueryRowContext(ctx, f.readSQL(), register).Scan(&n)
	return n, err
}

// crowd is clients at work.
type crowd struct {
	*recorder
	pool *pool
	stop chan struct{}
	wg   sync.WaitGroup
}

// sessionLength is how many operations a session has, of each of its clients.
const sessionLength = 12

// gather has clients work until disperse is called.
func gather(t *testing.T, p *pool) *crowd {
	t.Helper()
	for i := range registers {
		_, err := p.ExecContext(t.Context(), "insert into register values ("+p.family.argument+", 0)", i)
		require.NoError(t, err)
	}
	p.readable(t, countRegisters)
	prepared, err := p.PrepareContext(t.Context(), p.family.readSQL())
	require.NoError(t, err)
	t.Cleanup(func() { _ = prepared.Close() }) // the pool may be closed
	c := &crowd{recorder: newRecorder(), pool: p, stop: make(chan struct{})}
	clients := 0
	start := func(work func(c *client)) {
		clients++
		one := &client{recorder: c.recorder, pool: p, id: clients, random: rand.New(rand.NewPCG(1, uint64(clients))), prepared: prepared}
		c.wg.Go(func() {
			for !c.stopped() {
				work(one)
			}
		})
	}
	ctx := t.Context()
	for range 2 { // each in sessions of its own
		start(func(one *client) {
			s := one.session(ctx)
			for range sessionLength {
				one.act(s)
			}
		})
	}
	for range 3 { // which only read, and so are left to the replicas
		start(func(one *client) {
			s := one.session(ctx)
			for range sessionLength {
				one.look(s)
			}
		})
	}
	start(func(one *client) { // two in the same session
		s := one.session(ctx)
		other := &client{recorder: c.recorder, pool: p, id: one.id + 100, random: rand.New(rand.NewPCG(2, one.random.Uint64())), prepared: prepared}
		var wg sync.WaitGroup
		for _, each := range []*client{one, other} {
			wg.Go(func() {
				for range sessionLength {
					each.act(s)
				}
			})
		}
		wg.Wait()
	})
	handed := make(chan *session, 2)
	handed <- c.session(ctx)
	handed <- c.session(ctx)
	for range 2 { // they go on with each other's sessions
		start(func(one *client) {
			s := one.continued(ctx, <-handed)
			for range sessionLength / 2 {
				one.act(s)
			}
			handed <- s
		})
	}
	everybody := &session{ctx: ctx, scope: process, written: map[int]porcupine.Operation{}}
	for range 2 {
		start(func(one *client) { one.act(everybody) })
	}
	return c
}

func (c *crowd) stopped() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}

// work waits until the clients have done so much more.
func (c *crowd) work(t *testing.T, operations int64) {
	t.Helper()
	want := c.done.Load() + operations
	c.pool.eventually(t, "the clients go on", func() bool { return c.done.Load() >= want })
}

// disperse stops the clients, and returns what they have done.
func (c *crowd) disperse() []porcupine.Operation {
	close(c.stop)
	c.wg.Wait()
	return c.all
}
