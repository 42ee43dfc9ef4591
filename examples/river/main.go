// River runs jobs in the background with github.com/riverqueue/river through pooled: jobs that exist only if a transaction commits, and whose work and
// end are one transaction; one that is tried again, one that is given up, and one that is there only once.
//
//	go run ./examples/river                                           # on SQLite, in a temporary file
//	go run ./examples/river 'postgres://user:password@host/database'  # on your own database
//
// River works on PostgreSQL, and on SQLite: it has no driver for MySQL. On your PostgreSQL it makes the schema river_example, and drops it.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/riverqueue/river"

	"github.com/gopooled/pooled/examples/internal/tour"
)

func main() { tour.Main("river", walk) }

// walk is what a program does with River. All that pooled changes is how the *sql.DB was opened.
func walk(ctx context.Context, t *tour.Tour) {
	var o *office
	t.Show("make River's tables", func() (_ any, err error) {
		o, err = open(ctx, t)
		return "ok", err
	})
	if o == nil {
		return // the tour has ended
	}
	defer o.close(ctx)
	t.Show("start", func() (any, error) { return "ok", o.client.Start(ctx) })

	var first int64
	t.Show("a job of a transaction", func() (_ any, err error) {
		first, err = o.insert(ctx, letter{To: "Anne"}, (*sql.Tx).Commit)
		if err != nil {
			return nil, err
		}
		return o.end(ctx, first)
	})
	t.FailsWith("one of a transaction that is undone", river.ErrNotFound, func() error {
		undone, err := o.insert(ctx, letter{To: "Louisa"}, (*sql.Tx).Rollback)
		if err != nil {
			return err
		}
		_, err = o.client.JobGet(ctx, undone)
		return err
	})
	t.Show("one that fails at first", func() (any, error) {
		id, err := o.insert(ctx, letter{To: "Frederick", Storm: true}, (*sql.Tx).Commit)
		if err != nil {
			return nil, err
		}
		return o.end(ctx, id)
	})
	t.Show("one that cannot be done", func() (any, error) {
		id, err := o.insert(ctx, letter{To: "nobody"}, (*sql.Tx).Commit)
		if err != nil {
			return nil, err
		}
		return o.end(ctx, id)
	})
	t.Show("one that is there already", func() (any, error) {
		once := &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}
		job, err := o.client.Insert(ctx, letter{To: "Mary"}, once)
		if err != nil {
			return nil, err
		}
		again, err := o.client.Insert(ctx, letter{To: "Mary"}, once)
		if err != nil {
			return nil, err
		}
		end, err := o.end(ctx, job.Job.ID)
		return fmt.Sprintf("%s; again: skipped %t", end, again.UniqueSkippedAsDuplicate), err
	})

	t.Show("stop", func() (any, error) { return "ok", o.client.Stop(ctx) })
	t.Show("letters that have been sent", func() (any, error) {
		sent, err := o.sent(ctx)
		return strings.Join(sent, ", "), err
	})
	t.Each(func() error {
		_, err := o.client.JobGet(ctx, first)
		return err
	})
}
