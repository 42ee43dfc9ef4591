package transparency_test

import (
	"database/sql"
	"database/sql/driver"
	"maps"
	"slices"
	"testing"
	"time"
)

// Arguments that the fault driver's NamedValueChecker knows; without one they go the way of their kind.
type (
	removed struct{} // ErrRemoveArgument
	refused struct{} // an error
	custom  struct{} // accepted as it is
	doubled int      // converted
	skipped int      // left to the next
)

func checkArg(arg *driver.NamedValue) error {
	switch v := arg.Value.(type) {
	case removed:
		return driver.ErrRemoveArgument
	case refused:
		return errBoom
	case custom:
		return nil
	case doubled:
		arg.Value = 2 * int64(v)
		return nil
	case *sql.Out, sql.Out:
		return nil
	default:
		return driver.ErrSkip
	}
}

// Valuers.
type (
	byValue   struct{ v any }
	byPointer struct{}
	failing   struct{}
	panicking struct{}
)

func (v byValue) Value() (driver.Value, error)  { return v.v, nil }
func (*byPointer) Value() (driver.Value, error) { return "pointer", nil }
func (failing) Value() (driver.Value, error)    { return nil, errBoom }
func (panicking) Value() (driver.Value, error)  { panic("a Valuer panics") }

type text string

func TestArgumentsThroughPooledAreCheckedAsForTheBareDriver(t *testing.T) {
	var (
		number = 5
		when   = time.Date(2020, 2, 29, 12, 0, 0, 1, time.UTC)
	)
	lists := map[string][]any{
		"values of the driver":            {int64(1), 2.5, true, []byte("b"), "s", when, nil},
		"numbers":                         {1, int8(2), int16(3), int32(4), uint(5), uint8(6), uint16(7), uint32(8), uint64(9), float32(1)},
		"a number that is too big":        {uint64(1 << 63)},
		"named types and pointers":        {text("x"), &number, (*int)(nil), (*text)(nil), []byte(nil)},
		"valuers":                         {byValue{int64(1)}, &byValue{"s"}, &byPointer{}, sql.NullString{}, sql.NullInt64{Int64: 3, Valid: true}},
		"nil pointers to valuers":         {(*byValue)(nil), (*sql.NullInt32)(nil), (*byPointer)(nil)},
		"a valuer with an error":          {1, failing{}},
		"a valuer with an odd value":      {byValue{struct{}{}}},
		"a valuer that returns an int":    {byValue{5}},
		"an unsupported type":             {1, struct{ a int }{1}},
		"another unsupported type":        {make(map[string]int)},
		"a named unsupported type":        {sql.Named("x", []int64{1})},
		"named":                           {sql.Named("a", 1), sql.Named("b", "x"), 3},
		"a bad name":                      {sql.Named("1a", 1)},
		"an empty name":                   {sql.Named("", 1)},
		"output parameters":               {sql.Out{Dest: &number}},
		"named output parameters":         {sql.Named("out", sql.Out{Dest: &number})},
		"too few":                         {1},
		"none":                            {},
		"too many":                        {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		"too many, the last unsupported":  {1, 2, struct{}{}},
		"removed":                         {removed{}},
		"removed at first":                {removed{}, 1, 2},
		"removed in between":              {1, removed{}, doubled(2), removed{}, 3},
		"converted":                       {doubled(2), doubled(3)},
		"accepted as they are":            {custom{}, custom{}},
		"refused":                         {1, refused{}},
		"refused by name":                 {sql.Named("x", refused{})},
		"left by the checker to the next": {skipped(1), skipped(2)},
	}
	early := map[string]own{"a bad name": dialsLate} // database/sql sees it before the session dials
	var behaviours []behaviour
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		args := lists[name]
		behaviours = append(behaviours,
			behaviour{name: name + ", ad hoc", own: early[name], share: 4, run: func(w *world) {
				for _, text := range []string{"do", "do ?, ?"} {
					w.query(w.ctx, w.db, text, args...)
					w.exec(w.ctx, w.db, text, args...)
				}
			}},
			behaviour{name: name + ", prepared", stmts: true, own: preparesPerBorrow, share: 4, run: func(w *world) {
				c := w.conn()
				st := w.prepare(w.ctx, c, "do ?, ?")
				w.stmtQuery(w.ctx, st, args...)
				w.stmtExec(w.ctx, st, args...)
				w.driver.NumInput = func(string) int { return -1 }
				w.stmtExec(w.ctx, st, args...)
				w.driver.NumInput = func(string) int { return len(args) }
				w.stmtExec(w.ctx, st, args...)
				w.err("close", st.Close())
				w.err("give back", c.Close())
			}})
	}
	behaviours = append(behaviours, behaviour{name: "a valuer that panics", own: distrusts, run: func(w *world) {
		w.note("panic %v", panicOf(func() { w.exec(w.ctx, w.db, "do ?", panicking{}) }))
		w.exec(w.ctx, w.db, "do ?", 1)
	}})
	testBehaviours(t, behaviours)
}
