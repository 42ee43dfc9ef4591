package dialecttest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/gopooled/pooled/dialect"
)

// fresh looks whether two sessions tell the same that were just dialled: what differs between them cannot be compared with anything.
func fresh(ctx context.Context, s *suite) {
	one, other := s.connect(ctx), s.connect(ctx)
	if one == nil || other == nil {
		return
	}
	defer one.close()
	defer other.close()
	if d := differences(s.leftovers(ctx, one), s.leftovers(ctx, other)); d != "" {
		s.problem("Leftovers tells of a fresh session: %s", d)
	}
	if d := differences(look(ctx, one.Conn, s.Look), look(ctx, other.Conn, s.Look)); d != "" {
		s.problem("Look tells of a fresh session: %s", d)
	}
}

// leavesNothing runs a statement that leaves nothing, and looks.
func (s *suite) leavesNothing(ctx context.Context, text string) {
	c := s.connect(ctx)
	if c == nil {
		return
	}
	defer c.close()
	want, before := look(ctx, c.Conn, s.Look), s.leftovers(ctx, c)
	if err := byQuery(ctx, c.Conn, []string{text}); err != nil {
		s.problem("%q: %v", text, err)
		return
	}
	if left := differences(before, s.leftovers(ctx, c)); left != "" {
		s.problem("%q is said to leave nothing, and Leftovers tells: %s", text, left)
	}
	if left := differences(want, look(ctx, c.Conn, s.Look)); left != "" {
		s.problem("%q is said to leave nothing, and the session shows: %s", text, left)
	}
}

// clean looks whether what leaves nothing is known to, and does.
func clean(ctx context.Context, s *suite) {
	s.learn(ctx, s.Clean)
	for _, text := range s.Clean {
		if said := s.sessions.Statement(text); said.Effects != 0 || said.Provisional {
			s.problem("%q leaves nothing, and the dialect sees %s", text, said.Effects)
		}
		s.leavesNothing(ctx, text)
	}
}

// reads looks whether reads are known to be some, and whether they leave everything as it is.
func reads(ctx context.Context, s *suite) {
	s.learn(ctx, s.Reads)
	for _, text := range s.Reads {
		if said := s.sessions.Statement(text); !said.Replicable() {
			s.problem("%q is a read, and the dialect says: %s, leaves %s, sees %s, provisional: %t, because it %s", text, said.Class, said.Effects, said.Sees, said.Provisional, said.Why)
		}
		before := s.fresh(ctx, "", s.Data)
		s.leavesNothing(ctx, text)
		if d := differences(before, s.fresh(ctx, "", s.Data)); d != "" {
			s.problem("%q changes what is stored: %s", text, d)
		}
	}
}

// writes looks whether writes are known to be no reads. One that is said to leave nothing must do so.
func writes(ctx context.Context, s *suite) {
	s.learn(ctx, s.Writes)
	for _, text := range s.Writes {
		said := s.sessions.Statement(text)
		if said.Class == dialect.Read || said.Replicable() {
			s.problem("%q is taken for a read", text)
		}
		if said.Why == "" {
			s.problem("%q is no read, and nobody is told why (Statement.Why)", text)
		}
		if said.Effects == 0 && !said.Provisional {
			s.leavesNothing(ctx, text)
			continue
		}
		if c := s.connect(ctx); c != nil {
			s.runs(ctx, c.Conn, []string{text})
			c.close()
		}
	}
}

// nonsense is what no family knows.
var nonsense = []string{"frobnicate the gizmo", "frobnicate", "select 'never closed"}

// unknown looks whether statements are unknown of which nobody can know anything, and those that are none.
func unknown(ctx context.Context, s *suite) {
	s.learn(ctx, s.Unknown)
	for _, text := range slices.Concat(s.Unknown, nonsense) {
		said := s.sessions.Statement(text)
		if said.Replicable() || said.Class == dialect.Read {
			s.problem("%q is taken for a read", text)
		}
		if !said.Provisional && !said.Effects.Has(dialect.UnknownEffect) {
			s.problem("%q may do anything, and the dialect sees %s", text, said.Effects)
		}
		if slices.Contains(s.Unknown, text) && said.Unproved.What == "" {
			s.problem("%q costs a session more than it might, and nobody is told why (Statement.Unproved)", text)
		}
	}
	for _, text := range []string{"", " ", ";", "\x00", "\xff", "/*", "'", "--"} {
		if s.sessions.Statement(text) == nil {
			s.problem("Statement(%q) is nil", text)
		}
	}
}

// hints looks for comments that say where a statement runs, and what its call belongs to.
func hints(ctx context.Context, s *suite) {
	read := s.Reads[0]
	texts := []string{"/* pool:primary */ " + read, "/* pool:replica */ " + read, "/* pool:class=batch */ " + read, "select '/* pool:primary */'", read}
	s.learn(ctx, texts)
	for i, want := range []dialect.ServerRole{dialect.RolePrimary, dialect.RoleReplica, dialect.RoleUnknown, dialect.RoleUnknown, dialect.RoleUnknown} {
		if said := s.sessions.Statement(texts[i]); said.Hint != want {
			s.problem("%q is to run on %s, and the dialect says %s", texts[i], want, said.Hint)
		}
	}
	for i, want := range []string{"", "", "batch", "", ""} {
		if said := s.sessions.Statement(texts[i]); said.CallerClass != want {
			s.problem("%q is of the class %q, and the dialect says %q", texts[i], want, said.CallerClass)
		}
	}
}

// answers asks for all texts from several goroutines at once. Run it with -race.
func answers(ctx context.Context, s *suite) {
	texts := s.texts()
	s.learn(ctx, texts)
	before := make([]string, len(texts))
	for i, text := range texts {
		before[i] = written(s.sessions.Statement(text))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, text := range texts {
				s.sessions.Statement(text)
				s.dialect.Mask(text)
				s.dialect.Summary(text)
			}
		})
	}
	wg.Wait()
	for i, text := range texts {
		if after := written(s.sessions.Statement(text)); after != before[i] {
			s.problem("%q was judged as %s before, and now as %s", text, before[i], after)
		}
	}
}

// written is all that is said of a statement, but for its function.
func written(said *dialect.Statement) string {
	all := *said
	all.Refuses = nil
	return fmt.Sprintf("%+v", reflect.ValueOf(all))
}
