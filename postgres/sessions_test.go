package postgres

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
)

// fact is something that a server has: what it is depends on its kind, what the text is too.
type fact struct{ Kind, Name, Text string }

// serverOf makes what a server has.
func serverOf(facts []fact) (nodes, []unnamed) {
	all, others := nodes{}, []unnamed(nil)
	all.of(nothingNamed)
	for _, f := range facts {
		n := all.of(f.Name)
		switch f.Kind {
		case "view":
			n.addRelation(&relation{Name: f.Name, Kind: "v", View: f.Text})
		case "rule":
			n.addRelation(&relation{Name: f.Name, Kind: "v", Rules: "rule"})
		case "policy":
			n.addRelation(&relation{Name: f.Name, Kind: "r", Policies: f.Text})
		case "trigger":
			n.addRelation(&relation{Name: f.Name, Kind: "r", Triggers: f.Text})
		case "default":
			n.addRelation(&relation{Name: f.Name, Kind: "r", Defaults: f.Text})
		case "check":
			n.addRelation(&relation{Name: f.Name, Kind: "r", Evaluated: f.Text})
		case "column":
			n.addRelation(&relation{Name: f.Name, Kind: "r", Types: f.Text})
		case "cascade":
			n.addRelation(&relation{Name: f.Name, Kind: "r", Cascades: f.Text})
		case "part":
			n.addRelation(&relation{Name: f.Name, Kind: "p", Children: f.Text})
		case "table":
			n.addRelation(&relation{Name: f.Name, Kind: "r"})
		case "unlogged":
			n.addRelation(&relation{Name: f.Name, Kind: "r", Persistence: "u"})
		case "sequence":
			n.addRelation(&relation{Name: f.Name, Kind: "S"})
		case "foreign table":
			n.addRelation(&relation{Name: f.Name, Kind: "f"})
		case "domain":
			n.addType(f.Name, f.Text, "")
		case "operator", "operator of a class", "event trigger":
			others = append(others, unnamed{kind: f.Kind, name: f.Name, function: f.Text})
			all.of(nothingNamed).uses = append(all.of(nothingNamed).uses, f.Text)
		case "explicit cast":
			function, target, _ := strings.Cut(f.Text, " ")
			others = append(others, unnamed{kind: f.Kind, name: f.Name, function: function, target: target})
			all.of(nothingNamed).uses = append(all.of(nothingNamed).uses, function)
		default:
			kind, declared := strings.CutPrefix(f.Kind, "declared ")
			volatile := strings.HasPrefix(kind, "volatile ")
			if declared && volatile && !strings.Contains(kind, "foreign") {
				kind = strings.TrimPrefix(kind, "volatile ")
			}
			kind, uses, _ := strings.Cut(kind, " of ")
			n.addFunction(&named{Kind: kind, Uses: uses, Name: f.Name, Source: f.Text, Extension: f.Text, Schema: "shop", Volatile: volatile}, declared)
		}
	}
	return all, others
}

// learn has a reader ask a server for what a text names, and what that reaches.
func learn(tb testing.TB, s *sessions, text string, facts []fact) {
	tb.Helper()
	all, others := serverOf(append(slices.Clone(facts),
		fact{"builtin", "now", ""}, fact{"builtin", "lower", ""}, fact{"volatile builtin", "random", ""},
		fact{"volatile builtin", "set_config", ""}, fact{"volatile builtin", "nextval", ""}, fact{"volatile builtin", "pg_read_file", ""},
		fact{"table", "things", ""},
	))
	require.NoError(tb, s.Reader.Learn(tb.Context(), []string{text}, false, func(base *catalogue, names []string) (*catalogue, error) {
		if base == nil {
			base = &catalogue{}
		}
		c := &catalogue{Graph: base.Extended(names), unnamed: others, declares: true}
		for list := append(names, nothingNamed); len(list) > 0; list = list[1:] {
			if _, known := c.Nodes[list[0]]; known {
				continue
			}
			n := all[list[0]]
			c.Nodes[list[0]] = n
			if n != nil {
				n.reaches(func(name string) { list = append(list, name) })
			}
		}
		c.findPerils()
		s.declared.tell(c)
		return c, nil
	}))
}

func learnt(tb testing.TB, text string, facts ...fact) *sessions {
	tb.Helper()
	s := newSessions()
	learn(tb, s, text, facts)
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
		{"function in C of an extension that nobody knows", `select f(1)`, dialect.UnknownEffect, []fact{{"foreign function", "f", "mine"}}},
		{"the server's own function under another name", `select f(1)`, dialect.UnknownEffect, []fact{{"foreign function", "f", "internal pg_advisory_lock_int8"}}},
		{"constructor of a range", `select f(1)`, 0, []fact{{"foreign function", "f", "internal range_constructor2"}}},
		{"function of an extension", `select gen_salt('bf'), st_area(x) from things`, 0, []fact{{"volatile foreign function", "gen_salt", "pgcrypto"}, {"foreign function", "st_area", "postgis"}}},
		{"view that sets", `select * from v`, dialect.UnknownEffect, []fact{{"view", "v", "select set_config('a', 'b', false)"}}},
		{"view over a view that sets", `select * from w`, dialect.UnknownEffect, []fact{{"view", "v", "select set_config('a', 'b', false)"}, {"view", "w", "select * from v"}}},
		{"view over a view that counts", `select * from w`, dialect.Sequence, []fact{{"view", "v", "select nextval('s')"}, {"view", "w", "select * from v"}}},
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
		{"function whose name is no word", `select * from v`, dialect.UnknownEffect, []fact{{"function", "set-tenant", "load 'x'"}, {"view", "v", `select "set-tenant"()`}}},
		{"function whose name has a quote", `select * from v`, dialect.UnknownEffect, []fact{{"function", `a"b`, "load 'x'"}, {"view", "v", `select 'say "hello"', "a""b"()`}}},
		{"function whose name nobody names", `select 1 + 1`, 0, []fact{{"function", "set-tenant", "load 'x'"}}},
		{"unicode escapes in a source", `select f(1)`, dialect.UnknownEffect, []fact{{"function", "f", `select U&"\0073et_config"('a', 'b', false)`}}},
		{"operator", `select 1 === 1`, dialect.UnknownEffect, []fact{{"function", "f", "set"}, {"operator", "===", "f"}}},
		{"operator that is not used", `select 1 + 1`, 0, []fact{{"function", "f", "set"}, {"operator", "===", "f"}}},
		{"operator in a function", `select g()`, dialect.UnknownEffect, []fact{{"function", "f", "set"}, {"operator", "===", "f"}, {"function", "g", "select 1===1"}}},
		{"operator that needs no name", `select 1 in (1)`, dialect.UnknownEffect, []fact{{"function", "f", "set"}, {"operator", "=", "f"}}},
		{"operator that uses another", `select 1 ### 1`, dialect.UnknownEffect, []fact{{"function", "f", "set"}, {"operator", "===", "f"}, {"function", "g", "select 1 === 1"}, {"operator", "###", "g"}}},
		{"cast", `select 1::integer`, dialect.UnknownEffect, []fact{{"function", "f", "set"}, {"explicit cast", "text as integer", "f int4 integer"}}},
		{"cast by another name", `select cast('1' as int)`, dialect.UnknownEffect, []fact{{"function", "f", "set"}, {"explicit cast", "text as integer", "f int4 integer"}}},
		{"cast that is not used", `select 1::bigint`, 0, []fact{{"function", "f", "set"}, {"explicit cast", "text as integer", "f int4 integer"}}},
		{"domain", `select 1::d`, dialect.UnknownEffect, []fact{{"function", "f", "set"}, {"domain", "d", "CHECK (f())"}}},
		{"domain of a column", `insert into things values (1)`, dialect.UnknownEffect, []fact{{"function", "f", "set"}, {"domain", "d", "CHECK (f())"}, {"column", "things", "d"}}},
		{"domain that is not used", `select 1::e`, 0, []fact{{"function", "f", "set"}, {"domain", "d", "CHECK (f())"}}},
		{"check that planning may evaluate", `select * from things`, dialect.UnknownEffect, []fact{{"function", "f", "set"}, {"check", "things", "CHECK (f())"}}},
		{"definition with an event trigger", `create index on things (name)`, dialect.UnknownEffect, []fact{{"event trigger", "e", ""}}},
		{"definition", `create index on things (name)`, 0, nil},
		{"declared function", `select f(1)`, 0, []fact{{"declared function", "f", "execute 'set a = 1'"}}},
		{"declared function beside one that is not", `select f(1)`, dialect.UnknownEffect, []fact{{"declared function", "f", "set"}, {"function", "f", "set"}}},
		{"declared function in C", `select f(1)`, 0, []fact{{"declared volatile foreign function", "f", "mine"}}},
		{"declared function that calls one that sets", `select f(1)`, 0, []fact{{"declared function", "f", "select g()"}, {"function", "g", "set"}}},
		{"function that a declared one calls", `select f(1), g()`, dialect.UnknownEffect, []fact{{"declared function", "f", "select g()"}, {"function", "g", "set"}}},
		{"function that calls a declared one", `select g()`, 0, []fact{{"declared function", "f", "set"}, {"function", "g", "select f()"}}},
		{"declared function behind a view", `select * from v`, 0, []fact{{"declared function", "f", "set"}, {"view", "v", "select f()"}}},
		{"declared function behind a trigger", `insert into things values (1)`, 0, []fact{{"declared function", "f", "execute x"}, {"trigger", "things", "f"}}},
		{"declared function behind a default", `insert into things values (1)`, 0, []fact{{"declared function", "f", "execute x"}, {"default", "things", "f()"}}},
		{"declared function behind an operator", `select 1 in (1)`, 0, []fact{{"declared function", "f", "set"}, {"operator", "=", "f"}}},
		{"declared function behind an event trigger", `create index on things (name)`, 0, []fact{{"declared function", "f", "set"}, {"event trigger", "e", "f"}}},
		{"declared function with an operator that is not", `select f()`, 0, []fact{{"declared function", "f", "select 1 === 1"}, {"function", "g", "set"}, {"operator", "===", "g"}}},
		{"declared function of a domain that is not", `select f(1)`, dialect.UnknownEffect, []fact{{"function", "g", "set"}, {"domain", "d", "CHECK (g())"}, {"declared function of d", "f", ""}}},
		{"procedure", `call f(1)`, 0, []fact{{"function", "f", "begin perform 1; end"}}},
		{"procedure that sets", `call shop.f(1)`, dialect.UnknownEffect, []fact{{"function", "f", "begin set a = 1; end"}}},
		{"procedure that does not exist", `call f(1)`, dialect.UnknownEffect, nil},
		{"declared procedure", `call shop.f(1)`, 0, []fact{{"declared volatile function", "f", "begin commit; end"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := learnt(t, c.text, c.facts...)
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
		{`select f(1)`, dialect.Unknown, "function f has into in its source", []fact{{"sql function", "f", "select 1 as a into b"}}},
		{`select f(1)`, dialect.Write, "function f has share in its source", []fact{{"function", "f", "perform 1 from c for share"}}},
		{`select f(1)`, dialect.Unknown, "function f writes to t, which is not there", []fact{{"function", "f", "insert into t"}}},
		{`select f(1)`, dialect.Write, "function f has insert in its source", []fact{{"function", "f", "insert into t"}, {"table", "t", ""}}},
		{`select "F"(1)`, dialect.Unknown, "function F mentions G", []fact{{"function", "F", `perform "G"()`}, {"function", "G", "insert into t"}}},
		{`select f(1)`, dialect.Unknown, "function f has a source that cannot be read", []fact{{"foreign function", "f", ""}}},
		{`select f(1)`, dialect.Unknown, "function f is not known", nil},
		{`select pg_read_file('x')`, dialect.Unknown, "function pg_read_file is volatile", nil},
		{`select f(1)`, dialect.Write, "function f mentions pg_notify", []fact{{"function", "f", "perform pg_notify('a', 'b')"}}},
		{`select f(1)`, dialect.Unknown, "function f mentions lastval", []fact{{"function", "f", "return lastval()"}, {"volatile builtin", "lastval", ""}}},
		{`select * from u`, dialect.Write, "u is an unlogged table", []fact{{"unlogged", "u", ""}}},
		{`insert into things select * from u`, dialect.Write, "insert", []fact{{"unlogged", "u", ""}}},
		{`select * from "Odd u"`, dialect.Write, "Odd u is an unlogged table", []fact{{"unlogged", "Odd u", ""}}},
		{`select * from v`, dialect.Write, "view v mentions Odd u", []fact{{"unlogged", "Odd u", ""}, {"view", "v", `select * from "Odd u"`}}},
		{`select last_value from s`, dialect.Write, "s is a sequence", []fact{{"sequence", "s", ""}}},
		{`select * from f`, dialect.Write, "f is a foreign table", []fact{{"foreign table", "f", ""}}},
		{`select * from p`, dialect.Write, "u is a part of p", []fact{{"part", "p", "u"}, {"unlogged", "u", ""}}},
		{`select * from w`, dialect.Write, "view w mentions v", []fact{{"view", "w", "select * from v"}, {"view", "v", "select * from p"}, {"part", "p", "u"}, {"unlogged", "u", ""}}},
		{`select * from v`, dialect.Write, "view v has update in its source", []fact{{"view", "v", "select * from t for update of t"}}},
		{`select * from v`, dialect.Write, "view v mentions pg_stat_activity", []fact{{"view", "v", "select * from pg_stat_activity"}}},
		{`select * from things`, dialect.Write, "a policy of things mentions u", []fact{{"policy", "things", "exists (select from u)"}, {"unlogged", "u", ""}}},
		{`select 1 + 1`, dialect.Write, "operator + calls f", []fact{{"operator", "+", "f"}, {"function", "f", "select * from u"}, {"unlogged", "u", ""}}},
		{`select f(1)`, dialect.Write, "function f is volatile", []fact{{"declared volatile function", "f", "execute x"}}},
		{`select f(1)`, dialect.Write, "function f is volatile", []fact{{"declared volatile foreign function", "f", "mine"}}},
		{`select * from v`, dialect.Write, "view v mentions f", []fact{{"declared volatile function", "f", "execute x"}, {"view", "v", "select f()"}}},
		{`select f(1)`, dialect.Read, "", []fact{{"declared foreign function", "f", "mine"}}},
		{`select f(1)`, dialect.Read, "", []fact{{"declared function", "f", "select a from t"}}},
		{`select f(1)`, dialect.Write, "function f has insert in its source", []fact{{"declared function", "f", "insert into t"}}},
		{`select f(1)`, dialect.Write, "function f mentions nextval", []fact{{"declared function", "f", "select nextval('s')"}}},
		{`select f(1)`, dialect.Write, "function f mentions g", []fact{{"declared function", "f", "select g()"}, {"function", "g", "insert into t"}}},
		{`select f(1)`, dialect.Write, "function f has share in its source", []fact{{"declared function", "f", "perform 1 from c for share"}}},
		{`call f(1)`, dialect.Unknown, "call", []fact{{"declared function", "f", "begin perform 1; end"}}},
		{`select 1 + 1`, dialect.Unknown, "operator + calls f", []fact{{"operator", "+", "f"}, {"function", "f", "insert"}}},
	} {
		s := learnt(t, c.text, c.facts...).Statement(c.text)
		assert.Equal(t, c.class, s.Class, "%s with %v", c.text, c.facts)
		assert.Equal(t, c.why, s.Why, "%s with %v", c.text, c.facts)
		assert.Equal(t, c.why == "", s.Replicable(), "%s with %v", c.text, c.facts)
	}
}

// Of several reasons the first counts, and of what it leads to that which is not proved by itself.
func TestCatalogueSaysWhatWouldHaveToBeDeclared(t *testing.T) {
	shop := func(name string) dialect.Routine { return dialect.Routine{Schema: "shop", Name: name} }
	for _, c := range []struct {
		text  string
		want  dialect.Reason
		facts []fact
	}{
		{`select 1 + 1`, dialect.Reason{}, nil},
		{`select nextval('s')`, dialect.Reason{}, nil},
		{`do $$begin end$$`, dialect.Reason{What: "do"}, nil},
		{`insert into things values (1); vacuum things`, dialect.Reason{What: "vacuum"}, nil},
		{`select f(1)`, dialect.Reason{What: "function f has execute in its source", Routine: shop("f")}, []fact{{"function", "f", "execute x"}}},
		{`select f(1)`, dialect.Reason{What: "function f has a source that cannot be read", Routine: shop("f")}, []fact{{"foreign function", "f", "mine"}}},
		{`select f(1)`, dialect.Reason{What: `function f has names in escapes`, Routine: shop("f")}, []fact{{"function", "f", `select U&"\0061"()`}}},
		{`call f(1)`, dialect.Reason{What: "function f has commit in its source", Routine: shop("f")}, []fact{{"function", "f", "begin commit; end"}}},
		{`insert into things values (f(1))`, dialect.Reason{What: "function f mentions set_config", Routine: shop("f")}, []fact{{"function", "f", "perform set_config('a', 'b', false)"}}},
		{`select * from w`, dialect.Reason{What: "view w mentions v", Routine: shop("g")}, []fact{
			{"function", "g", "execute x"}, {"function", "f", "select g()"}, {"view", "v", "select f()"}, {"view", "w", "select * from v"},
		}},
		{`select * from v`, dialect.Reason{What: "view v mentions set_config"}, []fact{{"view", "v", "select set_config('a', 'b', false)"}}},
		{`select f(1)`, dialect.Reason{What: "function f mentions v", Routine: shop("f")}, []fact{{"view", "v", "select set_config('a', 'b', false)"}, {"function", "f", "select * from v"}}},
		{`select f(1)`, dialect.Reason{What: "f uses d"}, []fact{{"domain", "d", "CHECK (set_config('a', 'b', false) = '')"}, {"function of d", "f", ""}}}, // to declare f would not help
		{`update things set name = 'x'`, dialect.Reason{What: "writes to things: function f has execute in its source", Routine: shop("f")}, []fact{{"function", "f", "execute x"}, {"trigger", "things", "f"}}},
		{`delete from things`, dialect.Reason{What: "writes to things: function f has notify in its source", Routine: shop("f")}, []fact{{"function", "f", "notify x"}, {"trigger", "part", "f"}, {"cascade", "things", "part"}}},
		{`insert into things values (1)`, dialect.Reason{What: "writes to things: function f has execute in its source", Routine: shop("f")}, []fact{{"function", "f", "execute x"}, {"default", "things", "f()"}}},
		{`insert into nothing values (1)`, dialect.Reason{}, nil},
		{`select f(1)`, dialect.Reason{}, nil},
		{`select pg_read_file('x')`, dialect.Reason{What: "function pg_read_file is volatile"}, nil},
		{`select 1 === 1`, dialect.Reason{What: "operator === calls f", Routine: shop("f")}, []fact{{"function", "f", "set"}, {"operator", "===", "f"}}},
		{`create index on things (name)`, dialect.Reason{What: "event trigger e calls f", Routine: shop("f")}, []fact{{"function", "f", "set"}, {"event trigger", "e", "f"}}},
		{`select f(1)`, dialect.Reason{}, []fact{{"declared function", "f", "execute x"}}},
	} {
		assert.Equal(t, c.want, learnt(t, c.text, c.facts...).Statement(c.text).Unproved, "%s with %v", c.text, c.facts)
	}
	s := learnt(t, "select f(1)", fact{"function", "f", "execute x"})
	s.Define("create or replace function f(int) returns int language sql as 'select 1'")
	require.True(t, s.Statement("select f(1)").Effects.Has(dialect.UnknownEffect))
	assert.Zero(t, s.Statement("select f(1)").Unproved, "it will be known before long")
}

func TestWhatADeclaredFunctionMaySeeIsUndoneBeforeIt(t *testing.T) {
	for text, facts := range map[string][]fact{
		"select f(1)":                   {{"declared function", "f", "return lastval()"}, {"volatile builtin", "lastval", ""}},
		"select f(1), 2":                {{"declared function", "f", "execute x"}},
		"select f(1), 3":                {{"declared volatile foreign function", "f", "mine"}},
		"select f(1), 4":                {{"declared function", "f", "select g()"}, {"function", "g", "return currval('s')"}, {"volatile builtin", "currval", ""}},
		"select * from v":               {{"declared function", "f", "execute x"}, {"view", "v", "select f()"}},
		"insert into things values (1)": {{"declared function", "f", "execute x"}, {"trigger", "things", "f"}},
		"select 1 in (1)":               {{"declared function", "f", "execute x"}, {"operator", "=", "f"}},
	} {
		s := learnt(t, text, facts...).Statement(text)
		assert.Zero(t, s.Effects, text)
		assert.Equal(t, dialect.Sequence, s.Sees, text)
	}
	plain := learnt(t, "select f(1)", fact{"declared function", "f", "set"}, fact{"trigger", "things", "f"}, fact{"default", "things", "nextval('s')"})
	assert.Zero(t, plain.Statement("select f(1)").Sees)
}

func TestCatalogueTellsWhatIsGlobal(t *testing.T) {
	var told []string
	s := newSessions()
	s.Declare(dialect.Declared{Global: func(why dialect.Reason, statements string) {
		told = append(told, fmt.Sprintf("%s: %s (%s.%s)", statements, why.What, why.Routine.Schema, why.Routine.Name))
	}})
	learn(t, s, "select 1 + 1", []fact{
		{"function", "f", "execute x"}, {"function", "g", "select f()"}, {"function", "h", "select 1"}, {"declared function", "d", "set"},
		{"operator", "=", "g"}, {"operator", "===", "f"}, {"operator of a class", "<=>", "f"}, {"operator", "<", "h"}, {"operator", "<=", "d"}, {"explicit cast", "text as integer", "f int4 integer"},
		{"event trigger", "e", "f"}, {"event trigger", "e2", "h"},
	})
	assert.Equal(t, []string{"all that name something: operator = calls g (shop.f)", "all that name something: operator of a class <=> calls f (shop.f)", "all that define something: event trigger e calls f (shop.f)"}, told)
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
	s := newSessions()
	assert.True(t, s.Statement("create function f() returns int language sql as 'select 1'").Defines)
	assert.False(t, s.Statement("create temp table t (id int)").Defines)
	assert.False(t, s.Statement("select * from things").Defines)
}

func TestWhatIsDefinedIsUnknownUntilItIsReadAgain(t *testing.T) {
	facts := []fact{{"function", "f", "select 1"}, {"view", "v", "select f()"}, {"operator", "===", "f"}}
	for _, c := range []struct {
		definition      string
		meets, meetsNot []string
	}{
		{"create or replace function f() returns int language sql as 'select 1'", []string{"select f()", "select * from v", "select 1 === 1", "select 1 + 1"}, []string{"select 1"}},
		{"create trigger f before insert on things for each row execute function g()", []string{"insert into things values (1)"}, []string{"select 1"}},
		{"alter table v add check (true)", []string{"select * from v"}, []string{"select f()", "select * from things"}},
		{"create operator ### (leftarg = int, rightarg = int, function = g)", []string{"select 1 ### 1", "select * from things"}, []string{"select 1"}},
		{"create extension hstore", []string{"select f()", "select * from things", "select 1 + 1"}, []string{"select 1"}},
	} {
		s := newSessions()
		for _, text := range append(c.meets, c.meetsNot...) {
			learn(t, s, text, facts)
			require.False(t, s.Statement(text).Provisional, text)
		}
		before := s.Changes()
		assert.True(t, s.Define(c.definition))
		assert.NotEqual(t, before, s.Changes())
		for _, text := range c.meets {
			assert.True(t, s.Statement(text).Effects.Has(dialect.UnknownEffect), "%s while %s", text, c.definition)
			learn(t, s, text, facts)
			assert.True(t, s.Statement(text).Effects.Has(dialect.UnknownEffect), "%s while %s, whatever was read", text, c.definition)
		}
		for _, text := range c.meetsNot {
			assert.False(t, s.Statement(text).Effects.Has(dialect.UnknownEffect), "%s while %s", text, c.definition)
		}
		s.Defined(c.definition)
		for _, text := range c.meets {
			assert.True(t, s.Statement(text).Provisional, "%s after %s", text, c.definition)
		}
		for _, text := range c.meets {
			learn(t, s, text, facts)
			assert.False(t, s.Statement(text).Provisional, "%s after %s", text, c.definition)
		}
	}
}

const benchmarkText = `select t.id, t.name, t.created_at, lower(t.name) as folded, count(*) over () as total from things t
	where t.name like $1 and t.created_at > now() - interval '1 day' and t.id in ($2, $3, $4) order by t.created_at desc limit 20`

func BenchmarkStatementSeenBefore(b *testing.B) {
	s := learnt(b, benchmarkText)
	for range 10 {
		s.Statement(benchmarkText)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Statement(benchmarkText)
	}
}

func BenchmarkStatementNew(b *testing.B) {
	s := learnt(b, benchmarkText)
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
