package mysql

import "strings"

// cannotBeRead says that the user may not see the source of a program.
func (p *program) cannotBeRead() {
	p.missing = "has a source that cannot be read"
	p.cure = "grant SHOW_ROUTINE on *.*, or on MariaDB SELECT on mysql.proc, to the user"
	if p.kind == "TRIGGER" {
		p.cure = "grant TRIGGER on its database to the user"
	}
}

// grantTrigger lets the user see the triggers of a database, and by that they are seen to be all.
func grantTrigger(database string) string {
	return "grant TRIGGER on " + quoteName(database) + ".* to the user"
}

// grantShowView lets the user see the views of a database, and which of its tables are none.
func grantShowView(database string) string {
	return "grant SHOW VIEW on " + quoteName(database) + ".* to the user"
}

// blames notes what would make it known what a program does.
func (s *step) blames(p *program) *step {
	if s.own.why != "" {
		s.own.routine = p.routine
		if s.own.cure == "" {
			s.own.cure = p.cure
		}
	}
	return s
}

// cureOfDefault is what helps against a default, which takes a number from a sequence if it sets no variable.
func cureOfDefault(setsVariable bool) string {
	if setsVariable {
		return ""
	}
	return cureOf("a sequence")
}

// cureOf is what helps against a reason that a text shows; empty: nothing is known.
func cureOf(why string) string {
	if strings.Contains(why, " sequence") {
		return "take numbers from AUTO_INCREMENT, which a session can forget"
	}
	return ""
}
