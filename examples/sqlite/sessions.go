package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
)

// sessions implements [dialect.Sessions] for one file.
type sessions struct {
	*statement.ByText
	fresh atomic.Pointer[fresh] // nil: not known yet
}

var _ dialect.Sessions = (*sessions)(nil)

func newSessions() *sessions { return &sessions{ByText: statement.NewByText(judge)} }

// fresh is what a session has that nobody has used, with what the DSN and pool_init have set.
type fresh struct {
	settings  map[string]string // of the PRAGMAs that can be set back
	databases map[string]string // that are attached: files by name
	temporary map[string]string // statements that make what is temporary, by kind and name
}

// Baseline takes down what was set.
func (s *sessions) Baseline(ctx context.Context, conn driver.Conn, _ bool) (proxied bool, err error) {
	f := &fresh{}
	if f.settings, err = settings(ctx, conn, settable()); err != nil {
		return false, err
	}
	if f.databases, err = databases(ctx, conn); err != nil {
		return false, err
	}
	if f.temporary, err = temporary(ctx, conn); err != nil {
		return false, err
	}
	s.fresh.Store(f)
	return false, nil
}

// ofItsOwn reports whether sessions begin with tables that are nobody else's, in which anything that is written stays until the session ends.
func (f *fresh) ofItsOwn() bool {
	for name, file := range f.databases {
		if file == "" && name != "main" { // in memory
			return true
		}
	}
	return len(f.temporary) > 0
}

// settable are the names of the PRAGMAs that can be set back.
func settable() []string {
	var names []string
	for name, does := range pragmas {
		if does == setting {
			names = append(names, name)
		}
	}
	return slices.Sorted(slices.Values(names))
}

// settings asks for the values of PRAGMAs.
func settings(ctx context.Context, conn driver.Conn, names []string) (map[string]string, error) {
	values := map[string]string{}
	for _, name := range names {
		if err := each(ctx, conn, "pragma main."+name, func(row []string) { values[name] = row[0] }); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// databases asks which are attached, but for the one of temporary tables, which is there when somebody has made one.
func databases(ctx context.Context, conn driver.Conn) (map[string]string, error) {
	files := map[string]string{}
	err := each(ctx, conn, "select name, file from pragma_database_list where name <> 'temp'", func(row []string) { files[row[0]] = row[1] })
	return files, err
}

// temporary asks for what is temporary. What SQLite makes by itself has no statement.
func temporary(ctx context.Context, conn driver.Conn) (map[string]string, error) {
	made := map[string]string{}
	err := each(ctx, conn, "select type || ' ' || name, sql from sqlite_temp_schema where sql is not null", func(row []string) { made[row[0]] = row[1] })
	return made, err
}

// told are queries of names and values: what a session tells of itself besides its settings. The journal modes that are left out are the file's own, and how many pages
// are in memory before some are written depends on their size, which VACUUM may change.
const told = `
	select 'database ' || name, file from pragma_database_list where name <> 'temp'
	union all select 'temporary ' || type || ' ' || name, sql from sqlite_temp_schema where sql is not null
	union all select 'last_insert_rowid()', last_insert_rowid()
	union all select 'changes()', changes()
	union all select 'like', 'a' like 'A'
	union all select 'journal mode', journal_mode from pragma_journal_mode where journal_mode not in ('wal', 'delete')
	union all select 'locking mode', locking_mode from pragma_locking_mode
	union all select 'no cache_spill', cache_spill = 0 from pragma_cache_spill
	union all select 'secure_delete', secure_delete from pragma_secure_delete`

// Leftovers asks the connection for all that it tells of its session. A transaction shows in that none can be begun.
func (s *sessions) Leftovers(ctx context.Context, conn driver.Conn) (map[string]string, error) {
	left, err := settings(ctx, conn, append(settable(), "mmap_size"))
	if err != nil {
		return nil, err
	}
	if err := each(ctx, conn, told, func(row []string) { left[row[0]] = row[1] }); err != nil {
		return nil, err
	}
	err = exec(ctx, conn, "begin")
	switch {
	case err == nil:
		return left, exec(ctx, conn, "rollback")
	case isError(err, "within a transaction"):
		left["transaction"] = "open"
		return left, nil
	default: // the context may have ended
		return nil, err
	}
}

// exec runs a text.
func exec(ctx context.Context, conn driver.Conn, text string) error {
	execer, ok := conn.(driver.ExecerContext)
	if !ok {
		return fmt.Errorf("pooled: %T is not a connection of modernc.org/sqlite", conn)
	}
	_, err := execer.ExecContext(ctx, text, nil)
	return err
}

// each runs a query, and calls f for each row.
func each(ctx context.Context, conn driver.Conn, query string, f func(row []string)) error {
	queryer, ok := conn.(driver.QueryerContext)
	if !ok {
		return fmt.Errorf("pooled: %T is not a connection of modernc.org/sqlite", conn)
	}
	rows, err := queryer.QueryContext(ctx, query, nil)
	if err != nil {
		return err
	}
	values := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(values); err {
		case nil:
			row := make([]string, len(values))
			for i, v := range values {
				if v != nil {
					row[i] = fmt.Sprint(v)
				}
			}
			f(row)
		case io.EOF:
			return rows.Close()
		default:
			_ = rows.Close() // err is the reason
			return err
		}
	}
}

// quoteName writes a name.
func quoteName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// sortedNames are the keys of a map, in order.
func sortedNames(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
