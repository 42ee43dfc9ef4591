package page_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheJSONSaysWhatWasGiven(t *testing.T) {
	conns, stats := threeConns(), figures{[]endpointFigures{{Endpoint: address, InUse: 3, WaitTime: 90 * time.Second, ByEffect: map[string]uint64{"temp": 2}}}}
	conns[0].Text = "select '<' < ? & \"é\"\n"

	var answer struct {
		Held  []map[string]any `json:"held"`
		Stats figures          `json:"stats"`
	}
	dec := json.NewDecoder(ask(t, showWith(stats, conns...), http.MethodGet, "/?format=json").Body)
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(&answer))
	assert.Equal(t, stats, answer.Stats)
	require.Len(t, answer.Held, len(conns))
	for i, c := range conns {
		got := answer.Held[i]
		stack, ok := got["stack"].([]any)
		require.True(t, ok)
		require.Len(t, stack, len(c.Frames()))
		if len(stack) > 0 {
			assert.Equal(t, c.CallSite(), stack[0])
		}
		delete(got, "stack")

		since, err := time.Parse(time.RFC3339, got["since"].(string))
		require.NoError(t, err)
		assert.True(t, c.Since.Equal(since))
		delete(got, "since")

		assert.Equal(t, map[string]any{
			"id": float64(c.ID), "endpoint": c.Endpoint, "held_seconds": c.For.Seconds(), "calls": float64(c.Calls),
			"busy": c.Busy, "op": c.Op, "text": c.Text, "idle_seconds": c.Idle.Seconds(), "in_transaction": c.InTx, "goroutine": float64(c.Goroutine),
		}, got)
	}
}

func TestWithoutConnectionsTheJSONHasAnEmptyList(t *testing.T) {
	assert.Contains(t, read(t, ask(t, show(), http.MethodGet, "/?format=json")), `"held": []`)
}

func TestStatisticsThatJSONCannotSayAreAnError(t *testing.T) {
	h := showWith(map[string]any{"f": func() {}}, threeConns()...)
	resp := ask(t, h, http.MethodGet, "/?format=json")
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	assert.Equal(t, "text/plain; charset=utf-8", resp.Header.Get("Content-Type"))
	body := read(t, resp)
	assert.Contains(t, body, "pooled: cannot show the connections: json: unsupported type: func()")
	assert.NotContains(t, body, "held", "nothing of the page has gone out")
}
