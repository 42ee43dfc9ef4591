package pooled

import (
	"context"

	"github.com/gopooled/pooled/internal/gate"
	"github.com/gopooled/pooled/internal/statement"
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
			if statement.MayHint(c.Text) && c.Session.Conn() == nil && !gate.NamesClass(ctx) {
				if name := of(c.Text); name != "" {
					ctx = gate.WithClass(ctx, name)
				}
			}
			return next(ctx, c)
		}
	}}
}
