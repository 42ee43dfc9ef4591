package postgres

import (
	"database/sql/driver"

	"github.com/jackc/pgx/v5"
)

// sendsText is [dialect.Traits].SendsText for connections in a mode. Whatever that is, pgx uses the simple protocol for an Exec without arguments, but not
// for a query. It keeps texts in two of the modes, which the caller may choose for each call: pgx takes the first arguments for options.
func sendsText(mode pgx.QueryExecMode) func(rows bool, args []driver.NamedValue) bool {
	return func(rows bool, args []driver.NamedValue) bool {
		mode := mode
	options:
		for len(args) > 0 {
			switch option := args[0].Value.(type) {
			case pgx.QueryExecMode:
				mode = option
			case pgx.QueryRewriter:
				rows = true // nobody knows how many arguments it makes
			case pgx.QueryResultFormats, pgx.QueryResultFormatsByOID:
			default:
				break options
			}
			args = args[1:]
		}
		return !rows && len(args) == 0 || mode != pgx.QueryExecModeCacheStatement && mode != pgx.QueryExecModeCacheDescribe
	}
}
