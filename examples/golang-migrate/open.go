package main

import (
	"database/sql"
	"errors"
	"strings"

	driver "github.com/go-sql-driver/mysql"
	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	"github.com/golang-migrate/migrate/v4/database/mysql"
	"github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/database/sqlite"
	"github.com/golang-migrate/migrate/v4/source/iofs"

	"github.com/gopooled/pooled/examples/internal/tour"
)

// open gives golang-migrate a *sql.DB of its own, because it closes it in the end.
func open(t *tour.Tour) (*migrate.Migrate, *sql.DB, error) {
	dsn, err := severalStatements(t)
	if err != nil {
		return nil, nil, err
	}
	db, err := sql.Open(t.Driver, dsn)
	if err != nil {
		return nil, nil, err
	}
	into, err := instance(t.Family, db)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	from, err := iofs.New(files, "migrations")
	if err != nil {
		return nil, nil, errors.Join(err, into.Close())
	}
	m, err := migrate.NewWithInstance("files", from, t.Family, into)
	return m, db, err
}

// instance keeps a connection to lock, to migrate and to unlock. pooled keeps it on the primary.
func instance(family string, db *sql.DB) (database.Driver, error) {
	const table = "migrate_version"
	switch family {
	case tour.Postgres:
		return pgx.WithInstance(db, &pgx.Config{MigrationsTable: table})
	case tour.MySQL:
		return mysql.WithInstance(db, &mysql.Config{MigrationsTable: table})
	default:
		return sqlite.WithInstance(db, &sqlite.Config{MigrationsTable: table})
	}
}

// severalStatements lets a file have more than one: golang-migrate sends it as it is, and go-sql-driver wants to be told.
func severalStatements(t *tour.Tour) (string, error) {
	if t.Family != tour.MySQL {
		return t.DSN, nil
	}
	cfg, err := driver.ParseDSN(strings.TrimPrefix(t.DSN, "mysql://"))
	if err != nil {
		return "", err
	}
	cfg.MultiStatements = true
	return cfg.FormatDSN(), nil
}
