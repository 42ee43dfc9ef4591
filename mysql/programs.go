package mysql

import (
	"context"
	"database/sql/driver"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/internal/statement/my"
)

// A stored program is a routine or a trigger. What it may do is read off its source, and off those of all that it calls, reads and writes to.

// program is a stored program.
type program struct {
	source   my.Source
	kind     string          // as SHOW CREATE calls it
	name     string          // with quotes, and the database before it
	into     []*step         // what it belongs to
	missing  string          // why its source is not known
	cure     string          // what would make it known
	routine  dialect.Routine // its names, if it is no trigger
	harmless bool            // it is declared to leave nothing
}

// addPrograms adds what programs do to what they belong to.
func (r *reading) addPrograms(ctx context.Context, programs []*program) error {
	for _, p := range programs {
		if err := r.readWhole(ctx, p); err != nil {
			return err
		}
		does := r.doneBy(p).blames(p)
		for _, s := range p.into {
			s.add(does)
		}
	}
	return nil
}

// readWhole asks how a program was written where what the catalogue tells of it may be something else: MySQL leaves out what escapes the quotes in
// strings and names.
func (r *reading) readWhole(ctx context.Context, p *program) error {
	switch {
	case p.missing != "" || p.harmless:
		return nil
	case p.source.Body == "":
		p.cannotBeRead()
		return nil
	case !strings.ContainsAny(p.source.Body, "'\"`"):
		return nil
	}
	p.source.Body, p.source.Whole = "", true
	if r.wholes++; r.wholes > maxWhole {
		p.missing = "is one of too many"
		return nil
	}
	err := r.each(ctx, "show create "+p.kind+" "+p.name, func(row []driver.Value) {
		if len(row) > 2 {
			p.source.Mode, p.source.Body = value(row[1]), value(row[2])
		}
	})
	if err != nil && !isRefusal(err) {
		return err
	}
	if p.source.Body == "" {
		p.cannotBeRead()
	}
	return nil
}

// doneBy says what a program does by itself, and what it makes use of.
func (c *catalogue) doneBy(p *program) *step {
	s := &step{}
	if p.harmless {
		s.own = declaredHarmless(p)
		return s
	}
	why := strings.ToLower(p.kind) + " " + p.name
	if p.missing != "" {
		s.own.looks = true
		s.own.unknown(why + " " + p.missing)
		return s
	}
	parsed := p.source.Parse()
	s.own = doing{
		effects: parsed.Effects, undo: parsed.Undo, implicit: parsed.Implicit, defines: parsed.Defines,
		sees: statement.Mentions(p.source.Body, seeing, null), looks: parsed.Unclear || statement.Mentions(p.source.Body, lookingBack), lasts: parsed.Class != dialect.Read,
	}
	if parsed.Effects.Has(dialect.Permanent) {
		s.own.why = why + ": " + parsed.Unproved
	}
	switch {
	case parsed.Unclear:
		s.own.unknown(why + ": " + parsed.Unproved)
		return s
	case parsed.Remakes:
		s.own.unknown(why + " changes what others do")
		return s
	}
	s.own.effects &^= dialect.UnknownEffect // which is for its calls
	for _, database := range parsed.Databases {
		if !c.seen[database] {
			s.own.unknownUnless(why+" uses "+database+", of which not everything is seen", grantTrigger(database))
		}
	}
	s.uses = c.usesOf(p.source.Body, &parsed, func(what string) { s.own.unknown(why + " " + what) })
	return s
}
