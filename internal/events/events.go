// Package events keeps what a pool has logged lately, so that its page can show it.
//
// It gets the records of the pool's own logger, all of them, whatever the program's handler leaves out. An event that happens again soon is counted, not listed
// again, so a storm of one kind does not drive out the rest.
//
// What it is not: a log. It forgets the oldest, and keeps only attributes that show no statement and no value of a session.
package events

import (
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/gopooled/pooled/internal/readable"
)

const (
	// most is how many events are kept. With texts cut to mostText they take some 60 kB at most, and a few kB as a rule.
	most = 50
	// mostText is how many bytes of an attribute are kept.
	mostText = 300
	// again is how soon an event has to happen once more to be counted instead of listed.
	again = 2 * time.Minute
)

// Event is something that was logged, once or several times.
type Event struct {
	Kind     Kind
	Level    slog.Level
	Endpoint string // empty: it is of no server in particular
	Message  string // without the prefix "pooled: "
	Details  []Detail
	First    time.Time
	Last     time.Time // as First if it has happened once
	Count    int
}

// Detail is an attribute of an event: that of the last time.
type Detail struct{ Key, Text string }

// Recent are the last events of a pool. The zero value has none and is ready to use. It is safe for concurrent use.
type Recent struct {
	mu  sync.Mutex // guards all
	all []Event    // the one that happened last is the last
}

// Note takes a record down.
func (r *Recent) Note(record slog.Record) {
	e := newEvent(record)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.all) - 1; i >= 0; i-- {
		before := r.all[i]
		if before.Message != e.Message || before.Endpoint != e.Endpoint {
			continue
		}
		if e.Last.Sub(before.Last) < again {
			e.First, e.Count = before.First, before.Count+1
			r.all = append(r.all[:i], r.all[i+1:]...)
		}
		break
	}
	if len(r.all) >= most {
		r.all = append(r.all[:0], r.all[1:]...)
	}
	r.all = append(r.all, e)
}

// List returns the events, the one that happened last first.
func (r *Recent) List() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Event, len(r.all))
	for i, e := range r.all {
		all[len(all)-1-i] = e
	}
	return all
}

func newEvent(record slog.Record) Event {
	about := messages[record.Message]
	e := Event{
		Kind: about.kind, Level: record.Level, Message: strings.TrimPrefix(record.Message, "pooled: "),
		First: record.Time, Last: record.Time, Count: 1,
	}
	if e.Kind == "" {
		e.Kind = Other
	}
	record.Attrs(func(a slog.Attr) bool {
		switch {
		case a.Key == "endpoint":
			e.Endpoint = a.Value.Resolve().String()
		case about.shows(a.Key):
			e.Details = append(e.Details, Detail{a.Key, readable.Cut(text(a.Value.Resolve()), mostText)})
		}
		return true
	})
	return e
}

// text is a value as a person reads it.
func text(v slog.Value) string {
	if v.Kind() == slog.KindTime {
		return v.Time().Format(time.TimeOnly)
	}
	return v.String()
}
