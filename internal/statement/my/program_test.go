package my_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement/my"
)

// programs lists bodies of stored programs, and what is said of each: effects | what is undone by name | calls | databases | body. The program is in
// the database shop, and has the parameters a and b.
const programs = `
== statements
none | | | | set b = 1
none | | | | SELECT 1
none | | | shop | select x from t where y = a
none | | | shop | begin update t set x = a; delete from u where y = 1; end
sequence | | | shop | begin insert into t values (a); end
none | | | | begin end
none | | | | l: begin leave l; end l
none | | | | begin declare x int; set x = a, b = x + 1; end
none | | | | begin declare x, y decimal(10,2) default 1.5; declare z varchar(10) character set utf8mb4 collate utf8mb4_bin; set x = y; set ´Z´ = 'z'; end
none | | | | begin declare v vector(3) default null; set v = null; end
none | | | shop | begin declare x int; select y into x from t; select y, z into x, b from t for update; select 1 into b; end
none | | | | begin if a = 1 then set b = 2; elseif a in (2, 3) then set b = 3; else set b = 4; end if; end
none | | | | begin if (case when a then 1 else 2 end) = 1 then set b = 2; end if; end
none | | | | begin if if(a, 1, 2) then set b = 2; end if; end
none | | | | case a when 1 then set b = 2; when 2 then set b = 3; else begin end; end case
none | | | | case when a = 1 then set b = 2; when a = 2 then set b = case a when 1 then 2 end; end case
none | | | | begin l: loop set a = a + 1; if a > 3 then leave l; end if; iterate l; end loop l; end
none | | | | while a < 3 do set a = a + 1; end while
none | | | | repeat set a = a + 1; until a > 3 end repeat
none | | | | for i in 1..10 do set b = i; end for
none | | | shop | for r in (select x from t) do set b = r.x; end for
none | | | shop | begin declare x int; declare c cursor for select y from t; declare continue handler for not found set b = 1; open c; fetch c into x; fetch next from c into x, b; close c; end
none | | | | begin declare k condition for sqlstate '45000'; declare exit handler for k, 1062, sqlwarning, sqlstate value '42000', sqlexception begin resignal; end; signal k set message_text = 'x'; end
none | | | | begin declare exit handler for sqlexception begin get diagnostics condition 1 a = message_text, b = returned_sqlstate; end; end
none | | | | return a + 1
none | | | | begin declare wait_timeout int; set wait_timeout = 5; end
none | | | other,shop | select * from other.t join u on t.x = u.x, (select 1 from shop.v) q
none | | | shop | select * from t where exists (select 1 from u), extract(year from z.y), trim(leading 'x' from z.y)
none | | | s1,s2,s3 | update s1.t, s2.t x set x.y = (select max(z) from s3.t)
none | | | s1,shop,s2,s3 | begin delete from s1.t; delete x from s2.t x join s3.t; end
sequence | | | s1,s2 | insert into s1.t table s2.u
none | | | s1 | table s1.t
== effects
setting | setting wait_timeout | | | set wait_timeout = 5
setting | setting wait_timeout | | | begin begin declare wait_timeout int; set wait_timeout = 5; end; set wait_timeout = 6; end
setting | setting x | | | begin declare x int; set session x = 5; end
setting | setting x | | | begin declare x int; set @@x = 5; end
setting | setting y, setting x | | | begin declare x int; set session y = 1, x = 5; end
setting | setting new.x | | | set new.x = 5
setting | setting sql_mode | | | if a then begin end; else set sql_mode = ''; end if
user_variable | user_variable t | | | set @t = 5
user_variable | user_variable t | | | begin declare x int; set x = (@t := 5); end
user_variable | user_variable t | | | if (@t := 5) then begin end; end if
user_variable | user_variable t | | shop | select x into @t from t
user_variable | user_variable t | | | begin declare exit handler for sqlexception get diagnostics condition 1 @t = message_text; end
user_variable,unknown | | | shop | select x into y from t
advisory_lock | | | | do get_lock('x', 1)
advisory_lock | | | | begin declare x int default get_lock('x', 1); end
advisory_lock | | | | begin declare c cursor for select get_lock('x', 1); open c; end
advisory_lock | | | | while get_lock('x', 1) do begin end; end while
advisory_lock | | | | repeat begin end; until get_lock('x', 1) end repeat
advisory_lock | | | | case get_lock('x', 1) when 1 then begin end; end case
advisory_lock | | | | return get_lock('x', 1)
temp_table | temp_table ´shop´.´t´ | | | create temporary table t (a int)
temp_table,sequence | temp_table ´x´.´t´ | | shop | create temporary table x.t as select * from u
open_tx | | | | start transaction
none | | | | begin commit; rollback; savepoint s; end
setting,open_tx | setting autocommit | | | set autocommit = 0
prepare | prepare p | | | prepare p from 'select 1'
prepare,unknown | prepare p | | | begin prepare p from @x; execute p; end
unknown | | | | execute immediate 'x'
sequence,permanent | | | | set b = next value for s
cursor | cursor t | | | handler t open
sequence | | | | do last_insert_id(5)
table_lock | | | | flush tables with read lock
== calls
unknown | | procedure shop.p | | call p()
unknown | | procedure shop.p | | call p
unknown | | procedure x.p | | begin declare y int; call x.p(y, a + 1, b); end
user_variable,unknown | user_variable y | procedure shop.p | | call p(a, @y)
user_variable,unknown | user_variable y | procedure shop.p | | call p(@y := 1)
unknown | | function shop.f | | set b = f(1)
unknown | | function x.f | | begin declare y int default x.f(1); end
unknown | | function shop.f, procedure shop.p | | if f(1) then call p(f(1)); end if
unknown | | function shop.count | | set b = count (1)
== not understood
unknown | | | | frobnicate
unknown | | | | begin
unknown | | | | begin end; set @t = 1
unknown | | | | begin frobnicate; end
unknown | | | | begin if a then set b = 1; end
unknown | | | | begin if a set b = 1; end if; end
unknown | | | | begin not atomic end
unknown | | | | call x.y.p()
unknown | | | | call p() q
unknown | | | | begin declare c cursor for s; end
unknown | | | | set b = 1 /*! + 1 */
unknown | | | | set b = ?
unknown | | | | open c for select 1
unknown | | | | fetch c into @x
unknown | | | | fetch c into y
unknown | | | | leave
unknown | | | | goto x
`

func TestProgramsAreWhatTheTableSays(t *testing.T) {
	n := 0
	for line := range strings.Lines(programs) {
		line = spellOut.Replace(strings.TrimSpace(line))
		if line == "" || strings.HasPrefix(line, "==") {
			continue
		}
		fields := strings.SplitN(line, "|", 5)
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		got := my.Source{Body: fields[4], Database: "shop", Parameters: []string{"A", "b"}}.Parse()
		assert.Equal(t, strings.Join(fields[:4], " | "), renderProgram(got), fields[4])
		whole := my.Source{Whole: true, Body: "CREATE DEFINER=`u`@`%` PROCEDURE `p`(a int, out b int)\n    READS SQL DATA COMMENT 'set @a = 1'\n" + fields[4], Database: "shop", Parameters: []string{"a", "b"}}.Parse()
		assert.Equal(t, strings.Join(fields[:4], " | "), renderProgram(whole), "the whole of %s", fields[4])
		n++
	}
	assert.GreaterOrEqual(t, n, 90)
}

func renderProgram(s my.Statement) string {
	var calls []string
	for _, c := range s.Calls {
		kind := "function "
		if c.Procedure {
			kind = "procedure "
		}
		calls = append(calls, kind+c.Database+"."+c.Name)
	}
	_, undo, _ := strings.Cut(render(s), " | ")
	_, undo, _ = strings.Cut(undo, " | ")
	return strings.Join([]string{s.Effects.String(), undo, strings.Join(calls, ", "), strings.Join(s.Databases, ",")}, " | ")
}

func TestAProgramIsReadInItsOwnMode(t *testing.T) {
	for _, c := range []struct {
		mode, body string
		want       dialect.Effects
	}{
		{"", `select 'a\'; set @t = 1; -- '`, 0},
		{"STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES", `begin select 'a\'; set @t = 1; -- '` + "\n end", dialect.UserVariable},
		{"", `select "f"(1)`, dialect.UnknownEffect},
		{"ANSI_QUOTES", `begin declare "x" int; set "x" = 1; end`, 0},
		{"ANSI_QUOTES", `begin select "\"; set @t = 1; select ""; end`, dialect.UserVariable},
		{"PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ORACLE,NO_KEY_OPTIONS", `begin end`, dialect.UnknownEffect},
	} {
		assert.Equal(t, c.want.String(), my.Source{Body: c.body, Mode: c.mode}.Parse().Effects.String(), "%s: %s", c.mode, c.body)
	}
}

func TestATriggerAssignsToTheNewRow(t *testing.T) {
	trigger := my.Source{Body: "begin set new.x = now(), NEW.`y` = upper(old.y); select z into new.z from t; end", Database: "shop", Trigger: true}.Parse()
	assert.Zero(t, trigger.Effects)
	assert.Equal(t, dialect.Read, trigger.Class)
	assert.Equal(t, []string{"shop"}, trigger.Databases)
	whole := my.Source{Whole: true, Body: "CREATE DEFINER=`u`@`%` TRIGGER r before insert on t for each row follows q set new.x = 1, @y = 2", Trigger: true}.Parse()
	assert.Equal(t, dialect.UserVariable, whole.Effects)
}

func FuzzProgram(f *testing.F) {
	for line := range strings.Lines(programs) {
		if fields := strings.SplitN(spellOut.Replace(strings.TrimSpace(line)), "|", 5); len(fields) == 5 {
			f.Add(fields[4])
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		got := my.Source{Body: body, Database: "shop"}.Parse()
		if len(body) > 60<<10 || strings.ContainsAny(body, "\\'\"`") {
			return
		}
		behind := my.Source{Body: "begin " + body + "\n; set wait_timeout = 1; end", Database: "shop"}.Parse()
		if !got.Unclear && !strings.Contains(strings.ToLower(body), "declare") {
			assert.True(t, behind.Effects.Has(dialect.Setting) || behind.Unclear, "with SET behind: %+v", behind)
		}
	})
}
