package pg

import (
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// walk goes once over the tokens of one statement and notes what they show, whatever kind of statement it is.
type walk struct {
	tokens []token
	out    *Statement

	frames []frame // of the parentheses around the current token, outermost first
	ended  bool    // an operand or a name ended with the token before: what follows is no call
	chain  chain   // the qualified name that the current token is the last part of

	why      string          // the first reason against a read that was found
	unproved string          // the first reason for effects that nobody can tell or undo
	planned  bool            // it is explained: what it would do besides calling functions is no reason
	class    dialect.Class   // the most demanding class of the functions, Read if there is none
	effects  dialect.Effects // of the functions
	locks    bool            // FOR UPDATE and its weaker forms
	writes   bool            // INSERT, UPDATE, DELETE, MERGE
	into     bool            // SELECT INTO
	temp     bool            // TEMP or TEMPORARY where something is created
	pgTemp   bool            // the schema pg_temp is named
	executes bool            // EXECUTE of a prepared statement
	given    int             // the token that is a name which the statement gives; 0: there is none that the walk does not find
	bare     bool            // see Statement.Bare
	inert    bool            // see Statement.Inert
	adds     string          // see Statement.Adds
}

// frame is a parenthesis that is open, or the statement itself.
type frame struct {
	list       bool // in the list of a WITH clause: names here are names of queries
	introduces bool // an operand may follow the closing parenthesis
	query      bool // a query, with its clauses
}

// chain is where a qualified name began.
type chain struct {
	start int  // its first token
	ended bool // what ended was before that
}

// because notes a reason against a read.
func (w *walk) because(why string) {
	if w.why == "" && !w.planned {
		w.why = why
	}
}

// needsPrimary notes a call that is no read for a replica, not even where it is planned: that may call it.
func (w *walk) needsPrimary(why string) {
	w.class = worst(w.class, dialect.Write)
	if w.why == "" {
		w.why = why
	}
}

// costs notes a reason for effects that nobody can tell or undo.
func (w *walk) costs(why string) {
	if w.unproved == "" {
		w.unproved = why
	}
}

// notUnderstood notes both for a statement that is not understood near a token.
func (w *walk) notUnderstood(t *token) {
	why := notUnderstood(t)
	w.because(why)
	w.costs(why)
}

// end is what is read outside the statement.
var end token

// at returns the token at i, which may be outside.
func (w *walk) at(i int) *token {
	if i < 0 || i >= len(w.tokens) {
		return &end
	}
	return &w.tokens[i]
}

// run walks over all tokens.
func (w *walk) run() {
	var room [16]frame
	w.frames, w.class = append(room[:0], frame{query: w.isQuery(0)}), dialect.Read
	for i := range w.tokens {
		switch t := &w.tokens[i]; t.kind {
		case word, quoted:
			w.name(i, t)
		case punct:
			w.punct(i, t.text[0])
		case operator:
			w.ended = false
		default:
			w.ended = true
		}
	}
	w.frames = nil
}

// punct keeps the frames.
func (w *walk) punct(i int, c byte) {
	switch c {
	case '(', '[':
		if w.at(i - 1).isPunct(')') {
			w.top().list = false // WITH x AS (…) (SELECT …)
		}
		w.frames = append(w.frames, frame{introduces: w.introduces(i), query: w.isQuery(i + 1)})
		w.ended = false
	case ')', ']':
		w.ended = !w.top().introduces
		if len(w.frames) > 1 {
			w.frames = w.frames[:len(w.frames)-1]
		}
	case '.':
		// The name goes on.
	default:
		w.ended = false
	}
}

// top returns the innermost frame.
func (w *walk) top() *frame { return &w.frames[len(w.frames)-1] }

// introduces reports whether an operand may follow what the parenthesis at i encloses: DISTINCT ON (…), OPERATOR(…) and
// RETURNING WITH (…). Everywhere else an operator or a keyword comes first.
func (w *walk) introduces(i int) bool {
	before := w.at(i - 1)
	return before.is("on") && w.at(i-2).is("distinct") ||
		before.is("operator") ||
		before.is("with") && w.at(i-2).is("returning")
}

// name notes a name or a keyword.
func (w *walk) name(i int, t *token) {
	qualified := w.at(i - 1).isPunct('.')
	switch {
	case !qualified:
		w.chain = chain{start: i, ended: w.ended}
	case !w.at(i - 2).isName():
		w.chain = chain{start: i} // (x).f
	}
	if t.text == "pg_temp" || strings.HasPrefix(t.text, "pg_temp_") {
		w.pgTemp = true
		w.because("names the schema of temporary objects")
	}
	if i == 0 && t.kind == word {
		w.word(i, t) // the verb names nothing
		return
	}
	if !qualified && w.gives(i, t) {
		w.ended = true
		return
	}
	if w.at(i + 1).isPunct('(') {
		w.beforeParenthesis(i, t, qualified)
	} else if qualified || t.kind == quoted || t.keyword != reserved && (t.keyword != typeOrFunc || w.mayBeType(i)) {
		if !w.qualifies(i) {
			w.out.Names = add(w.out.Names, t.text)
		}
		if qualified {
			w.builtin(t.text) // attribute notation
		}
		w.view(t.text)
	}
	if t.kind == word && !qualified && t.keyword != notKeyword {
		w.word(i, t)
		return
	}
	w.ended = true
}

// beforeParenthesis notes a name that "(" follows.
func (w *walk) beforeParenthesis(i int, t *token, qualified bool) {
	if t.kind == word && !qualified && (t.keyword == reserved || t.keyword == columnName) {
		return // CAST(…), IN (…), VALUES (…)
	}
	if w.chain.ended || w.noCall(i) {
		w.out.Names = add(w.out.Names, t.text)
		return
	}
	w.out.Functions = add(w.out.Functions, t.text)
	if t.text == "set_config" {
		w.setConfig(i + 1)
		return
	}
	if t.text == "current_setting" {
		w.currentSetting(i + 1)
	}
	w.builtin(t.text)
}

// builtin counts the effects of a built-in function.
func (w *walk) builtin(name string) {
	if class, effects, known := Builtin(name); known {
		w.class = worst(w.class, class)
		w.effects |= effects
		if effects&dialect.Unprovable != 0 {
			w.costs(whyFunction(name, class, effects))
		}
		if w.why == "" && (class != dialect.Read || effects != 0) {
			w.why = whyFunction(name, class, effects) // also where it is planned, which can call functions
		}
	}
}

// view notes a view of the server's own that only the primary may show.
func (w *walk) view(name string) {
	if TellsOfServer(name) {
		w.needsPrimary(name + " tells of one server")
	}
}

// word notes what a keyword says of the statement.
func (w *walk) word(i int, t *token) {
	next := w.at(i + 1)
	switch t.text {
	case "for":
		if next.is("update") || next.is("share") || next.is("no") || next.is("key") {
			w.locks = true
			w.because(w.whyLocks(i + 1))
		}
	case "insert", "merge":
		if next.is("into") {
			w.target(i + 2)
		}
	case "delete":
		if next.is("from") {
			w.target(i + 2)
		}
	case "update":
		w.update(i)
	case "into":
		if before := w.at(i - 1); !before.is("insert") && !before.is("merge") {
			w.into = true
			w.because("select into creates a table")
		}
	case "temp", "temporary":
		w.temp = w.temp || w.makesTemp(i)
	case "execute":
		if !next.is("function") && !next.is("procedure") {
			w.executes = true
			w.because("execute")
		}
	}
	w.inList(i, t)
	w.ended = w.endsOperand(t)
}

// update notes UPDATE where it is a statement: not in FOR UPDATE, ON UPDATE CASCADE, GRANT UPDATE ON, INSERT OR UPDATE OF.
func (w *walk) update(i int) {
	before, next := w.at(i-1), w.at(i+1)
	if before.is("for") || before.is("key") || before.is("on") || before.is("or") {
		return
	}
	if !next.isName() || next.keyword == reserved && !next.is("only") {
		return
	}
	if (before.is("do") || before.is("then")) && next.is("set") && !w.at(i+2).is("set") && !w.at(0).is("create") {
		w.writes = true
		w.because(dataModifying)
		return // ON CONFLICT DO UPDATE SET, WHEN MATCHED THEN UPDATE SET; in CREATE RULE the table may be named set
	}
	w.target(i + 1)
}

// target notes the relation named at i as written.
func (w *walk) target(i int) {
	w.writes = true
	w.because(dataModifying)
	for w.at(i).is("only") || w.at(i).isPunct('(') {
		i++
	}
	if name := w.lastPart(i); name != "" {
		w.out.Targets = add(w.out.Targets, name)
	}
}

// dataModifying is why a query is no read that has INSERT and its relatives in its WITH clause. What is nothing but such a statement
// has its verb for a reason.
const dataModifying = "data-modifying CTE"

// whyLocks names the lock that the words from i on ask for.
func (w *walk) whyLocks(i int) string {
	var lock strings.Builder
	lock.WriteString("locks rows (FOR")
	for ; w.at(i).is("no") || w.at(i).is("key") || w.at(i).is("update") || w.at(i).is("share"); i++ {
		lock.WriteByte(' ')
		lock.WriteString(strings.ToUpper(w.at(i).text))
	}
	lock.WriteByte(')')
	return lock.String()
}

// lastPart returns the last part of the qualified name at i.
func (w *walk) lastPart(i int) string {
	for w.at(i+1).isPunct('.') && w.at(i+2).isName() {
		i += 2
	}
	if !w.at(i).isName() {
		return ""
	}
	return w.at(i).text
}

// makesTemp reports whether TEMP at i says what is created, and is not its name.
func (w *walk) makesTemp(i int) bool {
	before := w.at(i - 1)
	if before.is("into") {
		return !w.at(i-2).is("insert") && !w.at(i-2).is("merge")
	}
	return before.is("create") || before.is("replace") || before.is("local") || before.is("global")
}
