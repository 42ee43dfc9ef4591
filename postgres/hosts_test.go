package postgres

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// emptyEnvironment keeps the variables of the one who runs the test away from pgx.
func emptyEnvironment(t *testing.T) {
	t.Helper()
	for _, name := range []string{"PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSERVICE", "PGTARGETSESSIONATTRS", "PGSSLMODE"} {
		t.Setenv(name, "")
	}
}

// placings are DSNs, their hosts, and what they are at another.
var placings = []struct {
	dsn     string
	hosts   []string
	address string
	at      string
}{
	{"postgres://u:p@a/db", []string{"a:5432"}, "b", "postgres://u:p@b:5432/db"},
	{"postgres://u:p@a:6000/db", []string{"a:6000"}, "b", "postgres://u:p@b:6000/db"},
	{"postgres://u:p@a:6000/db", []string{"a:6000"}, "b:7000", "postgres://u:p@b:7000/db"},
	{"postgresql://a", []string{"a:5432"}, "b", "postgresql://b:5432"},
	{"postgres://", []string{"env:5432"}, "b", "postgres://b:5432"},
	{"postgres:///db?sslmode=disable", []string{"env:5432"}, "b", "postgres://b:5432/db?sslmode=disable"},
	{"postgres://u@/?a=b", []string{"env:5432"}, "b", "postgres://u@b:5432/?a=b"},
	{"postgres://u:p%40ss%2Fw%3Frd@a,b:2,c/db?sslmode=prefer&x=%20y", []string{"a:5432", "b:2", "c:5432"}, "b:2",
		"postgres://u:p%40ss%2Fw%3Frd@b:2/db?sslmode=prefer&x=%20y"},
	{"postgres://u:what?@a/db?x=1", []string{"a:5432"}, "b", "postgres://u:what?@b:5432/db?x=1"},
	{"postgres://u:p@[::1]:6000,[fe80::1%25eth0]/db", []string{"[::1]:6000", "[fe80::1%eth0]:5432"}, "[::2]:1", "postgres://u:p@[::2]:1/db"},
	{"postgres://a/db", []string{"a:5432"}, "::2", "postgres://[::2]:5432/db"},
	{"postgres://a/db", []string{"a:5432"}, "[::2]", "postgres://[::2]:5432/db"},
	{"postgres://a/db", []string{"a:5432"}, "[fe80::1%eth0]:1", "postgres://[fe80::1%25eth0]:1/db"},
	{"postgres://u@x/db?host=a,b&port=1,2&user=v", []string{"a:1", "b:2"}, "b:2", "postgres://u@b:2/db?user=v"},
	{"postgres:///?h%6fst=a", []string{"a:5432"}, "b:2", "postgres://b:2/"},
	{"postgres://a,b/db?target_session_attrs=read-write&x=1", []string{"a:5432", "b:5432"}, "b", "postgres://b:5432/db?x=1&target_session_attrs=any"},
	{"postgres://a/db?x=1&target_session_attrs=any&y=2", []string{"a:5432"}, "b", "postgres://b:5432/db?x=1&target_session_attrs=any&y=2"},

	{"", []string{"env:5432"}, "b:2", "host=b port=2"},
	{"host=a,b port=1,2 dbname=db", []string{"a:1", "b:2"}, "b:2", "host=b port=2 dbname=db"},
	{"host=a,b port=1", []string{"a:1", "b:1"}, "b", "host=b port=1"},
	{"user = u  password = 'it\\'s a \\\\ =host' host = 'a' dbname=db", []string{"a:5432"}, "b",
		"host=b port=5432 user = u password = 'it\\'s a \\\\ =host' dbname=db"},
	{"host=a password=p\\ host=q x=1", []string{"a:5432"}, "b", "host=b port=5432 password=p\\ host=q x=1"},
	{"host=a user=u password=", []string{"a:5432"}, "b", "host=b port=5432 user=u password="},
	{"host=a user=u password=p\\", []string{"a:5432"}, "b", "host=b port=5432 user=u password=p\\"},
	{"host=a host=b", []string{"b:5432"}, "::1", "host=::1 port=5432"},
	{"host=a target_session_attrs=primary", []string{"a:5432"}, "b", "host=b port=5432 target_session_attrs=any"},
	{"\nhost=a\n\tdbname=db\n", []string{"a:5432"}, "b", "host=b port=5432 dbname=db"},
}

func TestHostsOfADSNAreThoseThatPgxWouldTryAndAtLeavesOne(t *testing.T) {
	emptyEnvironment(t)
	t.Setenv("PGHOST", "env")
	for _, tc := range placings {
		hosts, err := Dialect{}.Hosts(tc.dsn)
		require.NoError(t, err, tc.dsn)
		assert.Equal(t, tc.hosts, hosts, tc.dsn)
		at, err := Dialect{}.At(tc.dsn, tc.address)
		require.NoError(t, err, tc.dsn)
		assert.Equal(t, tc.at, at, tc.dsn)
		assertSameBut(t, tc.dsn, at)
	}
}

// assertSameBut compares all but the hosts.
func assertSameBut(t *testing.T, dsn, at string) {
	t.Helper()
	before, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	after, err := pgx.ParseConfig(at)
	require.NoError(t, err)
	assert.Equal(t, before.User, after.User, dsn)
	assert.Equal(t, before.Password, after.Password, dsn)
	assert.Equal(t, before.Database, after.Database, dsn)
	assert.Equal(t, before.RuntimeParams, after.RuntimeParams, dsn)
	for _, fallback := range after.Fallbacks {
		assert.Equal(t, after.Host, fallback.Host, dsn)
	}
	assert.Nil(t, after.ValidateConnect)
}

func TestEnvironmentCompletesHostsAndNeverOverridesAt(t *testing.T) {
	emptyEnvironment(t)
	t.Setenv("PGHOST", "x,y")
	t.Setenv("PGPORT", "1,2")
	t.Setenv("PGTARGETSESSIONATTRS", "read-write")
	hosts, err := Dialect{}.Hosts("")
	require.NoError(t, err)
	assert.Equal(t, []string{"x:1", "y:2"}, hosts)
	for _, dsn := range []string{"", "user=u", "postgres://u@", "postgres://u@a,b/"} {
		at, err := Dialect{}.At(dsn, "c")
		require.NoError(t, err, dsn)
		assertSameBut(t, dsn, at)
		hosts, err := Dialect{}.Hosts(at)
		require.NoError(t, err)
		assert.Len(t, hosts, 1, at)
	}
}

func TestWhatHasNoHostCannotBeACluster(t *testing.T) {
	emptyEnvironment(t)
	registered := stdlib.RegisterConnConfig(&pgx.ConnConfig{})
	defer stdlib.UnregisterConnConfig(registered)
	for dsn, says := range map[string]string{
		registered:                          "stdlib.RegisterConnConfig",
		"host=/tmp":                         "Unix socket",
		"postgres:///db?host=/tmp":          "Unix socket",
		"postgres://%2Ftmp/db":              "Unix socket",
		"host=a,/tmp":                       "Unix socket",
		"host=a port=1,2":                   "port",
		"postgres://u:secret@a:b/":          "port",
		"postgres://u:sec%zzret@a/db":       "",
		"host=a password=secret port=north": "port",
	} {
		_, err := Dialect{}.Hosts(dsn)
		require.ErrorContains(t, err, says, dsn)
		assert.NotContains(t, err.Error(), "secret")
		_, err = Dialect{}.At(dsn, "b")
		if dsn != "host=a,/tmp" {
			require.ErrorContains(t, err, says, dsn)
			assert.NotContains(t, err.Error(), "secret")
		}
	}
	for _, address := range []string{"", ":1", "/tmp", "b:", "b:0", "b:x", "b:70000", "a,b", "a b", "u@b", "b/db", "b?x=1", "[::1", "::1:::", "b#c", "b'", "\x00"} {
		for _, dsn := range []string{"postgres://u:secret@a/db", "host=a password=secret"} {
			_, err := Dialect{}.At(dsn, address)
			require.ErrorContains(t, err, "address", address)
			assert.NotContains(t, err.Error(), "secret")
		}
	}
}

func FuzzAtChangesNothingButTheHost(f *testing.F) {
	for _, tc := range placings {
		f.Add(tc.dsn, tc.address)
	}
	f.Fuzz(func(t *testing.T, dsn, address string) {
		at, err := Dialect{}.At(dsn, address)
		if err != nil {
			return
		}
		before, err := pgx.ParseConfig(dsn)
		require.NoError(t, err)
		after, err := pgx.ParseConfig(at)
		require.NoError(t, err)
		assert.Equal(t, before.User, after.User)
		assert.Equal(t, before.Database, after.Database)
		assert.Equal(t, before.RuntimeParams, after.RuntimeParams)
		hosts, err := Dialect{}.Hosts(at)
		require.NoError(t, err)
		assert.Len(t, hosts, 1)
		again, err := Dialect{}.At(at, address)
		require.NoError(t, err)
		assert.Equal(t, at, again, "twice is the same as once")
	})
}
