package routing_test

import (
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (p *pool) testSqlx(t *testing.T) {
	type row struct {
		ID int   `db:"id"`
		N  int64 `db:"n"`
	}
	db := sqlx.NewDb(p.DB, p.family.driver)
	const text = "select * from register"
	p.onPrimary(t, func() {
		_, err := db.NamedExec("insert into register (id, n) values (:id, :n)", []row{{1, 10}, {2, 20}})
		require.NoError(t, err)
	})
	p.onReplicas(t, text, func() {
		var one row
		require.NoError(t, db.Get(&one, db.Rebind("select * from register where id = ?"), 1))
		assert.EqualValues(t, 10, one.N)
		var all []row
		require.NoError(t, db.Select(&all, "select * from register order by id"))
		assert.Len(t, all, 2)
		query, args, err := sqlx.In("select * from register where id in (?)", []int{1, 2})
		require.NoError(t, err)
		require.NoError(t, db.Select(&all, db.Rebind(query), args...))
		assert.Len(t, all, 2)
		named, err := db.NamedQuery("select * from register where n = :n", row{N: 20})
		require.NoError(t, err)
		require.True(t, named.Next())
		require.NoError(t, named.StructScan(&one))
		require.NoError(t, named.Close())
		assert.Equal(t, 2, one.ID)
		stmt, err := db.Preparex(db.Rebind("select * from register where id = ?"))
		require.NoError(t, err)
		defer stmt.Close()
		for range 4 {
			require.NoError(t, stmt.Get(&one, 2))
		}
		assert.EqualValues(t, 20, one.N)
		require.NoError(t, db.QueryRowx("select id, n from register where id = 1").StructScan(&one))
	})
	p.onPrimary(t, func() {
		stmt, err := db.PrepareNamed("update register set n = :n where id = :id")
		require.NoError(t, err)
		defer stmt.Close()
		_, err = stmt.Exec(row{1, 11})
		require.NoError(t, err)
	})
	p.readable(t, text)
	p.onPrimary(t, func() {
		tx, err := db.Beginx()
		require.NoError(t, err)
		defer tx.Rollback()
		var one row
		require.NoError(t, tx.Get(&one, "select * from register where id = 1"))
		_, err = tx.NamedExec("update register set n = :n + 1 where id = :id", one)
		require.NoError(t, err)
		require.NoError(t, tx.Get(&one, "select * from register where id = 1"))
		assert.EqualValues(t, 12, one.N)
		require.NoError(t, tx.Commit())
	})
	var n int64
	require.NoError(t, db.Get(&n, "select n from register where id = 1"))
	assert.EqualValues(t, 12, n, "what was just written is seen, wherever that was read")
	p.onReplicas(t, text, func() { require.NoError(t, db.Get(&n, "select n from register where id = 1")) })
}
