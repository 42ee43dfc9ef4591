package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/gopooled/pooled/dialect"
)

// impossible is what no statement undoes, as the driver cannot send COM_RESET_CONNECTION.
const impossible = dialect.Permanent | dialect.UnknownEffect

// Reset undoes the changes by name, in one statement for each kind of change, and runs init again if they touch what it had done.
func (s *sessions) Reset(ctx context.Context, conn driver.Conn, changes *dialect.Changes, init string) error {
	f := s.fresh.Load()
	if f == nil {
		f = &fresh{} // with pool_reset=off
	}
	if changes.Effects&impossible != 0 {
		return dialect.ErrDiscard
	}
	asDialled := *f
	_, asDialled.readOnly = conn.(readOnlyConn)
	texts, ok := asDialled.undo(changes)
	if !ok {
		return dialect.ErrDiscard
	}
	repeat := false
	if init != "" {
		switch does := s.Statement(init); {
		case does.Effects.Has(dialect.UnknownEffect):
			return dialect.ErrDiscard
		case does.Effects&changes.Effects != 0:
			repeat = true
		}
	}
	for _, text := range texts {
		if err := exec(ctx, conn, text); err != nil {
			return err
		}
	}
	if repeat {
		if err := exec(ctx, conn, init); err != nil {
			return &dialect.InitError{Err: err}
		}
	}
	return nil
}

// undo lists the statements that undo the changes. It reports false if there is something that none of them undoes.
func (f *fresh) undo(changes *dialect.Changes) (texts []string, ok bool) {
	effects := changes.Effects
	tables := changes.Names(dialect.TempTable)
	if effects.Has(dialect.Database) && (f.database == "" || len(tables) > 0) {
		return nil, false // there is no statement for none, and nobody knows which database a table's name was meant in
	}
	if f.readOnly && len(tables) > 0 {
		return nil, false // a read-only session may not drop what it could only make while it was not
	}
	if effects.Has(dialect.OpenTx) {
		texts = append(texts, "rollback")
	}
	if effects.Has(dialect.TableLock) {
		texts = append(texts, "unlock tables")
	}
	if effects.Has(dialect.Role) {
		texts = append(texts, "set role "+f.role)
	}
	settings, ok := f.settings(changes) // before what a read-only transaction would refuse
	if !ok {
		return nil, false
	}
	texts = append(texts, settings...)
	if effects.Has(dialect.Database) {
		texts = append(texts, "use "+quoteName(f.database))
	}
	for _, name := range changes.Names(dialect.Cursor) {
		texts = append(texts, "handler "+quoteName(name)+" close")
	}
	for _, name := range changes.Names(dialect.SQLPrepare) {
		texts = append(texts, "deallocate prepare "+quoteName(name))
	}
	if len(tables) > 0 {
		texts = append(texts, "drop temporary table if exists "+strings.Join(tables, ", "))
	}
	var calls []string
	if effects.Has(dialect.AdvisoryLock) {
		calls = append(calls, "release_all_locks()")
	}
	if effects.Has(dialect.Sequence) {
		calls = append(calls, "last_insert_id(0)")
	}
	if len(calls) > 0 {
		texts = append(texts, "do "+strings.Join(calls, ", "))
	}
	return texts, true
}

// nextTransaction is the name by which SET TRANSACTION is noted.
const nextTransaction = "transaction"

// settings sets variables back, all in one statement.
func (f *fresh) settings(changes *dialect.Changes) (texts []string, ok bool) {
	var set []string
	for _, name := range changes.Names(dialect.Setting) {
		if name == nextTransaction {
			names := []string{"transaction_isolation", "transaction_read_only"}
			if _, ok := f.variables[names[0]]; !ok { // MariaDB before 11.1, MySQL before 5.7.20
				names = []string{"tx_isolation", "tx_read_only"}
			}
			for _, name := range names {
				value, ok := f.value(name)
				if !ok {
					return nil, false
				}
				set = append(set, "session "+name+" = "+value)
			}
			texts = append(texts, "start transaction", "rollback") // which ends what was for the next one only
			continue
		}
		value, ok := f.value(name)
		if !ok {
			return nil, false
		}
		set = append(set, "session "+quoteName(name)+" = "+value)
	}
	for _, name := range changes.Names(dialect.UserVariable) {
		set = append(set, "@"+quoteName(name)+" = null")
	}
	if len(set) > 0 {
		texts = append(texts, "set "+strings.Join(set, ", "))
	}
	return texts, true
}

// accessModes are the names of the variable that says whether sessions may write; each server knows one or both.
var accessModes = []string{"transaction_read_only", "tx_read_only"}

// moving are variables whose value is that of the moment.
var moving = []string{"timestamp", "error_count", "warning_count", "last_insert_id", "identity", "insert_id"}

// value is what a variable is set back to: the server's default for new sessions, unless the DSN or pool_init had set something else.
func (f *fresh) value(name string) (string, bool) {
	name = strings.ToLower(name)
	if f.readOnly && slices.Contains(accessModes, name) {
		return "1", true
	}
	was, ok := f.variables[name]
	if !ok || slices.Contains(moving, name) {
		return "default", name == "timestamp"
	}
	if was == f.globals[name] {
		return "default", true
	}
	if _, err := strconv.ParseFloat(was, 64); err == nil {
		return was, true
	}
	if was == "" && name == "character_set_results" {
		return "null", true
	}
	return quoteText(was), true
}

func quoteName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// quoteText writes a string so that it means the same whether backslashes escape or not.
func quoteText(text string) string {
	if strings.Contains(text, `\`) {
		return fmt.Sprintf("x'%x'", text)
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// gone are the errors of undoing what is not there any more.
var gone = []uint16{
	1109, // ER_UNKNOWN_TABLE: HANDLER ... CLOSE
	erUnknownStatement,
}

func exec(ctx context.Context, conn driver.Conn, text string) error {
	execer, ok := conn.(driver.ExecerContext)
	if !ok {
		return fmt.Errorf("pooled: %T is not a connection of go-sql-driver/mysql", conn)
	}
	_, err := execer.ExecContext(ctx, text, nil)
	var my *mysql.MySQLError
	if errors.As(err, &my) && slices.Contains(gone, my.Number) {
		return nil
	}
	return err
}
