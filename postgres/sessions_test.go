package postgres

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
)

func learnt(tb testing.TB, facts ...fact) *sessions {
	tb.Helper()
	s := newSessions()
	c := newCatalogue(append(facts,
		fact{"builtin", "now", ""}, fact{"builtin", "lower", ""}, fact{"volatile builtin", "random", ""},
		fact{"volatile builtin", "set_config", ""}, fact{"volatile builtin", "nextval", ""}, fact{"volatile builtin", "pg_read_file", ""},
		fact{"table", "things", ""},
	))
	require.NoError(tb, s.Reader.Learn(tb.Context(), func() (*catalogue, error) { return c, nil }))
	return s
}

func TestStatementIsProvisionalUntilTheCatalogueIsRead(t *testing.T) {
	s := newSessions()
	assert.True(t, s.Statement("select 1 + 1").Provisional)
	assert.Equal(t, dialect.Setting, s.Statement("set statement_timeout = 1").Effects)
}

func TestCatalogueJudgesWhatATextDoesNotShow(t *testing.T) {
	for _, c := range []struct {
		name  string
		text  string
		want  dialect.Effects
		facts []fact
	}{
		{"built-in functions", `select lower(now()::text), random()`, 0, nil},
		{"volatile built-in function that nobody knows", `select pg_read_file('x')`, dialect.UnknownEffect, nil},
		{"function that does not exist", `select frobnicate()`, dialect.UnknownEffect, nil},
		{"harmless function, though volatile", `select f(1)`, 0, []fact{{"function", "f", "select lower($1)"}}},
		{"function with a setting in its source", `select f(1)`, dialect.UnknownEffect, []fact{{"function", "f", "begin set a = 1; end"}}},
		{"function with dynamic SQL", `select f(1)`, dialect.UnknownEffect, []fact{{"function", "f", "begin EXECUTE x; end"}}},
		{"function that calls one that sets", `select f(1)`, dialect.UnknownEffect, []fact{
			{"function", "f", "select G()"}, {"function", "g", "select h()"}, {"function", "h", "select set_config('a', 'b', false)"},
		}},
		{"overload that sets", `select f(1)`, dialect.UnknownEffect, []fact{{"function", "f", "select 1"}, {"function", "f", "create table x()"}}},
		{"function of the user's with a built-in name", `select lower(1)`, dialect.UnknownEffect, []fact{{"function", "lower", "load 'x'"}}},
		{"function in another language", `select f(1)`, dialect.UnknownEffect, []fact{{"foreign function", "f", ""}}},
		{"function of an extension", `select gen_salt('bf'), st_area(x) from things`, 0, []fact{{"foreign function", "gen_salt", "pgcrypto"}, {"trusted function", "st_area", ""}}},
		{"view that sets", `select * from v`, dialect.UnknownEffect, []fact{{"view", "v", "select set_config('a', 'b', false)"}}},
		{"view over a view that sets", `select * from w`, dialect.UnknownEffect, []fact{{"view", "v", "select nextval('s')"}, {"view", "w", "select * from v"}}},
		{"insert", `insert into things (name) values ('x')`, 0, nil},
		{"insert with a sequence", `insert into things (name) values ('x')`, dialect.Sequence, []fact{{"default", "things", "nextval('s')"}}},
		{"insert with a harmless default", `insert into things (name) values ('x')`, 0, []fact{{"default", "things", "now()"}}},
		{"insert into what does not exist", `insert into nothing (name) values ('x')`, dialect.UnknownEffect, nil},
		{"harmless trigger", `update things set name = 'x'`, 0, []fact{{"function", "touch", "begin new.updated_at := now(); return new; end"}, {"trigger", "things", "touch"}}},
		{"trigger that sets", `update things set name = 'x'`, dialect.UnknownEffect, []fact{{"function", "f", "perform set_config('a', 'b', false)"}, {"trigger", "things", "f"}}},
		{"trigger on a partition", `delete from things`, dialect.UnknownEffect, []fact{
			{"function", "f", "notify x"}, {"trigger", "part", "f"}, {"cascade", "middle", "part"}, {"cascade", "things", "middle"},
		}},
		{"policy that reads a setting", `select * from things`, 0, []fact{{"builtin", "current_setting", ""}, {"policy", "things", "(tenant = current_setting('app.tenant'))"}}},
		{"policy that sets", `select * from things`, dialect.UnknownEffect, []fact{{"policy", "things", "set_config('a', 'b', false) = 'b'"}}},
		{"function whose name needs quotes", `select * from v`, dialect.UnknownEffect, []fact{
			{"function", "SetTenant", "select set_config('a', 'b', false)"}, {"view", "v", `select "SetTenant"()`},
		}},
		{"function whose name is no word", `select 1 + 1`, dialect.UnknownEffect, []fact{{"function", "set-tenant", "load 'x'"}}},
		{"unicode escapes in a source", `select f(1)`, dialect.UnknownEffect, []fact{{"function", "f", `select U&"\0073et_config"('a', 'b', false)`}}},
		{"hidden call", `select 1 + 1`, dialect.UnknownEffect, []fact{{"function", "plus", "select set_config('a', 'b', false)"}, {"hidden", "", "plus"}}},
		{"definition with an event trigger", `create index on things (name)`, dialect.UnknownEffect, []fact{{"event trigger", "e", ""}}},
		{"definition", `create index on things (name)`, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := learnt(t, c.facts...)
			assert.Equal(t, c.want, s.Statement(c.text).Effects)
			assert.Equal(t, c.want, s.Statement(c.text).Effects, "from the cache")
		})
	}
}

func TestCatalogueSaysWhyNoReplicaMayAnswer(t *testing.T) {
	for _, c := range []struct {
		text  string
		class dialect.Class
		why   string
		facts []fact
	}{
		{`select lower(now()::text), random(), name from things`, dialect.Read, "", nil},
		{`select f(1)`, dialect.Read, "", []fact{{"function", "f", "begin select a into b from c; end"}}},
		{`select f(1)`, dialect.Write, "function f has into in its source", []fact{{"sql function", "f", "select 1 as a into b"}}},
		{`select f(1)`, dialect.Write, "function f has share in its source", []fact{{"function", "f", "perform 1 from c for share"}}},
		{`select f(1)`, dialect.Unknown, "function f has insert in its source", []fact{{"function", "f", "insert into t"}}},
		{`select "F"(1)`, dialect.Unknown, "function F mentions g", []fact{{"function", "F", "perform g()"}, {"function", "G", "insert into t"}}},
		{`select f(1)`, dialect.Unknown, "function f has a source that cannot be read", []fact{{"foreign function", "f", ""}}},
		{`select f(1)`, dialect.Unknown, "function f is not known", nil},
		{`select pg_read_file('x')`, dialect.Unknown, "function pg_read_file is volatile", nil},
		{`select f(1)`, dialect.Write, "function f mentions pg_notify", []fact{{"function", "f", "perform pg_notify('a', 'b')"}}},
		{`select f(1)`, dialect.Unknown, "function f mentions lastval", []fact{{"function", "f", "return lastval()"}, {"volatile builtin", "lastval", ""}}},
		{`select * from u`, dialect.Write, "u is an unlogged table", []fact{{"unlogged", "u", ""}}},
		{`insert into things select * from u`, dialect.Write, "insert", []fact{{"unlogged", "u", ""}}},
		{`select * from "Odd u"`, dialect.Write, "Odd u is an unlogged table", []fact{{"unlogged", "Odd u", ""}}},
		{`select * from v`, dialect.Write, "view v mentions odd", []fact{{"unlogged", "Odd u", ""}, {"view", "v", `select * from "Odd u"`}}},
		{`select last_value from s`, dialect.Write, "s is a sequence", []fact{{"sequence", "s", ""}}},
		{`select * from f`, dialect.Write, "f is a foreign table", []fact{{"foreign table", "f", ""}}},
		{`select * from p`, dialect.Write, "u is a part of p", []fact{{"part", "p", "u"}, {"unlogged", "u", ""}}},
		{`select * from w`, dialect.Write, "view w mentions v", []fact{{"view", "w", "select * from v"}, {"view", "v", "select * from p"}, {"part", "p", "u"}, {"unlogged", "u", ""}}},
		{`select * from v`, dialect.Write, "view v has update in its source", []fact{{"view", "v", "select * from t for update of t"}}},
		{`select * from v`, dialect.Write, "view v mentions pg_stat_activity", []fact{{"view", "v", "select * from pg_stat_activity"}}},
		{`select * from things`, dialect.Write, "a policy of things mentions u", []fact{{"policy", "things", "exists (select from u)"}, {"unlogged", "u", ""}}},
		{`select 1 + 1`, dialect.Write, "an operator, a cast or a type calls f", []fact{{"hidden", "", "f"}, {"function", "f", "select * from u"}, {"unlogged", "u", ""}}},
		{`select 1 + 1`, dialect.Unknown, "an operator, a cast or a type calls f", []fact{{"hidden", "", "f"}, {"function", "f", "insert"}}},
	} {
		s := learnt(t, c.facts...).Statement(c.text)
		assert.Equal(t, c.class, s.Class, "%s with %v", c.text, c.facts)
		assert.Equal(t, c.why, s.Why, "%s with %v", c.text, c.facts)
		assert.Equal(t, c.why == "", s.Replicable(), "%s with %v", c.text, c.facts)
	}
}

func TestStatementIsNotForReplicasUntilTheCatalogueIsRead(t *testing.T) {
	s := newSessions()
	assert.Equal(t, "function f is not known yet", s.Statement("select f(1)").Why)
	assert.Equal(t, "the catalogue is not known yet", s.Statement("select 1 + 1").Why)
	assert.False(t, s.Statement("select 1 + 1").Replicable())
	for _, bare := range []string{"select 1", "select null, 'a', ($1)", ";"} {
		assert.False(t, s.Statement(bare).Provisional, bare)
	}
	for _, text := range []string{"select a", "select 1::int", "select -1", "select f()", "select * from t", "table t", "values (1)", `select 1 "a"`, "select current_user", "select case when true then 1 end", `select 'a\'`, "set x = 1"} {
		assert.True(t, s.Statement(text).Provisional, text)
	}
}

func TestDefinitionsAreNoticedUnlessTheyAreTemporary(t *testing.T) {
	s := learnt(t)
	assert.True(t, s.Statement("create function f() returns int language sql as 'select 1'").Defines)
	assert.False(t, s.Statement("create temp table t (id int)").Defines)
	assert.False(t, s.Statement("select * from things").Defines)
	assert.False(t, s.Stale())
	s.Outdate(true)
	assert.True(t, s.Stale())
}

const benchmarkText = `select t.id, t.name, t.created_at, lower(t.name) as folded, count(*) over () as total from things t
	where t.name like $1 and t.created_at > now() - interval '1 day' and t.id in ($2, $3, $4) order by t.created_at desc limit 20`

func BenchmarkStatementSeenBefore(b *testing.B) {
	s := learnt(b)
	for range 10 {
		s.Statement(benchmarkText)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Statement(benchmarkText)
	}
}

func BenchmarkStatementNew(b *testing.B) {
	s := learnt(b)
	texts := make([]string, 1<<16)
	for i := range texts {
		texts[i] = fmt.Sprintf("%s -- %d", benchmarkText[:190], i)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		s.Statement(texts[i%len(texts)])
		i++
	}
}
