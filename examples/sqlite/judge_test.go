package sqlite

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
)

func TestTextsThatAreHardToRead(t *testing.T) {
	const (
		temp     = dialect.TempTable | dialect.Sequence
		numbers  = dialect.Sequence
		anything = dialect.UnknownEffect
	)
	for text, want := range map[string]struct {
		class   dialect.Class
		effects dialect.Effects
	}{
		"":                                        {dialect.Unknown, 0},
		";;":                                      {dialect.Unknown, 0},
		"select 'a;begin'":                        {dialect.Read, 0},
		`select "a;begin"`:                        {dialect.Read, 0},
		"select [a;begin], `b;begin`":             {dialect.Read, 0},
		"select 1 -- ;begin":                      {dialect.Read, 0},
		"select 1 -- '\n;begin":                   {dialect.Write, dialect.OpenTx},
		"select 1 /* ' */;begin /* ' */":          {dialect.Write, dialect.OpenTx},
		"select 1 /* ;begin":                      {dialect.Unknown, anything},
		"select x'00' ; begin":                    {dialect.Write, dialect.OpenTx},
		"select x'0' ; begin --'":                 {dialect.Unknown, anything},
		"select 1\x00;begin":                      {dialect.Unknown, anything},
		"select $a(');begin;--')":                 {dialect.Unknown, anything},
		"select :a, @b, $c, ?1, ?":                {dialect.Read, 0},
		"select 1e+5, .5, 0x1f, 1_000":            {dialect.Read, 0},
		"select '\\'; begin --'":                  {dialect.Write, dialect.OpenTx},
		"select ''';begin'":                       {dialect.Read, 0},
		"begin; commit":                           {dialect.TxControl, dialect.OpenTx},
		"explain begin":                           {dialect.TxControl, dialect.OpenTx},
		"explain query plan pragma foo(1)":        {dialect.Unknown, anything},
		"with a as (insert) delete from t":        {dialect.Write, numbers},
		"with a(x) as (select 1) select * from a": {dialect.Read, 0},
		"with a(x) as not materialized (select 1) values (1)": {dialect.Read, 0},
		"select f(1)":                 {dialect.Write, 0},
		`select "f"(1)`:               {dialect.Write, 0},
		"select f(1) as a":            {dialect.Write, 0},
		"select load_extension ('a')": {dialect.Unknown, anything},
		"create trigger t after insert on a begin select 1; select 2; end":                                   {dialect.Write, numbers},
		"create temp trigger t after insert on a begin select 1; end; begin":                                 {dialect.Write, temp | dialect.OpenTx},
		"create trigger t after insert on a begin select case when 1 then 2 end; end; pragma query_only = 1": {dialect.Write, numbers | dialect.Setting},
		"create table 'temp'.t (a)":            {dialect.Write, temp},
		"create table a.temp (a)":              {dialect.Write, numbers},
		"create /* */ TEMP table a (a)":        {dialect.Write, temp},
		"PRAGMA main.`Cache_Size`=1":           {dialect.SessionControl, dialect.Setting},
		"pragma temp.cache_size=1":             {dialect.SessionControl, dialect.Permanent},
		"pragma main.journal_mode('WAL')":      {dialect.Write, numbers},
		"pragma journal_mode=truncate":         {dialect.SessionControl, dialect.Permanent},
		"pragma journal_mode":                  {dialect.Write, 0},
		"select * from pragma_foreign_keys":    {dialect.Write, 0},
		"select * from pragma_index_list('t')": {dialect.Read, 0},
		"detach a":                             {dialect.Write, dialect.Database},
	} {
		s := judge(text)
		assert.Equal(t, want.class.String(), s.Class.String(), "%q: %s", text, s.Why)
		assert.Equal(t, want.effects.String(), s.Effects.String(), "%q: %s", text, s.Why)
	}
}

func TestMasksAndSummaries(t *testing.T) {
	for text, want := range map[string][2]string{
		"select * from things where name = 'a''b' and id in (1, 2, 3, 4)": {"select * from things where name = ? and id in (?, ...)", "select things"},
		"insert into `my things` values (x'00', \"b\", :c)":               {"insert into `my things` values (?, ?, :c)", "insert `my things`"},
		"select [a b] from t -- c":                                        {"select [a b] from t", "select t"},
		"select 1 /* never closed":                                        {"select ? ...", "select"},
	} {
		assert.Equal(t, want, [2]string{Dialect{}.Mask(text), Dialect{}.Summary(text)}, text)
	}
}

// No text makes the judge panic, or is a read with a word in it that no read has.
func FuzzJudge(f *testing.F) {
	for _, text := range []string{"select 1", "begin; end", "create trigger t begin ; end", "with a(", "pragma a.b(c", "explain", "select \"", "values ($a", "x'"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := judge(text)
		if first, _, _ := strings.Cut(strings.TrimSpace(text), " "); s.Class == dialect.Read && strings.EqualFold(first, "attach") {
			t.Errorf("%q is a read", text)
		}
		if s.Effects&dialect.Unprovable != 0 && s.Unproved.What == "" {
			t.Errorf("%q has no reason", text)
		}
	})
}
