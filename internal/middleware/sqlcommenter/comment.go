package sqlcommenter

import (
	"encoding/hex"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/trace"

	"github.com/gopooled/pooled/policy"
)

// The tags of a trace.
const (
	traceparent = "traceparent"
	tracestate  = "tracestate"
)

// comment is the comment as far as it is the same for all texts. Tags are sorted by their names, so those of a trace stand between others.
type comment struct {
	static                 string // all of it, without a trace
	before, between, after string // a trace: what stands there, with the commas
}

func newComment(tags map[string]string) comment {
	encoded := map[string]string{}
	for name, value := range tags {
		encoded[encode(name)] = encode(value)
	}
	var before, between, after []string
	for _, name := range slices.Sorted(maps.Keys(encoded)) {
		tag := name + "='" + encoded[name] + "'"
		switch {
		case name < traceparent:
			before = append(before, tag)
		case name < tracestate:
			between = append(between, tag)
		default:
			after = append(after, tag)
		}
	}
	return comment{
		static:  " /*" + strings.Join(slices.Concat(before, between, after), ",") + "*/",
		before:  strings.Join(append(before, ""), ","),
		between: strings.Join(append([]string{""}, between...), ","),
		after:   strings.Join(append([]string{""}, after...), ","),
	}
}

// traced returns a text with a comment at end that has the trace in it.
func (c *comment) traced(text string, end int, span trace.SpanContext) string {
	state := ""
	if span.TraceState().Len() > 0 {
		state = encode(span.TraceState().String())
	}
	var hexes [2 * (16 + 8 + 1)]byte
	var b strings.Builder
	b.Grow(len(text) + len(c.before) + len(c.between) + len(c.after) + len(state) + 100)
	b.WriteString(text[:end])
	b.WriteString(" /*")
	b.WriteString(c.before)
	id, spanID := span.TraceID(), span.SpanID()
	b.WriteString(traceparent + "='00-")
	b.Write(hex.AppendEncode(hexes[:0], id[:]))
	b.WriteByte('-')
	b.Write(hex.AppendEncode(hexes[:0], spanID[:]))
	b.WriteByte('-')
	b.Write(hex.AppendEncode(hexes[:0], []byte{byte(span.TraceFlags())}))
	b.WriteByte('\'')
	b.WriteString(c.between)
	if state != "" {
		b.WriteString("," + tracestate + "='")
		b.WriteString(state)
		b.WriteByte('\'')
	}
	b.WriteString(c.after)
	b.WriteString("*/")
	b.WriteString(text[end:])
	return b.String()
}

// encode leaves nothing but letters, digits and -_.~%, so that no value ends its quotes or the comment, or is a placeholder. Nor does it begin a
// comment, which would end a string that the caller's text has left open by mistake.
func encode(s string) string { return encoding.Replace(url.QueryEscape(s)) }

var encoding = strings.NewReplacer("+", "%20", "--", "-%2D")

// tagsOf returns the tags of the program.
func tagsOf(p policy.SQLCommenter) map[string]string {
	if len(p.Tags) > 0 {
		return p.Tags
	}
	name := os.Getenv("OTEL_SERVICE_NAME")
	if name == "" {
		name = filepath.Base(os.Args[0])
	}
	return map[string]string{"application": name}
}
