package pg

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestASourceIsReadByItsTokens(t *testing.T) {
	for text, want := range map[string]string{ // the words that may be commands of its own, then the tables, then the first word that changes rows
		"begin new.a = 'insert'; -- update\n/* set /* x */ reset */ return new.release; end":                                                                 ": ; ",
		"begin insert into s.t as x values (1) on conflict do update set a = 1; end":                                                                         ": t; insert",
		"insert into t values (1) on conflict (a) do nothing":                                                                                                ": t; insert",
		"update only t as x set a = 1; delete from only (u); merge into v using w on a when matched then delete when not matched then insert default values": ": t u v; update",
		"begin update t set a = 1; set x = 1; end":                                                                                                           "set: t; update",
		"begin set x = 1; end":                        "set: ; ",
		"if a then set x = 1; else set y = 1; end if": "set: ; ",
		"loop set x = 1; end loop":                    "set: ; ",
		"select a from t for update of t skip locked": ": ; update",
		"select a from t for no key update":           ": ; update",
		"open c for update t set a = 1":               ": t; update",
		"open c for update of set a = 1":              ": of; update",
		"open c for update loop as x set a = 1":       ": loop; update",
		`begin new."update" = "set"; end`:             ": ; ",
		"insert a":                                    "insert: ; ",
		"delete t":                                    "delete: ; ",
		"select a into b":                             "into: ; ",
		`begin perform "pg_temp".f(); end`:            "pg_temp: ; ",
		"select x.pg_temp.f()":                        "pg_temp: ; ",
	} {
		s, ok := ReadSource(text)
		assert.True(t, ok, text)
		var commands []string
		for _, word := range slices.Sorted(maps.Keys(s.Commands)) {
			if strings.Contains(" insert update delete merge set reset release pg_temp ", " "+word+" ") || word == "into" && s.Into {
				commands = append(commands, word)
			}
		}
		assert.Equal(t, want, strings.Join(commands, " ")+": "+strings.Join(s.Targets, " ")+"; "+s.Changes, text)
	}
}

func TestTheCodeOfASourceHasNoCommentsAndStrings(t *testing.T) {
	for text, want := range map[string]string{
		"a 'b' c -- d\ne":             "a '' c e",
		"a /* b /* c */ d */ e":       "a e",
		"a E'b\\'c' d":                "a '' d",
		"a $$b$$ $x$c $$ $x$d":        "a '' '' d",
		"a $q$b$q$into c":             "a '' into c",
		`a "b -- c" "d ' e" "f /* g"`: `a "b -- c" "d ' e" "f /* g"`,
		"a '--' b '/*' c":             "a '' b '' c",
		"a 'b'\n  'c' d":              "a '' d",
		"a U&'b' N'c' B'1' d":         "a '' '' '' d",
		"a := 1 +-- b\n2":             "a := 1 + 2",
		"a$b$c := 1..2":               "a$b$c := 1..2",
	} {
		s, ok := ReadSource(text)
		assert.True(t, ok, text)
		assert.Equal(t, strings.Fields(want), strings.Fields(s.Code), text)
	}
	for _, text := range []string{
		"a 'b", "a /* b", `a U&"b"`, `a '\' b '`, "a $$b", "execute 'a'", "do $$a$$", "create function f() returns int as 'a'", "a (b", "1a", "a \x00",
	} {
		_, ok := ReadSource(text)
		assert.False(t, ok, text)
	}
}
