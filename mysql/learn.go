package mysql

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"strings"
)

// What the catalogue tells depends on what the session has set that asks for it: a limit would hide routines, and prove too much. So it is asked in
// a session that has set nothing of the kind.

// unlimited are the variables that decide what a query of the catalogue returns, and what they are while it is read. Nil: what they are in a new
// session, as names are looked for as the program writes them.
var unlimited = []struct {
	name  string
	value driver.Value
}{
	{"sql_select_limit", uint64(math.MaxUint64)},
	{"max_join_size", uint64(math.MaxUint64)}, // before the next one, which it changes
	{"sql_big_selects", int64(1)},
	{"sql_mode", ""},
	{"character_set_results", nil},
	{"collation_connection", nil},
}

// learn extends a catalogue by some keys, or makes a new one of nil. It leaves the session as it was, but for its roles: those of a new one are what
// others have.
func (s *sessions) learn(ctx context.Context, conn driver.Conn, base *catalogue, keys []string) (*catalogue, error) {
	var names, there, back []string
	baseline := s.named()
	for _, v := range unlimited {
		names = append(names, "@@session."+v.name)
	}
	was, err := one(ctx, conn, "select "+strings.Join(names, ", ")+", version() limit 1") // which sql_select_limit does not limit
	switch {
	case err != nil:
		return nil, err
	case len(was) != len(unlimited)+1:
		return nil, errNoAnswer
	}
	r := &reading{conn: conn, declared: s.declared, isMariaDB: isMariaDB(was[len(unlimited)])}
	for i, v := range unlimited {
		want := fmt.Sprint(v.value)
		if v.value == nil {
			if baseline == nil || was[i] == "" { // NULL
				continue
			}
			want = baseline[v.name]
		}
		if was[i] != want {
			there = append(there, "session "+v.name+" = "+literalLike(v.name, want, v.value))
			back = append(back, "session "+v.name+" = "+literalLike(v.name, was[i], v.value))
		}
	}
	if len(there) == 0 {
		return s.read(ctx, r, base, keys)
	}
	if err := exec(ctx, conn, "set "+strings.Join(there, ", ")); err != nil {
		return nil, err
	}
	c, err := s.read(ctx, r, base, keys)
	if failed := exec(ctx, conn, "set "+strings.Join(back, ", ")); failed != nil {
		_ = conn.Close() // nobody is to have what was set here
		err = cmp.Or(err, failed)
	}
	return c, err
}

// named are the variables by which a new session looks for names, with their values; nil: not known.
func (s *sessions) named() map[string]string {
	if f := s.baseline.Load(); f != nil {
		return f.variables
	}
	if b := s.began.Load(); b != nil && b.told {
		return map[string]string{"collation_connection": b.collation, "character_set_results": b.results}
	}
	return nil
}

// read reads the catalogue with the rights that new sessions have.
func (s *sessions) read(ctx context.Context, r *reading, base *catalogue, keys []string) (*catalogue, error) {
	if err := s.takeRoles(ctx, r.conn); err != nil {
		return nil, err
	}
	return r.extend(ctx, base, keys)
}
