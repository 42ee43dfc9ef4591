package reset

import (
	"context"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/middleware"
)

// Some traces are left to the borrower who would see them ([dialect.Changes].Defer), and undone on its path, before its first
// statement that could.

// seesKey marks the context of a call that could see inherited traces and has no server connection yet.
type seesKey struct{}

// beforeSeeing undoes inherited traces on the connection that the session holds, or sees to it that acquire does. Once the
// borrower has left a trace of the same kind, it is that one which is seen.
func (r *Reset) beforeSeeing(ctx context.Context, conn middleware.ServerConn) (context.Context, error) {
	if conn == nil {
		return context.WithValue(ctx, seesKey{}, true), nil
	}
	return ctx, r.undoInherited(ctx, conn)
}

// acquire undoes inherited traces for a call, or a caller of the real connection, that could see them.
func (r *Reset) acquire(next middleware.AcquireFunc) middleware.AcquireFunc {
	return func(ctx context.Context, a *middleware.Acquisition) error {
		if err := next(ctx, a); err != nil {
			return err
		}
		if a.Conn.Changes().Inherited == 0 || !a.Unknown && ctx.Value(seesKey{}) == nil {
			return nil
		}
		return r.undoInherited(ctx, a.Conn)
	}
}

func (r *Reset) undoInherited(ctx context.Context, conn middleware.ServerConn) error {
	changes := conn.Changes()
	if changes.Inherited&^changes.Effects == 0 {
		return nil
	}
	inherited := dialect.Changes{Effects: changes.Inherited}
	if err := r.Sessions.Reset(ctx, conn.Real(), &inherited, ""); err != nil {
		changes.Effects |= dialect.UnknownEffect // so that the connection is not kept as it is
		return err
	}
	changes.Inherited = 0
	return nil
}
