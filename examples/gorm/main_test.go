package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/examples/internal/tour"
	"github.com/gopooled/pooled/examples/internal/tour/tourtest"
)

func TestGormWorksThroughPooledAsWithout(t *testing.T) {
	tourtest.Golden(t, "gorm", walk, tour.Postgres, tour.MySQL)
}

func TestWithoutADatabaseTheProgramSaysWhatItNeeds(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	require.ErrorContains(t, tour.Run(t.Context(), "gorm", nil, &bytes.Buffer{}, walk), "give a DSN of PostgreSQL, MySQL or MariaDB")
}
