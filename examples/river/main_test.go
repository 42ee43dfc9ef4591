package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/examples/internal/tour"
	"github.com/gopooled/pooled/examples/internal/tour/tourtest"
)

func TestRiverRunsThroughPooled(t *testing.T) {
	tourtest.Golden(t, "river", walk, tour.Postgres, tour.SQLite)
}

func TestForMySQLThereIsNoRiver(t *testing.T) {
	err := tour.Run(t.Context(), "river", tourtest.Database(t, tour.MySQL), &bytes.Buffer{}, walk)
	require.ErrorContains(t, err, "no driver for MySQL")
}
