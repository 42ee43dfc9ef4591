package main

import (
	"context"
	"database/sql"
	"fmt"
)

// bare opens a database of the server with the driver alone, for a user.
func (s *server) bare(user string) (*sql.DB, error) {
	return sql.Open(s.driver, s.dsn(user, s.password, s.address()))
}

// makeLedger makes the table that the service writes to, in place of the one before. Nothing in it is unique, so that a write that is
// executed twice shows.
func (s *server) makeLedger(ctx context.Context) error {
	db, err := s.bare(serviceUser)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, statement := range []string{
		"drop table if exists ledger", "create table ledger (id bigint not null)", "create index ledger_id on ledger (id)",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// settle compares the acknowledged writes with the ledger. Those that were not acknowledged may be in it, but not twice either.
func (s *server) settle(ctx context.Context, calls []call) (acknowledged, lost, doubled int, err error) {
	db, err := s.bare(serviceUser)
	if err != nil {
		return 0, 0, 0, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "select id, count(*) from ledger group by id")
	if err != nil {
		return 0, 0, 0, err
	}
	defer rows.Close()
	times := map[int64]int{}
	for rows.Next() {
		var id int64
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			return 0, 0, 0, err
		}
		times[id] = n
		if n > 1 {
			doubled++
		}
	}
	if err := rows.Err(); err != nil {
		return 0, 0, 0, err
	}
	for _, c := range calls {
		if c.id == 0 || c.kind != "" {
			continue
		}
		acknowledged++
		if times[c.id] == 0 {
			lost++
		}
	}
	return acknowledged, lost, doubled, nil
}

// sessionsLeft counts the service's sessions.
func (s *server) sessionsLeft(ctx context.Context) (n int, err error) {
	err = s.control.QueryRowContext(ctx, fmt.Sprintf("select count(*) from (%s) as sessions", s.sessions)).Scan(&n)
	return n, err
}
