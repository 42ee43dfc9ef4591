package mysql

import (
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// placings are DSNs, their host, and what they are at another.
var placings = []struct{ dsn, host, address, at string }{
	{"u:p@tcp(a:3307)/db", "a:3307", "b", "u:p@tcp(b:3307)/db"},
	{"u:p@tcp(a)/db?x=1", "a:3306", "b:1", "u:p@tcp(b:1)/db?x=1"},
	{"u:p@ss/w?rd%25 x@tcp(a:1)/db?charset=utf8mb4&time_zone=%27UTC%27", "a:1", "b", "u:p@ss/w?rd%25 x@tcp(b:1)/db?charset=utf8mb4&time_zone=%27UTC%27"},
	{"u:(p)@tcp(a)/", "a:3306", "b", "u:(p)@tcp(b:3306)/"},
	{"u@/db", "127.0.0.1:3306", "b", "u@tcp(b:3306)/db"},
	{"u@(a)/db", "a:3306", "b", "u@tcp(b:3306)/db"},
	{"", "127.0.0.1:3306", "b", "tcp(b:3306)/"},
	{"/", "127.0.0.1:3306", "b", "tcp(b:3306)/"},
	{"u@tcp/db", "127.0.0.1:3306", "b", "u@tcp(b:3306)/db"},
	{"u@tcp([::1]:1)/db", "[::1]:1", "[::2]:2", "u@tcp([::2]:2)/db"},
	{"u@tcp(a:1)/db", "a:1", "::2", "u@tcp([::2]:1)/db"},
	{"u@tcp(a:1)/db", "a:1", "[fe80::1%eth0]:2", "u@tcp([fe80::1%eth0]:2)/db"},
	{"u@tcp6([::1]:1)/db", "[::1]:1", "::2", "u@tcp6([::2]:1)/db"},
	{"u@tunnel(a:1)/db", "a:1", "b", "u@tunnel(b:1)/db"}, // mysql.RegisterDialContext
}

func TestHostOfADSNIsTheOneThatTheDriverDialsAndAtPutsAnotherInItsPlace(t *testing.T) {
	for _, tc := range placings {
		hosts, err := Dialect{}.Hosts(tc.dsn)
		require.NoError(t, err, tc.dsn)
		assert.Equal(t, []string{tc.host}, hosts, tc.dsn)
		at, err := Dialect{}.At(tc.dsn, tc.address)
		require.NoError(t, err, tc.dsn)
		assert.Equal(t, tc.at, at, tc.dsn)
		before, err := mysql.ParseDSN(tc.dsn)
		require.NoError(t, err)
		after, err := mysql.ParseDSN(at)
		require.NoError(t, err)
		before.Addr = after.Addr
		assert.Equal(t, before, after)
	}
}

func TestTLSVerifiesTheNameOfTheAddressThatWasPut(t *testing.T) {
	at, err := Dialect{}.At("u:p@tcp(a)/?tls=true", "b")
	require.NoError(t, err)
	cfg, err := mysql.ParseDSN(at)
	require.NoError(t, err)
	assert.Equal(t, "b", cfg.TLS.ServerName)
}

func TestWhatHasNoHostCannotBeACluster(t *testing.T) {
	for dsn, says := range map[string]string{
		"u:secret@unix(/tmp/mysql.sock)/db": "Unix socket",
		"u:secret@unix/db":                  "Unix socket",
		"u:secret@cloudsql(project:x:y)/db": "host:port",
		"u:secret@tcp(a:1":                  "",
		"u:secret@tcp(a:1/db":               "",
		"u:secret@tcp(a:1)":                 "",
	} {
		_, err := Dialect{}.Hosts(dsn)
		require.ErrorContains(t, err, says, dsn)
		assert.NotContains(t, err.Error(), "secret")
		_, err = Dialect{}.At(dsn, "b")
		require.ErrorContains(t, err, says, dsn)
		assert.NotContains(t, err.Error(), "secret")
	}
	for _, address := range []string{"", ":1", "/tmp", "b:", "b:0", "b:x", "b:70000", "a,b", "a b", "u@b", "b/db", "b?x=1", "[::1", "::1:::", "b)", "(b"} {
		_, err := Dialect{}.At("u:secret@tcp(a:1)/db", address)
		require.ErrorContains(t, err, "address", address)
		assert.NotContains(t, err.Error(), "secret")
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
		before, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		after, err := mysql.ParseDSN(at)
		require.NoError(t, err)
		before.Addr = after.Addr
		before.TLS, after.TLS = nil, nil
		assert.Equal(t, before, after)
		again, err := Dialect{}.At(at, address)
		require.NoError(t, err)
		assert.Equal(t, at, again, "twice is the same as once")
	})
}
