package my_test

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/mysql"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // the parser needs some implementation of values

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement/my"
)

//go:embed testdata/corpus.sql
var corpus string

// seeds are the texts of the corpus, one a line; ␤ stands for a line feed.
var seeds = func() (all []string) {
	for line := range strings.Lines(corpus) {
		line = strings.TrimRight(line, "\n")
		if line != "" && !strings.HasPrefix(line, "== ") {
			all = append(all, strings.ReplaceAll(line, "␤", "\n"))
		}
	}
	return all
}()

func TestParseSaysNoLessThanTheTreesOfTheCorpus(t *testing.T) {
	parsed := 0
	for _, text := range seeds {
		if compare(t, text) {
			parsed++
		}
	}
	t.Logf("%d of %d texts parsed", parsed, len(seeds))
	if parsed < len(seeds)/2 {
		t.Error("the parser understands too few of the texts to hold Parse against")
	}
}

func TestParseSaysNoLessThanTheTreesOfMutatedTexts(t *testing.T) {
	const texts = 6000
	r := rand.New(rand.NewPCG(1, 2))
	parsed := 0
	for range texts {
		if compare(t, mutate(r, seeds[r.IntN(len(seeds))], seeds[r.IntN(len(seeds))])) {
			parsed++
		}
	}
	t.Logf("%d of %d texts parsed", parsed, texts)
	if parsed < texts/10 {
		t.Error("the parser understands too few of the texts to hold Parse against")
	}
}

func FuzzParse(f *testing.F) {
	for i, text := range seeds {
		f.Add(text, seeds[(i+7)%len(seeds)], uint64(i%5))
	}
	f.Fuzz(func(t *testing.T, text, other string, mutation uint64) {
		if mutation > 0 {
			r := rand.New(rand.NewPCG(mutation, 0))
			text = mutate(r, text, other)
		}
		compare(t, text)
	})
}

var parsers = sync.Pool{New: func() any { return parser.New() }}

// compare holds Parse against the trees of a text, in three modes. It reports whether there was any tree.
func compare(t *testing.T, text string) (parsed bool) {
	if strings.Contains(text, "/*T") || len(text) > 20<<10 || !utf8.ValidString(text) {
		return false // TiDB's own executable comments, and bytes for which it writes others
	}
	got := my.Parse(text)
	if (got.Why == "") != (got.Class == dialect.Read && got.Effects == 0) {
		t.Errorf("%q is %s with effects %s, because: %q", text, got.Class, got.Effects, got.Why)
	}
	if got.Class == dialect.Unknown && got.Effects.Has(dialect.UnknownEffect) {
		// All is said. It still counts as parsed, if it can be.
		_, ok := treeOf(text, 0)
		return ok
	}
	for _, mode := range []mysql.SQLMode{0, mysql.ModeANSIQuotes, mysql.ModeNoBackslashEscapes, mysql.ModeANSIQuotes | mysql.ModeNoBackslashEscapes} {
		statements, ok := treeOf(text, mode)
		if !ok {
			continue
		}
		parsed = true
		if missing := missing(text, got, ofTree(statements)); len(missing) > 0 {
			t.Errorf("mode %d: %q\nsays %+v\nbut %s", mode, text, got, strings.Join(missing, "; "))
			break
		}
	}
	return parsed
}

// treeOf parses a text with TiDB's parser.
func treeOf(text string, mode mysql.SQLMode) (statements []ast.StmtNode, ok bool) {
	p := parsers.Get().(*parser.Parser)
	defer func() {
		if recover() != nil {
			statements, ok = nil, false
			return
		}
		parsers.Put(p)
	}()
	p.SetSQLMode(mode)
	statements, _, err := p.ParseSQL(text)
	// The nodes belong to the caller; only the parser's stacks are used again.
	return statements, err == nil && len(statements) > 0
}

// missing lists what the tree of a text shows and Parse did not say.
func missing(text string, got my.Statement, d *demands) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if d.notRead && got.Class == dialect.Read {
		add("it is no read")
	}
	if got.Effects.Has(dialect.UnknownEffect) {
		return all
	}
	if !got.Effects.Has(d.effects) {
		add("it has the effects %s", d.effects&^got.Effects)
	}
	if strings.Contains(text, `\`) && strings.Contains(text, `"`) {
		return all // TiDB takes a backslash for an escape even in names
	}
	for u := range d.undo {
		if !slices.ContainsFunc(got.Undo, func(g my.Undo) bool {
			// TiDB takes a second @ off: it makes @"@a" what MariaDB calls @a.
			return g.Effect == u.effect && strings.EqualFold(strings.TrimPrefix(g.Name, "@"), strings.TrimPrefix(u.name, "@"))
		}) {
			add("%s %q has to be undone", u.effect, u.name)
		}
	}
	for name := range d.targets {
		if !slices.Contains(got.Targets, name) {
			add("it writes to %q", name)
		}
	}
	if got.Class == dialect.Read {
		for name := range d.tables {
			if !slices.Contains(got.Names, name) {
				add("it reads %q", name)
			}
		}
	}
	return all
}
