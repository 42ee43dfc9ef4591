package reset_test

import (
	"database/sql/driver"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// A transaction that a borrower leaves open is rolled back, whoever had it begin.
func TestTransactionsThatBeginByThemselvesAreRolledBack(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		dsn := s.Database(t)
		cfg, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		cfg.MultiStatements = true
		admin := realtest.Open(t, "mysql", cfg.FormatDSN())
		_, err = admin.ExecContext(t.Context(), `
			create table things (id int);
			create procedure begin_one() begin start transaction; insert into things values (1); end;
			create procedure switch_off() begin set autocommit = 0; end`)
		require.NoError(t, err)
		for name, c := range map[string]struct {
			params map[string]string
			init   string
			first  []string // of a borrower whose connection the next one may get
			texts  []string
		}{
			"autocommit of the DSN":   {params: map[string]string{"autocommit": "0"}},
			"autocommit of pool_init": {init: "set autocommit = 0"},
			"autocommit of one that is not reset": {
				first: []string{"set autocommit = 0"},
			},
			"autocommit that a procedure has switched off": {first: []string{"call switch_off()"}},
			"completion type of the DSN": {
				params: map[string]string{"completion_type": "1"}, texts: []string{"begin", "commit", "insert into things values (1)"},
			},
			"procedure": {texts: []string{"call begin_one()"}},
			"text":      {texts: []string{"begin", "insert into things values (1)"}},
		} {
			for modeName, mode := range map[string]policy.ResetMode{
				"dirty": policy.ResetDirty, "off": policy.ResetOff, "discard": policy.ResetDiscard, "always": policy.ResetAlways,
			} {
				t.Run(name+" "+modeName, func(t *testing.T) {
					_, err := admin.ExecContext(t.Context(), "delete from things")
					require.NoError(t, err)
					cfg := cfg.Clone()
					cfg.Params, cfg.MultiStatements = c.params, false
					db, log := resettest.OpenForReset(t, resettest.Family{Driver: "mysql", DSN: cfg.FormatDSN()}, func(p *pooled.Config) {
						p.Pool.Init, p.Reset.Mode, p.Reset.Audit = c.init, mode, 0
					})
					realtest.Borrow(t, db, "do 1")
					realtest.Borrow(t, db, c.first...)
					texts := c.texts
					if texts == nil {
						texts = []string{"insert into things values (1)"}
					}
					realtest.Borrow(t, db, texts...)
					if mode != policy.ResetOff && len(c.first) > 0 {
						realtest.Borrow(t, db, "delete from things") // the session commits by itself again
					}
					realtest.Borrow(t, db, "commit")
					assert.Equal(t, "0", realtest.Scalar(t, admin, "select count(*) from things"), log)
				})
			}
		}
		t.Run("by Raw", func(t *testing.T) {
			db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "mysql", DSN: dsn}, func(p *pooled.Config) { p.Reset.Mode = policy.ResetOff })
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			require.NoError(t, pooled.Raw(t.Context(), conn, func(real driver.Conn) error {
				_, err := real.(driver.ExecerContext).ExecContext(t.Context(), "set autocommit = 0", nil)
				return err
			}))
			require.NoError(t, conn.Close())
			realtest.Borrow(t, db, "insert into things values (1)")
			realtest.Borrow(t, db, "commit")
			assert.Equal(t, "0", realtest.Scalar(t, admin, "select count(*) from things"))
		})
		t.Run("transactions go on as they do", func(t *testing.T) {
			cfg := cfg.Clone()
			cfg.Params = map[string]string{"autocommit": "0", "completion_type": "1"}
			db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "mysql", DSN: cfg.FormatDSN()}, nil)
			id := realtest.Scalar(t, db, "select connection_id()")
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_, err = tx.ExecContext(t.Context(), "insert into things values (7)")
			require.NoError(t, err)
			require.NoError(t, tx.Commit())
			assert.Equal(t, "1", realtest.Scalar(t, admin, "select count(*) from things where id = 7"))
			assert.Equal(t, id, realtest.Scalar(t, db, "select connection_id()"))
			assert.Zero(t, resettest.Resets(t, db).AuditFailures)
		})
	})
}
