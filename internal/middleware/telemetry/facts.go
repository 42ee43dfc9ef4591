package telemetry

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/middleware"
)

// facts are what can be told of all calls with one text. They never change.
type facts struct {
	name   string
	start  []trace.SpanStartOption
	common []attribute.KeyValue // of spans and metrics
	// succeeded are the attributes of a success for the metrics, for each server.
	succeeded [][]metric.RecordOption
}

// factCache keeps the facts of texts.
type factCache = statement.Cache[*facts]

// factsOf returns those of a call.
func (t *Telemetry) factsOf(c *middleware.Call) *facts {
	if c.Text == "" {
		return t.ops[c.Op]
	}
	cache, parameterized := &t.facts[0], len(c.Args) > 0 || c.Prepared
	if parameterized {
		cache = &t.facts[1]
	}
	f, ok := cache.Get(c.Text)
	if !ok {
		shown := c.Text
		if !parameterized {
			shown = t.Mask(c.Text)
		}
		f = t.newFacts(shown, t.Summary(c.Text), c.Text)
		cache.Put(c.Text, f)
	}
	return f
}

// newFacts makes the facts of a text, or of an operation that has none.
func (t *Telemetry) newFacts(shown, summary, text string) *facts {
	info := t.servers[0].info
	system := systemName(info.Dialect)
	f := &facts{name: summary}
	if f.name == "" {
		f.name = system
	}
	common := []attribute.KeyValue{semconv.DBSystemNameKey.String(system)}
	if info.Database != "" {
		common = append(common, semconv.DBNamespace(info.Database))
	}
	if summary != "" {
		common = append(common, semconv.DBQuerySummary(summary))
	}
	f.common = common
	start := common[:len(common):len(common)]
	if len(t.servers) == 1 {
		start = append(start, t.servers[0].attributes...)
	}
	if text != "" && !t.HideText {
		start = append(start, semconv.DBQueryText(strings.Clone(shown)))
	}
	f.start = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(start...)}
	for i := range t.servers {
		set := attribute.NewSet(append(common[:len(common):len(common)], t.servers[i].measured...)...)
		f.succeeded = append(f.succeeded, []metric.RecordOption{metric.WithAttributeSet(set)})
	}
	return f
}

// systemName is the family as the semantic conventions call it.
func systemName(dialect string) string {
	switch dialect {
	case "postgres":
		return "postgresql"
	case "mysql":
		return "mysql"
	default:
		return "other_sql"
	}
}

// operation is what a call without a text is called: as its statement would be.
func operation(op middleware.Op) string {
	switch op {
	case middleware.Begin, middleware.Commit, middleware.Rollback:
		return strings.ToUpper(op.String())
	default:
		return ""
	}
}

// serverFacts are the attributes of a server.
type serverFacts struct {
	info       *middleware.Endpoint
	attributes []attribute.KeyValue // shared, and so without room to append to
	measured   []attribute.KeyValue // the same, and what metrics have besides: the name of the pool
}

// The ports that go without saying.
var defaultPorts = map[string]int{"postgres": 5432, "mysql": 3306}

func newServerFacts(info *middleware.Endpoint) serverFacts {
	address := addressOf(info)
	return serverFacts{info, address, slices.Concat(address, []attribute.KeyValue{semconv.DBClientConnectionPoolName(info.Pool)})}
}

// addressOf are the attributes that tell where a server is.
func addressOf(info *middleware.Endpoint) []attribute.KeyValue {
	host, port, err := net.SplitHostPort(info.Name)
	if err != nil { // a socket, or a name that says nothing
		return []attribute.KeyValue{semconv.ServerAddress(info.Name)}
	}
	attributes := []attribute.KeyValue{semconv.ServerAddress(host)}
	if n, err := strconv.Atoi(port); err == nil && n != defaultPorts[info.Dialect] {
		attributes = append(attributes, semconv.ServerPort(n))
	}
	return slices.Clip(attributes)
}
