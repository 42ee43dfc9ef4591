package statements_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/tests/internal/realtest"
)

var (
	statementSteps = flag.Int("statement-steps", 2_000, "how many random steps are run bare and pooled on each server, to compare the answers")
	statementSeed  = flag.Uint64("statement-seed", 0, "the seed of these steps; 0: a new one")
)

// Whatever texts, arguments, settings, databases and tables a program uses in whatever order, over DB, Conn, Tx and Stmt: all answers and all stored
// rows are those of the bare driver on new connections. What the statement cache knows of a statement must be all that its answers depend on.
func TestCachedStatementsAnswerAsNewOnes(t *testing.T) {
	for name, server := range statementServers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := *statementSeed
			if seed == 0 {
				seed = rand.Uint64()
			}
			t.Logf("seed %d", seed)
			bare := server.side(t, server.statementLanguage.driver)
			bare.db.SetMaxIdleConns(0) // a new connection for each borrower
			wrapped := server.side(t, "pooled")
			random := rand.New(rand.NewPCG(seed, 0))
			var log []string
			for step := 0; step < *statementSteps; {
				n, sequence := server.randomSequence(random)
				step += n
				want, got := bare.run(t, sequence), wrapped.run(t, sequence)
				if log = append(log, fmt.Sprint(sequence)); len(log) > 12 {
					log = log[1:]
				}
				if !assert.Equal(t, want, got, "seed %d, step %d:\n%s", seed, step, strings.Join(log, "\n")) {
					return
				}
			}
			assert.Equal(t, bare.rows(t, server.tables), wrapped.rows(t, server.tables), "seed %d", seed)
		})
	}
}

// statementStep is a call, by one of the ways in which a program can make it.
type statementStep struct {
	way  string // "query", "exec", "begin", "commit", "rollback", "prepare", or "stmt" for one that was prepared before
	text string
	args []any
	stmt int // which of those prepared
}

func (s statementStep) String() string {
	return fmt.Sprintf("%s %d %q %#v", s.way, s.stmt, s.text, s.args)
}

// statementSequence is what one borrower does.
type statementSequence struct {
	way   string // "db", "conn", "tx", "stmt"
	steps []statementStep
}

func (s statementSequence) String() string { return s.way + fmt.Sprint(s.steps) }

type valuer struct{ v driver.Value }

func (v valuer) Value() (driver.Value, error) { return v.v, nil }

func randomArgs(random *rand.Rand, text string) []any {
	args := []any{}
	for range strings.Count(text, "?") {
		args = append(args, []any{
			random.IntN(10), int64(20240102), uint64(7), uint(0), 1.5, 1e5, 0.0, true, false, "007", "7", "1e5", "12.50", "-3", "abc", "", "01234", "2024-01-02", "2024-01-02 03:04:05", "20240102", "ünï",
			time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC), []byte("xyz"), []byte("42"), nil, valuer{int64(5)}, valuer{"005"}, valuer{nil}, int8(3), float32(0.5), new(int),
			"550e8400-e29b-41d4-a716-446655440000", "10.0.0.1", random.Int64(), fmt.Sprint(random.IntN(100_000)),
		}[random.IntN(36)])
	}
	return args
}

// randomSequence makes what one borrower does, and says how many steps that is.
func (l *statementLanguage) randomSequence(random *rand.Rand) (int, statementSequence) {
	pick := func(texts []string) string { return texts[random.IntN(len(texts))] }
	call := func() statementStep {
		if text := pick(l.reads); random.IntN(3) > 0 {
			return statementStep{way: "query", text: text, args: randomArgs(random, text)}
		}
		text := pick(l.writes)
		return statementStep{way: "exec", text: text, args: randomArgs(random, text)}
	}
	s := statementSequence{way: []string{"db", "db", "conn", "conn", "conn", "tx", "stmt"}[random.IntN(7)]}
	switch s.way {
	case "db":
		s.steps = append(s.steps, call())
	case "stmt":
		for range 1 + random.IntN(3) {
			step := call()
			s.steps = append(s.steps, step)
			step.args = randomArgs(random, step.text)
			s.steps = append(s.steps, step)
		}
	default:
		prepared := 0
		for range 1 + random.IntN(12) {
			switch n := random.IntN(12); {
			case n < 3 && s.way == "conn", n < 1:
				s.steps = append(s.steps, statementStep{way: "exec", text: pick(l.settings)})
				if l.then != "" {
					s.steps = append(s.steps, statementStep{way: "exec", text: l.then})
				}
			case n < 4 && s.way == "conn":
				s.steps = append(s.steps, statementStep{way: "exec", text: pick(l.ddl)})
			case n < 6:
				step := call()
				step.way, step.stmt = "prepare "+step.way, prepared
				prepared++
				s.steps = append(s.steps, step)
			case n < 9 && prepared > 0:
				s.steps = append(s.steps, statementStep{way: "stmt", stmt: random.IntN(prepared), args: []any{random.Uint64()}})
			default:
				s.steps = append(s.steps, call())
			}
		}
	}
	return len(s.steps), s
}

// statementSide is the bare driver, or pooled, with two databases or schemas of its own.
type statementSide struct {
	db     *sql.DB
	places [2]string
	text   func(string) string // as the server wants it
}

func (s *statementSide) says(text string) string {
	return s.text(strings.NewReplacer("$A", s.places[0], "$B", s.places[1]).Replace(text))
}

// statementCaller is what a DB, a Conn and a Tx have in common.
type statementCaller interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// run returns all that the borrower can see.
func (s *statementSide) run(t *testing.T, sequence statementSequence) (answers []string) {
	ctx := t.Context()
	var with statementCaller = s.db
	switch sequence.way {
	case "conn":
		conn, err := s.db.Conn(ctx)
		require.NoError(t, err)
		defer func() { assert.NoError(t, conn.Close()) }()
		with = conn
	case "tx":
		tx, err := s.db.BeginTx(ctx, nil)
		require.NoError(t, err)
		defer func() {
			if err := tx.Commit(); err != nil {
				answers = append(answers, shownError(err))
			}
		}()
		with = tx
	case "stmt":
		for i, step := range sequence.steps {
			if i%2 == 1 {
				continue
			}
			st, err := s.db.PrepareContext(ctx, s.says(step.text))
			for _, step := range sequence.steps[i : i+2] {
				answers = append(answers, answer(ctx, st, err, step))
			}
			if err == nil {
				require.NoError(t, st.Close())
			}
		}
		return answers
	}
	type prepared struct {
		st   *sql.Stmt
		err  error
		way  string
		text string
	}
	var all []prepared
	for _, step := range sequence.steps {
		way, isPrepare := strings.CutPrefix(step.way, "prepare ")
		switch {
		case isPrepare:
			st, err := with.PrepareContext(ctx, s.says(step.text))
			all = append(all, prepared{st, err, way, step.text})
		case step.way == "stmt":
			p := all[step.stmt]
			args := randomArgs(rand.New(rand.NewPCG(step.args[0].(uint64), 0)), p.text)
			answers = append(answers, answer(ctx, p.st, p.err, statementStep{way: p.way, text: p.text, args: args}))
		case step.way == "query":
			rows, err := with.QueryContext(ctx, s.says(step.text), step.args...)
			answers = append(answers, shownRows(step.text, rows, err))
		default:
			answers = append(answers, shownResult(with.ExecContext(ctx, s.says(step.text), step.args...)))
		}
	}
	for _, p := range all {
		if p.st != nil {
			require.NoError(t, p.st.Close())
		}
	}
	return answers
}

// answer runs a prepared statement. Whether it fails when it is prepared or when it runs is not told apart.
func answer(ctx context.Context, st *sql.Stmt, err error, step statementStep) string {
	switch {
	case err != nil:
		return shownError(err)
	case step.way == "query":
		rows, err := st.QueryContext(ctx, step.args...)
		return shownRows(step.text, rows, err)
	default:
		return shownResult(st.ExecContext(ctx, step.args...))
	}
}

// shownError does not tell apart what the driver of PostgreSQL says of an argument and what the server says in a transaction that has
// failed: where the driver knows the statement from before, it says the first.
func shownError(err error) string {
	c := realtest.Code(err)
	if strings.HasPrefix(c, "failed to encode") || c == "SQLSTATE 25P02" {
		return "refused"
	}
	return c
}

func shownResult(result sql.Result, err error) string {
	if err != nil {
		return shownError(err)
	}
	id, _ := result.LastInsertId()
	n, _ := result.RowsAffected()
	return fmt.Sprintf("id %d, %d rows", id, n)
}

// shownRows shows types and values; of a variable only the value, as one that was set to NULL differs in its type from one that was never set.
func shownRows(text string, rows *sql.Rows, err error) string {
	if err != nil {
		return shownError(err)
	}
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return shownError(err)
	}
	var out strings.Builder
	values := make([]any, len(columns))
	for i, column := range columns {
		precision, scale, _ := column.DecimalSize()
		if !strings.Contains(text, "@") {
			fmt.Fprintf(&out, "%s(%d,%d) ", column.DatabaseTypeName(), precision, scale)
		}
		values[i] = new(any)
	}
	for rows.Next() {
		if err := rows.Scan(values...); err != nil {
			return out.String() + shownError(err)
		}
		for _, v := range values {
			switch v := (*v.(*any)).(type) {
			case []byte:
				fmt.Fprintf(&out, "%q ", v)
			default:
				fmt.Fprintf(&out, "%T %v ", v, v)
			}
		}
		out.WriteString("\n")
	}
	if err := rows.Err(); err != nil {
		return out.String() + shownError(err)
	}
	return out.String()
}

// rows are all stored rows.
func (s *statementSide) rows(t *testing.T, tables []string) (all []string) {
	for _, place := range s.places {
		for _, table := range tables {
			text := "select * from " + place + "." + table + " order by id"
			rows, err := s.db.QueryContext(t.Context(), text)
			all = append(all, strings.Split(shownRows(text, rows, err), "\n")...)
		}
	}
	return all
}
