package my_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement/my"
)

func TestHintsAreFoundInComments(t *testing.T) {
	for text, want := range map[string]dialect.ServerRole{
		"SELECT 1 /* pool:primary */":                              dialect.RolePrimary,
		"/*POOL:REPLICA*/ SELECT 1":                                dialect.RoleReplica,
		"SELECT 1 -- pool:primary":                                 dialect.RolePrimary,
		"SELECT 1 # pool:primary":                                  dialect.RolePrimary,
		"SELECT -- pool:replica\r\n 1":                             dialect.RoleReplica,
		"SELECT /* pool:replica */ 1 /* pool:primary */":           dialect.RolePrimary,
		"/* pool:primary */ SELECT 1; /* pool:replica */ SELECT 2": dialect.RolePrimary,
		"SELECT /*! pool:primary */ 1":                             dialect.RoleUnknown,
		"SELECT /*M! pool:primary */ 1":                            dialect.RoleUnknown,
		"SELECT /*+ pool:primary */ 1":                             dialect.RoleUnknown,
		"SELECT '/* pool:primary */', \"-- pool:primary\n\"":       dialect.RoleUnknown,
		"SELECT `/* pool:primary */`":                              dialect.RoleUnknown,
		"SELECT 1 /* pool:primary please */":                       dialect.RoleUnknown,
		"SELECT 1 --pool:primary":                                  dialect.RoleUnknown,
		`SELECT 'a\' /* pool:primary */ '`:                         dialect.RoleUnknown,
	} {
		assert.Equal(t, want, my.Parse(text).Hints.Role, text)
	}
}

func TestClassesAreFoundInComments(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT 1 /* pool:class=batch */":                    "batch",
		"/*POOL:CLASS=Web*/ SELECT 1":                        "Web",
		"SELECT 1 -- pool:class=batch":                       "batch",
		"SELECT 1 # pool:class=batch":                        "batch",
		"SELECT -- pool:class=batch\r\n 1":                   "batch",
		"SELECT /* pool:class=a */ 1 /* pool:class=b */":     "a",
		"SELECT 1; /* pool:class=b */ SELECT 2":              "b",
		"SELECT /*! pool:class=a */ 1":                       "",
		"SELECT /*!50000 pool:class=a */ 1":                  "",
		"SELECT /*M! pool:class=a */ 1":                      "",
		"SELECT /*+ pool:class=a */ 1":                       "",
		"SELECT '/* pool:class=a */', \"-- pool:class=a\n\"": "",
		"SELECT `/* pool:class=a */`":                        "",
		"SELECT 1 /* pool:class=a b */":                      "",
		"SELECT 1 --pool:class=a":                            "",
		`SELECT 'a\' /* pool:class=a */ '`:                   "",
	} {
		assert.Equal(t, want, my.Parse(text).Hints.Class, text)
	}
}

func TestReasonsNameWhatDecidesFirst(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT 1":                               "",
		"":                                       "no statement",
		"INSERT INTO t VALUES (f(1))":            "insert",
		"SELECT F(1)":                            "function f may do anything",
		"SELECT `it''s`(1)":                      "function it''s may do anything",
		"SELECT GET_LOCK('a', 1)":                "calls user lock function get_lock",
		"SELECT LAST_INSERT_ID()":                "reads last_insert_id",
		"SELECT NEXT VALUE FOR s":                "takes a value from a sequence",
		"SELECT FOUND_ROWS()":                    "function found_rows depends on the session",
		"SELECT LOAD_FILE('/s3cret')":            "function load_file needs the primary",
		"SELECT @a":                              "reads a variable",
		"SELECT @a := 1":                         "sets a user variable",
		"SELECT @@sql_mode":                      "reads a variable",
		"SELECT 1 INTO @a":                       "sets a user variable",
		"SELECT 1 INTO OUTFILE '/x'":             "writes a file of the server's",
		"SELECT * FROM t FOR UPDATE":             "locks rows (FOR UPDATE)",
		"SELECT * FROM t LOCK IN SHARE MODE":     "locks rows (LOCK IN SHARE MODE)",
		"SELECT * FROM t FOR SHARE":              "locks rows (FOR SHARE)",
		"SELECT SQL_CALC_FOUND_ROWS * FROM t":    "counts rows for found_rows",
		"WITH x AS (SELECT 1) UPDATE t SET a=1":  "update",
		"EXPLAIN UPDATE t SET a = 1":             "update",
		"SELECT 1; DELETE FROM t":                "delete",
		"SET @a = 1":                             "set",
		"CALL p()":                               "call",
		"EXECUTE p":                              "execute",
		"EXECUTE IMMEDIATE 'x'":                  "execute",
		"FROBNICATE t":                           "not understood",
		"'s3cret' a":                             "not understood",
		"SELECT a FROM t WHERE b = 's3cret":      "not understood near where",
		"SELECT (1":                              "parentheses do not match",
		"SELECT * FROM t PROCEDURE ANALYSE(1,2)": "calls a procedure",
	} {
		assert.Equal(t, want, my.Parse(text).Why, text)
	}
}

func TestWhatNobodyCanTellOrUndoHasAReason(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT 1":                "",
		"SET @a = 1":              "",
		"CALL p()":                "",
		"SELECT NEXT VALUE FOR s": "takes a value from the sequence s",
		"INSERT INTO t VALUES (NEXT VALUE FOR a.`B`)":   "takes a value from the sequence b",
		"SELECT NEXTVAL(s)":                             "uses a sequence (nextval)",
		"SELECT SETVAL(s, 7)":                           "uses a sequence (setval)",
		"EXECUTE p":                                     "execute",
		"DROP DATABASE d":                               "drops a database, which may be the session's",
		"SET insert_id = 7":                             "sets insert_id",
		"SET STATEMENT rand_seed1 = 7 FOR SELECT 1":     "sets rand_seed1",
		"SET RESOURCE GROUP g":                          "sets a resource group",
		"COMMIT RELEASE":                                "ends its connection (RELEASE)",
		"BACKUP STAGE START":                            "backup",
		"FROBNICATE t":                                  "not understood",
		"INSERT INTO t VALUES (1); FROBNICATE 's3cret'": "not understood",
		"SELECT 's3cret":                                "not understood near select",
		"SELECT (1":                                     "parentheses do not match",
	} {
		s := my.Parse(text)
		assert.Equal(t, want, s.Unproved, text)
		assert.Equal(t, (s.Effects&(dialect.UnknownEffect|dialect.Permanent) == 0 || len(s.Calls) > 0), s.Unproved == "", text)
	}
}
