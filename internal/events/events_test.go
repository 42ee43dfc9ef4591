package events_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/internal/events"
)

var start = time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC)

func note(r *events.Recent, after time.Duration, message string, attrs ...any) {
	record := slog.NewRecord(start.Add(after), slog.LevelWarn, "pooled: "+message, 0)
	record.Add(attrs...)
	r.Note(record)
}

func TestAnEventSaysWhatHappenedToWhomAndWhen(t *testing.T) {
	var r events.Recent
	note(&r, 0, "the breaker is open: the server is cut off", "endpoint", "db1:5432", "next_probe", start.Add(5*time.Second), "error", fmt.Errorf("refused"))
	assert.Equal(t, []events.Event{{
		Kind: events.Breaker, Level: slog.LevelWarn, Endpoint: "db1:5432", Message: "the breaker is open: the server is cut off",
		Details: []events.Detail{{Key: "next_probe", Text: "03:00:05"}, {Key: "error", Text: "refused"}},
		First:   start, Last: start, Count: 1,
	}}, r.List())
}

func TestWhatMayHoldAStatementOrAValueIsNotKept(t *testing.T) {
	var r events.Recent
	secret := []any{"text", "s3cret", "leftovers", "s3cret", "panic", "s3cret", "stack", "s3cret", "last_text", "s3cret", "wanted_for", "s3cret", "statements", "s3cret"}
	note(&r, 0, "a connection is held, but not used", secret...)
	note(&r, 0, "a session was not clean after its reset; its connection is closed", secret...)
	note(&r, 0, "panic in the background", secret...)
	note(&r, 0, "the DSN does not fit the server", "error", "near 's3cret'", "advice", "write this")
	note(&r, 0, "something new", append(secret, "error", "s3cret")...)
	assert.NotContains(t, fmt.Sprint(r.List()), "s3cret")
	assert.Contains(t, fmt.Sprint(r.List()), "write this")
	assert.Equal(t, events.Other, r.List()[0].Kind)
}

func TestAnEventThatHappensAgainSoonIsCounted(t *testing.T) {
	var r events.Recent
	for i := range 100 { // a minute apart
		note(&r, time.Duration(i)*time.Minute, "a server does not answer", "endpoint", "db1", "error", i)
		note(&r, time.Duration(i)*time.Minute, "a server does not answer", "endpoint", "db2", "error", i)
	}
	all := r.List()
	assert.Len(t, all, 2)
	assert.Equal(t, 100, all[0].Count)
	assert.Equal(t, start, all[0].First)
	assert.Equal(t, start.Add(99*time.Minute), all[0].Last)
	assert.Equal(t, "99", all[0].Details[0].Text, "what is told is that of the last time")

	note(&r, 99*time.Minute+2*time.Minute, "a server does not answer", "endpoint", "db1", "error", "later")
	assert.Len(t, r.List(), 3, "after a while it is an event of its own")
	assert.Equal(t, 1, r.List()[0].Count)
}

func TestTheOldestEventsAreForgotten(t *testing.T) {
	var r events.Recent
	for i := range 1000 {
		note(&r, time.Duration(i), "there is no primary", "endpoint", fmt.Sprint(i), "why", strings.Repeat("é", 10000))
	}
	all := r.List()
	assert.Len(t, all, 50)
	assert.Equal(t, "999", all[0].Endpoint)
	assert.Equal(t, "950", all[49].Endpoint)
	assert.LessOrEqual(t, len(all[0].Details[0].Text), 304)
}
