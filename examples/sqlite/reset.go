package sqlite

import (
	"context"
	"database/sql/driver"
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// forgetNumbers has last_insert_rowid() and changes() tell 0 again. What was inserted last is asked of no table, so one in memory will do, which leaves nothing.
const forgetNumbers = "attach ':memory:' as pooled_numbers; create table pooled_numbers.n (a integer primary key); insert into pooled_numbers.n values (0); " +
	"delete from pooled_numbers.n where 0; detach pooled_numbers"

// Reset undoes the changes, and reads back what it has set. pool_init is not run again: what it has set is what a fresh session has, and is set back like that.
func (s *sessions) Reset(ctx context.Context, conn driver.Conn, changes *dialect.Changes, init string) error {
	effects, f := changes.Effects, s.fresh.Load()
	switch {
	case effects&dialect.Unprovable != 0:
		return dialect.ErrDiscard
	case f == nil && (effects&^dialect.Passing != 0 || effects.Has(dialect.Sequence) && s.Statement(init).Effects&^dialect.Setting != 0):
		return dialect.ErrOutdated
	case f != nil && f.ofItsOwn() && effects&(dialect.Sequence|dialect.TempTable|dialect.Database) != 0: // perhaps something was written there
		return dialect.ErrLogin
	}
	if effects.Has(dialect.OpenTx) {
		if err := rollback(ctx, conn); err != nil {
			return err
		}
	}
	if effects == dialect.OpenTx {
		return nil
	}
	if f != nil { // or else nobody has set it
		if err := exec(ctx, conn, "pragma query_only = 0"); err != nil {
			return err
		}
	}
	if effects.Has(dialect.TempTable) {
		if err := dropTemporary(ctx, conn); err != nil {
			return err
		}
	}
	if effects.Has(dialect.Database) {
		if err := f.detach(ctx, conn); err != nil {
			return err
		}
	}
	if effects.Has(dialect.Sequence) {
		if err := exec(ctx, conn, forgetNumbers); err != nil {
			return err
		}
	}
	if f == nil {
		return nil
	}
	return f.setBack(ctx, conn, append(changes.Names(dialect.Setting), "query_only"))
}

// rollback ends a transaction, if there is one: the borrower, or an error, may have ended it.
func rollback(ctx context.Context, conn driver.Conn) error {
	err := exec(ctx, conn, "rollback")
	if isError(err, "no transaction is active") {
		return nil
	}
	return err
}

// dropTemporary drops all that is temporary. A table takes what belongs to it along, so what is left is asked for each time.
func dropTemporary(ctx context.Context, conn driver.Conn) error {
	const most = 10_000
	for range most {
		made, err := temporary(ctx, conn)
		if err != nil {
			return err
		}
		if len(made) == 0 {
			return nil
		}
		if err := exec(ctx, conn, "drop "+first(made)); err != nil {
			return err
		}
	}
	return dialect.ErrDiscard
}

// first returns what is to be dropped first, as DROP writes it: a virtual table owns others, and triggers and views own nothing.
func first(made map[string]string) string {
	best := ""
	for _, name := range sortedNames(made) {
		if isVirtual := strings.HasPrefix(strings.ToUpper(made[name]), "CREATE VIRTUAL"); isVirtual || best == "" || strings.HasPrefix(name, "trigger ") {
			best = name
		}
	}
	kind, name, _ := strings.Cut(best, " ")
	return kind + " temp." + quoteName(name)
}

// detach takes away databases that a fresh session has not. That one is missing is nothing that can be undone.
func (f *fresh) detach(ctx context.Context, conn driver.Conn) error {
	now, err := databases(ctx, conn)
	if err != nil {
		return err
	}
	for name, file := range f.databases {
		if was, ok := now[name]; !ok || was != file {
			return dialect.ErrLogin
		}
	}
	for _, name := range sortedNames(now) {
		if _, ok := f.databases[name]; !ok {
			if err := exec(ctx, conn, "detach "+quoteName(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// setBack sets PRAGMAs to what a fresh session has, and asks whether they are.
func (f *fresh) setBack(ctx context.Context, conn driver.Conn, names []string) error {
	for _, name := range names {
		value, ok := f.settings[name]
		if !ok {
			continue // it tells nothing: see the last lines
		}
		if err := exec(ctx, conn, "pragma main."+name+" = "+value); err != nil {
			return err
		}
	}
	now, err := settings(ctx, conn, names)
	if err != nil {
		return err
	}
	for _, name := range names {
		if value, ok := now[name]; !ok || value != f.settings[name] {
			return dialect.ErrDiscard
		}
	}
	return nil
}
