package main

import (
	"testing"

	"github.com/gopooled/pooled/examples/internal/tour"
	"github.com/gopooled/pooled/examples/internal/tour/tourtest"
)

func TestGeneratedQueriesRunThroughPooled(t *testing.T) {
	tourtest.Golden(t, "sqlc", walk, tour.Postgres, tour.MySQL, tour.SQLite)
}
