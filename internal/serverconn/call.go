package serverconn

import (
	"context"
	"database/sql/driver"
	"errors"
)

// The functions of this file call one interface of a driver or the one that it had before contexts, with the
// meaning that database/sql gives to the absence of each.

func callQuery(ctx context.Context, q driver.QueryerContext, legacy driver.Queryer, //nolint:staticcheck // see Conn
	text string, args []driver.NamedValue,
) (driver.Rows, error) {
	if q != nil {
		return q.QueryContext(ctx, text, args)
	}
	values, err := unnamed(ctx, args)
	if err != nil {
		return nil, err
	}
	return legacy.Query(text, values)
}

func callExec(ctx context.Context, e driver.ExecerContext, legacy driver.Execer, //nolint:staticcheck // see Conn
	text string, args []driver.NamedValue,
) (driver.Result, error) {
	if e != nil {
		return e.ExecContext(ctx, text, args)
	}
	values, err := unnamed(ctx, args)
	if err != nil {
		return nil, err
	}
	return legacy.Exec(text, values)
}

func callStmtQuery(ctx context.Context, st driver.Stmt, args []driver.NamedValue) (driver.Rows, error) {
	if q, ok := st.(driver.StmtQueryContext); ok {
		return q.QueryContext(ctx, args)
	}
	values, err := unnamed(ctx, args)
	if err != nil {
		return nil, err
	}
	return st.Query(values) //nolint:staticcheck // see Conn
}

func callStmtExec(ctx context.Context, st driver.Stmt, args []driver.NamedValue) (driver.Result, error) {
	if e, ok := st.(driver.StmtExecContext); ok {
		return e.ExecContext(ctx, args)
	}
	values, err := unnamed(ctx, args)
	if err != nil {
		return nil, err
	}
	return st.Exec(values) //nolint:staticcheck // see Conn
}

func callPrepare(ctx context.Context, p driver.ConnPrepareContext, conn driver.Conn, text string) (driver.Stmt, error) {
	if p != nil {
		return p.PrepareContext(ctx, text)
	}
	st, err := conn.Prepare(text)
	if err == nil && ctx.Err() != nil {
		_ = st.Close() // the context's error is the one to report
		return nil, ctx.Err()
	}
	return st, err
}

// callBegin refuses the options that a driver without ConnBeginTx would silently ignore.
func callBegin(ctx context.Context, b driver.ConnBeginTx, conn driver.Conn, opts driver.TxOptions) (driver.Tx, error) {
	if b != nil {
		return b.BeginTx(ctx, opts)
	}
	if opts.Isolation != 0 { // sql.LevelDefault
		return nil, errors.New("sql: driver does not support non-default isolation level")
	}
	if opts.ReadOnly {
		return nil, errors.New("sql: driver does not support read-only transactions")
	}
	tx, err := conn.Begin() //nolint:staticcheck // see Conn
	if err == nil && ctx.Err() != nil {
		_ = tx.Rollback() // the context's error is the one to report
		return nil, ctx.Err()
	}
	return tx, err
}

// unnamed turns arguments into what a method from before contexts takes: no names, and no way to be cancelled once called.
func unnamed(ctx context.Context, args []driver.NamedValue) ([]driver.Value, error) {
	values := make([]driver.Value, len(args))
	for i, arg := range args {
		if arg.Name != "" {
			return nil, errors.New("sql: driver does not support the use of Named Parameters")
		}
		values[i] = arg.Value
	}
	return values, ctx.Err()
}
