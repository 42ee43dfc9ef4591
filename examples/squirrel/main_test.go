package main

import (
	"testing"

	"github.com/gopooled/pooled/examples/internal/tour"
	"github.com/gopooled/pooled/examples/internal/tour/tourtest"
)

func TestSquirrelWorksThroughPooledAsWithout(t *testing.T) {
	tourtest.Golden(t, "squirrel", walk, tour.Postgres, tour.MySQL, tour.SQLite)
}
