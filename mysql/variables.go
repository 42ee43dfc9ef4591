package mysql

import (
	"cmp"
	"context"
	"database/sql/driver"
	"slices"
	"strconv"
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// SET x = DEFAULT is not what a new session has: MySQL 9.7 answers SET foreign_key_checks = DEFAULT with OFF. So variables are set to the
// values that the fresh session had.

// variable is how the fresh value of a variable is written in SQL. It is never changed.
type variable struct {
	name   string
	value  string // what the variable is set to
	global string // what a new session would begin with, while that is as it was; empty: only sessions have the variable
	proved bool   // the server was asked what the variable was after it had been set, and it was the fresh value
}

// together are variables of which one changes when another one is set. They are set in this order.
var together = [][]string{
	{"character_set_connection", "collation_connection"},
	{"character_set_database", "collation_database"},
	{"character_set_server", "collation_server"},
	{"max_join_size", "sql_big_selects"},
}

// moving are variables whose value is that of the moment.
var moving = []string{
	"timestamp", "error_count", "warning_count", "last_insert_id", "identity", "insert_id", "rand_seed1", "rand_seed2", "statement_id",
	"last_gtid", "gtid_current_pos", "gtid_binlog_pos", "gtid_binlog_state", "gtid_executed", "gtid_owned", "gtid_purged", "gtid_slave_pos",
	"in_transaction", "wsrep_last_seen",
}

// own are variables that differ from one connection to the next.
var own = []string{"pseudo_thread_id"}

// accessModes are the names of the variable that says whether sessions may write; each server knows one or both.
var accessModes = []string{"transaction_read_only", "tx_read_only"}

// spread adds to names of variables those that change with them, and puts them into the order in which they are set.
func spread(names []string) []string {
	for _, group := range together {
		isIn := func(name string) bool { return slices.Contains(group, name) }
		if slices.ContainsFunc(names, isIn) {
			names = append(slices.DeleteFunc(names, isIn), group...)
		}
	}
	return names
}

// find returns how variables are set back. It asks the server once for each. A variable that cannot be set back is [dialect.ErrDiscard].
func (f *baseline) find(ctx context.Context, conn driver.Conn, names []string) ([]*variable, error) {
	var unknown, there []string
	for _, name := range names {
		if _, ok := f.variables[name]; !ok || strings.Contains(name, ".") {
			if none, err := isNone(ctx, conn, name); err != nil || !none {
				return nil, cmp.Or(err, dialect.ErrDiscard)
			}
			continue
		}
		there = append(there, name)
		if slices.Contains(moving, name) || slices.Contains(own, name) {
			return nil, dialect.ErrDiscard
		}
		if _, ok := f.written.Load(name); !ok {
			unknown = append(unknown, name)
		}
	}
	if unknown != nil {
		if err := f.write(ctx, conn, unknown); err != nil {
			return nil, err
		}
	}
	var found []*variable
	for _, name := range there {
		v, ok := f.written.Load(name)
		if !ok {
			return nil, dialect.ErrDiscard
		}
		found = append(found, v.(*variable))
	}
	return found, nil
}

// write finds out how the values of variables are written. A variable's type is that of its global value, or of the session's where there
// is no other. It asks by SELECT without tables, which the settings of a session do not keep from answering.
func (f *baseline) write(ctx context.Context, conn driver.Conn, names []string) error {
	terms := make([]string, len(names))
	for i, name := range names {
		terms[i] = "@@session." + quoteName(name)
		if _, ok := f.globals[name]; ok {
			terms[i] = "@@global." + quoteName(name)
		}
	}
	var values []driver.Value
	err := each(ctx, conn, "select "+strings.Join(terms, ", ")+" limit 1", func(row []driver.Value) {
		for _, v := range row {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			values = append(values, v)
		}
	})
	if err != nil {
		return err
	}
	for i, of := range values {
		v := &variable{name: names[i]}
		shown := f.variables[v.name]
		was, ok := f.globals[v.name]
		if ok {
			if !isShownAs(of, was) {
				return dialect.ErrOutdated
			}
			v.global = literal(of)
		}
		if v.value = v.global; !ok || shown != was {
			v.value = literalLike(v.name, shown, of)
		}
		if v.value != "" && (!ok || v.global != "") {
			f.written.Store(v.name, v)
		}
	}
	return nil
}

// isShownAs reports whether SHOW tells a value like that.
func isShownAs(v driver.Value, shown string) bool {
	switch v := v.(type) {
	case nil:
		return shown == ""
	case float32, float64:
		number, err := strconv.ParseFloat(literal(v), 64)
		other, otherErr := strconv.ParseFloat(shown, 64)
		return err == nil && otherErr == nil && number == other
	default:
		return literal(v) != "" && literal(v) == literalLike("", shown, v)
	}
}

// areUnchanged reports whether the variables that were set back for the first time have their fresh values.
func (f *baseline) areUnchanged(ctx context.Context, conn driver.Conn, set []*variable) (bool, error) {
	var unproved []*variable
	var quoted []string
	for _, v := range set {
		if !v.proved {
			unproved, quoted = append(unproved, v), append(quoted, quoteText(v.name))
		}
	}
	if unproved == nil {
		return true, nil
	}
	now, err := pairs(ctx, conn, "show session variables where variable_name in ("+strings.Join(quoted, ", ")+")")
	if err != nil {
		return false, err
	}
	for _, v := range unproved {
		if value, ok := now[v.name]; !ok || value != f.variables[v.name] {
			return false, nil
		}
		proved := *v
		proved.proved = true
		f.written.Store(v.name, &proved)
	}
	return true, nil
}

// literal writes a value as a server's variable takes it; empty: it cannot be written so that it surely means the same.
func literal(v driver.Value) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float32:
		return strconv.FormatFloat(float64(v), 'f', -1, 32)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' }) {
			return "" // what it means depends on character sets and sql_mode
		}
		return quoteText(v)
	default:
		return ""
	}
}

// literalLike writes the value that SHOW tells of a variable, whose type is that of another value of it.
func literalLike(name, shown string, of driver.Value) string {
	switch of.(type) {
	case int64, uint64, float32, float64:
		switch shown {
		case "ON":
			return "1"
		case "OFF":
			return "0"
		}
		if _, err := strconv.ParseFloat(shown, 64); err == nil {
			return shown
		}
	}
	if shown == "" && name == "character_set_results" {
		return "null"
	}
	return literal(shown)
}

func quoteName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// quoteText writes a text that has no backslashes.
func quoteText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
