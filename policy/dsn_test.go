package policy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/policy"
)

const (
	millisecond = time.Millisecond
	second      = time.Second
	minute      = time.Minute
	hour        = time.Hour
)

// config is what the case's DSN means.
func (tc dsnCase) config() policy.Config {
	c := policy.NewConfig()
	c.DriverName, c.DSN = tc.driver, tc.native
	if tc.set != nil {
		tc.set(&c)
	}
	return c
}

func TestParseDSNCutsOutTheKeysAndLeavesTheRestAsItWas(t *testing.T) {
	for _, tc := range dsnCases {
		t.Run(tc.name, func(t *testing.T) {
			c, err := policy.ParseDSN(tc.dsn)
			require.NoError(t, err)
			assert.Equal(t, tc.config(), c)
		})
	}
}

func TestFormatDSNWritesWhatParseDSNReads(t *testing.T) {
	for _, tc := range dsnCases {
		t.Run(tc.name, func(t *testing.T) {
			want := tc.format
			if want == "" {
				want = tc.dsn
			}
			dsn := policy.FormatDSN(tc.config())
			assert.Equal(t, want, dsn)
			c, err := policy.ParseDSN(dsn)
			require.NoError(t, err)
			assert.Equal(t, tc.config(), c)
		})
	}
}

// representations are all ways in which a Config may get into a log.
func representations(c policy.Config) map[string]string {
	shown := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		shown[verb] = fmt.Sprintf(verb, c)
		shown[verb+" of a pointer"] = fmt.Sprintf(verb, &c)
		shown[verb+" in a struct"] = fmt.Sprintf(verb, struct{ C policy.Config }{c})
	}
	shown["String"], shown["GoString"], shown["LogValue"] = c.String(), c.GoString(), c.LogValue().String()
	var text, js bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("open", "config", c, "nested", []policy.Config{c})
	slog.New(slog.NewJSONHandler(&js, nil)).Info("open", "config", &c, "nested", map[string]any{"c": c})
	shown["slog text"], shown["slog JSON"] = text.String(), js.String()
	encoded, err := json.Marshal(map[string]any{"config": c})
	if err != nil {
		panic(err)
	}
	shown["JSON"] = string(encoded)
	return shown
}

func TestStringShowsSettingsAndNoSecrets(t *testing.T) {
	for _, tc := range dsnCases {
		t.Run(tc.name, func(t *testing.T) {
			c := tc.config()
			if tc.shown != "" {
				assert.Equal(t, tc.shown, c.String())
			}
			assert.Equal(t, c.String(), c.GoString())
			assert.Equal(t, c.String(), c.LogValue().String())
			if tc.secret == "" {
				return
			}
			require.Contains(t, tc.dsn, tc.secret, "the case must be able to fail")
			for how, text := range representations(c) {
				assert.NotContains(t, text, tc.secret, how)
				assert.NotContains(t, text, fmt.Sprintf("%x", tc.secret), how)
			}
		})
	}
}

func TestErrorsShowNoSecrets(t *testing.T) {
	spoilt := []string{
		"pool_max_conns=-1", "pool_nonsense=1", "pool_max_conns=", "pool_max_conns=s3cret@db", "pool_max_conns= password=s3cret",
		"pool_init=", "pool_sqlcommenter_tags=s3cret", "pool_sqlcommenter_tags= traceparent=s3cret", "pool_driver=pooled", "pool_max_conn_lifetime=30",
	}
	for _, tc := range dsnCases {
		if tc.secret == "" {
			continue
		}
		var dsns []string
		for _, s := range spoilt {
			dsns = append(dsns, tc.dsn+"&"+s, tc.dsn+"?"+s, tc.dsn+" "+s, s+" "+tc.dsn)
		}
		dsns = append(dsns, "x"+tc.dsn, tc.dsn+"'", "nosuchdriver:"+tc.dsn, "'"+tc.dsn, strings.ReplaceAll(tc.dsn, "/", ""))
		for _, dsn := range dsns {
			for _, parse := range []func(string) (policy.Config, error){policy.ParseDSN, parseFor("pgx"), parseFor("mysql")} {
				if c, err := parse(dsn); err != nil {
					assert.NotContains(t, err.Error(), tc.secret, dsn)
					assert.True(t, strings.HasPrefix(err.Error(), "pooled: "), err.Error())
					assert.Zero(t, c)
				}
			}
		}
	}
}

func TestParseDSNRefusesWhatItCannotMean(t *testing.T) {
	tests := []struct {
		name, dsn, want string
	}{
		{"unknown key", "host=db pool_max_cons=1", "pooled: pool_max_cons is not a key: did you mean pool_max_conns?"},
		{"unknown key in a URL", "postgres://db?pool_max_conn_lifetim=1h", "did you mean pool_max_conn_lifetime?"},
		{"unknown key in MySQL", "/db?pool_stm_cache=1", "did you mean pool_stmt_cache?"},
		{"unknown key that is like none", "/db?pool_frobnicate=1", "pooled: pool_frobnicate is not a key (known: pool_driver, pool_profile, pool_name, pool_use, "},
		{"unknown key with something behind it", "/?pool_frob@x=1", "pooled: pool_frob is not a key (known"},
		{"key in capitals", "host=db POOL_MAX_CONNS=1", "pooled: POOL_MAX_CONNS is not a key: did you mean pool_max_conns?"},
		{"key in capitals first", "Pool_Init=x host=db", "did you mean pool_init?"},
		{"value of an unknown key", "host=db pool_int='secret'", "pooled: pool_int is not a key: did you mean pool_init?"},
		{"given twice", "host=db pool_max_conns=1 pool_max_conns=1", "pooled: pool_max_conns is given twice: write it once"},
		{"given twice, once encoded", "/?pool_max_conns=1&%70ool_max_conns=2", "pooled: pool_max_conns is given twice"},
		{"empty", "/?pool_max_conns=", "pooled: pool_max_conns has no value (allowed: 0 or more, or auto; 0 = no limit)"},
		{"without =", "/?pool_max_conns", "pooled: pool_max_conns has no value"},
		{"empty in quotes", "host=db pool_init=''", "pooled: pool_init has no value"},
		{"no unit", "/?pool_max_conn_lifetime=30", "pooled: pool_max_conn_lifetime=30 has no unit: write 30s for seconds, or 30ms for milliseconds (allowed"},
		{"no duration", "/?pool_connect_timeout=soon", "pooled: pool_connect_timeout=soon is not a duration: a number and a unit, which is ms, s, m or h (allowed: a duration such as"},
		{"no number", "/?pool_max_conns=many", "pooled: pool_max_conns=many is not a whole number (allowed: 0 or more, or auto; 0 = no limit)"},
		{"routine without a schema", "/?pool_harmless=calc", "pooled: pool_harmless=calc has a name without its schema, or a schema without a name (allowed: schema.name, several separated by commas"},
		{"routine without a name", "/?pool_harmless=shop.", "pooled: pool_harmless=shop. has a name without its schema, or a schema without a name"},
		{"routine that is empty", "/?pool_harmless=shop.calc,", "pooled: pool_harmless=shop.calc, has a name without its schema, or a schema without a name"},
		{"routine of three parts", "/?pool_harmless=db.shop.calc", "pooled: pool_harmless=db.shop.calc has a name of more than two parts: write %2E for a dot in a name"},
		{"routine twice", "/?pool_harmless=shop.calc,shop.calc", "pooled: pool_harmless=shop.calc,shop.calc has a routine twice"},
		{"routine with a space", "/?pool_harmless=shop.calc,+shop.sum", "pooled: pool_harmless=shop.calc, shop.sum has a space or an equals sign in it: write %20 or %3D"},
		{"routine with a bad escape", "/?pool_harmless=shop.calc%25", "has a percent sign that encodes nothing: write %25"},
		{"routine that is a piece of the DSN", "/?pool_harmless=password%3Ds3cret", "pooled: pool_harmless=xxxxx has a space or an equals sign in it"},
		{"percent", "/?pool_breaker=on&pool_breaker_ratio=50", "pooled: pool_breaker_ratio=50 is not between 0 and 1: write 0.5 for 50 percent"},
		{"fraction", "/?pool_max_conns=1.5", "pooled: pool_max_conns=1.5 is not a whole number"},
		{"too large", "/?pool_max_conns=99999999999999999999", "is out of range"},
		{"negative size", "/?pool_max_conns=-3", "pooled: pool_max_conns=-3 is negative"},
		{"negative size that has a word", "/?pool_max_idle_conns=-1", "pooled: pool_max_idle_conns=-1 is negative (allowed: 0 up to pool_max_conns, auto or all"},
		{"negative duration", "/?pool_acquire_timeout=-1s", "pooled: pool_acquire_timeout=-1s is negative"},
		{"negative duration that has a word", "/?pool_validate_after=-1ns", "pooled: pool_validate_after=-1ns is negative"},
		{"word of another key", "/?pool_max_conns=all", "pooled: pool_max_conns=all is not a whole number"},
		{"empty name in a list", "/?pool_use=a,,b", "pooled: pool_use=a,,b has an empty name or a space in it"},
		{"space in a list", "/?pool_use=a,+b", "pooled: pool_use=a, b has an empty name or a space in it"},
		{"tag twice", "/?pool_sqlcommenter_tags=a=b,a=c", "pooled: pool_sqlcommenter_tags=xxxxx has a tag twice"},
		{"tag twice, once encoded", "/?pool_sqlcommenter_tags=a=b,%2561=c", "pooled: pool_sqlcommenter_tags=xxxxx has a tag twice"},
		{"tag without =", "/?pool_sqlcommenter_tags=shop", "pooled: pool_sqlcommenter_tags=xxxxx has a tag without a value"},
		{"tag with a bad escape", "/?pool_sqlcommenter_tags=a=100%25", "has a percent sign that encodes nothing: write %25"},
		{"more idle than all", "/?pool_max_idle_conns=9&pool_max_conns=5", "pooled: pool_max_idle_conns=9 is more than pool_max_conns=5: write at most 5, or auto"},
		{"more jitter than life", "/?pool_max_conn_lifetime_jitter=2h", "pooled: pool_max_conn_lifetime_jitter=2h is more than pool_max_conn_lifetime=1h: write at most the lifetime, or auto"},
		{"bad escape", "/?pool_init=%zz", "pooled: the value of pool_init is not percent-encoded: write % as %25"},
		{"bad escape of an unknown key", "/?pool_int=%zz", "pooled: pool_int is not a key: did you mean pool_init?"},
		{"piece of the DSN for a value", "host=db pool_max_conns= password=x", "pooled: pool_max_conns=xxxxx is not a whole number"},
		{"misplaced in MySQL", "/db&pool_max_conns=3", "pooled: a pool_ key stands where the form of the DSN has no parameters"},
		{"misplaced in a URL without a query", "postgres://h/db&pool_max_conns=3", "pooled: a pool_ key stands where the form of the DSN has no parameters"},
		{"misplaced in a value", "host=h dbname=db&pool_max_conns=3", "in a key=value DSN, write pool_ settings after a space"},
		{"misplaced in a second query", "postgres://h/db?a=b?pool_max_conns=3", "pooled: a pool_ key stands where"},
		{"misplaced without a query", "sqlite:a.db&pool_max_conns=3", "pooled: a pool_ key stands where"},
		{"misplaced before the query", "sqlite:a.db?pool_max_conns=3?a", "pooled: a pool_ key stands where"},
		{"itself", "/?pool_driver=pooled", "pooled: the real driver cannot be pooled, which is pooled itself: name the driver that it shall wrap, such as pgx"},
		{"itself by name", "pooled:a", "pooled: the real driver cannot be pooled"},
		{"itself for MySQL", "/?pool_driver=pooled-mysql", "pooled: the real driver cannot be pooled-mysql, which is pooled itself: name the driver that it shall wrap, such as mysql"},
		{"nothing", "", "pooled: the DSN has none of the known forms: postgres://user:password@host/dbname, "},
		{"name not registered", "nosuch:a.db", "NAME:dsn of a registered driver (registered: clickhouse, postgres, sqlite; forgotten import?)"},
		{"scheme not registered", "postgre://u:p@/db", "pooled: the DSN has none of the known forms"},
		{"file", "/var/lib/app.db", "pooled: the DSN has none of the known forms"},
		{"MySQL host without its network", "jack:pw@db:3306/app", "pooled: the DSN has none of the known forms"},
		{"MySQL URL with a host like other URLs", "mysql://jack:pw@db:3306/app", "pooled: a MySQL DSN reads user:password@tcp(host:3306)/dbname?param=value"},
		{"MySQL URL without a slash", "mysql://jack:pw@tcp(db:3306)", "pooled: a MySQL DSN reads"},
		{"MySQL URL with a slash in a value", "mysql://tcp(db)/?pool_init=set+time_zone='a/b'", "'/' and '?' in a value as %2F and %3F"},
		{"parameter of a registered name", "registeredConnConfig0?sslmode=disable", "pooled: a name of stdlib.RegisterConnConfig has pool_ keys for parameters and no others"},
		{"keywords without =", "host=db app", "pooled: the key=value DSN is malformed"},
		{"keywords without an end", "host=db password='x", "pooled: the key=value DSN is malformed"},
		{"keywords without a name", "host=db =x", "pooled: the key=value DSN is malformed"},
		{"keywords with a space in a name", "host=db user id=x", "pooled: the key=value DSN is malformed"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			c, err := policy.ParseDSN(tc.dsn)
			require.ErrorContains(t, err, tc.want)
			require.ErrorIs(t, err, policy.ErrConfig)
			assert.True(t, strings.HasPrefix(err.Error(), "pooled: "))
			assert.Zero(t, c)
		})
	}
}

// parseFor is ParseDSNFor with the driver name fixed.
func parseFor(driverName string) func(string) (policy.Config, error) {
	return func(dsn string) (policy.Config, error) { return policy.ParseDSNFor(driverName, dsn) }
}

func TestParseDSNForAgreesWithParseDSNOnDSNsOfItsDriver(t *testing.T) {
	for _, tc := range dsnCases {
		if tc.driver != "pgx" && tc.driver != "mysql" || strings.Contains(tc.name, "taken at its word") {
			continue
		}
		for _, name := range []string{tc.driver, "pooled-" + tc.driver} {
			t.Run(tc.name+" for "+name, func(t *testing.T) {
				c, err := policy.ParseDSNFor(name, tc.dsn)
				require.NoError(t, err)
				assert.Equal(t, tc.config(), c)
			})
		}
	}
}

func TestParseDSNForTakesWhatOnlyItsDriverCanRead(t *testing.T) {
	tests := []struct {
		driver, dsn, native string
	}{
		{"pgx", "", ""},
		{"mysql", "", ""},
		{"pgx", "some_setting=1 host=db pool_max_conns=7", "some_setting=1 host=db"},
		{"mysql", "user=jack:pw@tcp(db)/app?pool_max_conns=7", "user=jack:pw@tcp(db)/app"},
		{"mysql", "jack:pw@cloudsql/app", "jack:pw@cloudsql/app"},
	}
	for _, tc := range tests {
		t.Run(tc.driver+" "+tc.dsn, func(t *testing.T) {
			c, err := policy.ParseDSNFor("pooled-"+tc.driver, tc.dsn)
			require.NoError(t, err)
			assert.Equal(t, tc.driver, c.DriverName)
			assert.Equal(t, tc.native, c.DSN)
		})
	}
}

func TestParseDSNForRefusesTheDSNOfAnotherDriver(t *testing.T) {
	tests := []struct {
		driver, dsn, want string
	}{
		{"pgx", "mysql://tcp(db)/", "pooled: pooled-pgx takes postgres://"},
		{"pgx", "jack:pw@tcp(db)/", "and this is the DSN of another driver"},
		{"pgx", "oracle://jack:pw@db", "and this is the DSN of another driver"},
		{"pgx", "host=db pool_driver=postgres", "pooled: pool_driver=postgres contradicts the driver name pooled-pgx: use the driver name pooled"},
		{"mysql", "postgres://jack:pw@db/app", "pooled: pooled-mysql takes user:password@tcp(host:3306)/dbname"},
		{"mysql", "host=db dbname=app", "and this is the DSN of another driver"},
		{"mysql", "/?pool_driver=pgx", "pooled: pool_driver=pgx contradicts the driver name pooled-mysql: use the driver name pooled"},
		{"mysql", "jack:pw@db:3306/app", "pooled: a MySQL DSN reads user:password@tcp(host:3306)/dbname"},
		{"sqlite", "a.db", "pooled: the real driver can be fixed to pgx or mysql only"},
	}
	for _, tc := range tests {
		t.Run(tc.driver+" "+tc.dsn, func(t *testing.T) {
			c, err := policy.ParseDSNFor(tc.driver, tc.dsn)
			require.ErrorContains(t, err, tc.want)
			require.ErrorIs(t, err, policy.ErrConfig)
			assert.Zero(t, c)
		})
	}
}
