package my

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDefinitionsTellWhichNamesMeanSomethingElse(t *testing.T) {
	for text, want := range map[string]Definition{
		"create table t (id int primary key, type varchar(10) default 'x')":                    {Added: []string{"t"}},
		"create table if not exists shop.`T x` (id int) engine = InnoDB":                       {Added: []string{"t x"}},
		"create table t (id int) engine=memory":                                                {Tables: []string{"t"}},
		"create table t like u":                                                                {Tables: []string{"t"}},
		"create table t as select 1 as a":                                                      {Tables: []string{"t"}},
		"create table t (id int default nextval(s))":                                           {Tables: []string{"t"}},
		"create table t (id int default (@a := 1))":                                            {Tables: []string{"t"}},
		"create or replace table t (id int)":                                                   {Added: []string{"t"}, Dropped: []string{"t"}, Removes: true},
		"create temporary table t (id int)":                                                    {},
		"alter table t add column a int, rename column b to c":                                 {Removes: true, Dropped: []string{"t"}},
		"alter table t engine = memory":                                                        {Tables: []string{"t"}, Removes: true, Dropped: []string{"t"}},
		"alter table t add column a int, rename to u":                                          {Tables: []string{"t", "u"}, Removes: true, Dropped: []string{"t"}},
		"alter table t rename as x.u":                                                          {Tables: []string{"t", "u"}, Removes: true, Dropped: []string{"t"}},
		"alter table t exchange partition p with table u":                                      {Tables: []string{"t"}, Removes: true, Dropped: []string{"t"}},
		"rename table a to b, x.c to y.`d`":                                                    {Tables: []string{"a", "b", "c", "d"}},
		"rename user a to b":                                                                   {},
		"create or replace definer = 'me'@'here' sql security invoker view v as select 1 as a": {Tables: []string{"v"}},
		"alter algorithm = merge view V as select 1 as a":                                      {Tables: []string{"v"}},
		"create trigger if not exists `on` before insert on x.t for each row set @a = 1":       {Tables: []string{"t"}},
		"create definer = current_user() function f() returns int return 1":                    {Routines: []string{"f"}},
		"create procedure if not exists x.P() begin end":                                       {Routines: []string{"p"}},
		"alter procedure p comment 'x'":                                                        {Routines: []string{"p"}},
		"create function f returns string soname 'x.so'":                                       {Anything: true},
		"create package p as end":                                                              {Anything: true},
		"create server s foreign data wrapper mysql options (host 'x')":                        {Anything: true},
		"create index i on t (a)":                                                              {},
		"create event e on schedule every 1 day do delete from t":                              {},
		"create database d":                                                                    {},
		"drop table if exists a, x.b":                                                          {Dropped: []string{"a", "b"}, Removes: true},
		"drop view v":                                                                          {Dropped: []string{"v"}, Removes: true},
		"drop function f":                                                                      {DroppedRoutines: []string{"f"}, Removes: true},
		"drop trigger tr":                                                                      {Removes: true, DropsMore: true},
		"drop database d":                                                                      {Removes: true, DropsMore: true},
		"drop temporary table t":                                                               {},
		"drop index i on t":                                                                    {},
		"create table a (id int); drop table b; drop trigger c":                                {Added: []string{"a"}, Dropped: []string{"b"}, Removes: true, DropsMore: true},
		"insert into t values (1)":                                                             {},
	} {
		assert.Equal(t, want, Parse(text).Definition, text)
	}
}
