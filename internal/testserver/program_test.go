package testserver_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/testserver"
)

var _ testserver.T = (*testserver.Program)(nil)

func TestAProgramGetsWhatWouldFailATestAsErrors(t *testing.T) {
	var p testserver.Program
	var ran []string
	p.Cleanup(func() { ran = append(ran, "first") })
	p.Cleanup(func() { ran = append(ran, "second") })
	broken := errors.New("broken")

	require.NoError(t, p.Attempt(func() {}))
	err := p.Attempt(func() { p.Fatalf("node: %w", broken); ran = append(ran, "went on") })
	require.ErrorIs(t, err, broken)
	p.Errorf("later: %w", broken)

	require.EqualError(t, p.End(), "later: broken")
	assert.Equal(t, []string{"second", "first"}, ran)
	assert.PanicsWithValue(t, "not one of its own", func() { _ = p.Attempt(func() { panic("not one of its own") }) })
}
