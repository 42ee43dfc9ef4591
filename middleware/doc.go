// Package middleware is the contract between pooled and the policies that watch or change what it does.
//
// A [Middleware] is a value with up to four wraps, one for each stage of a connection's life:
//
//	Connect  a server connection is dialled for an endpoint
//	Acquire  a session takes a server connection
//	Call     ping, prepare, exec, query, begin, commit, rollback, raw
//	Release  the session has given the server connection back
//
// The smallest useful one counts the statements that fail:
//
//	failures := middleware.Middleware{
//		Name: "failures",
//		Call: func(next middleware.CallFunc) middleware.CallFunc {
//			return func(ctx context.Context, call *middleware.Call) error {
//				err := next(ctx, call)
//				if err != nil && err != driver.ErrSkip {
//					failed.Add(1)
//				}
//				return err
//			}
//		},
//	}
//
// # Rules
//
// Chains are composed once, when a connector is made; the first middleware listed is the outermost. A nil wrap costs nothing.
//
// A wrap may run next zero times (it refuses, and returns an error of its own), once, or more than once. Success without next is an error that
// says so, unless the wrap has set a result of its own; Ping, Commit, Rollback and Raw have none. More than once is
// allowed only while nothing can have been executed by the server: the error then says so (a dial that failed, a
// statement the server refused before running it), or the statement is known to be a read without effects. If the connection
// died, and was acquired for this call, the next run of next acquires another.
//
// Errors of the real driver are passed on as they are, never wrapped: callers compare them with == (driver.ErrSkip,
// driver.ErrBadConn, io.EOF) or assert their concrete type. driver.ErrSkip is no failure: it means that the call will come
// again as a Prepare and a call of the prepared statement. A middleware never makes a driver.ErrBadConn of its own: database/sql would
// run the call again.
//
// The events ([Dial], [Acquisition], [Call], [Release]) are reused: they are valid until the wrap returns, and must not be
// kept. Wraps of different sessions run at the same time; those of one session do not.
//
// What this package is not: a place for query rewriting by rows. Rows and results are the real driver's own values.
package middleware
