package routing_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"gorm.io/gorm"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/routing"
)

// TestTraceOfARequest has a service answer a request by GORM, through routing, a statement that is run again, and a session that has to be reset,
// and holds the whole trace against a file. POOLED_UPDATE=1 writes the files.
func TestTraceOfARequest(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	one := func(c *pooled.Config) {
		c.Pool.MaxConns = 1 // of each server, so that a statement meets the connection that it was prepared on
		c.Tracing.TracerProvider = provider
	}
	forEachFamily(t, 1, one, func(t *testing.T, p *pool) {
		db := openGorm(t, p)
		require.NoError(t, db.AutoMigrate(&author{}, &book{}))
		require.NoError(t, db.Create(&author{Name: "Ada"}).Error)
		p.readable(t, "select * from authors")
		require.NoError(t, db.WithContext(routing.WithReplica(t.Context())).First(&author{}, "name = ?", "Ada").Error) // is prepared
		require.NoError(t, db.Exec("alter table authors add column born int").Error)
		p.readable(t, "select * from authors")

		ctx, request := provider.Tracer("service").Start(t.Context(), "GET /authors/ada")
		session := db.WithContext(ctx)
		var ada author
		require.NoError(t, session.First(&ada, "name = ?", "Ada").Error)
		require.NoError(t, session.Create(&book{AuthorID: ada.ID, Title: "Notes"}).Error)
		require.Error(t, session.Exec("insert into books (id) values (1)").Error, "it is there already")
		require.NoError(t, session.Connection(func(tx *gorm.DB) error {
			if err := tx.Exec(p.family.setting).Error; err != nil {
				return err
			}
			var titles []string
			return tx.Model(&book{}).Pluck("title", &titles).Error
		}))
		request.End()
		p.eventually(t, "the session is made clean", func() bool {
			return slices.ContainsFunc(spans.Ended(), func(s sdktrace.ReadOnlySpan) bool {
				return s.Name() == "pooled reset" && s.Parent().SpanID() == request.SpanContext().SpanID()
			})
		})
		golden(t, p, spans.Ended(), request, "trace."+strings.ToLower(p.family.name)+".golden")
	})
}

// golden holds a trace against a file.
func golden(t *testing.T, p *pool, spans []sdktrace.ReadOnlySpan, request trace.Span, name string) {
	t.Helper()
	spans = slices.DeleteFunc(spans, func(s sdktrace.ReadOnlySpan) bool {
		return s.SpanContext().TraceID() != request.SpanContext().TraceID()
	})
	got, file := tree(p, spans), filepath.Join("testdata", name)
	if os.Getenv("POOLED_UPDATE") != "" {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

// tree writes spans as a tree, those that belong to the same one in the order in which they began.
func tree(p *pool, spans []sdktrace.ReadOnlySpan) string {
	children := map[trace.SpanID][]sdktrace.ReadOnlySpan{}
	for _, s := range spans {
		children[s.Parent().SpanID()] = append(children[s.Parent().SpanID()], s)
	}
	var b strings.Builder
	var write func(of trace.SpanID, depth string)
	write = func(of trace.SpanID, depth string) {
		slices.SortStableFunc(children[of], func(a, b sdktrace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
		for _, s := range children[of] {
			fmt.Fprintf(&b, "%s%s (%s%s)\n", depth, s.Name(), s.SpanKind(), status(s))
			writeAttributes(&b, p, depth+"  | ", s.Attributes())
			for _, e := range s.Events() {
				fmt.Fprintf(&b, "%s  * %s\n", depth, e.Name)
				writeAttributes(&b, p, depth+"  *   ", e.Attributes)
			}
			write(s.SpanContext().SpanID(), depth+"  ")
		}
	}
	write(trace.SpanID{}, "")
	return b.String()
}

func status(s sdktrace.ReadOnlySpan) string {
	if s.Status().Description == "" {
		return ""
	}
	return ", " + s.Status().Code.String() + ": " + s.Status().Description
}

// writeAttributes writes attributes by name. Ports are told by the part that their server plays. Whether and for how long a call waits for the one connection of a server
// differs from run to run: what reads the catalogue may have it.
func writeAttributes(b *strings.Builder, p *pool, depth string, attributes []attribute.KeyValue) {
	slices.SortFunc(attributes, func(a, b attribute.KeyValue) int { return cmp.Compare(a.Key, b.Key) })
	for _, a := range attributes {
		value := a.Value.String()
		switch a.Key {
		case "pooled.acquire.wait", "pooled.acquire.outcome":
			continue
		case "server.port":
			value = "of a replica"
			if strings.HasSuffix(p.Nodes[0].Address(), ":"+a.Value.String()) {
				value = "of the primary"
			}
		}
		fmt.Fprintf(b, "%s%s: %s\n", depth, a.Key, value)
	}
}
