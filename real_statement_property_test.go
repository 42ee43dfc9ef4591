package pooled_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/testserver"
)

var (
	statementSteps = flag.Int("statement-steps", 2_000, "how many random steps are run bare and pooled on each server, to compare the answers")
	statementSeed  = flag.Uint64("statement-seed", 0, "the seed of these steps; 0: a new one")
)

// Whatever texts, arguments, settings, databases and tables a program uses in whatever order, over DB, Conn, Tx and Stmt: all answers and all stored
// rows are those of the bare driver on new connections. What the statement cache knows of a statement must be all that its answers depend on.
func TestCachedStatementsAnswerAsNewOnes(t *testing.T) {
	for name, server := range map[string]func(testing.TB) string{"MariaDB": testserver.MariaDBDatabase, "MySQL": testserver.MySQLDatabase} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := *statementSeed
			if seed == 0 {
				seed = rand.Uint64()
			}
			t.Logf("seed %d", seed)
			bare := newStatementSide(t, "mysql", [2]string{server(t), server(t)})
			bare.db.SetMaxIdleConns(0) // a new connection for each borrower
			wrapped := newStatementSide(t, "pooled", [2]string{server(t), server(t)})
			random := rand.New(rand.NewPCG(seed, 0))
			var log []string
			for step := 0; step < *statementSteps; {
				n, sequence := randomSequence(random)
				step += n
				want, got := bare.run(t, sequence), wrapped.run(t, sequence)
				if log = append(log, fmt.Sprint(sequence)); len(log) > 12 {
					log = log[1:]
				}
				if !assert.Equal(t, want, got, "seed %d, step %d:\n%s", seed, step, strings.Join(log, "\n")) {
					return
				}
			}
			assert.Equal(t, bare.rows(t), wrapped.rows(t), "seed %d", seed)
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

// The texts. $A and $B stand for the two databases.
var (
	statementReads = []string{
		"select ?", "select ? + 0", "select -?", "select concat(?, 'x')", "select json_object('z', ?)", "select coalesce(?, 'abc')", "select coalesce(?, ?)", "select ? <=> 7",
		"select ? in (1, '7', ?)", "select greatest(?, 5)", "select round(?, 1)", "select hex(?)", "select ? union all select 'abcdefghij'", "select date_add(?, interval 1 day)",
		"select cast(? as char), ?", "select count(*) from t where v = ?", "select count(*) from t where i = ? or da >= ?", "select id, v, i, n, d, da, f from t where id % 5 = ? order by id limit 20",
		"select max(v) from t where n > ?", "select coalesce(da, ?) from t order by id limit 3", "select count(*) from u where v = ?", "select \"q\", ?", `select 'a\\b', ?`, "select 'ü', ?", "select 'A' = 'a', ?",
		"select 1 || 0, ?", "select week('2024-01-01'), ?", "select 1/3, ?", "select length(group_concat(v)), ? from t", "select dayname('2024-01-01'), ?", "select count(*) from tmp where a = ?", "select @v, ?", "select * from w where v = ? limit 2",
	}
	statementWrites = []string{
		"insert into t (v) values (?)", "insert into t (i) values (?)", "insert into t (n, f) values (?, ?)", "insert into t (d, da) values (?, ?)", "insert into t (v, i) select ?, 3",
		"insert into t (v) values (concat(?, ''))", "insert into t (v) values (json_object('zip', ?))", "update t set v = ? where id % 7 = ?", "delete from t where id % 31 = ?", "insert into u (v) values (?)",
		"insert into t (v) select coalesce(?, v) from t order by id limit 1", "insert into tmp (a) values (?)", "insert into t (v) values (@v), (?)", "replace into u (id, v) values (1, ?)",
	}
	statementSettings = []string{
		"use $B", "use $A", "use `$B`", "set names latin1", "set names utf8mb4", "set names utf8mb4 collate utf8mb4_bin", "set sql_mode = 'ANSI_QUOTES'", "set sql_mode = ''", "set sql_mode = 'NO_BACKSLASH_ESCAPES'",
		"set sql_mode = 'PIPES_AS_CONCAT'", "set @v = 7", "set @v = '007'", "set @v = 1.5", "set @v = null", "set time_zone = '+05:00'", "set default_week_format = 3", "set div_precision_increment = 8", "set group_concat_max_len = 8",
		"set lc_time_names = 'de_DE'", "set collation_connection = utf8mb4_bin", "set autocommit = 1", "set foreign_key_checks = 0", "set sql_select_limit = 2", "set sql_select_limit = default", "set big_tables = 0",
	}
	statementDDL = []string{
		"create temporary table tmp (a varchar(20))", "create temporary table tmp (a int)", "drop temporary table if exists tmp", "alter table u modify v varchar(50)", "alter table u modify v int", "alter table u modify v datetime",
		"create or replace view w as select id, v from t", "create or replace view w as select v, id from u", "create temporary table t (id int auto_increment primary key, v int)", "drop temporary table if exists t",
	}
)

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
func randomSequence(random *rand.Rand) (int, statementSequence) {
	pick := func(texts []string) string { return texts[random.IntN(len(texts))] }
	call := func() statementStep {
		if text := pick(statementReads); random.IntN(3) > 0 {
			return statementStep{way: "query", text: text, args: randomArgs(random, text)}
		}
		text := pick(statementWrites)
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
				s.steps = append(s.steps, statementStep{way: "exec", text: pick(statementSettings)})
			case n < 4 && s.way == "conn":
				s.steps = append(s.steps, statementStep{way: "exec", text: pick(statementDDL)})
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

// statementSide is the bare driver, or pooled, with two databases of its own.
type statementSide struct {
	db        *sql.DB
	databases [2]string
}

func newStatementSide(t *testing.T, driverName string, dsns [2]string) *statementSide {
	side := &statementSide{}
	for i, dsn := range dsns {
		cfg, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		side.databases[i] = cfg.DBName
		db := openReal(t, "mysql", dsn)
		for _, text := range []string{
			"create table t (id int auto_increment primary key, v varchar(100), i int, n decimal(20,4), f double, d datetime(6), da date)",
			"create table u (id int auto_increment primary key, v int)",
			"create view w as select id, v from t",
			fmt.Sprintf("insert into t (v, i, n, f, d, da) values ('%d', 7, 1.5, 2.5, '2024-01-02 03:04:05', '2024-01-02'), ('abc', 0, 0, 0, null, null)", i),
			fmt.Sprintf("insert into u (v) values (%d), (7)", i),
		} {
			_, err := db.ExecContext(t.Context(), text)
			require.NoError(t, err)
		}
	}
	side.db = openReal(t, driverName, dsns[0])
	return side
}

func (s *statementSide) text(text string) string {
	return strings.NewReplacer("$A", s.databases[0], "$B", s.databases[1]).Replace(text)
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
		defer func() { assert.NoError(t, tx.Commit()) }()
		with = tx
	case "stmt":
		for i, step := range sequence.steps {
			if i%2 == 1 {
				continue
			}
			st, err := s.db.PrepareContext(ctx, s.text(step.text))
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
			st, err := with.PrepareContext(ctx, s.text(step.text))
			all = append(all, prepared{st, err, way, step.text})
		case step.way == "stmt":
			p := all[step.stmt]
			args := randomArgs(rand.New(rand.NewPCG(step.args[0].(uint64), 0)), p.text)
			answers = append(answers, answer(ctx, p.st, p.err, statementStep{way: p.way, text: p.text, args: args}))
		case step.way == "query":
			rows, err := with.QueryContext(ctx, s.text(step.text), step.args...)
			answers = append(answers, shownRows(step.text, rows, err))
		default:
			answers = append(answers, shownResult(with.ExecContext(ctx, s.text(step.text), step.args...)))
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

func shownError(err error) string {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return fmt.Sprint("error ", my.Number)
	}
	return "error " + err.Error()
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
	}
	if err := rows.Err(); err != nil {
		return out.String() + shownError(err)
	}
	return out.String()
}

// rows are all stored rows.
func (s *statementSide) rows(t *testing.T) (all []string) {
	for _, database := range s.databases {
		for _, table := range []string{"t", "u"} {
			text := "select * from `" + database + "`." + table + " order by id"
			rows, err := s.db.QueryContext(t.Context(), text)
			all = append(all, shownRows(text, rows, err))
		}
	}
	return all
}
