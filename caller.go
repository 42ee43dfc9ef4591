package pooled

import (
	"context"

	"github.com/gopooled/pooled/internal/gate"
)

// WithClass has the calls of a context belong to one of pool_classes. What names none belongs to pool_class. A class that is not there counts as none, and is logged
// once.
func WithClass(ctx context.Context, name string) context.Context { return gate.WithClass(ctx, name) }

// WithTenant has the calls of a context belong to a tenant: a customer, a user, whoever is not to have all connections. Tenants need not be declared. While several of
// a class wait for connections, they share what it has in equal parts; pool_tenant_max limits each. Empty = nobody in particular, which counts as one tenant.
func WithTenant(ctx context.Context, name string) context.Context { return gate.WithTenant(ctx, name) }
