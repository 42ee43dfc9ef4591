package main

import (
	"testing"

	"github.com/gopooled/pooled/examples/internal/tour"
	"github.com/gopooled/pooled/examples/internal/tour/tourtest"
)

func TestGooseMigratesThroughPooled(t *testing.T) {
	tourtest.Golden(t, "goose", walk, tour.Postgres, tour.MySQL, tour.SQLite)
}
