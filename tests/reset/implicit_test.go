package pooled_test

import (
	"database/sql/driver"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/policy"
)

// A transaction that a borrower leaves open is rolled back, whoever had it begin.
func TestTransactionsThatBeginByThemselvesAreRolledBack(t *testing.T) {
	onMySQLServers(t, func(t *testing.T, s mysqlServer) {
		dsn := s.database(t)
		cfg, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		cfg.MultiStatements = true
		admin := openReal(t, "mysql", cfg.FormatDSN())
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
					db, log := openForReset(t, family{driver: "mysql", dsn: cfg.FormatDSN()}, func(p *pooled.Config) {
						p.Pool.Init, p.Reset.Mode, p.Reset.Audit = c.init, mode, 0
					})
					borrow(t, db, "do 1")
					borrow(t, db, c.first...)
					texts := c.texts
					if texts == nil {
						texts = []string{"insert into things values (1)"}
					}
					borrow(t, db, texts...)
					if mode != policy.ResetOff && len(c.first) > 0 {
						borrow(t, db, "delete from things") // the session commits by itself again
					}
					borrow(t, db, "commit")
					assert.Equal(t, "0", scalar(t, admin, "select count(*) from things"), log)
				})
			}
		}
		t.Run("by Raw", func(t *testing.T) {
			db, _ := openForReset(t, family{driver: "mysql", dsn: dsn}, func(p *pooled.Config) { p.Reset.Mode = policy.ResetOff })
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			require.NoError(t, pooled.Raw(t.Context(), conn, func(real driver.Conn) error {
				_, err := real.(driver.ExecerContext).ExecContext(t.Context(), "set autocommit = 0", nil)
				return err
			}))
			require.NoError(t, conn.Close())
			borrow(t, db, "insert into things values (1)")
			borrow(t, db, "commit")
			assert.Equal(t, "0", scalar(t, admin, "select count(*) from things"))
		})
		t.Run("transactions go on as they do", func(t *testing.T) {
			cfg := cfg.Clone()
			cfg.Params = map[string]string{"autocommit": "0", "completion_type": "1"}
			db, _ := openForReset(t, family{driver: "mysql", dsn: cfg.FormatDSN()}, nil)
			id := scalar(t, db, "select connection_id()")
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_, err = tx.ExecContext(t.Context(), "insert into things values (7)")
			require.NoError(t, err)
			require.NoError(t, tx.Commit())
			assert.Equal(t, "1", scalar(t, admin, "select count(*) from things where id = 7"))
			assert.Equal(t, id, scalar(t, db, "select connection_id()"))
			assert.Zero(t, resets(t, db).AuditFailures)
		})
	})
}
