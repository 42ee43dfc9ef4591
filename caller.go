package pooled

import (
	"context"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/internal/gate"
	"github.com/gopooled/pooled/middleware"
)

// WithClass has the calls of a context belong to one of pool_classes, whatever their texts say. What names none there belongs to the class that its text names, as
// in /* pool:class=batch */, or else to pool_class. A class that is not there counts as none, and is logged once.
func WithClass(ctx context.Context, name string) context.Context { return gate.WithClass(ctx, name) }

// WithTenant has the calls of a context belong to a tenant: a customer, a user, whoever is not to have all connections. Tenants need not be declared. While several of
// a class wait for connections, they share what it has in equal parts; pool_tenant_max limits each. Empty = that of pool_tenant, or without it nobody in particular,
// which counts as one tenant.
func WithTenant(ctx context.Context, name string) context.Context { return gate.WithTenant(ctx, name) }

// classed has a call that needs a connection belong to the class that its text names, unless its context names one: of tells it.
func classed(of func(text string) string) Middleware {
	return Middleware{Name: "classes", Call: func(next middleware.CallFunc) middleware.CallFunc {
		return func(ctx context.Context, c *middleware.Call) error {
			if mayHint(c.Text) && c.Session.Conn() == nil && !gate.NamesClass(ctx) {
				if name := of(c.Text); name != "" {
					ctx = gate.WithClass(ctx, name)
				}
			}
			return next(ctx, c)
		}
	}}
}

// mayHint reports whether there may be a hint in a text: it has a colon, as few texts do. That costs less than to look for comments, or to remember texts.
func mayHint(text string) bool { return strings.IndexByte(text, ':') >= 0 }

// genericClass returns what tells the class that a text of a family names which is not known. It remembers texts, and is safe for concurrent use.
func genericClass() func(text string) string {
	known := &statement.Cache[string]{}
	return func(text string) string {
		class, ok := known.Get(text)
		if !ok {
			var h statement.Hints
			dialect.Generic{}.Comments(text, h.Note)
			class = h.Class
			known.Put(text, class)
		}
		return class
	}
}
