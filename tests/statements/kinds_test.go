package statements_test

import (
	"database/sql"
	"database/sql/driver"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/mysql"
)

var kindPairs = flag.Int("kind-pairs", 2_000, "how many pairs of values of the same kind are tried on each server")

// A statement that ran with a value answers another one of the same kind as a new statement does, wherever the value stands.
func TestValuesOfOneKindLeaveAStatementAsItWas(t *testing.T) {
	for name, dsn := range map[string]string{"MariaDB": testserver.MariaDBDatabase(t), "MySQL": testserver.MySQLDatabase(t)} {
		t.Run(name, func(t *testing.T) {
			db, err := sql.Open("mysql", dsn)
			require.NoError(t, err)
			defer func() { assert.NoError(t, db.Close()) }()
			for _, text := range kindTables {
				_, err := db.ExecContext(t.Context(), text)
				require.NoError(t, err)
			}
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0))
			kindOf := kinds(t)
			byKind := map[byte][]driver.Value{}
			for range 50_000 {
				v := anyValue(random)
				if kind := kindOf(v); kind != 0 {
					byKind[kind] = append(byKind[kind], v)
				}
			}
			assert.Len(t, byKind, 23)
			var all []byte
			for kind := range byKind {
				all = append(all, kind)
			}
			for range *kindPairs {
				text := kindTexts[random.IntN(len(kindTexts))]
				first, second := all[random.IntN(len(all))], all[random.IntN(len(all))]
				pick := func(kind byte) driver.Value { return byKind[kind][random.IntN(len(byKind[kind]))] }
				before, after := []any{pick(first), pick(second)}, []any{pick(first), pick(second)}
				if n := placeholders(text); n == 1 {
					before, after = before[:1], after[:1]
				}
				st, err := conn.PrepareContext(t.Context(), text)
				require.NoError(t, err, text)
				_ = shown(st.QueryContext(t.Context(), before...))
				got := shown(st.QueryContext(t.Context(), after...))
				_ = st.Close()
				want := shown(conn.QueryContext(t.Context(), text, after...))
				if conn.PingContext(t.Context()) != nil { // the driver panics at some dates that the server makes up, with a new statement as well
					_ = conn.Close()
					conn, err = db.Conn(t.Context())
					require.NoError(t, err)
					continue
				}
				if !assert.Equal(t, want, got, "seed %d: %q with %#v after %#v", seed, text, after, before) {
					return
				}
			}
		})
	}
}

// kinds tells the kind of a value for a server that keeps no types of arguments, as MariaDB does.
func kinds(t *testing.T) func(driver.Value) byte {
	t.Helper()
	server, err := mysql.Dialect{}.Open(testserver.MariaDB(t))
	require.NoError(t, err)
	conn, err := server.Connector.Connect(t.Context())
	require.NoError(t, err)
	defer func() { assert.NoError(t, conn.Close()) }()
	_, err = server.Dialled(t.Context(), conn)
	require.NoError(t, err)
	return server.Traits.Kind
}

// kindTexts are places where a value may stand.
var kindTexts = []string{
	"select ?", "select ? + 0", "select ? / 3", "select -?", "select ? & 7", "select ? || 'x'", "select concat(?, 'x')", "select json_object('z', ?)", "select json_array(?, ?)",
	"select coalesce(?, 'abc')", "select coalesce(?, 5)", "select coalesce(?, ?)", "select if(1, ?, 'q')", "select if(1, ?, ?)", "select case when 1 then ? else 2 end",
	"select nullif(?, '7')", "select ? <=> 7", "select ? = ?", "select ? in (1, '7', ?)", "select ? between 1 and ?", "select ? like '%7%'", "select greatest(?, 5)",
	"select greatest(?, ?)", "select least(?, 'b')", "select round(?, 1)", "select truncate(?, 1)", "select format(?, 2)", "select cast(? as char)", "select hex(?)", "select length(?)",
	"select sum(?) from t", "select max(?) from t group by i", "select group_concat(?) from t", "select distinct ? from t", "select ? from t order by 1", "select ? union all select 'abcdefghij'",
	"select ? union select ?", "select x from (select ? as x) q", "with c as (select ? as x) select x from c", "select date_add(?, interval 1 day)", "select date_sub(?, interval 1 month)",
	"select addtime(?, '01:00:00')", "select timestamp(?)", "select last_day(?)", "select date_format(?, '%Y')", "select extract(hour from ?)", "select cast(? as date)",
	"select cast(? as datetime)", "select hour(?)", "select unix_timestamp(?)", "select from_unixtime(?)", "select makedate(2024, ?)", "select sec_to_time(?)",
	"select timediff(?, '01:00:00')", "select time(?)", "select year(?)", "select substring('abcdefgh', ?)", "select elt(1, ?, ?)", "select field(?, 'a', '007')", "select interval(?, 1, 5, 10)",
	"select i = ?, ? > i, i in (?) from (select i, ? as a, ? as b from t) q limit 0", "select da = ? from t", "select da > ? and da < ? from t", "select coalesce(da, ?) from t", "select greatest(da, ?) from t", "select if(1, ?, da) from t",
	"select least(ti, ?) from t", "select ti = ? from t", "select ifnull(?, ts) from t", "select ts >= ? from t", "select case when 1 then ? else d end from t", "select d = ? from t", "select da in (?, '2024-01-02', ?) from t",
	"select v = ? from t", "select i = ? from t", "select n = ? from t", "select f > ? from t", "select bi = ? from t", "select y = ? from t", "select b = ? from t", "select en = ? from t", "select bt = ? from t", "select j = ? from t",
	"select interval ? day + da from t", "select date_add(da, interval ? hour) from t", "select count(*) from t where i = ? or v = ?", "select count(*) from t where da >= ? and n < ?", "select ? * n from t", "select ? + da from t",
}

func placeholders(text string) (n int) {
	for _, c := range text {
		if c == '?' {
			n++
		}
	}
	return n
}

var kindTables = []string{
	"create table t (i int, v varchar(100), d datetime(6), n decimal(10,3), j json, b varbinary(100), da date, ti time, f double, bi bigint unsigned, " +
		"en enum('a','b','7'), y year, bt bit(8), ts timestamp null)",
	`insert into t values (7, '007', '2024-01-02 03:04:05', 12.5, '{"a":1}', 'xyz', '2024-01-02', '03:04:05', 1.5, 5, 'a', 2024, b'101', '2024-01-02 03:04:05'),
		(0, 'abc', '2020-05-06', 0, '7', '7', '2020-05-06', '00:00:07', 0, 0, '7', 2007, b'0', '2020-05-06 07:08:09')`,
}

// shown is all that a caller can see of an answer.
func shown(rows *sql.Rows, err error) (out string) {
	if err != nil {
		return "error " + err.Error()
	}
	defer func() {
		if p := recover(); p != nil {
			out = fmt.Sprint("panic ", p)
			_ = rows.Close()
		}
	}()
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return "error " + err.Error()
	}
	values := make([]any, len(columns))
	for i, column := range columns {
		precision, scale, ok := column.DecimalSize()
		out += fmt.Sprintf("%s(%d,%d,%v) ", column.DatabaseTypeName(), precision, scale, ok)
		values[i] = new(sql.NullString)
	}
	for rows.Next() {
		if err := rows.Scan(values...); err != nil {
			return out + "error " + err.Error()
		}
		for _, v := range values {
			out += fmt.Sprintf("%.200q%v ", v.(*sql.NullString).String, v.(*sql.NullString).Valid)
		}
	}
	return fmt.Sprint(out, rows.Err())
}

// anyValue makes values of all kinds and of none, most of them near where kinds differ.
func anyValue(random *rand.Rand) driver.Value {
	digits := func(n int) string {
		text := ""
		for range n {
			text += string(rune('0' + random.IntN(10)))
		}
		return text
	}
	number := func() int64 {
		n := random.Int64N(int64(math.Pow10(1 + random.IntN(18))))
		return []int64{n, n, -n, n % 100, n % 2, 20_240_000 + n%1300, 2_024_01_02_00_00_00 + n%250_000}[random.IntN(7)]
	}
	moment := time.Date(1000+random.IntN(8000), time.Month(1+random.IntN(12)), 1+random.IntN(31), random.IntN(24), random.IntN(60), random.IntN(60), 0, time.UTC)
	if random.IntN(2) == 0 {
		moment = moment.Add(time.Duration(random.IntN(1_000_000)) * time.Microsecond)
	}
	day := moment.Truncate(24 * time.Hour)
	words := []string{"", "abc", "x'y\"", "{\"a\": 1}", "[1,2]", "ünï", "NULL", "true", "_7", "a1", "inf", "nan", "@x", "7"}
	switch random.IntN(14) {
	case 0:
		return nil
	case 1, 2:
		return number()
	case 3:
		return uint64(max(number(), 0))
	case 4:
		return float64(number()) / math.Pow10(random.IntN(8))
	case 5:
		return random.IntN(2) == 0
	case 6:
		return words[random.IntN(len(words))]
	case 7:
		return digits(1 + random.IntN(16))
	case 8:
		return digits(1+random.IntN(9)) + string(rune('a'+random.IntN(26))) + digits(random.IntN(6)) + "-" + digits(4)
	case 9:
		return digits(1+random.IntN(9)) + "." + digits(1+random.IntN(2))
	case 10:
		return moment.Format([]string{time.DateOnly, time.DateTime, "2006-01-02 15:04:05.999999"}[random.IntN(3)])
	case 11:
		return moment
	case 12:
		return day
	default:
		return []byte(words[random.IntN(len(words))])
	}
}
