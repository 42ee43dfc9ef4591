package mysql

import (
	"context"
	"database/sql/driver"
	"slices"
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// A SET that the server has refused counts like any other: nobody looks at errors. What it was refused for is refused again when it is to be undone.

// The errors by which a server says that a session cannot have a variable set.
const (
	erUnknownVariable = 1193 // ER_UNKNOWN_SYSTEM_VARIABLE
	erLocalVariable   = 1228 // ER_LOCAL_VARIABLE
	erGlobalVariable  = 1229 // ER_GLOBAL_VARIABLE
	erReadOnly        = 1238 // ER_INCORRECT_GLOBAL_LOCAL_VAR
)

// refuses reports whether an error says that the session cannot have a variable set, or not by this user.
func refuses(err error) bool {
	return slices.ContainsFunc([]uint16{erUnknownVariable, erLocalVariable, erGlobalVariable, erReadOnly, erNoPrivilege},
		func(number uint16) bool { return isNumber(err, number) })
}

// isNone reports whether no session has a variable of a name, so that it cannot have been set.
func isNone(ctx context.Context, conn driver.Conn, name string) (bool, error) {
	var quoted []string
	for part := range strings.SplitSeq(name, ".") {
		if part == "" {
			return false, nil
		}
		quoted = append(quoted, quoteName(part))
	}
	err := each(ctx, conn, "select @@session."+strings.Join(quoted, ".")+" limit 1", func([]driver.Value) {})
	if isNumber(err, erUnknownVariable) || isNumber(err, erReadOnly) {
		return true, nil
	}
	if isServers(err) {
		return false, nil
	}
	return false, err
}

// setOneByOne sets what a statement for all could not set. A variable that cannot be set by itself either must be what it was: it is asked for.
func (f *baseline) setOneByOne(ctx context.Context, conn driver.Conn, set *settings) error {
	for i, v := range set.variables {
		err := exec(ctx, conn, settings{variables: []*variable{v}}.text(f))
		if refuses(err) {
			unproved := *v
			unproved.proved = false
			set.variables[i] = &unproved
			continue
		}
		if err != nil {
			return err
		}
	}
	if len(set.others) > 0 {
		if err := exec(ctx, conn, settings{others: set.others}.text(f)); err != nil {
			return dialect.ErrDiscard
		}
	}
	return nil
}
