package pg

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Programs make such names up, some of them for each text: GORM names a savepoint after a pointer.
func TestNamesThatATextGivesAreNotLookedFor(t *testing.T) {
	for text, want := range map[string]string{
		`select 1 as x, 2 as "X y", abs(3) x`:                              "",
		"select a x, b as y, (c) z from t":                                 "a b c t",
		"select f(a) x, 'b' y, $1 z, 4 v":                                  "a",
		"select q.a from t as q join u as v on q.a = v.a":                  "a t u",
		"select a from t q, u v where q.a = 1":                             "a t u",
		"select * from (select a from t) x, (values (1)) as y":             "a t",
		"select * from f() as x (a, b)":                                    "a b",
		"select (select a x from t y) z":                                   "a t",
		"with x as (select a b from t), y (c) as (values (1)) select 1":    "a t c",
		"with recursive x as materialized (select 1) select 2":             "materialized recursive",
		"select sum(a) over w from t window w as (order by b)":             "a t b over by",
		"insert into t as x (a) select 1 as b returning c as d":            "t a c",
		"update t x set a = 1":                                             "t a set",
		"delete from t as x using u y where true":                          "t u",
		"declare x cursor for select a as b from t":                        "cursor a t",
		"prepare x as select a from t":                                     "a t",
		"select cast(a as x), a::y, b::z v, treat(a as u)":                 "a x y b z u",
		"select x 'a', cast('a' as x) y":                                   "x",
		"select * from f() as (a x), g() as b (a y), h() c (d z)":          "a x y c d z",
		"select * from xmltable('/r' passing a columns b x path 'c', d y)": "passing a columns b x path d y",
		"select xmlserialize(content a as x)":                              "content a x",
		"select (a).b.c.d from t":                                          "a b c d t", "select a.x, (a).y, a.b.z from t": "a x y z t",
		"create table x as select a b from t":                  "x a b t",
		"create view x as select (select a b from t)":          "view x a t",
		"create function f(a x) returns y language sql as 'b'": "f function a x returns y language sql",
		"create domain x as y":                                 "domain x y",
		"select a as data, b name from t":                      "a data b name t",
	} {
		got := Parse(text).Names
		want := strings.Fields(want)
		slices.Sort(got)
		slices.Sort(want)
		assert.Equal(t, want, append([]string{}, got...), text)
	}
}

func TestATextOfKeywordsAndNamesThatItGivesIsJudgedWithoutTheCatalogue(t *testing.T) {
	for _, text := range []string{
		"savepoint sp0xc000123", `savepoint "Sp 1"`, "release savepoint x", "release x", "rollback to savepoint x", "rollback to x", "rollback",
		"begin", "begin isolation level serializable read only", "start transaction read write", "commit", "end", "abort", "commit prepared 'x'",
		"fetch forward 10 from x", "fetch -1 from x", "move next in x", "close x", "close all", "listen x", "notify x, 'y'", "deallocate x",
		"begin; savepoint x; select 1; release x; commit", "",
	} {
		s := Parse(text)
		assert.True(t, s.Bare, text)
		assert.Empty(t, s.Names, text)
	}
	for _, text := range []string{
		"select a as x", "savepoint x; select a", "declare x cursor for select 1", "prepare x as select 1", "set constraints all immediate", "do $$begin end$$", "execute x",
		`savepoint x; select 'a\'; select f(); --'`, "select 1::x", "close f(x)",
	} {
		assert.False(t, Parse(text).Bare, text)
	}
}
