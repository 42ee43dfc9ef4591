package sqlcommenter

import (
	"context"
	"database/sql/driver"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// Options is what a Commenter is made of.
type Options struct {
	Policy policy.SQLCommenter
	// Dialect is the name of the family, as what begins a comment depends on it.
	Dialect string
	// SendsText reports whether the text of such a call may be new each time: see [dialect.Traits]. Nil: it never may.
	SendsText func(rows bool, args []driver.NamedValue) bool
}

// Commenter adds comments to the texts that are sent to one server. It is safe for concurrent use.
type Commenter struct {
	Options
	comment comment
	texts   statement.Cache[*text]
	reading sync.Mutex // held to add a text, so that there is one of each
}

// New makes a Commenter for a mode that is not off.
func New(o Options) *Commenter {
	return &Commenter{Options: o, comment: newComment(tagsOf(o.Policy))}
}

// Middleware returns the wrap. It belongs innermost.
func (m *Commenter) Middleware() middleware.Middleware {
	return middleware.Middleware{Name: "sqlcommenter", Call: m.call}
}

// Prepared returns what is sent to prepare a text. From now on the text is sent like that each time, so that it finds the prepared statement.
func (m *Commenter) Prepared(text string) string {
	t := m.text(text)
	if !t.prepared.Load() {
		t.prepared.Store(true)
	}
	return t.static
}

// call adds the comment while the call is under way.
func (m *Commenter) call(next middleware.CallFunc) middleware.CallFunc {
	return func(ctx context.Context, c *middleware.Call) error {
		if c.Text == "" || c.Prepared { // what is prepared has its comment already
			return next(ctx, c)
		}
		text, once := c.Text, c.Once
		c.Text, c.Once = m.sent(ctx, c)
		err := next(ctx, c)
		c.Text, c.Once = text, once
		return err
	}
}

// sent returns the text with its comment, and whether that is for this call alone.
func (m *Commenter) sent(ctx context.Context, c *middleware.Call) (text string, once bool) {
	if c.Op == middleware.Prepare {
		return m.Prepared(c.Text), c.Once
	}
	t := m.text(c.Text)
	if m.Policy.Mode != policy.SQLCommenterTrace || t.end == 0 || t.prepared.Load() ||
		m.SendsText == nil || !m.SendsText(c.Op == middleware.Query, c.Args) {
		return t.static, c.Once
	}
	span := trace.SpanContextFromContext(ctx)
	if !span.IsValid() {
		return t.static, c.Once
	}
	return m.comment.traced(c.Text, t.end, span), true
}
