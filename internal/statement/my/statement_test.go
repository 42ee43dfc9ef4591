package my_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement/my"
)

func TestStatementsAreWhatTheTableSays(t *testing.T) {
	for _, c := range cases(t) {
		got := my.Parse(c.text)
		assert.Equal(t, c.want, render(got), "%s", c.text)
		assert.Equal(t, got.Class == dialect.Read && got.Effects == 0, got.Why == "", "%s: %s", c.text, got.Why)
		assert.Equal(t, !got.Unclear && !got.Effects.Has(dialect.Permanent), got.Unproved == "", "%s: %s", c.text, got.Unproved)
		assert.NotContains(t, []string{"select", "with", "values", "("}, got.Why, "%s: no reason by itself", c.text)
	}
	assert.GreaterOrEqual(t, len(cases(t)), 250)
}

// testCase is a line of the table: what is expected, and of what text.
type testCase struct{ want, text string }

// cases reads the table: "class | effects | undo | text" a line.
func cases(tb testing.TB) []testCase {
	var all []testCase
	for line := range strings.Lines(table) {
		line = spellOut.Replace(strings.TrimSuffix(line, "\n"))
		if line == "" || strings.HasPrefix(line, "==") {
			continue
		}
		fields := strings.SplitN(line, "|", 4)
		require.Len(tb, fields, 4, line)
		text := strings.TrimPrefix(fields[3], " ")
		want := strings.TrimSpace(fields[0]) + " | " + strings.TrimSpace(fields[1]) + " | " + strings.TrimSpace(fields[2])
		all = append(all, testCase{want, text})
	}
	return all
}

var spellOut = strings.NewReplacer("␤", "\n", "␉", "\t", "´", "`")

// render writes a statement as the table does.
func render(s my.Statement) string {
	class := map[dialect.Class]string{
		dialect.Unknown: "unknown", dialect.Read: "read", dialect.Write: "write", dialect.TxControl: "tx",
		dialect.SessionControl: "session",
	}[s.Class]
	undo := make([]string, 0, len(s.Undo))
	for _, u := range s.Undo {
		undo = append(undo, u.Effect.String()+" "+u.Name)
	}
	return class + " | " + s.Effects.String() + " | " + strings.Join(undo, ", ")
}

func TestTargetsAndNamesAreToldApart(t *testing.T) {
	for _, c := range []struct {
		text           string
		targets, names []string
	}{
		{"SELECT a, T.b FROM Db.`T x`, u WHERE f = 'no' AND count(*) > 1", nil, []string{"a", "t", "b", "db", "t x", "u", "f"}},
		{"INSERT INTO shop.Orders (id, `Note`) VALUES (?, ?)", []string{"orders"}, []string{"shop", "id", "note"}},
		{"REPLACE t SELECT * FROM u", []string{"t"}, []string{"u"}},
		{"INSERT t SET a = 1", []string{"t"}, []string{"a"}},
		{"UPDATE t SET a = (SELECT max(b) FROM u)", []string{"t"}, []string{"a", "b", "u"}},
		{"UPDATE a JOIN db.b x USE INDEX (i, j) ON a.id = x.id, (c, d), (SELECT 1 FROM e) AS q SET a.v = 1",
			[]string{"a", "b", "c", "d"}, []string{"db", "x", "i", "j", "id", "e", "q", "v"}},
		{"UPDATE LOW_PRIORITY IGNORE { OJ a LEFT OUTER JOIN b ON a.x = b.x } SET y = 1",
			[]string{"a", "b"}, []string{"oj", "x", "y"}},
		{"DELETE QUICK FROM t WHERE a IN (SELECT b FROM u)", []string{"t"}, []string{"quick", "a", "b", "u"}},
		{"DELETE t1, db.t2.* FROM t1 JOIN t2 ON t1.id = t2.id WHERE x", []string{"t1", "t2"}, []string{"db", "id", "x"}},
		{"DELETE FROM t1, t2 USING t1 JOIN t2 JOIN t3 WHERE x", []string{"t1", "t2", "t3"}, []string{"x"}},
		{"LOAD DATA LOCAL INFILE 'f' REPLACE INTO TABLE db.t FIELDS TERMINATED BY ',' (a, @b) SET c = @b",
			[]string{"t"}, []string{"fields", "a", "c"}},
		{"WITH x AS (SELECT 1 FROM u) UPDATE t JOIN x SET a = 1", []string{"t", "x"}, []string{"x", "u", "a"}},
		{"SELECT status, rank, `select` FROM user", nil, []string{"status", "rank", "select", "user"}},
		{"SHOW COLUMNS FROM t FROM db WHERE Field = 'x'", nil, []string{"t", "db", "field"}},
		{"EXPLAIN EXTENDED a", nil, []string{"extended", "a"}},
		{"DESCRIBE db.t", nil, []string{"db", "t"}},
		{`SELECT "a", "b""c" FROM t`, nil, []string{"a", `b"c`, "t"}},
	} {
		got := my.Parse(c.text)
		assert.Equal(t, c.targets, got.Targets, "%s", c.text)
		assert.Equal(t, c.names, got.Names, "%s", c.text)
	}
}

func TestManyNamesAreNotedOnce(t *testing.T) {
	columns := make([]string, 0, 5000)
	for i := range 5000 {
		columns = append(columns, "c"+strings.Repeat("x", i%500))
	}
	assert.Len(t, my.Parse("SELECT "+strings.Join(columns[:100], ",")).Names, 100)
	columns = columns[:200]
	assert.Len(t, my.Parse("SELECT "+strings.Join(append(columns, columns...), ",")).Names, 200)
}

func TestTextsThatCannotBeTakenApartAreUnknown(t *testing.T) {
	for _, text := range []string{
		"SELECT 'a", `SELECT "a`, "SELECT `a", "SELECT 1 /* a", "SELECT /*! 1", "SELECT 1 \x00", "SELECT @'a", `SELECT 'a\`, `SELECT \x`,
		"SELECT $$a$$", "SELECT 1 /*+ `*/", "SELECT /*! /*! 1 */ */", "SELECT /*!1234567 1*/", "SELECT /*!100100x*/ 1",
		"/*!1*/ /*!2*/ /*!3*/ /*!4*/ SELECT 1", "SELECT 1" + strings.Repeat(" ", 64<<10), "SELECT /*!50000 'a */ 1",
	} {
		got := my.Parse(text)
		assert.NotEmpty(t, got.Why)
		assert.Equal(t, got.Why, got.Unproved)
		got.Why, got.Unproved = "", ""
		assert.Equal(t, my.Statement{Class: dialect.Unknown, Effects: dialect.UnknownEffect, Unclear: true}, got, "%.60s", text)
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range cases(f) {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := my.Parse(text)
		assert.Equal(t, got, my.Parse(text), "the same text")
		assert.Equal(t, got.Class == dialect.Read && got.Effects == 0, got.Why == "", "it is %s and leaves %s, because: %s", got.Class, got.Effects, got.Why)
		if len(text) > 60<<10 {
			return
		}
		assert.Equal(t, got, my.Parse("/* c */ "+text), "with a comment before")
		assert.Equal(t, got, my.Parse(text+" ; \n"), "with a semicolon behind")
		behind := my.Parse(text + "\n; set a = 1")
		assert.True(t, behind.Effects.Has(dialect.Setting) || behind.Effects.Has(dialect.UnknownEffect), "with SET behind: %+v", behind)
		assert.NotEqual(t, dialect.Read, behind.Class, "with SET behind")
		if got.Class == dialect.Unknown && got.Effects == 0 {
			assert.Empty(t, got.Names, "a text without a statement")
		}
	})
}

func TestDefinitionsThatGiveLaterStatementsMoreToDoAreToldApart(t *testing.T) {
	for text, remakes := range map[string]bool{
		"CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a DECIMAL(10, 2) DEFAULT (0))": false,
		"CREATE OR REPLACE TABLE IF NOT EXISTS db.t (a INT REFERENCES db.u (b))":           false,
		"CREATE TABLE t LIKE u":                                 true,
		"CREATE TABLE t AS SELECT * FROM u":                     true,
		"CREATE TABLE t (a INT DEFAULT NEXTVAL(s))":             true,
		"CREATE TABLE t (a INT DEFAULT (NEXT VALUE FOR s))":     true,
		"CREATE UNIQUE INDEX i ON t (a)":                        false,
		"CREATE DATABASE d":                                     false,
		"CREATE USER u":                                         false,
		"CREATE VIEW v AS SELECT 1":                             true,
		"CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW DO 1": true,
		"CREATE PROCEDURE p() DO 1":                             true,
		"CREATE FUNCTION f RETURNS STRING SONAME 'x.so'":        true,
		"CREATE SEQUENCE s":                                     true,
		"ALTER TABLE t ADD b INT, RENAME COLUMN c TO d":         false,
		"ALTER TABLE t RENAME TO u":                             true,
		"ALTER TABLE t RENAME u":                                true,
		"ALTER TABLE t ALTER a SET DEFAULT NEXTVAL(s)":          true,
		"ALTER VIEW v AS SELECT 1":                              true,
		"RENAME TABLE t TO u":                                   true,
		"RENAME USER a TO b":                                    false,
		"DROP TABLE t":                                          false,
		"DROP VIEW v":                                           false,
		"CREATE TABLE t (a INT); RENAME TABLE t TO u":           true,
	} {
		got := my.Parse(text)
		assert.True(t, got.Defines, text)
		assert.Equal(t, remakes, got.Remakes, text)
	}
	assert.False(t, my.Parse("CREATE TEMPORARY TABLE t LIKE u").Defines)
	assert.False(t, my.Parse("INSERT INTO t VALUES (1)").Remakes)
}

func TestCallsAreToldWithTheirDatabases(t *testing.T) {
	for text, want := range map[string][]my.Call{
		"CALL p()":                      {{Procedure: true, Name: "p"}},
		"CALL `Db`.`P x`(1)":            {{Procedure: true, Database: "Db", Name: "p x"}},
		"SELECT f(1), Db . G ( h(1) )":  {{Name: "f"}, {Database: "Db", Name: "g"}, {Name: "h"}},
		"SELECT f(1), F(2)":             {{Name: "f"}},
		"SELECT count (1), now()":       {{Name: "count"}},
		"CALL p(f(1))":                  {{Procedure: true, Name: "p"}, {Name: "f"}},
		"SELECT 1 /*!50000 + f(1) */":   {{Name: "f"}},
		"INSERT INTO t VALUES (f(1))":   {{Name: "f"}},
		"CREATE PROCEDURE p() CALL q()": nil,
	} {
		got := my.Parse(text)
		assert.Equal(t, want, got.Calls, text)
		assert.False(t, got.Unclear, text)
	}
	for _, text := range []string{"CALL p() q", "CALL a.b.c()", "SELECT a.b.c()", "CALL", "CALL 'p'()", "CALL p(@a), q()", "EXECUTE s"} {
		assert.True(t, my.Parse(text).Unclear, text)
	}
	assert.Equal(t, []my.Undo{{Effect: dialect.UserVariable, Name: "a"}}, my.Parse("CALL p(1, @A, @b + 1)").Undo)
}
