package mysql

import (
	"database/sql/driver"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// That the driver does so is seen on servers, in the tests of the root.
func TestTextsAreSentAsTheyAreWithoutArgumentsThatWouldBePrepared(t *testing.T) {
	args := []driver.NamedValue{{Ordinal: 1, Value: 1}}
	for dsn, want := range map[string]bool{"tcp(db)/": false, "tcp(db)/?interpolateParams=true": true} {
		server, err := Dialect{}.Open(dsn)
		require.NoError(t, err)
		for _, rows := range []bool{false, true} {
			assert.True(t, server.Traits.SendsText(rows, nil))
			assert.Equal(t, want, server.Traits.SendsText(rows, args))
		}
	}
	cfg := mysql.NewConfig()
	cfg.InterpolateParams = true
	connector, err := mysql.NewConnector(cfg)
	require.NoError(t, err)
	traits := Dialect{}.Adopt(connector).Traits
	assert.True(t, traits.SendsText(true, nil))
	assert.False(t, traits.SendsText(true, args), "the settings of a connector cannot be read")
}
