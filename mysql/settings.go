package mysql

import (
	"context"
	"database/sql/driver"
	"slices"
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// settings are the variables that a session is to have set back, the server's and the user's own.
type settings struct {
	variables       []*variable
	others          []string // assignments to others
	nextTransaction bool     // what was set for the next transaction
}

// nextTransaction is the name by which SET TRANSACTION is noted.
const nextTransaction = "transaction"

// settings finds out how to set back what was set.
func (f *baseline) settings(ctx context.Context, conn driver.Conn, changes *dialect.Changes, readOnly bool) (set settings, err error) {
	var names []string
	for _, name := range changes.Names(dialect.Setting) {
		switch name = strings.ToLower(name); name {
		case nextTransaction:
			set.nextTransaction = true
			if _, ok := f.variables["transaction_isolation"]; ok {
				names = append(names, "transaction_isolation", "transaction_read_only")
			} else { // MariaDB before 11.1, MySQL before 5.7.20
				names = append(names, "tx_isolation", "tx_read_only")
			}
		case "timestamp":
			set.others = append(set.others, "timestamp = default") // the clock
		default:
			names = append(names, name)
		}
	}
	for _, name := range changes.Names(dialect.UserVariable) {
		v := "@" + quoteName(name)
		set.others = append(set.others, v+" = "+f.neverSet(), v+" = null")
	}
	if readOnly {
		for _, name := range accessModes {
			if i := slices.Index(names, name); i >= 0 {
				names = slices.Delete(names, i, i+1)
				set.others = append(set.others, "session "+name+" = 1")
			}
		}
	}
	set.variables, err = f.find(ctx, conn, spread(names))
	return set, err
}

// neverSet is a value of the type that a variable seems to have that was never set: a NULL keeps the type of the value before it.
func (f *baseline) neverSet() string {
	if f.isMariaDB() {
		return "x''"
	}
	return "''"
}

// guard is the variable by which SET fails before it sets anything that is not what a new session has: it is not set to anything.
const guard = "@`pooled: outdated`"

// alarm is an expression that fails, with erOutOfRange, when it is evaluated.
const alarm = "exp(999)"

const erOutOfRange = 1690

// text is the SET; empty: there is nothing to set.
func (s settings) text(f *baseline) string {
	if len(s.variables)+len(s.others) == 0 {
		return ""
	}
	conditions := []string{f.unchanged}
	var assignments []string
	for _, v := range s.variables {
		if v.global != "" {
			conditions = append(conditions, "@@global."+quoteName(v.name)+" <=> "+v.global)
		}
		assignments = append(assignments, "session "+quoteName(v.name)+" = "+v.value)
	}
	return "set " + guard + " = if(" + strings.Join(conditions, " and ") + ", null, " + alarm + "), " +
		strings.Join(append(assignments, s.others...), ", ")
}
