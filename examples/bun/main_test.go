package main

import (
	"testing"

	"github.com/gopooled/pooled/examples/internal/tour"
	"github.com/gopooled/pooled/examples/internal/tour/tourtest"
)

func TestBunWorksThroughPooledAsWithout(t *testing.T) {
	tourtest.Golden(t, "bun", walk, tour.Postgres, tour.MySQL, tour.SQLite)
}
