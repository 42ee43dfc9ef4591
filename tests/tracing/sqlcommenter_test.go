package tracing_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// commented is a mode of pool_sqlcommenter, with the tags that all tests of it have.
func commented(mode policy.SQLCommenterMode) func(*pooled.Config) {
	return func(c *pooled.Config) {
		c.SQLCommenter = policy.SQLCommenter{Mode: mode}
		if mode != policy.SQLCommenterOff {
			c.SQLCommenter.Tags = map[string]string{"application": "shop"}
		}
	}
}

const ofShop = " /*application='shop'*/"

func init() { dialect.Register("fault driver that sends texts", textDialect{}) }

// textDialect knows of the fault driver that it sends texts as they are, unless its script says otherwise.
type textDialect struct{ dialect.Generic }

func (textDialect) Owns(d driver.Driver) bool {
	_, ok := d.(*textDriver)
	return ok
}

func (textDialect) Adopt(c driver.Connector) dialect.Server {
	return dialect.Server{Connector: c, Address: "fault", Traits: dialect.Traits{
		OneResult: true, SendsText: func(bool, []driver.NamedValue) bool { return true },
	}}
}

type textDriver struct{ fault *faultdriver.Driver }

func (d *textDriver) Connect(ctx context.Context) (driver.Conn, error) { return d.fault.Connect(ctx) }
func (d *textDriver) Driver() driver.Driver                            { return d }
func (d *textDriver) Open(string) (driver.Conn, error)                 { return nil, errors.ErrUnsupported }

// showing is a middleware that notes the texts of calls, before and after.
func showing(texts *[]string) pooled.Middleware {
	return pooled.Middleware{Call: func(next middleware.CallFunc) middleware.CallFunc {
		return func(ctx context.Context, c *middleware.Call) error {
			before := c.Text
			err := next(ctx, c)
			*texts = append(*texts, c.Op.String()+" "+before, c.Op.String()+" "+c.Text)
			return err
		}
	}}
}

func TestCommentsReachTheDriverAndNobodyElse(t *testing.T) {
	var shown []string
	cfg := pooled.NewConfig()
	d := faultdriver.New(pooltest.Modern, faultdriver.EveryStmt)
	cfg.Connector = d
	commented(policy.SQLCommenterStatic)(&cfg)
	connector, err := pooled.NewConnector(cfg, showing(&shown))
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	defer db.Close()

	_, err = db.ExecContext(t.Context(), "update;")
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "update /* mine */")
	require.NoError(t, err)
	for range 2 { // the second time, the text is known
		st, err := db.PrepareContext(t.Context(), "insert ?")
		require.NoError(t, err)
		_, err = st.ExecContext(t.Context(), 1)
		require.NoError(t, err)
		require.NoError(t, st.Close())
	}

	assert.Equal(t, []string{
		`#1.exec "update /*application='shop'*/;"`, `#1.exec "update /* mine */"`,
		`#1.prepare "insert ? /*application='shop'*/"`, `#1.stmt.exec "insert ? /*application='shop'*/" [$1 int64(1)]`,
		`#1.stmt.exec "insert ? /*application='shop'*/" [$1 int64(1)]`,
	}, slices.DeleteFunc(d.Calls(), func(call string) bool { return !strings.Contains(call, "exec ") && !strings.Contains(call, "prepare ") }))
	once := []string{"prepare insert ?", "prepare insert ?", "exec insert ?", "exec insert ?"}
	assert.Equal(t, slices.Concat([]string{"exec update;", "exec update;", "exec update /* mine */", "exec update /* mine */"}, once, once), shown)
}

func TestCallsOfAStatementShowWhatItsPrepareWasChangedTo(t *testing.T) {
	var shown []string
	cfg := pooled.NewConfig()
	d := faultdriver.New(pooltest.Modern, faultdriver.EveryStmt)
	cfg.Connector = d
	commented(policy.SQLCommenterStatic)(&cfg)
	connector, err := pooled.NewConnector(cfg, pooled.Middleware{Call: func(next middleware.CallFunc) middleware.CallFunc {
		return func(ctx context.Context, c *middleware.Call) error {
			if c.Op == middleware.Prepare {
				c.Text = "set role nobody"
			}
			return next(ctx, c)
		}
	}}, showing(&shown))
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	defer db.Close()
	st, err := db.PrepareContext(t.Context(), "select 1")
	require.NoError(t, err)
	defer st.Close()
	_, err = st.ExecContext(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "exec set role nobody", shown[len(shown)-1], "those who judge a statement by its text must see what runs")
	assert.Contains(t, d.Calls(), `#1.stmt.exec "set role nobody /*application='shop'*/"`)
}

func TestOffAddsNothing(t *testing.T) {
	p := pooltest.NewPool(t, pooltest.Modern, nil)
	p.MustExec(t)
	assert.Contains(t, p.Fault.Calls(), `#1.exec "exec"`)
}

func TestADriverThatNobodyKnowsGetsNoTraces(t *testing.T) {
	p := newTracedPool(t, commented(policy.SQLCommenterTrace))
	p.MustExec(t)
	require.Len(t, p.spans.Ended(), 1)
	assert.Contains(t, p.Fault.Calls(), `#1.exec "exec`+ofShop+`"`)
}

func TestATraceIsThatOfTheSpanOfTheCall(t *testing.T) {
	p, d := newTextPool(t)
	_, err := p.ExecContext(t.Context(), "exec ?", 1)
	require.NoError(t, err)
	spans := p.spans.Ended()
	require.Len(t, spans, 1)
	of := spans[0].SpanContext()
	assert.Contains(t, d.Calls(),
		`#1.exec "exec ? /*application='shop',traceparent='00-`+of.TraceID().String()+`-`+of.SpanID().String()+`-01'*/" [$1 int64(1)]`)
}

// A driver may want a statement prepared after all, as go-sql-driver/mysql does for an argument that it cannot write into a text.
func TestATextWithATraceIsNeverPrepared(t *testing.T) {
	p, d := newTextPool(t)
	d.Always(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrSkip})
	d.Always(faultdriver.Query, faultdriver.Outcome{Err: driver.ErrSkip})
	for range 5 {
		_, err := p.ExecContext(t.Context(), "update ?", 1)
		require.NoError(t, err)
		rows, err := p.QueryContext(t.Context(), "select ?", 1)
		require.NoError(t, err)
		require.NoError(t, rows.Close())
	}
	var prepares []string
	for _, call := range d.Calls() {
		if strings.Contains(call, "prepare ") {
			prepares = append(prepares, call)
		}
	}
	assert.Equal(t, []string{`#1.prepare "update ?` + ofShop + `"`, `#1.prepare "select ?` + ofShop + `"`}, prepares)
}

// newTextPool is a traced pool over a driver that sends texts as they are.
func newTextPool(t *testing.T) (*tracedPool, *faultdriver.Driver) {
	t.Helper()
	d := faultdriver.New(pooltest.Modern, faultdriver.EveryStmt)
	p := newTracedPool(t, func(c *pooled.Config) {
		commented(policy.SQLCommenterTrace)(c)
		c.Connector = &textDriver{d}
	}, sdktrace.WithSampler(sdktrace.AlwaysSample()))
	return p, d
}

func TestAnnouncedTextsArePreparedWithTheirComment(t *testing.T) {
	p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
		commented(policy.SQLCommenterStatic)(c)
		c.Pool.MinIdleConns = 1
	})
	require.NoError(t, p.Connector.Warm(t.Context(), "exec;"))
	st, err := p.PrepareContext(t.Context(), "exec;")
	require.NoError(t, err)
	defer st.Close()
	_, err = st.ExecContext(t.Context())
	require.NoError(t, err)
	assert.Contains(t, p.Fault.Calls(), `#1.prepare "exec`+ofShop+`;"`)
	assert.Equal(t, 1, p.Calls(faultdriver.Prepare))
}
