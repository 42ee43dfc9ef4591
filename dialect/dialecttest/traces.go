package dialecttest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"

	"github.com/gopooled/pooled/dialect"
)

// seen looks whether the dialect sees in statements what they leave, and whether they leave it: Look or Probes show it, and Leftovers finds it.
func seen(ctx context.Context, s *suite, t Trace) {
	s.learn(ctx, t.SQL)
	var effects dialect.Effects
	for _, text := range t.SQL {
		said := s.sessions.Statement(text)
		effects |= said.Effects
		if said.Provisional {
			s.problem("%q is still provisional, though Baseline and Learn have told", text)
		}
		if said.Effects&dialect.Unprovable != 0 && said.Unproved.What == "" {
			s.problem("%q leaves %s, and nobody is told why (Statement.Unproved)", text, said.Effects)
		}
	}
	if !effects.Has(t.Effects) {
		s.problem("it leaves %s, and the dialect sees %s", t.Effects, effects)
	}
	queries := slices.Concat(s.Look, t.Probes)
	other, c := s.connect(ctx), s.connect(ctx)
	if other == nil || c == nil {
		return
	}
	defer other.close()
	defer c.close()
	want, before := look(ctx, other.Conn, queries), s.leftovers(ctx, c)
	s.runs(ctx, c.Conn, t.SQL)
	if !t.Hidden { // before the queries, some of which may have a transaction fail
		if differences(before, s.leftovers(ctx, c)) == "" {
			s.problem("Leftovers does not find it")
		}
	}
	if differences(want, look(ctx, c.Conn, queries)) == "" {
		s.problem("neither Look nor Probes show it, so nobody could see whether it is undone")
	}
}

// undone looks whether Reset undoes it.
func undone(ctx context.Context, s *suite, t Trace) {
	s.learn(ctx, t.SQL)
	changes := dialect.Changes{Way: dialect.Direct}
	for _, text := range t.SQL {
		changes.Add(s.sessions.Statement(text), text, s.sessions.Changes())
	}
	queries := slices.Concat(s.Look, t.Probes)
	other, c := s.connect(ctx), s.connect(ctx)
	if other == nil || c == nil {
		return
	}
	defer other.close()
	defer c.close()
	want, before := look(ctx, other.Conn, queries), s.leftovers(ctx, c)
	s.runs(ctx, c.Conn, t.SQL)
	err := c.real(func(real driver.Conn) error { return s.sessions.Reset(ctx, real, &changes, "") })
	switch discards := errors.Is(err, dialect.ErrDiscard) || errors.Is(err, dialect.ErrLogin) || errors.Is(err, dialect.ErrOutdated); {
	case discards && !t.Discards:
		s.problem("Reset could not undo it: %v", err)
	case discards:
	case err != nil:
		s.problem("Reset has failed: %v", err)
	case t.Discards:
		s.problem("Reset says that it was undone, and only a new connection is without it")
	default:
		if left := differences(before, s.leftovers(ctx, c)); left != "" {
			s.problem("after Reset, Leftovers tells: %s", left)
		}
		if left := differences(want, look(ctx, c.Conn, queries)); left != "" {
			s.problem("after Reset, the session shows: %s", left)
		}
	}
}

// ways are how a borrower can send statements. An error says that the server does not take them in this way.
var ways = []struct {
	name string
	send func(ctx context.Context, c *sql.Conn, texts []string) error
}{
	{"by Exec", byExec}, {"by Query", byQuery}, {"prepared", prepared}, {"in a transaction", inTransaction}, {"before a mistake", byExec},
}

// notMet looks whether a borrower of a pool meets what the one before him has left, in whatever way, and whether the connection was kept where it can be.
func notMet(ctx context.Context, s *suite, t Trace) {
	inits := []string{""}
	if s.Init != "" {
		inits = append(inits, s.Init)
	}
	s.learn(ctx, s.Mistakes[:1])
	for _, init := range inits {
		p := s.pool(init)
		if p == nil {
			return
		}
		queries := slices.Concat(s.Look, t.Probes)
		want := s.fresh(ctx, init, queries)
		// The first borrower may cost the connection: only behind him it is known what a session begins with, and what names mean.
		s.borrow(ctx, p, func(c *sql.Conn) { _ = byExec(ctx, c, t.SQL) })
		s.borrow(ctx, p, func(c *sql.Conn) {
			if left := differences(want, look(ctx, c, queries)); left != "" {
				s.problem("the borrower behind the first of a pool meets: %s", left)
			}
		})
		for way := range ways {
			s.next(ctx, p, t, way, want, init != "")
		}
		if err := p.Close(); err != nil {
			s.problem("the pool could not be closed: %v", err)
		}
	}
}

// next has one borrower of a pool leave something, in the way with that number, and the next one look, who wants to see what a fresh session shows.
func (s *suite) next(ctx context.Context, p *pool, t Trace, way int, want map[string]string, hasInit bool) {
	queries := slices.Concat(s.Look, t.Probes)
	name := ways[way].name
	if hasInit {
		name += ", with pool_init"
	}
	s.borrow(ctx, p, func(c *sql.Conn) { _ = answer(ctx, c, s.Look[0]) }) // a probe of the last one may have cost the connection
	dials, sent := p.stats().Dials, false
	s.borrow(ctx, p, func(c *sql.Conn) {
		err := ways[way].send(ctx, c, t.SQL)
		if sent = err == nil; !sent && way == 0 {
			s.problem("%s: %v", name, err)
		}
		if ways[way].name == "before a mistake" {
			_, _ = c.ExecContext(ctx, s.Mistakes[0])
		}
	})
	s.borrow(ctx, p, func(c *sql.Conn) {
		if left := differences(want, look(ctx, c, queries)); left != "" {
			s.problem("%s: the next borrower meets: %s", name, left)
		}
	})
	unknown := ways[way].name == "before a mistake" && s.sessions.Statement(s.Mistakes[0]).Effects&dialect.Unprovable != 0
	if sent && !t.Discards && !unknown && p.stats().Dials > dials {
		s.problem("%s: the connection was closed, though all of it can be undone", name)
	}
}

// fresh tells what a session answers that was just dialled, and in which init has run.
func (s *suite) fresh(ctx context.Context, init string, queries []string) map[string]string {
	c := s.connect(ctx)
	if c == nil {
		return nil
	}
	defer c.close()
	if init != "" {
		s.runs(ctx, c.Conn, []string{init})
	}
	return look(ctx, c.Conn, queries)
}

// byExec, byQuery and prepared send one statement after the other, up to the first error.
var byExec, byQuery, prepared = each(exec), each(readAll), each(prepareAndRun)

func each(send func(ctx context.Context, c *sql.Conn, text string) error) func(ctx context.Context, c *sql.Conn, texts []string) error {
	return func(ctx context.Context, c *sql.Conn, texts []string) error {
		for _, text := range texts {
			if err := send(ctx, c, text); err != nil {
				return err
			}
		}
		return nil
	}
}

func exec(ctx context.Context, c *sql.Conn, text string) error {
	_, err := c.ExecContext(ctx, text)
	return err
}

// readAll runs a query to its end: some do nothing before.
func readAll(ctx context.Context, c *sql.Conn, text string) error {
	rows, err := c.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}

func prepareAndRun(ctx context.Context, c *sql.Conn, text string) error {
	stmt, err := c.PrepareContext(ctx, text)
	if err != nil {
		return err
	}
	defer stmt.Close()
	_, err = stmt.ExecContext(ctx)
	return err
}

func inTransaction(ctx context.Context, c *sql.Conn, texts []string) error {
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, text := range texts {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}
