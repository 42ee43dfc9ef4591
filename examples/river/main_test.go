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
	tourtest.OnEach(t, tour.MySQL, func(t *testing.T, args []string) {
		require.ErrorContains(t, tour.Run(t.Context(), "river", args, &bytes.Buffer{}, walk), "no driver for MySQL")
	})
}
