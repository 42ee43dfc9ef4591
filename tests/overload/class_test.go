package overload_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/stats"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// inUse is how many connections each class has.
func inUse(p pooltest.Pool) map[string]int {
	all := map[string]int{}
	for _, c := range p.EndpointStats().Classes {
		all[c.Name] = c.InUse
	}
	return all
}

func TestTheClassInACommentDecidesWhoIsServedNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queueOf{next: make(chan struct{}), Pool: pooltest.NewPoolOf(t, pooltest.Modern, pooltest.WithClasses(1))}
		q.join(t.Context(), "b0 /* pool:class=batch */")
		for _, name := range []string{"b1 -- pool:class=batch", "b2 /* pool:class=batch */", "w1", "w2 /* pool:class=web */"} {
			q.join(t.Context(), name)
		}
		time.Sleep(10 * time.Millisecond)
		assert.Equal(t, []string{"w1", "b1 -- pool:class=batch", "w2 /* pool:class=web */", "b2 /* pool:class=batch */"}, q.serve(5)[1:])
	})
}

func TestTheClassIsThatOfTheContextAndThenOfTheText(t *testing.T) {
	batch := func(t *testing.T) context.Context { return pooled.WithClass(t.Context(), "batch") }
	for _, c := range []struct {
		name  string
		ctx   func(*testing.T) context.Context
		text  string
		class string
	}{
		{"a comment", nil, "exec /* pool:class=batch */", "batch"},
		{"a comment behind dashes", nil, "exec -- Pool:Class=batch\n", "batch"},
		{"a hash, which is a comment to some", nil, "exec # pool:class=batch", "web"},
		{"in a string", nil, "exec '/* pool:class=batch */'", "web"},
		{"in a name", nil, "exec \"/* pool:class=batch */\"", "web"},
		{"in what some execute", nil, "exec /*! pool:class=batch */", "web"},
		{"behind what some end elsewhere", nil, `exec '\' /* pool:class=batch */`, "web"},
		{"a class that is not there", nil, "exec /* pool:class=bacth */", "web"},
		{"a context that names another", batch, "exec /* pool:class=web */", "batch"},
		{"a context that names one that is not there", func(t *testing.T) context.Context { return pooled.WithClass(t.Context(), "bacth") }, "exec /* pool:class=batch */", "web"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := pooltest.NewPoolOf(t, pooltest.Modern, pooltest.WithClasses(2))
			ctx := t.Context()
			if c.ctx != nil {
				ctx = c.ctx(t)
			}
			conn, err := p.Conn(ctx)
			require.NoError(t, err)
			_, err = conn.ExecContext(ctx, c.text)
			require.NoError(t, err)
			assert.Equal(t, 1, inUse(p)[c.class], inUse(p))
			require.NoError(t, conn.Close())
		})
	}
}

func TestThePreparedStatementsClassIsThatOfItsText(t *testing.T) {
	p := pooltest.NewPoolOf(t, pooltest.Modern, pooltest.WithClasses(3))
	st, err := p.PrepareContext(t.Context(), "select 1 /* pool:class=batch */")
	require.NoError(t, err)
	rows, err := st.QueryContext(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"web": 0, "batch": 1}, inUse(p))
	require.NoError(t, rows.Close())
	require.NoError(t, rows.Err())
	require.NoError(t, st.Close())
}

func TestATextsClassIsOfTheConnectionThatItIsTheFirstToNeed(t *testing.T) {
	p := pooltest.NewPoolOf(t, pooltest.Modern, pooltest.WithClasses(2))
	tx, err := p.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), "exec /* pool:class=batch */")
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"web": 1, "batch": 0}, inUse(p))
	require.NoError(t, tx.Rollback())

	tx, err = p.BeginTx(pooled.WithClass(t.Context(), "batch"), nil)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"web": 0, "batch": 1}, inUse(p))
	require.NoError(t, tx.Rollback())
}

func TestCallsBelongToTheTenantOfTheDSNUnlessTheyNameOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queueOf{next: make(chan struct{}), Pool: pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
			c.Pool.MaxConns, c.Queue.Tenant, c.Queue.TenantMax = 4, "acme", 0.5
		})}
		q.join(t.Context(), "a1")
		q.join(pooled.WithTenant(t.Context(), "acme"), "a2")
		q.join(t.Context(), "a3")
		q.join(pooled.WithTenant(t.Context(), "other"), "o1")
		assert.Equal(t, []string{"a1", "a2", "o1"}, q.served())
		q.serve(4)
		assert.Equal(t, []string{"a1", "a2", "o1", "a3"}, q.served())
	})
}

func TestEachClassCountsWhoGotAConnectionAndWhoDidNotAndWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
			pooltest.WithClasses(1)(c)
			c.Queue.MaxWaiters = 1
		})
		held := p.Hold(t, 1)
		outcomes, end := wait(p, 1)
		_, err := p.ExecContext(t.Context(), "exec /* pool:class=batch */")
		var overloaded *pooled.OverloadedError
		require.ErrorAs(t, err, &overloaded)
		assert.Equal(t, "batch", overloaded.Class)
		require.NoError(t, held[0].Close())
		require.NoError(t, <-outcomes)
		end()
		p.MustExec(t)

		all := p.EndpointStats()
		assert.EqualValues(t, 3, all.Admitted)
		assert.EqualValues(t, 1, all.Waits)
		assert.EqualValues(t, 1, all.Overloaded)
		assert.EqualValues(t, 1, all.Full)
		assert.Zero(t, all.Shed)
		assert.Equal(t, stats.Class{Name: "web", Admitted: 3, Waits: 1, WaitTime: all.WaitTime}, all.Classes[0])
		assert.Equal(t, stats.Class{Name: "batch", Overloaded: 1, Full: 1}, all.Classes[1])
	})
}

func TestThePageShowsTheClasses(t *testing.T) {
	p := pooltest.NewPoolOf(t, pooltest.Modern, pooltest.WithClasses(3))
	p.Hold(t, 2)
	get := func(target string) string {
		w := httptest.NewRecorder()
		p.Connector.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		return w.Body.String()
	}
	cells := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(get("/"), " ")
	cells = strings.Join(strings.Fields(cells), " ")
	assert.Contains(t, cells, "class in use waiting admitted had to wait all together refused: full refused: shed passed over web 2 0 2 0 0 0 0 0 batch 0 0 0 0 0 0 0 0")

	var answer struct {
		Servers []struct {
			InUse   int `json:"in_use"`
			Classes []struct {
				Name     string
				InUse    int `json:"in_use"`
				Admitted uint64
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(get("/?format=json")), &answer))
	assert.Equal(t, 2, answer.Servers[0].InUse, "each is counted once")
	require.Len(t, answer.Servers[0].Classes, 2)
	for i, want := range p.EndpointStats().Classes {
		got := answer.Servers[0].Classes[i]
		assert.Equal(t, want, stats.Class{Name: got.Name, InUse: got.InUse, Admitted: got.Admitted})
	}
}

func TestATimeoutTellsItsClassAndThatConnectionsAreKeptForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
			pooltest.WithClasses(2)(c)
			c.Queue.Classes[1].Reserve, c.Pool.AcquireTimeout = 1, time.Second
		})
		var another sync.WaitGroup
		another.Go(func() { p.Hold(t, 1) })
		another.Wait()
		_, err := p.Exec("exec")
		var timeout *pooled.AcquireTimeoutError
		require.ErrorAs(t, err, &timeout)
		assert.Equal(t, "web", timeout.Class)
		assert.Equal(t, 1, timeout.Kept)
		require.ErrorContains(t, err, "to *faultdriver.Driver for the class web after 1s")
		require.ErrorContains(t, err, "0 more waiting, 1 kept for others; ")
		require.ErrorContains(t, err, "connections are kept for other classes or tenants, or after a deadlock for who holds one already")
		_, err = p.Exec("exec /* pool:class=batch */")
		assert.NoError(t, err)
	})
}
