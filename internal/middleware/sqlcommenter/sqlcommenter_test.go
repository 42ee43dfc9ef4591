package sqlcommenter

import (
	"context"
	"database/sql/driver"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

const (
	traceID  = "5bd66ef5095369c7b0d1f8f4bd33716a"
	spanID   = "c532cb4098ac3dd2"
	ofTrace  = "traceparent='00-" + traceID + "-" + spanID + "-01'"
	ofShop   = "application='shop'"
	question = "select a from t where b = 1"
)

// within returns a context with a span of the trace.
func within(t testing.TB, state string, flags trace.TraceFlags) context.Context {
	id, err := trace.TraceIDFromHex(traceID)
	require.NoError(t, err)
	span, err := trace.SpanIDFromHex(spanID)
	require.NoError(t, err)
	ts, err := trace.ParseTraceState(state)
	require.NoError(t, err)
	return trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: id, SpanID: span, TraceFlags: flags, TraceState: ts,
	}))
}

func shop(mode policy.SQLCommenterMode) Options {
	return Options{
		Policy: policy.SQLCommenter{Mode: mode, Tags: map[string]string{"application": "shop"}}, Dialect: "postgres",
		SendsText: func(rows bool, args []driver.NamedValue) bool { return !rows && len(args) == 0 },
	}
}

// send returns the call as the server connection gets it.
func send(ctx context.Context, t testing.TB, m *Commenter, c middleware.Call) middleware.Call {
	before := c
	var sent middleware.Call
	err := m.Middleware().Call(func(_ context.Context, c *middleware.Call) error {
		sent = *c
		return assert.AnError
	})(ctx, &c)
	require.Equal(t, assert.AnError, err)
	require.Equal(t, before, c, "all others see the caller's text")
	return sent
}

func TestTagsAreEncodedAndSorted(t *testing.T) {
	for _, tc := range []struct {
		name string
		tags map[string]string
		want string
	}{
		{"one", map[string]string{"application": "shop"}, "/*application='shop'*/"},
		{"sorted", map[string]string{"route": "r", "action": "a", "zone": "z", "trap": "t"}, "/*action='a',route='r',trap='t',zone='z'*/"},
		{"blank", map[string]string{"application": "my shop"}, "/*application='my%20shop'*/"},
		{"quotes", map[string]string{"a": `'"` + "`"}, "/*a='%27%22%60'*/"},
		{"what would end the comment", map[string]string{"a": "*/ drop table t; /*"}, "/*a='%2A%2F%20drop%20table%20t%3B%20%2F%2A'*/"},
		{"name that would end the comment", map[string]string{"a'*/": "b"}, "/*a%27%2A%2F='b'*/"},
		{"name that would begin what MySQL executes", map[string]string{"!50000": "b", "+set": "b"}, "/*%2150000='b',%2Bset='b'*/"},
		{"placeholders", map[string]string{"a": "? $1 :name @p %"}, "/*a='%3F%20%241%20%3Aname%20%40p%20%25'*/"},
		{"plus", map[string]string{"a": "1+1"}, "/*a='1%2B1'*/"},
		{"what would begin a comment", map[string]string{"a": "b---c"}, "/*a='b-%2D-c'*/"},
		{"not ASCII", map[string]string{"a": "ß\x00\xff\n"}, "/*a='%C3%9F%00%FF%0A'*/"},
		{"what needs nothing", map[string]string{"a": "A-z_0.9~"}, "/*a='A-z_0.9~'*/"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := New(Options{Policy: policy.SQLCommenter{Mode: policy.SQLCommenterStatic, Tags: tc.tags}})
			assert.Equal(t, "select 1 "+tc.want, m.Prepared("select 1"))
		})
	}
}

func TestTheApplicationIsTheServiceOrElseTheProgram(t *testing.T) {
	t.Setenv("OTEL_SERVICE_NAME", "the shop")
	assert.Equal(t, "select 1 /*application='the%20shop'*/", New(Options{}).Prepared("select 1"))
	t.Setenv("OTEL_SERVICE_NAME", "")
	assert.Equal(t, "select 1 /*application='sqlcommenter.test'*/", New(Options{}).Prepared("select 1"))
}

func TestTheCommentStandsLastButBeforeASemicolon(t *testing.T) {
	m := New(shop(policy.SQLCommenterStatic))
	const comment = " /*application='shop'*/"
	for text, want := range map[string]string{
		"select 1":            "select 1" + comment,
		"select 1;":           "select 1" + comment + ";",
		"select 1 ; \n":       "select 1" + comment + " ; \n",
		"select 1\n":          "select 1" + comment + "\n",
		"select 1; select 2;": "select 1; select 2" + comment + ";",
		"select ';'":          "select ';'" + comment,
		"":                    "",
		" ;\n":                " ;\n",
	} {
		assert.Equal(t, want, m.Prepared(text))
	}
}

func TestATextWithACommentIsLeftAlone(t *testing.T) {
	for _, text := range []string{
		"select 1 /* mine */", "/* pool:replica */ select 1", "/*+ SeqScan(t) */ select 1", "/*!40000 select */ 1", "select 1 -- mine", "-- mine\nselect 1",
		"select 1 /* has no end", "select '/*'", "select 1 - -1 --\n+ 1", "select 1 /*traceparent='x'*/;",
	} {
		for _, family := range []string{"postgres", "mysql", "generic"} {
			o := shop(policy.SQLCommenterTrace)
			o.Dialect = family
			c := middleware.Call{Op: middleware.Exec, Text: text}
			sent := send(within(t, "", trace.FlagsSampled), t, New(o), c)
			assert.Equal(t, c, sent)
			assert.Equal(t, text, New(o).Prepared(text))
		}
	}
}

func TestAHashIsACommentUnlessItIsAnOperator(t *testing.T) {
	const path = "select a #> '{b}' from t"
	for family, want := range map[string]string{"postgres": path + " /*application='shop'*/", "mysql": path, "generic": path} {
		o := shop(policy.SQLCommenterStatic)
		o.Dialect = family
		assert.Equal(t, want, New(o).Prepared(path), family)
	}
}

func TestWhatIsSentDependsOnTheOperationAndOnTheDriver(t *testing.T) {
	args := []driver.NamedValue{{Ordinal: 1, Value: 1}}
	const static, traced = " /*" + ofShop + "*/", " /*" + ofShop + "," + ofTrace + "*/"
	for _, tc := range []struct {
		name string
		mode policy.SQLCommenterMode
		call middleware.Call
		want string // behind the caller's text
	}{
		{"exec", policy.SQLCommenterStatic, middleware.Call{Op: middleware.Exec, Text: question}, static},
		{"query", policy.SQLCommenterStatic, middleware.Call{Op: middleware.Query, Text: question, Args: args}, static},
		{"prepare", policy.SQLCommenterStatic, middleware.Call{Op: middleware.Prepare, Text: question}, static},
		{"exec of a prepared statement", policy.SQLCommenterStatic, middleware.Call{Op: middleware.Exec, Text: question, Prepared: true}, ""},
		{"exec for a trace", policy.SQLCommenterTrace, middleware.Call{Op: middleware.Exec, Text: question}, traced},
		{"exec that is prepared", policy.SQLCommenterTrace, middleware.Call{Op: middleware.Exec, Text: question, Args: args}, static},
		{"query that is prepared", policy.SQLCommenterTrace, middleware.Call{Op: middleware.Query, Text: question}, static},
		{"prepare for a trace", policy.SQLCommenterTrace, middleware.Call{Op: middleware.Prepare, Text: question}, static},
		{"query of a prepared statement", policy.SQLCommenterTrace, middleware.Call{Op: middleware.Query, Text: question, Prepared: true}, ""},
		{"begin", policy.SQLCommenterTrace, middleware.Call{Op: middleware.Begin}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := New(shop(tc.mode))
			for range 3 { // the first is read, the others are remembered
				sent := send(within(t, "", trace.FlagsSampled), t, m, tc.call)
				assert.Equal(t, tc.call.Text+tc.want, sent.Text)
				assert.Equal(t, tc.want == traced, sent.Once)
			}
		})
	}
}

func TestWithoutATraceTheTagsStandAlone(t *testing.T) {
	sent := send(t.Context(), t, New(shop(policy.SQLCommenterTrace)), middleware.Call{Op: middleware.Exec, Text: question})
	assert.Equal(t, question+" /*"+ofShop+"*/", sent.Text)
	assert.False(t, sent.Once)
}

func TestNothingIsKnownOfADriverThatSaysNothing(t *testing.T) {
	o := shop(policy.SQLCommenterTrace)
	o.SendsText = nil
	sent := send(within(t, "", trace.FlagsSampled), t, New(o), middleware.Call{Op: middleware.Exec, Text: question})
	assert.Equal(t, question+" /*"+ofShop+"*/", sent.Text)
}

func TestATextThatWasPreparedStaysTheSame(t *testing.T) {
	m := New(shop(policy.SQLCommenterTrace))
	call := middleware.Call{Op: middleware.Exec, Text: question}
	ctx := within(t, "", trace.FlagsSampled)
	require.True(t, send(ctx, t, m, call).Once)
	prepared := send(ctx, t, m, middleware.Call{Op: middleware.Prepare, Text: question}).Text
	assert.Equal(t, prepared, send(ctx, t, m, call).Text)
}

func TestATraceStandsAmongTheTagsByItsName(t *testing.T) {
	for _, tc := range []struct {
		name, state string
		flags       trace.TraceFlags
		tags        map[string]string
		want        string
	}{
		{"not sampled", "", 0, map[string]string{"a": "1"}, "a='1',traceparent='00-" + traceID + "-" + spanID + "-00'"},
		{"with a state", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7", 1, map[string]string{"a": "1"},
			"a='1'," + ofTrace + ",tracestate='congo%3Dt61rcWkgMzE%2Crojo%3D00f067aa0ba902b7'"},
		{"in the middle", "", 1, map[string]string{"a": "1", "tracer": "2", "zone": "3"}, "a='1'," + ofTrace + ",tracer='2',zone='3'"},
		{"with a state in the middle", "a=b", 1, map[string]string{"a": "1", "tracer": "2", "zone": "3"},
			"a='1'," + ofTrace + ",tracer='2',tracestate='a%3Db',zone='3'"},
		{"first", "a=b", 1, map[string]string{"zone": "3"}, ofTrace + ",tracestate='a%3Db',zone='3'"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := shop(policy.SQLCommenterTrace)
			o.Policy.Tags = tc.tags
			sent := send(within(t, tc.state, tc.flags), t, New(o), middleware.Call{Op: middleware.Exec, Text: question + " ;"})
			assert.Equal(t, question+" /*"+tc.want+"*/ ;", sent.Text)
		})
	}
}

func BenchmarkCall(b *testing.B) {
	args := []driver.NamedValue{{Ordinal: 1, Value: 1}}
	for _, bench := range []struct {
		name string
		mode policy.SQLCommenterMode
		args []driver.NamedValue
	}{
		{"static", policy.SQLCommenterStatic, nil},
		{"trace, prepared", policy.SQLCommenterTrace, args},
		{"trace, sent as text", policy.SQLCommenterTrace, nil},
	} {
		b.Run(bench.name, func(b *testing.B) {
			call := New(shop(bench.mode)).Middleware().Call(func(context.Context, *middleware.Call) error { return nil })
			ctx := within(b, "", trace.FlagsSampled)
			c := &middleware.Call{Op: middleware.Exec, Text: question, Args: bench.args}
			b.ReportAllocs()
			for b.Loop() {
				_ = call(ctx, c)
			}
		})
	}
}

func TestAKnownTextCostsNoAllocation(t *testing.T) {
	call := New(shop(policy.SQLCommenterStatic)).Middleware().Call(func(context.Context, *middleware.Call) error { return nil })
	c := &middleware.Call{Op: middleware.Query, Text: question}
	ctx := t.Context()
	for range 10 {
		require.NoError(t, call(ctx, c))
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { _ = call(ctx, c) }))
}
