package reset

import (
	"context"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/middleware"
)

// beforeSeeing undoes, on the borrower's own path, what an earlier one left to those who could see it ([dialect.Changes].Defer). Once
// the borrower has left a trace of the same kind, it is that one which is seen.
//
// What undoes it is a statement too, and MySQL forgets for it what it knew of the one before: how many rows that has changed, and its warnings. There is no
// command that leaves these as they are. So it is not sent between two statements of a borrower if the second may ask for them
// ([dialect.Statement].LooksBack): that one may see the number, as with a bare driver, if it asks for one without having made any.
func (r *Reset) beforeSeeing(ctx context.Context, conn middleware.ServerConn) error {
	changes := conn.Changes()
	if changes.Inherited&^changes.Effects == 0 || r.judges() && changes.Way == dialect.Proxied {
		return nil
	}
	return r.undoInherited(ctx, conn)
}

func (r *Reset) undoInherited(ctx context.Context, conn middleware.ServerConn) error {
	changes := conn.Changes()
	inherited := dialect.Changes{Effects: changes.Inherited}
	if err := r.Sessions.Reset(ctx, conn.Real(), &inherited, ""); err != nil {
		changes.Effects |= dialect.UnknownEffect // so that the connection is not kept as it is
		return err
	}
	changes.Inherited = 0
	return nil
}
