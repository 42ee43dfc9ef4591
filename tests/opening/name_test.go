package opening_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// openNamed opens a pool of a DSN, which connects to nothing.
func openNamed(t *testing.T, dsn string) *pooled.Connector {
	t.Helper()
	cfg, err := pooled.ParseDSN(dsn)
	require.NoError(t, err)
	_, connector := pooltest.Open(t, cfg)
	return connector
}

func TestAPoolIsCalledByItsServerAndDatabaseUnlessItHasAName(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgres://app:s3cret@db1/a":                                   "db1:5432/a",
		"postgres://app:s3cret@db1:1,db2:2/b?pool_routing=split":        "db1:1/b",
		"host=db1 user=app password=s3cret dbname=c":                    "db1:5432/c",
		"mysql://app:s3cret@tcp(db1:3306)/d":                            "db1:3306/d",
		"mysql://app:s3cret@tcp(db1:3306)/":                             "db1:3306",
		"postgres://app:s3cret@db1/a?pool_name=orders":                  "orders",
		"mysql://app:s3cret@unix(/run/mysqld/mysqld.sock)/d":            "/run/mysqld/mysqld.sock/d",
		"postgres://app:s3cret@db1/e?pool_replicas=db2&pool_name=reads": "reads",
	} {
		connector := openNamed(t, dsn)
		assert.Equal(t, want, connector.Stats().Name, dsn)
		require.NoError(t, connector.Close())
	}
}

func TestTwoOpenPoolsNeverHaveOneName(t *testing.T) {
	const dsn = "postgres://db1/twice"
	name := func(c *pooled.Connector) string { return c.Stats().Name }
	first, second, third := openNamed(t, dsn), openNamed(t, dsn), openNamed(t, dsn)
	assert.Equal(t, []string{"db1:5432/twice", "db1:5432/twice#2", "db1:5432/twice#3"}, []string{name(first), name(second), name(third)})

	require.NoError(t, second.Close())
	require.NoError(t, second.Close(), "it is freed once")
	assert.Equal(t, "db1:5432/twice#2", name(openNamed(t, dsn)), "the next one takes the number that is free")
	assert.Equal(t, "db1:5432/twice#4", name(openNamed(t, dsn)))

	assert.Equal(t, "mine", name(openNamed(t, dsn+"?pool_name=mine")))
	assert.Equal(t, "mine#2", name(openNamed(t, dsn+"?pool_name=mine")), "a name of one's own is no exception")
}

func TestAPoolThatCannotBeMadeLeavesItsNameToTheNext(t *testing.T) {
	for range 2 {
		cfg, err := pooled.ParseDSN("mysql://tcp(db1:3306)/never?pool_timestamp_zone=UTC") // which MySQL cannot have
		require.NoError(t, err)
		_, err = pooled.NewConnector(cfg)
		require.ErrorContains(t, err, "pool_timestamp_zone")
	}
	assert.Equal(t, "db1:3306/never", openNamed(t, "mysql://tcp(db1:3306)/never").Stats().Name)
}
