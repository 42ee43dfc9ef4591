package endpoint

import (
	"context"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// roles are what pool_role asks for.
var roles = map[policy.Role]dialect.ServerRole{policy.RolePrimary: dialect.RolePrimary, policy.RoleReplica: dialect.RoleReplica}

// checkRole refuses a connection that was dialled to a server whose role is not the wanted one. It asks what the dial has not told.
func (e *Endpoint) checkRole(ctx context.Context, o *opened) error {
	if e.role == dialect.RoleUnknown {
		return nil
	}
	is := o.told.Role
	if is == dialect.RoleUnknown {
		var err error
		if is, err = e.server.Role(ctx, o.conn); err != nil {
			return err
		}
	}
	if is != e.role {
		return &middleware.RoleError{Endpoint: e.info.Name, Wanted: e.role, Found: is}
	}
	return nil
}
