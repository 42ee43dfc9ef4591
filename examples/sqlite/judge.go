package sqlite

import (
	"cmp"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
)

// In SQLite a text alone tells what a statement leaves. There are no routines, and what views and triggers may hold only reads and writes rows: no PRAGMA, no ATTACH, and
// not the one function that could do anything, load_extension.

// judge says what a text does.
func judge(source string) *dialect.Statement {
	s := &dialect.Statement{}
	tokens, hints, ok := lex(source)
	if !ok {
		statement.Unknown(s, "cannot be divided into tokens")
		return s
	}
	for i, one := range statements(tokens) {
		said := judgeOne(one)
		if i == 0 {
			s = said
		} else {
			s = both(s, said)
		}
	}
	if s.Class == dialect.Unknown && s.Effects == 0 {
		statement.Because(s, "is empty")
	}
	s.Hint, s.CallerClass = hints.Role, hints.Class
	return s
}

// statements divides tokens at semicolons, those in the body of a trigger apart: that ends with an END behind a semicolon.
func statements(tokens []token) (all [][]token) {
	begin, inTrigger := 0, false
	for i, t := range tokens {
		if i < begin+3 && t.keyword() == "trigger" && tokens[begin].keyword() == "create" {
			inTrigger = true
		}
		if inTrigger && t.keyword() == "end" && tokens[i-1].is(';') {
			inTrigger = false
		}
		if t.is(';') && !inTrigger {
			all = append(all, tokens[begin:i])
			begin = i + 1
		}
	}
	all = append(all, tokens[begin:])
	some := all[:0]
	for _, one := range all {
		if len(one) > 0 {
			some = append(some, one)
		}
	}
	return some
}

// both is what two statements of one text do.
func both(s, other *dialect.Statement) *dialect.Statement {
	if s.Class != other.Class {
		if s.Class == dialect.Unknown || other.Class == dialect.Unknown {
			s.Class = dialect.Unknown
		} else {
			s.Class = dialect.Write
		}
	}
	s.Why, s.Unproved = cmp.Or(s.Why, other.Why), cmp.Or(s.Unproved, other.Unproved)
	s.Effects |= other.Effects
	s.Undo = append(s.Undo, other.Undo...)
	s.Defines, s.Alters = s.Defines || other.Defines, s.Alters || other.Alters
	s.Rereads, s.LooksBack = s.Rereads || other.Rereads, s.LooksBack || other.LooksBack
	s.Plain = false
	return s
}

// judgeOne says what one statement does.
func judgeOne(tokens []token) *dialect.Statement {
	s := &dialect.Statement{}
	switch verb := verbOf(tokens); verb {
	case "explain":
		explain(s, tokens)
	case "select", "values":
		s.Class, s.Plain = dialect.Read, true
	case "insert", "replace", "update", "delete":
		writes(s, "writes")
		s.Plain = true
	case "create", "drop", "alter", "reindex", "analyze":
		writes(s, "defines something")
		s.Defines, s.Alters = true, verb != "create"
		if isTemporary(tokens) {
			s.Effects |= dialect.TempTable
		}
	case "vacuum":
		writes(s, "writes the file anew")
	case "attach", "detach":
		s.Class, s.Effects, s.Rereads = dialect.Write, dialect.Database, true
		statement.Because(s, verb+"es a database")
	case "begin", "savepoint": // the outermost savepoint begins a transaction
		s.Class, s.Effects = dialect.TxControl, dialect.OpenTx
		statement.Because(s, "begins a transaction")
	case "commit", "end", "rollback", "release":
		s.Class = dialect.TxControl
		statement.Because(s, "ends a transaction")
	case "pragma":
		runsPragma(s, tokens[1:])
		return s // it calls nothing
	default:
		statement.Unknown(s, "is no statement of SQLite")
	}
	calls(s, tokens)
	return s
}

// verbOf returns the word that says what a statement does. Behind WITH, it is the first that does so outside of parentheses.
func verbOf(tokens []token) string {
	first := tokens[0].keyword()
	if first != "with" {
		return first
	}
	depth := 0
	for _, t := range tokens {
		switch {
		case t.is('('):
			depth++
		case t.is(')'):
			depth--
		case depth == 0:
			switch verb := t.keyword(); verb {
			case "select", "values", "insert", "replace", "update", "delete":
				return verb
			}
		}
	}
	return ""
}

// explain is for EXPLAIN, which runs nothing, but for PRAGMAs, as these do some of what they do when they are prepared.
func explain(s *dialect.Statement, tokens []token) {
	tokens = tokens[1:]
	if len(tokens) > 1 && tokens[0].keyword() == "query" && tokens[1].keyword() == "plan" {
		tokens = tokens[2:]
	}
	if len(tokens) == 0 {
		statement.Unknown(s, "explains nothing")
		return
	}
	switch verbOf(tokens) {
	case "select", "values", "insert", "replace", "update", "delete":
		s.Class, s.Plain = dialect.Read, true
	default:
		*s = *judgeOne(tokens)
	}
}

// numbers is what last_insert_rowid() and changes() tell. It has a name so that it is undone at once, and not when somebody asks for it: views and triggers may ask.
var numbers = dialect.Undo{Effect: dialect.Sequence, Name: "last_insert_rowid(), changes()"}

// writes says that a statement changes the file.
func writes(s *dialect.Statement, why string) {
	s.Class = dialect.Write
	s.Effects |= dialect.Sequence
	s.Undo = append(s.Undo, numbers)
	statement.Because(s, why)
}

// isTemporary reports whether what is defined may be temporary: what belongs to something temporary is so itself, but then that was made before.
func isTemporary(tokens []token) bool {
	for i, t := range tokens {
		switch t.name() {
		case "temp", "temporary":
			if i == 1 || i+1 < len(tokens) && tokens[i+1].is('.') {
				return true
			}
		}
	}
	return false
}

// calls looks at what a statement names that makes it more than its verb says.
func calls(s *dialect.Statement, tokens []token) {
	for i, t := range tokens {
		name := t.name()
		called := i+1 < len(tokens) && tokens[i+1].is('(')
		switch {
		case name == "":
		case name == "load_extension":
			statement.Unknown(s, "calls load_extension")
		case ofSession[name]:
			statement.NeedsPrimary(s, "tells what its session has done")
			s.LooksBack = true
		case strings.HasPrefix(name, "sqlite_temp_"), name == "temp" && i+1 < len(tokens) && tokens[i+1].is('.'):
			statement.NeedsPrimary(s, "reads what is temporary")
		case strings.HasPrefix(name, "pragma_") && pragmas[name[len("pragma_"):]] != tells:
			statement.NeedsPrimary(s, "asks for what a pragma tells of its session")
		case called && !functions[name] && !(t.kind == word && (parenthesized[name] || strings.HasPrefix(name, "pragma_"))) && !isCTE(tokens[i+1:]):
			statement.NeedsPrimary(s, "calls what is no function of SQLite")
		}
	}
}

// isCTE reports whether what begins with these parentheses is the list of columns in WITH name (columns) AS (query).
func isCTE(tokens []token) bool {
	depth := 0
	for i, t := range tokens {
		switch {
		case t.is('('):
			depth++
		case t.is(')'):
			depth--
		}
		if depth == 0 {
			behind := tokens[i+1:]
			return len(behind) > 1 && behind[0].keyword() == "as" && (behind[1].is('(') || behind[1].keyword() == "materialized" || behind[1].keyword() == "not")
		}
	}
	return false
}

// runsPragma is for PRAGMA schema.name = value and its relatives.
func runsPragma(s *dialect.Statement, tokens []token) {
	schema := ""
	if len(tokens) > 2 && tokens[1].is('.') {
		schema, tokens = tokens[0].name(), tokens[2:]
	}
	if len(tokens) == 0 {
		statement.Unknown(s, "names no pragma")
		return
	}
	name, hasValue := tokens[0].name(), len(tokens) > 1
	s.Class = dialect.Read
	switch does := pragmas[name]; {
	case does == 0:
		statement.Unknown(s, "runs a pragma that is not known")
	case does == tells:
	case does == acts, does == stored && hasValue:
		writes(s, "pragma "+name+" writes")
	case does == ofProcess && hasValue:
		statement.NeedsPrimary(s, "pragma "+name+" changes the process")
	case does == stored:
	case !hasValue, does == ofConn, does == ofProcess:
		statement.NeedsPrimary(s, "pragma "+name+" tells of its session")
	case name == "journal_mode" && len(tokens) > 2 && tokens[2].name() == "wal":
		writes(s, "pragma journal_mode writes")
	case does == forGood, schema != "" && schema != "main":
		s.Class = dialect.SessionControl
		statement.Because(s, "sets pragma "+name)
		statement.Costs(s, dialect.Permanent, dialect.Reason{What: "pragma " + name + " is set for as long as the connection lasts", Cure: "set it in the DSN, with _pragma"})
	default:
		s.Class = dialect.SessionControl
		statement.Because(s, "sets pragma "+name)
		s.Effects = dialect.Setting
		s.Undo = []dialect.Undo{{Effect: dialect.Setting, Name: name}}
	}
}
