package policy_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/gopooled/pooled/policy"
)

func FuzzParseDSN(f *testing.F) {
	for _, tc := range dsnCases {
		f.Add(tc.dsn)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		for _, parse := range []func(string) (policy.Config, error){policy.ParseDSN, parseFor("pgx"), parseFor("mysql")} {
			c, err := parse(dsn)
			if err != nil {
				if !strings.HasPrefix(err.Error(), "pooled: ") {
					t.Errorf("ParseDSN(%q): %v", dsn, err)
				}
				continue
			}
			formatted := policy.FormatDSN(c)
			again, err := policy.ParseDSN(formatted)
			if err != nil {
				t.Fatalf("FormatDSN made %q of %q: %v", formatted, dsn, err)
			}
			if !reflect.DeepEqual(c, again) {
				t.Fatalf("FormatDSN made %q of %q:\n%q in place of\n%q", formatted, dsn, again.DSN, c.DSN)
			}
			if twice := policy.FormatDSN(again); twice != formatted {
				t.Fatalf("FormatDSN made %q and %q of %q", formatted, twice, dsn)
			}
			if len(c.DSN) > len(dsn) {
				t.Fatalf("%q became the longer %q", dsn, c.DSN)
			}
			_ = c.String()
		}
	})
}

// FuzzSecrets hides a marker in a password between any text, quoted as its form wants it or not at all, and looks for it
// in everything that is shown.
func FuzzSecrets(f *testing.F) {
	const marker = "S3CR3T"
	for _, between := range []string{"", "@", "/", "?", ":", "&", "=", " ", "'", `\`, "%", "@tcp(x)/", "/x?pool_max_conns=", "&pool_init=", " pool_max_conns=", "&password=", "12/x?y=", "#", "ß"} {
		f.Add("jack", between, between, "db", "/app?x=y")
		f.Add("jack", between, "", "tcp(db)", "/app?x=y&pool_max_conns=5")
		f.Add("jack", "", between, "tcp(db)", "/")
	}
	f.Fuzz(func(t *testing.T, user, before, after, host, rest string) {
		if strings.Contains(user+host+rest, "S3") || strings.ContainsAny(user, ":@=") {
			t.Skip("the marker or the password would be elsewhere")
		}
		password := before + marker + after
		quoted := "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(password) + "'"
		for _, dsn := range []string{
			"postgres://" + user + ":" + password + "@" + host + rest,
			"mysql://" + user + ":" + password + "@" + host + rest,
			user + ":" + password + "@" + host + rest,
			"sqlite:" + user + ":" + password + "@" + host + rest,
			"host=" + host + " password=" + quoted + " " + rest,
			"host=db password=" + quoted,
			"password=" + quoted + " pool_max_conns=5",
			"postgres://db/app?sslmode=disable&password=" + strings.NewReplacer("&", "%26", "%", "%25").Replace(password),
		} {
			for _, driver := range []string{"pgx", "mysql", "other"} {
				c := policy.Config{DriverName: driver, DSN: dsn}
				if strings.Contains(fmt.Sprintf("%v %+v %#v", c, c, c), marker) {
					t.Errorf("%s %q is shown as %q", driver, dsn, c)
				}
			}
			for _, parse := range []func(string) (policy.Config, error){policy.ParseDSN, parseFor("pgx"), parseFor("mysql")} {
				c, err := parse(dsn)
				if shown := fmt.Sprintf("%v %v", c, err); strings.Contains(shown, marker) {
					t.Errorf("%q is shown as %q", dsn, shown)
				}
			}
		}
	})
}
