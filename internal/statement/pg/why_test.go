package pg

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
)

func TestHintsAreFoundInComments(t *testing.T) {
	for text, want := range map[string]dialect.ServerRole{
		"select 1 /* pool:primary */":                              dialect.RolePrimary,
		"/*POOL:REPLICA*/ select 1":                                dialect.RoleReplica,
		"select 1 -- pool:primary":                                 dialect.RolePrimary,
		"select -- pool:replica \n 1":                              dialect.RoleReplica,
		"select /* pool:replica */ 1 /* pool:primary */":           dialect.RolePrimary,
		"/* pool:primary */ select 1; /* pool:replica */ select 2": dialect.RolePrimary,
		"insert into t values (1) /*pool:replica*/":                dialect.RoleReplica,
		"select '/* pool:primary */', $$-- pool:primary\n$$":       dialect.RoleUnknown,
		`select "/* pool:primary */"`:                              dialect.RoleUnknown,
		"select 1 /* pool:primary, please */":                      dialect.RoleUnknown,
		"select 1 /* /* pool:primary */ */":                        dialect.RoleUnknown,
		"select 1 /* pool:primary":                                 dialect.RoleUnknown,
		`select 'a\' /* pool:primary */`:                           dialect.RolePrimary,
		`select 'a\' /* pool:primary */ '`:                         dialect.RoleUnknown, // the server refuses it, or it is a string
	} {
		assert.Equal(t, want, Parse(text).Hints.Role, text)
	}
}

func TestClassesAreFoundInComments(t *testing.T) {
	for text, want := range map[string]string{
		"select 1 /* pool:class=batch */":                       "batch",
		"/*POOL:CLASS=Web*/ select 1":                           "Web",
		"select 1 -- pool:class=batch":                          "batch",
		"select -- pool:class=batch\n 1":                        "batch",
		"select /* pool:class=a */ 1 /* pool:class=b */":        "a",
		"select 1; /* pool:class=b */ select 2":                 "b",
		"select '/* pool:class=a */', $$-- pool:class=a\n$$":    "",
		`select "/* pool:class=a */"`:                           "",
		"select E'\\'/* pool:class=a */'":                       "",
		"select 1 /* /* pool:class=a */ */":                     "",
		"select 1 /* pool:class=a":                              "",
		"select 1 /* pool:class=a b */":                         "",
		`select 'a\' /* pool:class=a */`:                        "a",
		`select 'a\' /* pool:class=a */ '`:                      "",
		"select 1 /* pool:class=batch */ /* pool:replica */":    "batch",
		"select a #- '{/* pool:class=a */}' /* pool:class=b */": "b",
	} {
		assert.Equal(t, want, Parse(text).Hints.Class, text)
	}
	assert.Equal(t, dialect.RoleReplica, Parse("select 1 /* pool:class=batch */ /* pool:replica */").Hints.Role)
}

func TestReasonsNameWhatDecidesFirst(t *testing.T) {
	for text, want := range map[string]string{
		"select 1":                            "",
		"":                                    "",
		"insert into t values (nextval('s'))": "insert",
		"SELECT Nextval('s')":                 "function nextval is volatile",
		"select pg_advisory_lock(1)":          "calls advisory lock function pg_advisory_lock",
		"select pg_catalog.txid_current()":    "function txid_current needs the primary",
		"select set_config('a', 'b', true)":   "function set_config changes settings",
		"select dblink('a', 'b')":             "function dblink may do anything",
		"select * from t for no key update":   "locks rows (FOR NO KEY UPDATE)",
		"select * from t for share skip locked; select nextval('s')": "locks rows (FOR SHARE)",
		"with x as (insert into t values (1) returning *) table x":   "data-modifying CTE",
		"with x as (select 1) update t set a = 1":                    "data-modifying CTE",
		"select 1 as a into t":                                       "select into creates a table",
		"select 1; insert into t values (1)":                         "insert",
		"explain select * from t for update":                         "",
		"explain insert into t values (1)":                           "explains a write",
		"explain insert into t values (nextval('s'))":                "function nextval is volatile",
		"explain analyze insert into t values (1)":                   "insert",
		"explain execute p":                                          "execute",
		"copy t from stdin":                                          "copy from",
		"copy t to '/x'":                                             "copy to a file or a program of the server's",
		"begin":                                                      "begin",
		"frobnicate t":                                               "not understood",
		"'s3cret' from":                                              "not understood",
		"select a from t where b = 's3cret":                          "not understood near where",
		"select (1":                                                  unbalanced,
		"select \x00":                                                noText,
		"select 1 -- " + strings.Repeat("x", maxText):                tooLong,
		`select pg_temp.f()`:                                         "names the schema of temporary objects",
	} {
		assert.Equal(t, want, Parse(text).Why, text)
	}
}

func TestWhatNobodyCanTellOrUndoHasAReason(t *testing.T) {
	for text, want := range map[string]string{
		"select 1":           "",
		"set timezone = 'x'": "",
		"insert into t values (query_to_xml('s3cret', true, true, ''))": "function query_to_xml may do anything",
		"select nextval('s'); select setseed(0.5)":                      "function setseed changes the session",
		"insert into t values (1); do $$s3cret$$":                       "do",
		"do $$begin set local Standard_Conforming_Strings = off; end$$": "do has standard_conforming_strings in its source",
		"load 's3cret'":                "load",
		"discard all":                  "discard",
		"vacuum t":                     "vacuum",
		"call p":                       "call",
		"call p(1)":                    "",
		"execute p('s3cret')":          "execute",
		"explain execute p('s3cret')":  "explain execute",
		"create extension hstore":      "create extension",
		"create temp table t (like u)": "makes something temporary of what the text does not show",
		"select set_config('s3' || 'cret', 'x', true)": "function set_config has a name that the text does not show",
		"set standard_conforming_strings = off":        "nothing sets back what standard_conforming_strings was",
		"frobnicate t":                                 "not understood",
		"'s3cret' from":                                "not understood",
		"select (1":                                    unbalanced,
	} {
		s := Parse(text)
		assert.Equal(t, want, s.Unproved, text)
		assert.Equal(t, s.Effects&dialect.Unprovable == 0, s.Unproved == "", text)
	}
}
