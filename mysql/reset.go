package mysql

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/gopooled/pooled/dialect"
)

// compared is what becomes what it was on the first connection, whoever had set it there.
const compared = dialect.Passing | dialect.Setting | dialect.Role | dialect.Database

// rollback ends a transaction. A plain ROLLBACK may begin the next one, or end the session: see completion_type.
const rollback = "rollback and no chain no release"

// Reset undoes the changes by name, in one statement for each kind of change, and runs init again if they touch what it had done.
func (s *sessions) Reset(ctx context.Context, conn driver.Conn, changes *dialect.Changes, init string) error {
	err := s.undo(ctx, conn, changes, init)
	if isNumber(err, erDistributed) {
		return dialect.ErrDiscard
	}
	return err
}

// erDistributed is ER_XAER_RMFAIL, which a session answers as long as it is bound to a distributed transaction.
const erDistributed = 1399

func (s *sessions) undo(ctx context.Context, conn driver.Conn, changes *dialect.Changes, init string) error {
	if changes.Effects&dialect.Unprovable != 0 { // the driver cannot send COM_RESET_CONNECTION
		return dialect.ErrDiscard
	}
	f := s.baseline.Load()
	if changes.Effects&^dialect.Passing == 0 {
		f = &baseline{}
	}
	switch {
	case f == nil:
		return dialect.ErrOutdated
	case f.hides(changes.Effects):
		return dialect.ErrLogin
	}
	_, readOnly := conn.(readOnlyConn)
	set, err := f.settings(ctx, conn, changes, readOnly)
	if err != nil {
		return err
	}
	texts, ok := f.undo(changes, set, readOnly)
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
		err := exec(ctx, conn, text)
		if refuses(err) && text == set.text(f) {
			err = f.setOneByOne(ctx, conn, &set)
		}
		if err != nil {
			return err
		}
	}
	if repeat {
		if err := exec(ctx, conn, init); err != nil {
			return &dialect.InitError{Err: err}
		}
	}
	return f.prove(ctx, conn, changes, set)
}

// hides reports whether nobody knows what a fresh session had of these effects: init_connect or the DSN had some of them, or may have had.
func (f *baseline) hides(effects dialect.Effects) bool {
	if f.login.Has(dialect.UnknownEffect) {
		return effects&^compared != 0
	}
	return f.login&effects&^compared != 0
}

// undo lists the statements that undo the changes. It reports false if there is something that none of them undoes.
func (f *baseline) undo(changes *dialect.Changes, set settings, readOnly bool) (texts []string, ok bool) {
	effects := changes.Effects
	tables := changes.Names(dialect.TempTable)
	if effects.Has(dialect.Database) && (f.database == "" || len(tables) > 0) {
		return nil, false // there is no statement for none, and nobody knows which database a table's name was meant in
	}
	if readOnly && len(tables) > 0 {
		return nil, false // a read-only session may not drop what it could only make while it was not
	}
	if effects.Has(dialect.OpenTx) {
		texts = append(texts, rollback)
	}
	if slices.Contains(changes.Names(dialect.OpenTx), "xa") { // MySQL goes on to show one that was prepared, until the next
		texts = append(texts, "start transaction", rollback)
	}
	if effects.Has(dialect.TableLock) {
		texts = append(texts, "unlock tables")
	}
	if slices.Contains(changes.Names(dialect.TableLock), "instance") && !f.isMariaDB() {
		texts = append(texts, "unlock instance")
	}
	if effects.Has(dialect.Role) {
		texts = append(texts, f.setRoles())
	}
	if set.nextTransaction {
		texts = append(texts, "start transaction", rollback) // which ends what was for the next one only
	}
	if text := set.text(f); text != "" { // before what a read-only transaction would refuse
		texts = append(texts, text)
	}
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
	switch locks, number := effects.Has(dialect.AdvisoryLock), effects.Has(dialect.Sequence); {
	case locks && number:
		texts = append(texts, "do release_all_locks(), last_insert_id(0)")
	case locks:
		texts = append(texts, "do release_all_locks()")
	case number: // DO changes FOUND_ROWS, and this may come between two statements of a borrower
		texts = append(texts, "set last_insert_id = 0")
	}
	return texts, true
}

// prove asks the server for what was set back for the first time, and for the roles each time.
func (f *baseline) prove(ctx context.Context, conn driver.Conn, changes *dialect.Changes, set settings) error {
	if ok, err := f.areUnchanged(ctx, conn, set.variables); err != nil || !ok {
		return cmp.Or(err, dialect.ErrDiscard)
	}
	if changes.Effects.Has(dialect.Role) {
		if ok, err := f.hasRoles(ctx, conn); err != nil || !ok {
			return cmp.Or(err, dialect.ErrOutdated)
		}
	}
	return nil
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
	if errors.As(err, &my) {
		switch {
		case slices.Contains(gone, my.Number):
			return nil
		case my.Number == erOutOfRange && strings.Contains(text, alarm):
			return dialect.ErrOutdated
		}
	}
	return err
}
