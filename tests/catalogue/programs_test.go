package catalogue_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// becomes is what becomes of a connection.
type becomes string

const (
	clean becomes = "clean" // nothing was left
	reset becomes = "reset" // it was undone by name
	lost  becomes = "lost"  // only a new connection is clean
)

// sqlProgram is what a borrower does with stored programs. Their names begin with its own, as all databases of a server count.
type sqlProgram struct {
	name, only string
	mode       string // sql_mode of the programs
	setup      []string
	borrower   []string
	want       becomes
}

var sqlPrograms = []sqlProgram{
	{"a procedure that does nothing", "", "", []string{"create procedure P() begin end"}, []string{"call P()", "call P", "call `P`()"}, clean},
	{"a procedure that reads", "", "", []string{"create procedure P(a int) begin select name from things where id = a; select count(*) from others; end"}, []string{"call P(1)"}, clean},
	{"a procedure with loops and conditions", "", "", []string{`create procedure P(a int, out b int) begin
		declare i int default 0; declare c varchar(10) character set utf8mb4;
		l: while i < a do set i = i + 1; if i mod 2 = 0 then iterate l; elseif i > 5 then leave l; else set c = 'odd'; end if; end while l;
		repeat set i = i - 1; until i < 0 end repeat;
		m: loop set i = i + 1; if case when i > 3 then 1 else 0 end then leave m; end if; end loop m;
		case i when 1 then set b = 1; when 2 then begin set b = 2; end; else set b = if(i > 1, 3, 4); end case;
	end`, "create procedure P2(a int) begin declare b int; call P(a, b); select b; end"}, []string{"call P2(9)"}, clean},
	{"a procedure with cursors and handlers", "", "", []string{`create procedure P() begin
		declare done int default 0; declare n varchar(100); declare total int default 0;
		declare no_such_table condition for 1146;
		declare c cursor for select name from things;
		declare continue handler for not found set done = 1;
		declare exit handler for no_such_table, sqlstate '42S22' begin end;
		open c; l: loop fetch c into n; if done then leave l; end if; set total = total + length(n); end loop; close c;
		begin declare continue handler for sqlexception begin get diagnostics condition 1 n = message_text; end; signal sqlstate '45000' set message_text = 'no'; end;
		select total;
	end`}, []string{"call P()"}, clean},
	{"a procedure that writes", "", "", []string{`create procedure P(a varchar(10)) begin
		insert into things (name) values (a); update things set name = concat(name, '!') where name = a; delete from things where name like 'x%'; replace into others values (1);
	end`}, []string{"call P('x')"}, clean},
	{"a procedure that commits", "", "", []string{"create procedure P() begin insert into others values (1); commit; savepoint s; end"}, []string{"call P()"}, clean},
	{"a procedure that truncates", "", "", []string{"create procedure P() begin truncate table others; truncate others; end"}, []string{"call P()"}, clean},
	{"a procedure with strings that look like statements", "", "", []string{`create procedure P() begin select 'it\'s; set @tenant = 7; ', "call \"x\"", 'a''b'; /* it's @tenant := 7 */ select ` + "`a``b` from (select 1 as `a``b`) x; end"}, []string{"call P()"}, clean},
	{"a procedure with names in double quotes", "", "ANSI_QUOTES", []string{`create procedure P() begin declare "x ; set @tenant" int; set "x ; set @tenant" = 1; end`}, []string{"call P()"}, clean},
	{"a procedure with raw backslashes", "", "NO_BACKSLASH_ESCAPES", []string{`create procedure P() begin select 'a\', 'b'; end`}, []string{"call P()"}, clean},
	{"a variable that hides one of the server's", "", "", []string{"create procedure P() begin declare wait_timeout int default 5; set wait_timeout = 7, wait_timeout = wait_timeout + 1; end"}, []string{"call P()"}, clean},
	{"procedures that call each other", "", "", []string{"create procedure P(n int) begin if n > 0 then call P2(n - 1); end if; end", "create procedure P2(n int) begin if n > 0 then call P(n - 1); end if; end"}, []string{"set @@max_sp_recursion_depth = 10", "call P(3)"}, reset},
	{"functions", "", "", []string{
		"create function P(a int) returns int deterministic return a + 1",
		"create function P2(a int) returns int reads sql data begin declare n int; select count(*) into n from things where id > P(a); return n; end",
	}, []string{"select P(1), P2(2)", "select name from things where id = P(0)", "update others set id = P2(id)", "do P(3)"}, clean},
	{"a function behind a view", "", "", []string{"create function P(a int) returns int deterministic return a + 1", "create view P_view as select P(id) as n from things", "create view P_view2 as select n from P_view"}, []string{"select * from P_view2"}, clean},
	{"triggers that write a log", "", "", []string{
		"create table P_log (id int auto_increment primary key, what varchar(100))", "create table P_data (a int, at datetime)",
		"create trigger P_t before insert on P_data for each row begin if new.a < 0 then signal sqlstate '45000'; end if; set new.at = now(); end",
		"create trigger P_u after insert on P_data for each row insert into P_log (what) values (concat('it''s ', new.a))",
		"create procedure P(a int) insert into P_data (a) values (a)", "create view P_view as select a from P_data",
	}, []string{"insert into P_data (a) values (1)", "call P(2)", "insert into P_view values (3)"}, clean},
	{"tables of its own", "", "", []string{"create procedure P() begin drop temporary table if exists pets; create temporary table pets (id int); insert into pets values (1); select * from pets; end"}, []string{"call P()"}, reset},
	{"an OUT parameter", "", "", []string{"create procedure P(a int, out b int, inout c int) begin set b = a, c = c + 1; end"}, []string{"call P(1, @tenant, @rows_seen)"}, reset},
	{"an OUT parameter that is handed on", "", "", []string{"create procedure P(out b int) begin set b = 7; end", "create procedure P2() begin call P(@tenant); end"}, []string{"call P2()"}, reset},
	{"a user variable", "", "", []string{"create procedure P() begin declare x int; set x = 1, @tenant = 7; end"}, []string{"call P()"}, reset},
	{"a user variable in a query", "", "", []string{"create function P() returns int deterministic begin declare x int; select @tenant := 7 into x; return x; end"}, []string{"select P()"}, reset},
	{"a user variable by INTO", "", "", []string{"create procedure P() begin select 7 into @tenant; end"}, []string{"call P()"}, reset},
	{"a user variable between strings", "", "", []string{`create procedure P() begin select 'it\'s', @tenant := 'it\'s'; end`}, []string{"call P()"}, reset},
	{"a user variable between names", "", "", []string{"create procedure P() begin select 1 as `a``b`, @tenant := 7 as `a``b`; end"}, []string{"call P()"}, reset},
	{"a user variable behind a raw backslash", "", "NO_BACKSLASH_ESCAPES", []string{`create procedure P() begin select 'a\', @tenant := 7; -- '` + "\nend"}, []string{"call P()"}, reset},
	{"a user variable behind a name", "", "ANSI_QUOTES", []string{`create procedure P() begin select 1 as "\", @tenant := 7, 2 as "\"; end`}, []string{"call P()"}, reset},
	{"a user variable in the condition of a loop", "", "", []string{"create procedure P() begin while coalesce(@tenant := 7, 1) < 3 do begin end; end while; end"}, []string{"call P()"}, reset},
	{"a user variable in a handler", "", "", []string{"create procedure P() begin declare exit handler for sqlexception set @tenant = 7; signal sqlstate '45000'; end"}, []string{"call P()"}, reset},
	{"a user variable in a cursor", "", "", []string{"create procedure P() begin declare x int; declare c cursor for select @tenant := 7; open c; fetch c into x; close c; end"}, []string{"call P()"}, reset},
	{"a user variable of a called one", "", "", []string{"create procedure P() begin call P2(); end", "create procedure P2() begin if 1 = 1 then call P3(); end if; end", "create procedure P3() set @tenant = 7"}, []string{"call P()"}, reset},
	{"a user variable of a function of a procedure", "", "", []string{"create function P2() returns int deterministic begin set @tenant = 7; return 1; end", "create procedure P() begin declare x int default P2(); end"}, []string{"call P()"}, reset},
	{"a user variable of a trigger of a procedure's table", "", "", []string{"create table P_t (a int)", "create trigger P_r before delete on P_t for each row set @tenant = 7", "create procedure P() begin insert into P_t values (1); delete from P_t; end"}, []string{"call P()"}, reset},
	{"a user variable of a view of a procedure's", "", "", []string{"create function P2() returns int deterministic begin set @tenant = 7; return 1; end", "create view P_v as select P2() as a", "create procedure P() begin declare x int; select a into x from P_v; end"}, []string{"call P()"}, reset},
	{"a variable of the server's", "", "", []string{"create procedure P() begin declare x int; set session wait_timeout = 77; set @@lock_wait_timeout = 7; end"}, []string{"call P()"}, reset},
	{"a variable of the server's that a block has hidden", "", "", []string{"create procedure P() begin begin declare wait_timeout int; set wait_timeout = 1; end; set wait_timeout = 77; end"}, []string{"call P()"}, reset},
	{"sql_mode", "", "", []string{"create procedure P() set sql_mode = 'ANSI'"}, []string{"call P()"}, reset},
	{"a lock", "", "", []string{"create procedure P() begin declare x int; set x = get_lock('pooled_lock', 1); end"}, []string{"call P()"}, reset},
	{"a temporary table", "", "", []string{"create procedure P() begin create temporary table pets (id int); end"}, []string{"call P()"}, reset},
	{"a transaction", "", "", []string{"create procedure P() begin start transaction; insert into others values (1); end"}, []string{"call P()"}, reset},
	{"autocommit", "", "", []string{"create procedure P() begin set autocommit = 0; insert into others values (1); end"}, []string{"call P()"}, reset},
	{"the isolation of the next transaction", "", "", []string{"create procedure P() set transaction isolation level read uncommitted"}, []string{"call P()"}, reset},
	{"the numbers of a procedure", "", "", []string{"create procedure P() begin insert into things (name) values ('x'); do last_insert_id(77); end"}, []string{"call P()", "set @x = 1"}, reset},
	{"a statement without a name", "", "", []string{"create procedure P() begin prepare p from 'set @tenant = 7'; execute p; end"}, []string{"call P()"}, lost},
	{"a statement made of pieces", "MariaDB", "", []string{"create procedure P() execute immediate concat('set @', 'tenant = 7')"}, []string{"call P()"}, lost},
	{"a sequence", "MariaDB", "", []string{"create procedure P() begin declare x int; set x = next value for numbers; end"}, []string{"call P()"}, lost},
	{"a sequence by a default", "MariaDB", "", []string{"create procedure P() insert into counted (name) values ('x')"}, []string{"call P()"}, lost},
	{"a sequence by a temporary table's default", "MariaDB", "", nil, []string{"create temporary table pets (id int default nextval(numbers), n int)", "insert into pets (n) values (1)"}, lost},
	{"a procedure of Oracle's", "MariaDB", "ORACLE", []string{"create procedure P as begin set @tenant = 7; end"}, []string{"call P()"}, lost},
	{"the seed of random numbers", "", "", []string{"create procedure P() set rand_seed1 = 1, rand_seed2 = 2"}, []string{"call P()"}, lost},
	{"the next generated number", "", "", []string{"create procedure P() set insert_id = 777"}, []string{"call P()"}, lost},
	{"a procedure that is not there yet", "", "", []string{"create procedure P() begin declare continue handler for sqlexception begin end; call P_later(); end"}, []string{"call P()"}, lost},
	{"a view that it makes", "", "", []string{"create function P2() returns int deterministic begin set @tenant = 7; return 1; end", "create procedure P() begin create or replace view P_v as select P2() as a; select * from P_v; end"}, []string{"call P()"}, lost},
	{"profiling", "", "", []string{"create procedure P() set profiling = 1"}, []string{"call P()"}, lost},
	{"a character set", "", "", []string{"create procedure P() set names gbk"}, []string{"call P()"}, lost},
}

// programState is what everybody looks at after a program.
func programState(s realtest.MySQLServer) []string {
	state := append(slices.Clone(resettest.MySQLState), "select 'transaction', ("+s.InTx+")", "select * from pets")
	if s.Name == "MariaDB" {
		state = append(state, "select lastval(numbers)")
	}
	return state
}

func TestMySQLStoredProgramsAreJudgedByWhatTheyReach(t *testing.T) {
	t.Parallel()
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		f := resettest.MySQLFamily(t, s, func(*mysql.Config) {})
		admin := realtest.Open(t, "mysql", f.DSN)
		admin.SetMaxOpenConns(1)
		var cases []sqlProgram
		for i, p := range sqlPrograms {
			if p.only != "" && p.only != s.Name {
				continue
			}
			own := strings.NewReplacer("P", fmt.Sprintf("of%dx", i)) // which no other word has
			_, err := admin.ExecContext(t.Context(), "set sql_mode = '"+p.mode+"'")
			require.NoError(t, err)
			for _, text := range p.setup {
				_, err := admin.ExecContext(t.Context(), own.Replace(text))
				require.NoError(t, err, own.Replace(text))
			}
			p.borrower = slices.Clone(p.borrower)
			for i := range p.borrower {
				p.borrower[i] = own.Replace(p.borrower[i])
			}
			cases = append(cases, p)
		}
		bare := realtest.Open(t, f.Driver, f.DSN)
		bare.SetMaxIdleConns(0)
		db, log := resettest.OpenForReset(t, f, nil)
		realtest.Borrow(t, db, "set @tenant = 7") // and the catalogue is read
		for _, p := range cases {
			t.Run(p.name, func(t *testing.T) {
				want, _ := resettest.Look(t.Context(), t, bare, programState(s), f.ID)
				realtest.Borrow(t, db, p.borrower...) // and what it names is learnt
				became := whatBecomes(t, db, f, p.borrower, false)
				got, _ := resettest.Look(t.Context(), t, db, programState(s), f.ID)
				assert.Empty(t, resettest.Differences(want, got), log)
				assert.Equal(t, p.want, became, log)
				assert.Zero(t, resettest.Resets(t, db).AuditFailures, log)
			})
		}
	})
}

// whatBecomes tells what becomes of the one connection of a pool when a borrower has run statements, of which some may fail.
func whatBecomes(t *testing.T, db *sql.DB, f resettest.Family, texts []string, mayFail bool) becomes {
	t.Helper()
	connection, before := realtest.Scalar(t, db, f.ID), resettest.Resets(t, db)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	for _, text := range texts {
		rows, err := conn.QueryContext(t.Context(), text)
		if err == nil {
			for more := true; more; more = rows.NextResultSet() {
				for rows.Next() {
				}
			}
			err = errors.Join(rows.Err(), rows.Close())
		}
		if !mayFail {
			require.NoError(t, err, text)
		}
	}
	require.NoError(t, conn.Close())
	switch {
	case realtest.Scalar(t, db, f.ID) != connection:
		return lost
	case resettest.Resets(t, db).Resets == before.Resets:
		return clean
	default:
		return reset
	}
}

// newOrder is a procedure as those that TPC-C is run with.
const newOrder = `create procedure new_order(in w int, in d int, in items int, out total decimal(12, 2))
modifies sql data comment 'TPC-C''s new order; as it''s often written'
begin
	declare no_stock condition for sqlstate '45001';
	declare done boolean default false;
	declare i int default 1;
	declare o, stock, item, amount int;
	declare tax, price decimal(10, 2) default 0.00;
	declare info varchar(50) character set utf8mb4;
	declare bought cursor for select ol_i_id, ol_amount from order_line where ol_o_id = o order by ol_number;
	declare continue handler for not found set done = true;
	declare exit handler for no_stock, 1213 begin
		get diagnostics condition 1 info = message_text;
		rollback;
		set total = -1;
	end;
	-- it's the district's turn
	start transaction;
	select d_tax, d_next_o_id into tax, o from district where d_id = d and d_w_id = w for update;
	update district set d_next_o_id = o + 1 where d_id = d and d_w_id = w;
	insert into orders (o_id, o_d_id, o_w_id, o_entry) values (o, d, w, now());
	fill: while i <= items do
		set item = 1 + floor(rand() * 10), amount = 5;
		select s_quantity, i_price into stock, price from stock join item on i_id = s_i_id where s_i_id = item and s_w_id = w for update;
		if done then signal no_stock set message_text = 'isn''t known; set @tenant = 7';
		elseif stock < amount then set stock = stock + 91;
		end if;
		update stock set s_quantity = stock - amount, s_data = left(concat('it''s ', s_data), 20) where s_i_id = item and s_w_id = w;
		insert into order_line (ol_o_id, ol_number, ol_i_id, ol_amount) values (o, i, item, case when amount > 3 then amount * price else price end);
		set i = i + 1;
	end while fill;
	set total = 0, done = false;
	open bought;
	adding: loop
		fetch bought into item, price;
		if done then leave adding; end if;
		set total = total + price * (1 + tax);
	end loop adding;
	close bought;
	commit;
end`

const orderSchema = `
	create table district (d_id int, d_w_id int, d_tax decimal(4, 2), d_next_o_id int, primary key (d_w_id, d_id));
	create table orders (o_id int, o_d_id int, o_w_id int, o_entry datetime, seq int auto_increment primary key);
	create table order_line (ol_o_id int, ol_number int, ol_i_id int, ol_amount decimal(10, 2), key (ol_o_id));
	create table item (i_id int primary key, i_price decimal(10, 2));
	create table stock (s_i_id int, s_w_id int, s_quantity int, s_data varchar(20), primary key (s_w_id, s_i_id));
	create table order_log (at datetime, what varchar(100), id int auto_increment primary key);
	create trigger logged after insert on orders for each row insert into order_log (at, what) values (now(), concat('order ', new.o_id));
	insert into district values (1, 1, 0.1, 1);
	insert into item values (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7), (8, 8), (9, 9), (10, 10);
	insert into stock select i_id, 1, 100, '' from item`

func TestAThousandCallsOfAProcedureLoseNoConnection(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		dsn, err := mysql.ParseDSN(s.Database(t))
		require.NoError(t, err)
		dsn.MultiStatements = true
		admin := realtest.Open(t, "mysql", dsn.FormatDSN())
		for _, text := range []string{orderSchema, newOrder} {
			_, err = admin.ExecContext(t.Context(), text)
			require.NoError(t, err)
		}
		cfg := pooled.NewConfig()
		cfg.DriverName, cfg.DSN, cfg.Pool.MaxConns = "mysql", dsn.FormatDSN(), 4
		db, connector := pooltest.Open(t, cfg)
		var workers sync.WaitGroup
		for range 4 {
			workers.Go(func() {
				for range 250 {
					_, err := db.ExecContext(t.Context(), "call new_order(1, 1, 3, @total)")
					assert.NoError(t, err)
				}
			})
		}
		workers.Wait()
		assert.Equal(t, 1000, realtest.ScanInt(t, admin, "select count(*) from order_log"))
		assert.Equal(t, 3000, realtest.ScanInt(t, admin, "select count(*) from order_line"))
		assert.Empty(t, realtest.Scalar(t, db, "select coalesce(@total, '')"))
		stats := connector.Stats().Endpoints[0]
		assert.Zero(t, stats.Reset.Discards)
		assert.Zero(t, stats.Closed)
		assert.LessOrEqual(t, stats.Dials, uint64(4))
		t.Logf("%d dials, %+v", stats.Dials, stats.Reset)
	})
}

// The catalogue is read after the first session that leaves something: until then nobody knows what it has called.
func TestTheFirstCallOfAProcedureIsJudgedWhenTheCatalogueIsKnown(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		f := resettest.MySQLFamily(t, s, func(*mysql.Config) {})
		admin := realtest.Open(t, "mysql", f.DSN)
		for _, text := range []string{"create procedure first_harmless() begin end", "create procedure first_harmful() begin prepare p from 'set @tenant = 7'; execute p; end"} {
			_, err := admin.ExecContext(t.Context(), text)
			require.NoError(t, err)
		}
		db, log := resettest.OpenForReset(t, f, nil)
		before := realtest.Scalar(t, db, f.ID)
		realtest.Borrow(t, db, "call first_harmless()")
		assert.Equal(t, before, realtest.Scalar(t, db, f.ID), log)
		assert.Zero(t, resettest.Resets(t, db).Discards, log)

		db, log = resettest.OpenForReset(t, f, nil)
		before = realtest.Scalar(t, db, f.ID)
		realtest.Borrow(t, db, "call first_harmful()")
		assert.Empty(t, realtest.Scalar(t, db, "select coalesce(@tenant, '')"), log)
		assert.NotEqual(t, before, realtest.Scalar(t, db, f.ID), log)
	})
}

// A procedure of one name in several databases is known apart by its database.
func TestOfProceduresWithOneNameTheWorstCounts(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		f, other := resettest.MySQLFamily(t, s, func(*mysql.Config) {}), resettest.MySQLFamily(t, s, func(*mysql.Config) {})
		here, err := mysql.ParseDSN(f.DSN)
		require.NoError(t, err)
		there, err := mysql.ParseDSN(other.DSN)
		require.NoError(t, err)
		admin := realtest.Open(t, "mysql", f.DSN)
		for _, text := range []string{
			"create procedure twice() begin end", fmt.Sprintf("create procedure %s.twice() set rand_seed1 = 7", there.DBName),
			"create procedure calls_here() call twice()", fmt.Sprintf("create procedure calls_there() call %s.twice()", there.DBName),
		} {
			_, err := admin.ExecContext(t.Context(), text)
			require.NoError(t, err)
		}
		db, log := resettest.OpenForReset(t, f, nil)
		realtest.Borrow(t, db, "set @tenant = 7")
		for text, kept := range map[string]bool{
			"call twice()": false, fmt.Sprintf("call %s.twice()", here.DBName): true, fmt.Sprintf("call `%s`.`TWICE`()", here.DBName): true,
			fmt.Sprintf("call %s.twice()", there.DBName): false, "call calls_here()": true, "call calls_there()": false,
		} {
			before := realtest.Scalar(t, db, f.ID)
			realtest.Borrow(t, db, text)
			assert.Equal(t, kept, before == realtest.Scalar(t, db, f.ID), "%s\n%s", text, log)
		}
	})
}

// With pool_reset=off a procedure may have begun a transaction, whatever it does.
func TestAProcedureIsRolledBackWhereNothingIsReset(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		f := resettest.MySQLFamily(t, s, func(*mysql.Config) {})
		admin := realtest.Open(t, "mysql", f.DSN)
		_, err := admin.ExecContext(t.Context(), "create procedure leaves_open() begin start transaction; insert into others values (7); end")
		require.NoError(t, err)
		db, _ := resettest.OpenForReset(t, f, func(c *pooled.Config) { c.Reset.Mode = policy.ResetOff })
		realtest.Borrow(t, db, "call leaves_open()")
		assert.Equal(t, "0", realtest.Scalar(t, db, s.InTx))
		assert.Equal(t, "0", realtest.Scalar(t, db, "select count(*) from others"))
	})
}

// The number that an INSERT has left stays with the connection until somebody could see it.
func TestAProgramDoesNotSeeTheNumberOfAnotherBorrower(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		f := resettest.MySQLFamily(t, s, func(*mysql.Config) {})
		admin := realtest.Open(t, "mysql", f.DSN)
		for _, text := range []string{
			"create function number_seen() returns int not deterministic no sql return last_insert_id()",
			"create function number_handed_on() returns int not deterministic no sql return number_seen()",
			"create view number_view as select number_handed_on() as n",
			"create procedure number_procedure() select number_handed_on()",
		} {
			_, err := admin.ExecContext(t.Context(), text)
			require.NoError(t, err)
		}
		db, log := resettest.OpenForReset(t, f, nil)
		realtest.Borrow(t, db, "set @tenant = 7") // and the catalogue is read
		connection := realtest.Scalar(t, db, f.ID)
		for _, text := range []string{"select number_seen()", "select number_handed_on()", "select n from number_view", "call number_procedure()"} {
			realtest.Borrow(t, db, "insert into things (name) values ('x')")
			assert.Equal(t, "0", realtest.Scalar(t, db, text), "%s\n%s", text, log)
		}
		assert.Equal(t, connection, realtest.Scalar(t, db, f.ID), log)
	})
}
