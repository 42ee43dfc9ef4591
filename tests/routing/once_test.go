package routing_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/routing"
)

// refusal is a text that leaves one row in the table counter, which stays, and then fails as if a replica, or a stale statement, had refused it.
type refusal struct {
	name, text string
	ctx        func(context.Context) context.Context // nil: as it is
	// atomic is the family whose servers refuse it before it leaves anything: with GTIDs, MySQL writes to no table without transactions together
	// with one that has them.
	atomic string
}

// mysqlMulti lets texts have several statements.
func mysqlMulti(c *pooled.Config) {
	if my, err := mysql.ParseDSN(c.DSN); err == nil && c.DriverName == "mysql" {
		my.MultiStatements = true
		c.DSN = my.FormatDSN()
	}
}

// What the server has refused may have been committed in part before. Whatever a text consists of, it runs once.
func TestNothingRunsTwiceThatMayHaveLeftSomething(t *testing.T) {
	change := func(c *pooled.Config) {
		mysqlMulti(c)
		c.Reset.Mode = policy.ResetOff // with a reset, what may do anything binds a session to its connection
		c.Routing.FailoverTimeout = 5 * time.Second
	}
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			cluster := f.cluster(t, 2)
			counting, refusals := mysqlCounting, mysqlRefusals
			if f.driver == "pgx" {
				counting, refusals = postgresCounting(t, cluster.Nodes[0].DSN()), postgresRefusals
			}
			cluster.Nodes[0].Exec(counting...)
			p := open(t, f, cluster, change)
			for _, r := range refusals {
				t.Run(r.name, func(t *testing.T) {
					p.Nodes[0].Exec("delete from counter")
					p.readable(t, countRegisters)
					ctx := t.Context()
					if r.ctx != nil {
						ctx = r.ctx(ctx)
					}
					_, err := p.ExecContext(ctx, r.text)
					require.Error(t, err)
					left := 1
					if r.atomic == f.name {
						left = 0
					}
					assert.Equal(t, left, p.counted(t), "rows, after %v", err)
				})
			}
		})
	}
}

// counted is how many rows the primary has.
func (p *pool) counted(t *testing.T) (n int) {
	t.Helper()
	require.NoError(t, p.QueryRowContext(routing.WithPrimary(t.Context()), "select count(*) from counter").Scan(&n))
	return n
}

// postgresCounting makes what counts. What dblink does is committed at once, whatever becomes of the statement.
func postgresCounting(t *testing.T, dsn string) []string {
	t.Helper()
	link := postgresLink(t, dsn)
	remote := "perform dblink_exec(" + link + ", 'insert into counter values (1)');"
	fails := func(code string) string { return "raise exception using errcode = '" + code + "';" }
	return []string{
		"create extension dblink", "create extension citext",
		"create table counter (n int)",
		"create table audited (n int)",
		"create procedure leaves(code text) language plpgsql as $$ begin insert into counter values (1); commit; raise exception using errcode = code; end $$",
		"create function far(code text) returns int language plpgsql as $$ begin " + remote + " raise exception using errcode = code; end $$",
		"create function audits() returns trigger language plpgsql as $$ begin " + remote + fails("25006") + " end $$",
		"create trigger audit before insert on audited for each row execute function audits()",
		"create function trusted(text, text) returns text language c stable as '$libdir/dblink', 'dblink_exec'",
		"create function elsewhere() returns text language sql as $$ select " + link + " $$",
		"create view shows as select trusted(elsewhere(), convert_from(decode('" + hex.EncodeToString([]byte(leavesFar("40001"))) + "', 'hex'), 'UTF8')) as n",
	}
}

// postgresLink is what dblink takes for a server, as a literal of SQL.
func postgresLink(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(u.Host)
	require.NoError(t, err)
	password, _ := u.User.Password()
	link := fmt.Sprintf("host=%s port=%s user=%s dbname=postgres password='%s'", host, port, u.User.Username(),
		strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(password))
	return "'" + strings.ReplaceAll(link, "'", "''") + "'"
}

// leavesFar is a text for dblink that leaves a row, and then fails.
func leavesFar(code string) string {
	return "do $x$ begin insert into counter values (1); commit; raise exception using errcode = '" + code + "'; end $x$"
}

// trusted is a query that is taken for a read, and leaves a row.
func trusted(code string) string { return "select trusted(elsewhere(), $q$" + leavesFar(code) + "$q$)" }

var postgresRefusals = []refusal{
	{name: "a procedure that commits", text: "call leaves('25006')"},
	{name: "a block that commits", text: "do $$ begin insert into counter values (1); commit; raise exception using errcode = '25006'; end $$"},
	{name: "a function that writes through dblink", text: "select far('25006')"},
	{name: "a trigger that writes through dblink", text: "insert into audited values (1)"},
	{name: "several statements", text: "insert into counter values (1); commit; do $$ begin raise exception using errcode = '25006'; end $$"},
	{name: "a function in C that is said to be stable", text: trusted("25006")},
	{name: "a function in C that meets a conflict", text: trusted("40001")},
	{name: "a function in C whose server is in trouble", text: trusted("53100")},
	{name: "a view over it", text: "select n from shows"},
	{name: "what is sent to a replica by a comment", text: "/* pool:replica */ select far('40001')"},
	{name: "what is sent to a replica by the program", text: "select far('40001')", ctx: routing.WithReplica},
	{name: "a stale statement within", text: "call leaves('26000')"},
	{name: "a stale plan within", text: "call leaves('0A000')"},
}

// mysqlCounting makes what counts: what is in a table without transactions stays.
var mysqlCounting = []string{
	"create table counter (n int) engine = MyISAM",
	"create table audited (n int) engine = InnoDB",
	"create table undone (n int) engine = InnoDB",
	"create procedure leaves(code int) begin insert into undone values (1); insert into counter values (1); commit;" +
		" signal sqlstate 'HY000' set mysql_errno = code, message_text = 'the --super-read-only option'; end",
	"create function far(code int) returns int deterministic begin insert into counter values (1);" +
		" signal sqlstate 'HY000' set mysql_errno = code, message_text = 'the --super-read-only option'; return 1; end",
	"create trigger audit before insert on audited for each row begin insert into counter values (1);" +
		" signal sqlstate 'HY000' set mysql_errno = 1290, message_text = 'the --super-read-only option'; end",
	"create trigger late after insert on counter for each row begin if new.n = 2 then" +
		" signal sqlstate 'HY000' set mysql_errno = 1290, message_text = 'the --super-read-only option'; end if; end",
	"create view shows as select far(1290) as n",
}

var mysqlRefusals = []refusal{
	{name: "a procedure that commits", text: "call leaves(1290)"},
	{name: "a procedure that commits, in a read-only transaction", text: "call leaves(1792)"},
	{name: "a procedure that commits, in read-only mode", text: "call leaves(1836)"},
	{name: "a function that writes", text: "select far(1290)"},
	{name: "a function that writes, for another table", text: "insert into undone select far(1290)", atomic: "MySQL"},
	{name: "a view over a function that writes", text: "select n from shows"},
	{name: "a trigger that writes to a table without transactions", text: "insert into audited values (1)", atomic: "MySQL"},
	{name: "a table without transactions", text: "insert into counter values (2)"},
	{name: "several statements", text: "insert into counter values (1); signal sqlstate 'HY000' set mysql_errno = 1290, message_text = 'the --super-read-only option'"},
	{name: "a node of Galera that is not ready", text: "call leaves(1047)"},
	{name: "a stale statement within", text: "call leaves(1615)"},
	{name: "a statement that is not known within", text: "call leaves(1243)"},
	{name: "too many statements within", text: "call leaves(1461)"},
	{name: "a deadlock within", text: "call leaves(1213)"},
}
