package routing_test

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	"github.com/golang-migrate/migrate/v4/database/mysql"
	"github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	createSQL = "create table thing (id int primary key)"
	dropSQL   = "drop table thing"
)

// migrates runs a part of a migration. It may look around on replicas first. Once it has its lock, it stays on the primary.
func (p *pool) migrates(t *testing.T, f func() error) {
	t.Helper()
	p.readable(t, p.family.readSQL())
	calls := p.during(t, func() { require.NoError(t, f()) })
	locked := slices.IndexFunc(calls, isLock)
	require.GreaterOrEqual(t, locked, 0, "it locks nothing")
	for _, c := range calls[locked:] {
		assert.Zero(t, c.node, c)
	}
	for _, c := range calls[:locked] {
		if c.node != 0 {
			t.Logf("before the lock: %s", c)
		}
	}
}

// tables counts the tables that the migration makes, on the primary.
func (p *pool) tables(t *testing.T) int {
	t.Helper()
	return ask[int](t, p, p.Nodes[0], "select count(*) from information_schema.tables where table_name = 'thing'")
}

func (p *pool) testGoose(t *testing.T) {
	files := fstest.MapFS{"00001_things.sql": {Data: []byte(
		"-- +goose Up\n" + createSQL + ";\ninsert into thing values (1);\n-- +goose Down\n" + dropSQL + ";\n")}}
	dialect := goose.DialectPostgres
	var option goose.ProviderOption
	if p.family.driver == "mysql" {
		locker, err := lock.NewMySQLTableLocker()
		require.NoError(t, err)
		dialect, option = goose.DialectMySQL, goose.WithLocker(locker)
	} else {
		locker, err := lock.NewPostgresSessionLocker()
		require.NoError(t, err)
		option = goose.WithSessionLocker(locker)
	}
	provider, err := goose.NewProvider(dialect, p.DB, files, option)
	require.NoError(t, err)
	p.migrates(t, func() error {
		_, err := provider.Up(t.Context())
		return err
	})
	assert.Equal(t, 1, p.tables(t))
	p.migrates(t, func() error {
		_, err := provider.DownTo(t.Context(), 0)
		return err
	})
	assert.Zero(t, p.tables(t))
}

func (p *pool) testGolangMigrate(t *testing.T) {
	files := fstest.MapFS{"1_things.up.sql": {Data: []byte(createSQL)}, "1_things.down.sql": {Data: []byte(dropSQL)}}
	source, err := iofs.New(files, ".")
	require.NoError(t, err)
	var driver database.Driver
	p.migrates(t, func() (err error) {
		if p.family.driver == "mysql" {
			driver, err = mysql.WithInstance(p.DB, &mysql.Config{})
		} else {
			driver, err = pgx.WithInstance(p.DB, &pgx.Config{})
		}
		return err
	})
	m, err := migrate.NewWithInstance("files", source, p.family.name, driver)
	require.NoError(t, err)
	p.migrates(t, m.Up)
	assert.Equal(t, 1, p.tables(t))
	p.migrates(t, m.Down)
	assert.Zero(t, p.tables(t))
	sourceErr, databaseErr := m.Close()
	assert.NoError(t, sourceErr)
	assert.NoError(t, databaseErr)
}
