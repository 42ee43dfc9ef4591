package reset_test

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/middleware/reset"
	"github.com/gopooled/pooled/policy"
)

// told are the lines of the log that tell of a message, without the time.
func (p pool) told(message string) (lines []string) {
	for line := range strings.Lines(p.log.String()) {
		if _, line, _ := strings.Cut(line, " "); strings.Contains(line, message) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

const (
	inFull = "pooled: a statement may have left anything in its session: each session that runs it is reset in full"
	closed = "pooled: nobody can undo what a statement may have left in its session: the connection of each session that runs it is closed"
)

func TestEachReasonForAFullResetIsToldOnceWithTheCure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{reasons: map[string]dialect.Reason{
			"f":    {What: "function f has execute in its source", Routine: dialect.Routine{Schema: "shop", Name: "f"}},
			"g":    {What: "procedure g cannot be read", Routine: dialect.Routine{Schema: "a,b", Name: "g"}, Cure: "grant SHOW_ROUTINE"},
			"view": {What: "view v cannot be read", Cure: "grant SHOW VIEW"},
		}}
		p := open(t, s, func(o *reset.Options, _ *policy.Pool) { o.Endpoint = "db1:5432" })
		for range 3 {
			for _, text := range []string{"set", "read", "unknown", "unknown because f", "unknown because g", "unknown because view", "unknown because do"} {
				p.borrow(t, text)
				synctest.Wait()
			}
		}
		p.borrow(t, "unknown because first", "unknown because second") // which is not told before it is the first
		synctest.Wait()
		assert.Equal(t, []string{
			`level=INFO msg="` + inFull + `" endpoint=db1:5432 why="function f has execute in its source" cure="pool_harmless=shop.f if it leaves nothing in the session"`,
			`level=INFO msg="` + inFull + `" endpoint=db1:5432 why="procedure g cannot be read" cure="grant SHOW_ROUTINE, or pool_harmless=a%2Cb.g if it leaves nothing in the session"`,
			`level=INFO msg="` + inFull + `" endpoint=db1:5432 why="view v cannot be read" cure="grant SHOW VIEW"`,
			`level=INFO msg="` + inFull + `" endpoint=db1:5432 why=do`,
			`level=INFO msg="` + inFull + `" endpoint=db1:5432 why=first`,
		}, p.told(inFull))
		assert.Empty(t, p.told(closed))
	})
}

func TestEachReasonForWhichConnectionsAreClosedIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &sessions{}, nil)
		for range 3 {
			p.borrow(t, "permanent because of a sequence")
			synctest.Wait()
			p.borrow(t, "permanent")
			synctest.Wait()
		}
		assert.Equal(t, []string{`level=WARN msg="` + closed + `" endpoint="" why="of a sequence"`}, p.told(closed))
		assert.EqualValues(t, 6, p.reset.Stats().Discards.Permanent)
	})
}

func TestReasonsAreToldWhereTheyDecideWhatBecomesOfASession(t *testing.T) {
	for m, want := range map[policy.ResetMode]int{policy.ResetDirty: 0, policy.ResetDiscard: 1, policy.ResetAlways: 0, policy.ResetOff: 0} {
		synctest.Test(t, func(t *testing.T) {
			p := open(t, &sessions{}, mode(m))
			for range 3 {
				p.borrow(t, "unknown because f")
				synctest.Wait()
			}
			assert.Len(t, p.told(closed), want, m)
			if m != policy.ResetDirty {
				assert.Empty(t, p.told(inFull), m)
			}
		})
	}
}

func TestRawIsAReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &sessions{}, nil)
		for range 2 {
			conn, err := p.Conn(t.Context())
			require.NoError(t, err)
			require.NoError(t, pooled.Raw(t.Context(), conn, func(driver.Conn) error { return nil }))
			require.NoError(t, conn.Close())
			synctest.Wait()
		}
		assert.Equal(t, []string{`level=INFO msg="` + inFull + `" endpoint="" why="the real connection was used (pooled.Raw)"`}, p.told(inFull))
	})
}

// The log takes 20 records of a kind at once, and one in a second after that: what would be left out is told later.
func TestAHundredReasonsAreToldAndNoneIsLostInAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &sessions{}, nil)
		storm := func() {
			for i := range 120 {
				p.borrow(t, fmt.Sprint("unknown because of ", i))
				synctest.Wait()
			}
		}
		storm()
		first := len(p.told(inFull))
		assert.Less(t, first, 20)
		for i := 1; i <= 120; i++ {
			time.Sleep(time.Second)
			storm()
			assert.LessOrEqual(t, len(p.told(inFull)), first+i)
		}
		assert.Len(t, p.told(inFull), 100)
		assert.Equal(t, []string{`level=WARN msg="pooled: sessions are reset in full or closed for more reasons than are told" endpoint="" limit=100`}, p.told("more reasons"))
	})
}

func TestWhatTheCatalogueShowsIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{}
		p := open(t, s, func(o *reset.Options, _ *policy.Pool) {
			o.Endpoint, o.Policy.Harmless = "db1:5432", []policy.Routine{{Schema: "shop", Name: "f"}}
		})
		assert.Equal(t, []dialect.Routine{{Schema: "shop", Name: "f"}}, s.declared.Harmless)
		for range 3 {
			s.declared.Missing(dialect.Routine{Schema: "shop", Name: "f"})
			s.declared.Global(dialect.Reason{What: "cast text as integer calls g", Routine: dialect.Routine{Schema: "shop", Name: "g"}}, "all that name something")
		}
		p.borrow(t, "unknown because cast text as integer calls g") // which is told already
		synctest.Wait()
		assert.Equal(t, []string{
			`level=WARN msg="pooled: pool_harmless names a routine that the server does not have, or does not show to the user" endpoint=db1:5432 routine=shop.f`,
			`level=WARN msg="pooled: the server may run something that statements do not name: each session that runs them is reset in full" endpoint=db1:5432 ` +
				`why="cast text as integer calls g" statements="all that name something" cure="pool_harmless=shop.g if it leaves nothing in the session"`,
		}, p.told("pooled: "))
	})
}
