package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/gopooled/pooled/examples/internal/tour"
)

// office is River with its tables, and a table of letters that have been sent.
type office struct {
	db       *sql.DB
	schema   string // of all tables; "" where there are none
	letters  string // the table
	client   *river.Client[*sql.Tx]
	migrator *rivermigrate.Migrator[*sql.Tx]
	events   <-chan *river.Event
}

// open makes the tables, and a client that is to work the jobs.
func open(ctx context.Context, t *tour.Tour) (*office, error) {
	o := &office{db: t.DB, letters: "river_letters"}
	driver, err := o.driver(t.Family)
	if err != nil {
		return nil, err
	}
	if o.migrator, err = rivermigrate.New(driver, &rivermigrate.Config{Schema: o.schema}); err != nil {
		return nil, err
	}
	if err := o.tables(ctx); err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &postman{db: o.db, table: o.letters})
	o.client, err = river.NewClient(driver, &river.Config{
		Schema:            o.schema,
		Workers:           workers,
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}},
		FetchPollInterval: river.FetchCooldownDefault,    // over database/sql, River asks for new jobs again and again, and does not listen
		Logger:            slog.New(slog.DiscardHandler), // jobs fail here on purpose
	})
	if err != nil {
		return nil, err
	}
	o.events, _ = o.client.Subscribe(river.EventKindJobCompleted, river.EventKindJobCancelled)
	return o, nil
}

// driver is River's for a family of databases.
func (o *office) driver(family string) (riverdriver.Driver[*sql.Tx], error) {
	switch family {
	case tour.Postgres:
		o.schema = "river_example"
		o.letters = o.schema + "." + o.letters
		return riverdatabasesql.New(o.db), nil
	case tour.SQLite:
		o.db.SetMaxOpenConns(1) // as River advises: SQLite has one writer at a time
		return riversqlite.New(o.db), nil
	default:
		return nil, errors.New("there is no driver for MySQL and MariaDB: River works on PostgreSQL and SQLite")
	}
}

// tables makes them, after it has dropped what an earlier run may have left.
func (o *office) tables(ctx context.Context) error {
	if err := o.clean(ctx); err != nil {
		return err
	}
	if o.schema != "" {
		if _, err := o.db.ExecContext(ctx, "create schema "+o.schema); err != nil {
			return err
		}
	}
	if _, err := o.migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	_, err := o.db.ExecContext(ctx, "create table "+o.letters+" (job bigint primary key, name varchar(100) not null)")
	return err
}

// close ends the work, if it has not ended, and drops the tables.
func (o *office) close(ctx context.Context) error {
	return errors.Join(o.client.Stop(ctx), o.clean(ctx))
}

func (o *office) clean(ctx context.Context) error {
	if o.schema != "" {
		_, err := o.db.ExecContext(ctx, "drop schema if exists "+o.schema+" cascade")
		return err
	}
	if _, err := o.migrator.Migrate(ctx, rivermigrate.DirectionDown, &rivermigrate.MigrateOpts{TargetVersion: -1}); err != nil {
		return err
	}
	_, err := o.db.ExecContext(ctx, "drop table if exists "+o.letters)
	return err
}

// insert makes a job in a transaction, which ends as it is told.
func (o *office) insert(ctx context.Context, args letter, end func(*sql.Tx) error) (int64, error) {
	tx, err := o.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() // after the end it does nothing
	inserted, err := o.client.InsertTx(ctx, tx, args, nil)
	if err != nil {
		return 0, err
	}
	return inserted.Job.ID, end(tx)
}

// end waits for the end of a job, and tells what it was.
func (o *office) end(ctx context.Context, id int64) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		select {
		case event := <-o.events:
			if event != nil && event.Job.ID == id {
				return fmt.Sprintf("%s, attempt %d", event.Job.State, event.Job.Attempt), nil
			}
		case <-ctx.Done():
			return "", fmt.Errorf("job %d is not done: %w", id, ctx.Err())
		}
	}
}

// sent lists whom letters have been sent to.
func (o *office) sent(ctx context.Context) ([]string, error) {
	rows, err := o.db.QueryContext(ctx, "select name from "+o.letters+" order by name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}
