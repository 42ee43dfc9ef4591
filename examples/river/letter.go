package main

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
)

// letter is a job, and its fields are what the worker needs to know.
type letter struct {
	To    string `json:"to"`
	Storm bool   `json:"storm"` // the first ship is lost
}

// Kind is the name of such jobs in the database.
func (letter) Kind() string { return "letter" }

// postman works jobs that are letters.
type postman struct {
	river.WorkerDefaults[letter]
	db    *sql.DB
	table string // of the letters that have been sent
}

// Work sends a letter. That it was sent, and that the job is done, is one transaction: both are true, or none.
func (p *postman) Work(ctx context.Context, job *river.Job[letter]) error {
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	if _, err := tx.ExecContext(ctx, "insert into "+p.table+" (job, name) values ($1, $2)", job.ID, job.Args.To); err != nil {
		return err
	}
	if job.Args.To == "nobody" {
		return river.JobCancel(errors.New("there is no such person"))
	}
	if job.Args.Storm && job.Attempt == 1 {
		return errors.New("the ship is lost")
	}
	if _, err := river.JobCompleteTx[riverdriver.Driver[*sql.Tx]](ctx, tx, job); err != nil {
		return err
	}
	return tx.Commit()
}

// NextRetry is at once. Without it, River waits for a second, and longer each time.
func (p *postman) NextRetry(*river.Job[letter]) time.Time { return time.Now() }
