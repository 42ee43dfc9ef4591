package main

import (
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/gopooled/pooled/examples/internal/tour"
)

// locked has programs that migrate the same database wait for each other.
func locked(family string) ([]goose.ProviderOption, error) {
	switch family {
	case tour.Postgres:
		// An advisory lock of the session. goose migrates on the same *sql.Conn, which pooled keeps on the primary.
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60)) // ask once a second, for a minute
		return []goose.ProviderOption{goose.WithSessionLocker(locker)}, err
	case tour.MySQL:
		// A row in a table, which goose keeps renewing.
		locker, err := lock.NewMySQLTableLocker(lock.WithTableName("goose_example_lock"), lock.WithTableLockTimeout(100*time.Millisecond, 100))
		return []goose.ProviderOption{goose.WithLocker(locker)}, err
	default:
		return nil, nil
	}
}
