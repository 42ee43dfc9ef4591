package serverconn

import (
	"database/sql/driver"
	"fmt"
	"reflect"
)

// check converts arguments in place into what the real driver takes, and returns those that are left. The rules are those of
// database/sql, which could not apply them itself because the connection was not known yet: the statement's
// NamedValueChecker, else the connection's; when that answers ErrSkip, or there is none, the statement's ColumnConverter, else
// the default converter. st is nil for statement text.
func (c *Conn) check(st driver.Stmt, args []driver.NamedValue) ([]driver.NamedValue, error) {
	if st == nil && len(args) == 0 {
		return args, nil
	}
	want := -1
	checker := c.checker
	var column columnChecker
	if st != nil {
		want = st.NumInput()
		if own, ok := st.(driver.NamedValueChecker); ok {
			checker = own
		}
		column.converter, _ = st.(driver.ColumnConverter) //nolint:staticcheck // still used where a driver has it
		column.want = want
	}

	n := 0
	for i := range args {
		args[n] = args[i]
		arg := &args[n]
		arg.Ordinal = n + 1
		err := driver.ErrSkip
		if checker != nil {
			err = checker.CheckNamedValue(arg)
		}
		if err == driver.ErrSkip && column.converter != nil {
			err = column.check(arg)
		}
		if err == driver.ErrSkip {
			arg.Value, err = driver.DefaultParameterConverter.ConvertValue(arg.Value)
		}
		switch err {
		case nil:
			n++
		case driver.ErrRemoveArgument:
		default:
			return nil, fmt.Errorf("sql: converting argument %s type: %w", describe(arg), err)
		}
	}
	left := args[:n]
	if want != -1 && len(left) != want {
		return nil, fmt.Errorf("sql: expected %d arguments, got %d", want, len(left))
	}
	return left, nil
}

// columnChecker applies a statement's ColumnConverter.
type columnChecker struct {
	converter driver.ColumnConverter //nolint:staticcheck // as above
	want      int
}

func (c columnChecker) check(arg *driver.NamedValue) error {
	column := arg.Ordinal - 1
	if c.want >= 0 && column >= c.want {
		return nil // one too many: the count is reported, not the conversion
	}
	if valuer, ok := arg.Value.(driver.Valuer); ok {
		v, err := valueOf(valuer)
		if err != nil {
			return err
		}
		if !driver.IsValue(v) {
			return fmt.Errorf("non-subset type %T returned from Value", v)
		}
		arg.Value = v
	}
	given := arg.Value
	v, err := c.converter.ColumnConverter(column).ConvertValue(given)
	if err != nil {
		return err
	}
	if !driver.IsValue(v) {
		return fmt.Errorf("driver ColumnConverter error converted %T to unsupported type %T", given, v)
	}
	arg.Value = v
	return nil
}

var valuerType = reflect.TypeFor[driver.Valuer]()

// valueOf calls a Valuer. A nil pointer to a type whose Value method has a value receiver means NULL, where the call would panic.
func valueOf(v driver.Valuer) (driver.Value, error) {
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && rv.IsNil() && rv.Type().Elem().Implements(valuerType) {
		return nil, nil
	}
	return v.Value()
}

// describe names an argument as database/sql does.
func describe(arg *driver.NamedValue) string {
	if arg.Name == "" {
		return fmt.Sprintf("$%d", arg.Ordinal)
	}
	return fmt.Sprintf("with name %q", arg.Name)
}
