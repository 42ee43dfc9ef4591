package opening_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/routing"
)

func TestServersOfAClusterAreNamedByTheDSN(t *testing.T) {
	for dsn, want := range map[string][]string{
		"postgres://app:s3cret@db1/shop?pool_replicas=db2:5433,db3":          {"db1:5432", "db2:5433", "db3:5432"},
		"postgres://app:s3cret@db1:1,db2:2/shop?pool_routing=split":          {"db1:1", "db2:2"},
		"postgres://app:s3cret@db1:1,db2:2/shop?pool_routing=primary":        {"db1:1", "db2:2"},
		"postgres://app:s3cret@db1:1,db2:2/shop":                             {"db1:1"}, // and pgx's to choose
		"host=db1 user=app password=s3cret pool_replicas=db2:5432":           {"db1:5432", "db2:5432"},
		"mysql://app:s3cret@tcp(db1:3306)/shop?pool_replicas=db2:3306%2Cdb3": {"db1:3306", "db2:3306", "db3:3306"},
	} {
		db, err := sql.Open("pooled", dsn)
		require.NoError(t, err)
		connector, ok := pooled.From(db)
		require.True(t, ok)
		var names []string
		for _, e := range connector.Stats().Endpoints {
			names = append(names, e.Endpoint)
		}
		assert.Equal(t, want, names)
		_, routes := routing.Explain(db, "select 1")
		assert.Equal(t, connector.Stats().Routing != nil, routes)
		require.NoError(t, db.Close())
		_, still := routing.Explain(db, "select 1") // as calls do that are under way
		assert.Equal(t, routes, still)
	}
}

func TestClustersThatCannotBeAreRefused(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgres://app:s3cret@db1/shop?pool_replicas=db1:5432":                       "pooled: db1:5432 is named twice",
		"postgres://app:s3cret@db1/shop?pool_replicas=db2&pool_monitor_interval=0":    "pooled: pool_monitor_interval=0 leaves nobody",
		"postgres://app:s3cret@db1/shop?pool_replicas=db2&pool_monitor_burst=0":       "pooled: pool_monitor_burst=0 would ask",
		"postgres://app:s3cret@db1/shop?pool_replicas=db2,,db3":                       "is not a list of host:port",
		"postgres://app:s3cret@db1/shop?pool_replicas=postgres://app:s3cret@db2/shop": "is not a list of host:port",
		"postgres://app:s3cret@db1/shop?pool_routing=spilt":                           "pool_routing=spilt is not known",
	} {
		_, err := sql.Open("pooled", dsn)
		require.ErrorContains(t, err, want)
		require.ErrorIs(t, err, pooled.ErrConfig)
		assert.NotContains(t, err.Error(), "s3cret")
	}
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = "pgx", "postgres://db1/shop"
	cfg.Routing.Replicas = []pooled.Replica{{Address: "db2", DSN: "postgres://db2/shop"}}
	_, err := pooled.NewConnector(cfg)
	require.ErrorContains(t, err, "pooled: a replica needs either an Address or a DSN")
	cfg.Routing.Replicas = []pooled.Replica{{DSN: "postgres://db2/shop", Weight: -1}}
	_, err = pooled.NewConnector(cfg)
	require.ErrorContains(t, err, "is negative")
}
