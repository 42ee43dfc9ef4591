package main

import (
	"testing"

	"github.com/gopooled/pooled/examples/internal/tour"
	"github.com/gopooled/pooled/examples/internal/tour/tourtest"
)

func TestGolangMigrateMigratesThroughPooled(t *testing.T) {
	tourtest.Golden(t, "golang-migrate", walk, tour.Postgres, tour.MySQL, tour.SQLite)
}
