package routing_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/policy"
)

// adversary is what happens to the servers.
type adversary struct {
	*pool
	*crowd
	primary  *testserver.Node
	replicas []*testserver.Node
	paused   map[*testserver.Node]bool
	dead     int64 // when the old primary was
	random   *rand.Rand
}

const (
	// roundLength is how many operations there are between two disturbances.
	roundLength = 120
	// longestLag is the largest recovery_min_apply_delay, in milliseconds.
	longestLag = 200
)

// disturb lets the replicas lag and stand still, and go on in the end.
func (a *adversary) disturb(t *testing.T, rounds int) {
	t.Helper()
	for range rounds {
		for _, node := range a.replicas {
			switch a.random.IntN(3) {
			case 0:
				a.pause(node, !a.paused[node])
			case 1:
				a.slow(node, a.random.IntN(longestLag))
			}
		}
		a.work(t, roundLength)
	}
	a.calm()
}

func (a *adversary) pause(node *testserver.Node, on bool) {
	switch {
	case a.paused[node] == on:
		return
	case on:
		node.Pause()
	default:
		node.Resume()
	}
	a.paused[node] = on
}

func (a *adversary) slow(node *testserver.Node, lag int) {
	if a.pool.family.slow != nil {
		node.Exec(a.pool.family.slow(lag)...)
	}
}

func (a *adversary) calm() {
	for _, node := range a.replicas {
		a.pause(node, false)
		a.slow(node, 0)
	}
}

// failOver kills the primary when the replicas have missed some of its writes, and promotes the one that has most.
func (a *adversary) failOver(t *testing.T) {
	t.Helper()
	f := a.pool.family
	for _, node := range a.replicas {
		node.Exec(f.deaf...)
	}
	a.work(t, roundLength)
	died := a.now()
	a.primary.Kill()
	a.dead = a.now()
	for _, node := range a.replicas {
		a.eventually(t, "all that was received is applied", func() bool { return ask[string](t, a.pool, node, f.idle) == "1" })
	}
	best := slices.MaxFunc(a.replicas, func(x, y *testserver.Node) int {
		return int(ask[int64](t, a.pool, x, f.progress) - ask[int64](t, a.pool, y, f.progress))
	})
	left := a.registers(t, best)
	require.Len(t, left, registers)
	for register, value := range left {
		a.add(porcupine.Operation{Input: input{register: int(register), operation: failover}, Output: value, Call: died, Return: a.now()})
	}
	best.Promote()
	a.primary, a.replicas = best, slices.DeleteFunc(a.replicas, func(n *testserver.Node) bool { return n == best })
	for _, node := range a.replicas {
		node.Follow(best)
	}
}

func TestSessionsSeeWhatTheyHaveWrittenAndSeen(t *testing.T) {
	forEachFamily(t, 2, func(c *pooled.Config) { c.Pool.MaxConns = 16 }, func(t *testing.T, p *pool) {
		a := &adversary{
			pool: p, crowd: gather(t, p), primary: p.Nodes[0], replicas: slices.Clone(p.Nodes[1:]), paused: map[*testserver.Node]bool{},
			random: rand.New(rand.NewPCG(3, 4)),
		}
		a.disturb(t, 12)
		a.failOver(t)
		a.work(t, roundLength)
		a.disturb(t, 4)
		p.Nodes[0].Rejoin(a.primary)
		a.replicas = append(a.replicas, p.Nodes[0])
		p.eventually(t, "the old primary is read from", func() bool { return p.stats().Servers[0].Readable })
		a.disturb(t, 6)
		history := a.disperse()

		lost, kinds := 0, map[operation]int{}
		left := map[int]porcupine.Operation{}
		for _, o := range history {
			kinds[o.Input.(input).operation]++
			if in := o.Input.(input); in.operation == failover {
				left[in.register] = o
			}
		}
		for _, o := range history {
			in := o.Input.(input)
			if end := left[in.register]; in.scope == process && in.operation == write && o.Return < end.Call && o.Output.(int64) > end.Output.(int64) {
				lost++
			}
		}
		s := p.stats()
		t.Logf("%d reads, %d writes in %d sessions; %d acknowledged writes were lost by the failover; decisions: %v; %d operations failed",
			kinds[read], kinds[write], a.sessions.Load(), lost, s.Decisions, len(a.failed))
		assert.Greater(t, s.Decisions["read"], uint64(10*roundLength), "replicas have answered")
		assert.Greater(t, s.Decisions["fallback"], uint64(roundLength), "there were reads that they could not answer")
		for _, f := range a.failed { // only those that were on their way to the old primary
			assert.Less(t, f.began, a.dead, "%s: %v", f.way, f.err)
		}
		assert.Empty(t, strings.Join(violations(t, history), "\n"))
	})
}

// The checker is worth nothing if it accepts what a pool without the promise does.
func TestCheckerFindsWhatEventualConsistencyAllows(t *testing.T) {
	forEachFamily(t, 2, func(c *pooled.Config) { c.Routing.Consistency = policy.ConsistencyEventual }, func(t *testing.T, p *pool) {
		_, err := p.ExecContext(t.Context(), "insert into register values (0, 0)")
		require.NoError(t, err)
		for _, node := range p.Nodes[1:] {
			p.eventually(t, "the replica has it", func() bool { return ask[int](t, p, node, countRegisters) == 1 })
			node.Pause()
		}
		one := &client{recorder: newRecorder(), pool: p}
		for _, s := range []*session{one.session(t.Context()), {ctx: t.Context(), scope: process, written: map[int]porcupine.Operation{}}} {
			one.all = nil
			require.NoError(t, one.write(s, 0))
			require.NoError(t, one.read(s, 0))
			assert.NotEmpty(t, violations(t, one.all))
		}
		s := one.session(t.Context())
		require.NoError(t, one.write(s, 0))
		s = one.continued(t.Context(), s)
		one.all = slices.DeleteFunc(one.all, func(o porcupine.Operation) bool { return o.Input.(input).scope != s.scope })
		require.NoError(t, one.read(s, 0))
		assert.NotEmpty(t, violations(t, one.all))
		for _, node := range p.Nodes[1:] {
			node.Resume()
		}
	})
}
