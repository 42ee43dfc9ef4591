package main

import (
	"testing"

	"github.com/gopooled/pooled/examples/internal/tour"
	"github.com/gopooled/pooled/examples/internal/tour/tourtest"
)

func TestSqlxWorksThroughPooledAsWithout(t *testing.T) {
	tourtest.Golden(t, "sqlx", walk, tour.Postgres, tour.MySQL, tour.SQLite)
}
