package pg_test

import (
	"math/rand/v2"
	"strings"

	pgquery "github.com/pganalyze/pg_query_go/v6"
)

// mutator makes new texts of seeds. Many of them are no SQL; the grammar refuses those.
type mutator struct {
	*rand.Rand
	seeds []string
}

func (m mutator) pick(from []string) string { return from[m.IntN(len(from))] }

// mutate changes the text in one to four ways.
func (m mutator) mutate(text string) string {
	changes := []func(string) string{
		m.space, m.space, m.shout, m.quote, m.dollar, m.join, m.wrap, m.wrap, m.replace, m.replace, m.insert, m.insert, m.drop, m.splice,
	}
	for range 1 + m.IntN(4) {
		text = changes[m.IntN(len(changes))](text)
	}
	return text
}

// tokens divides the text as the server does, without space and comments between.
func tokens(text string) []*pgquery.ScanToken {
	result, err := pgquery.Scan(text)
	if err != nil {
		return nil
	}
	kept := result.GetTokens()[:0]
	for _, t := range result.GetTokens() {
		if t.GetToken() != pgquery.Token_SQL_COMMENT && t.GetToken() != pgquery.Token_C_COMMENT {
			kept = append(kept, t)
		}
	}
	return kept
}

// each rewrites every token with the given chance, and keeps what stands between.
func (m mutator) each(text string, chance float64, rewrite func(t *pgquery.ScanToken, s string) string) string {
	var b strings.Builder
	at := 0
	for _, t := range tokens(text) {
		start, end := int(t.GetStart()), int(t.GetEnd())
		if start < at || end > len(text) {
			return text
		}
		b.WriteString(text[at:start])
		if m.Float64() < chance {
			b.WriteString(rewrite(t, text[start:end]))
		} else {
			b.WriteString(text[start:end])
		}
		at = end
	}
	return b.String() + text[at:]
}

// space puts comments and space between tokens.
func (m mutator) space(text string) string {
	return m.each(text, 0.3, func(_ *pgquery.ScanToken, s string) string {
		return s + m.pick([]string{" ", "\n", "/* ( */", "/* /* ' */ ; */", "-- ' $$\n", "--\r", "\t/**/", "\f"})
	})
}

// shout changes the case of letters outside quotes.
func (m mutator) shout(text string) string {
	return m.each(text, 0.4, func(_ *pgquery.ScanToken, s string) string {
		if strings.ContainsAny(s, `'"$`) {
			return s
		}
		return strings.ToUpper(s)
	})
}

// quote puts names into quotes.
func (m mutator) quote(text string) string {
	return m.each(text, 0.5, func(t *pgquery.ScanToken, s string) string {
		if (t.GetToken() != pgquery.Token_IDENT && t.GetKeywordKind() != pgquery.KeywordKind_UNRESERVED_KEYWORD) ||
			strings.ContainsAny(s, `"&`) {
			return s
		}
		return `"` + s + `"`
	})
}

// dollar writes strings in another form.
func (m mutator) dollar(text string) string {
	return m.each(text, 0.7, func(t *pgquery.ScanToken, s string) string {
		if t.GetToken() != pgquery.Token_SCONST || len(s) < 2 || s[0] != '\'' {
			return s
		}
		body := s[1 : len(s)-1]
		forms := []string{"$$%$$", "$a$%$a$", "E'%'", "n'%'", "'x'\n'%'", "'%\\'"}
		return strings.ReplaceAll(m.pick(forms), "%", body)
	})
}

// join puts another statement before or behind.
func (m mutator) join(text string) string {
	if m.IntN(2) == 0 {
		return m.pick(m.seeds) + ";" + text
	}
	return text + " ; " + m.pick(m.seeds)
}

// wrappings are statements around others.
var wrappings = strings.Split(`(%)
with x as (%) select * from x
with x (a) as (%), y(b) as (select k(1)) select f(2) from x
with q as (select 1) %
explain %
explain analyze %
explain verbose %
explain (analyze, verbose) %
explain (format json) %
explain (analyze off) %
prepare p as %
prepare p (int) as %
copy (%) to stdout
copy (%) to 'x'
select * from (%) y, f(1)
select exists (%), (%)
select 1 where a in (%) and f(2)
% for update
% union all (%)
declare c cursor for %
declare c cursor with hold for %
insert into t %
insert into t (a, b) %
insert into t % on conflict (a) do update set b = f(1)
create table z as %
create temp table z (a) as %
create view v (a, b) as %
create temp view v as %
create materialized view m as %
create rule r as on insert to t do also %
create rule r as on insert to t do instead (%; %)
create function f() returns int begin atomic %; %; end
create procedure p() begin atomic %; end; %
create schema s %
begin; %; commit
values ((%))
table x union %
merge into t using (%) s on true when matched then update set a = f(1) when not matched then insert (a) values (g(1))
update t set (a, b) = (%) returning h(1)
delete from t using (%) s
call p((%))
do $x$ % $x$
alter table t add check ((%) > 0)
select case when (%) then insert(1) end
create index on t ((%))
select distinct on ((%)) f(1)`, "\n")

// wrap puts the text into another statement.
func (m mutator) wrap(text string) string {
	return strings.ReplaceAll(m.pick(wrappings), "%", text)
}

// pieces are put in place of names and between tokens.
var pieces = strings.Split(`pg_temp
set_config
nextval
f(1)
, f(1)
, g(2) as x
, s.f(1) t(a)
join
left
right
like
name
value
by
key
set
update
insert
into
into temp x
merge
for update
for share
temp
local
session
role
all
execute
case
end
as
as end
as case
with
with ordinality
recursive
only
operator
operator(pg_catalog.+)
conflict
on conflict (a) do nothing
first
zone
sets
type
view
function
cube
rollup
text
data
"set_config"
pg_temp.x
x.pg_advisory_lock
::numeric(3)
::s.t(4)
'a'
'a\'
E'\''
$1
$$x$$
1
*
(1)
(
)
;
.
,
=
as x(a)
using
tablesample system(1)
not
not like
and f(1)
where f(1)
returning f(1)
order by f(1)
limit f(1)
over (partition by f(1))
filter (where f(1))
at time zone f(1)
collate "C"
is distinct from f(1)
between f(1) and g(1)
escape f(1)
[f(1)]
union select f(1)
cross join f(1)
join f(1) x on g(1)
left join (select f(1)) x on true
lateral f(1)
variadic f(1)
default f(1)`, "\n")

// replace puts a piece, or a token of a seed, in the place of a token.
func (m mutator) replace(text string) string {
	n := len(tokens(text))
	return m.each(text, 1.2/float64(n+1), func(_ *pgquery.ScanToken, _ string) string { return " " + m.piece() + " " })
}

// insert puts a piece, or a token of a seed, behind a token.
func (m mutator) insert(text string) string {
	n := len(tokens(text))
	return m.each(text, 1.2/float64(n+1), func(_ *pgquery.ScanToken, s string) string { return s + " " + m.piece() + " " })
}

func (m mutator) piece() string {
	if m.IntN(3) > 0 {
		return m.pick(pieces)
	}
	seed := m.pick(m.seeds)
	all := tokens(seed)
	if len(all) == 0 {
		return "x"
	}
	t := all[m.IntN(len(all))]
	return seed[t.GetStart():t.GetEnd()]
}

// drop leaves a token out.
func (m mutator) drop(text string) string {
	n := len(tokens(text))
	return m.each(text, 1/float64(n+1), func(*pgquery.ScanToken, string) string { return "" })
}

// splice continues the text with the end of a seed.
func (m mutator) splice(text string) string {
	seed := m.pick(m.seeds)
	a, b := tokens(text), tokens(seed)
	if len(a) == 0 || len(b) == 0 {
		return text
	}
	return text[:a[m.IntN(len(a))].GetEnd()] + " " + seed[b[m.IntN(len(b))].GetStart():]
}
