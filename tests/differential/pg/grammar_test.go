// Package pg_test holds pooled's reading of PostgreSQL statements against the server's own grammar.
package pg_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement/pg"
)

// check fails the test if pooled says less of the text than its tree. It reports whether the server accepts the text.
func check(t *testing.T, text string) bool {
	found, ok := judge(text)
	for _, problem := range found.problems {
		t.Errorf("%s\n\tof %q\n\tread as %+v", problem, text, found.got)
	}
	return ok
}

func TestEverySeedSaysAtLeastWhatItsTreeShows(t *testing.T) {
	refused := 0
	for _, text := range seeds(t) {
		if !check(t, text) {
			t.Logf("refused by the grammar: %q", text)
			refused++
		}
	}
	if refused > 12 {
		t.Errorf("the grammar refuses %d seeds: they test nothing", refused)
	}
}

func TestMutatedSeedsSayAtLeastWhatTheirTreesShow(t *testing.T) {
	const mutations = 30_000
	from := seeds(t)
	accepted := 0
	for seed := range uint64(mutations) {
		if m := (mutator{rand.New(rand.NewPCG(seed, 1)), from}); check(t, m.mutate(m.pick(from))) {
			accepted++
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("the grammar accepted %d of %d", accepted, mutations)
	if accepted < mutations/5 {
		t.Errorf("the grammar accepted %d of %d: too few", accepted, mutations)
	}
}

func TestStatementsOfORMsAreReadWithoutLoss(t *testing.T) {
	for _, text := range corpus(t, "orm.sql") {
		found, ok := judge(text)
		if !ok {
			t.Errorf("refused by the grammar: %q", text)
		}
		if found.got.Class == dialect.Unknown || found.got.Effects.Has(dialect.UnknownEffect) {
			t.Errorf("unknown: %q", text)
		}
		for _, f := range found.got.Functions {
			if _, _, known := pg.Builtin(f); !known && !slices.Contains(found.calls, f) {
				t.Errorf("%q is no function in %q", f, text)
			}
		}
	}
}

func FuzzAgainstServerGrammar(f *testing.F) {
	from := seeds(f)
	for i, text := range from {
		f.Add(text, uint64(i))
	}
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		check(t, text)
		m := mutator{rand.New(rand.NewPCG(seed, 2)), from}
		check(t, m.mutate(text))
	})
}
