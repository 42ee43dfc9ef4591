// Package tour walks through a library on a database, feature by feature, and prints what each of them gave.
//
// The examples of libraries are tours. What they print says nothing of when and where they ran, so that what a library does through pooled can be
// compared with what it does through the bare driver.
package tour

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// Tour is one walk through a library on one database.
type Tour struct {
	DB     *sql.DB // opened with pooled, or with the bare driver (-bare)
	Family string  // Postgres, MySQL (MariaDB too) or SQLite
	Driver string  // the name that DB was opened with: "pooled", or with -bare "pgx", "mysql", "sqlite"
	DSN    string  // what it was opened with, for libraries which open databases by themselves

	out      io.Writer
	measured io.Writer // gets the queries per second
	queries  int       // how many Each runs to measure; 0: it does not
	turns    io.Reader // a line for each time that Each measures; nil: it does so once
	err      error     // of the feature that failed
}

// The families of databases.
const (
	Postgres = "postgres"
	MySQL    = "mysql"
	SQLite   = "sqlite"
)

// Show runs one feature and prints its name and what it gave. The first that fails ends the tour: those after it do nothing.
func (t *Tour) Show(feature string, do func() (any, error)) {
	if t.err != nil {
		return
	}
	result, err := do()
	if err != nil {
		t.err = fmt.Errorf("%s: %w", feature, err)
		return
	}
	t.print(feature, fmt.Sprint(result))
}

// Fails runs a feature that is meant to fail with an error of the type of *target, as errors.As finds it. It prints the type and, where there is one,
// the server's code. The tour ends if the feature succeeds, or fails in another way.
func (t *Tour) Fails(feature string, target any, do func() error) {
	t.Show(feature, func() (any, error) {
		err := do()
		if !errors.As(err, target) {
			return nil, fmt.Errorf("a %T is expected, not: %w", reflect.ValueOf(target).Elem().Interface(), orNone(err))
		}
		found := reflect.ValueOf(target).Elem().Interface()
		return fmt.Sprintf("%s%T%s", Failed, found, code(found)), nil
	})
}

// FailsWith is Fails for an error that errors.Is finds. It prints its text.
func (t *Tour) FailsWith(feature string, want error, do func() error) {
	t.Show(feature, func() (any, error) {
		if err := do(); !errors.Is(err, want) {
			return nil, fmt.Errorf("%q is expected, not: %w", want, orNone(err))
		}
		return Failed + want.Error(), nil
	})
}

// ServerError returns a target for Fails: an error as the family's driver makes it of what the server answers.
func (t *Tour) ServerError() any {
	switch t.Family {
	case Postgres:
		return new(*pgconn.PgError)
	case MySQL:
		return new(*mysql.MySQLError)
	default:
		return new(*sqlite.Error)
	}
}

// Each runs a query. If the program is to measure itself, it then runs it again and again, and prints queries per second on standard error.
func (t *Tour) Each(query func() error) {
	if t.err == nil {
		t.err = query()
	}
	if t.err != nil || t.queries == 0 {
		return
	}
	memory := make([]byte, serviceMemory)
	defer runtime.KeepAlive(memory)
	if t.turns == nil {
		t.measure(query)
		return
	}
	fmt.Fprintln(t.measured, Ready)
	for turn := bufio.NewScanner(t.turns); t.err == nil && turn.Scan(); {
		t.measure(query)
	}
}

// serviceMemory is what a program holds while it measures itself, as a service would. With next to nothing, the garbage collector runs once in some
// hundred queries, and looks each time at all there is: what is measured then is how large a pool is, and not what a query costs.
const serviceMemory = 64 << 20

// measure begins with some queries that do not count: a process that has slept is slow at first, in all it does.
func (t *Tour) measure(query func() error) {
	t.repeat(t.queries/10, query)
	start := time.Now()
	t.repeat(t.queries, query)
	if t.err != nil {
		return
	}
	fmt.Fprintf(t.measured, "%s%.1f\n", QueriesPerSecond, float64(t.queries)/time.Since(start).Seconds())
}

func (t *Tour) repeat(times int, query func() error) {
	for i := 0; i < times && t.err == nil; i++ {
		t.err = query()
	}
}

// Affected is what Show prints of a statement that changes rows.
func Affected(result sql.Result, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	n, err := result.RowsAffected()
	return fmt.Sprint("rows: ", n), err
}

// Failed begins the results of features that are meant to fail.
const Failed = "fails: "

// What begins the lines on standard error of a program that measures itself.
const (
	Ready            = "ready for the first turn"
	QueriesPerSecond = "queries per second: "
	ReplicaReads     = "reads on replicas: "
)

func (t *Tour) print(feature, result string) {
	_, t.err = fmt.Fprintf(t.out, "%-*s  %s\n", width, feature, result)
}

// width is that of the names of features.
const width = 36

// code is what the server calls an error.
func code(err any) string {
	switch err := err.(type) {
	case *pgconn.PgError:
		return " " + err.Code
	case *mysql.MySQLError:
		return fmt.Sprintf(" %d", err.Number)
	case *sqlite.Error:
		return fmt.Sprintf(" %d", err.Code())
	default:
		return ""
	}
}

func orNone(err error) error {
	if err == nil {
		return errors.New("none")
	}
	return err
}
