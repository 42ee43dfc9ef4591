package pg

import (
	"slices"

	"github.com/gopooled/pooled/dialect"
)

// statement walks over the statement and judges what was found by the statement's first word.
func (w *walk) statement() (dialect.Class, dialect.Effects) {
	first := 0
	for w.at(first).isPunct('(') {
		first++
	}
	verb := w.at(first)
	judge, ok := verbs[verb.text]
	if !ok || verb.kind != word || first > 0 && !queries[verb.text] {
		w.notUnderstood(verb)
		return w.unknown()
	}
	if !mayRead[verb.text] {
		w.because(verb.text)
	}
	return judge(w)
}

// mayRead are the verbs that are no reason by themselves.
var mayRead = words("select values table with return explain copy")

// judge says what a statement does.
type judge func(w *walk) (dialect.Class, dialect.Effects)

// verbs are the first words of the statements of all versions through 18. A word that is not here is unknown.
var verbs map[string]judge

func init() { // not a literal: EXPLAIN comes back to it
	query := (*walk).query
	verbs = map[string]judge{
		"select": query, "values": query, "table": query, "with": query, "return": query,
		"insert": write, "update": write, "delete": write, "merge": write,

		"begin": plainly(dialect.TxControl, dialect.OpenTx), "start": start,
		"commit": endTx, "end": endTx, "rollback": endTx, "abort": endTx,
		"savepoint": plainly(dialect.TxControl, 0), "release": plainly(dialect.TxControl, 0),

		"set": set, "reset": reset, "show": does(dialect.Write, 0), // of the session, and of the server
		"load":   does(dialect.SessionControl, dialect.Permanent),
		"listen": plainly(dialect.Write, dialect.Listen), "unlisten": plainly(dialect.SessionControl, dialect.Listen),
		"notify": plainly(dialect.Write, 0),

		"prepare": prepare, "execute": (*walk).unknown, "deallocate": deallocate, "discard": discard,
		"declare": declare, "fetch": plainly(dialect.Write, 0), "move": plainly(dialect.Write, 0), "close": plainly(dialect.SessionControl, 0),

		"explain": explain, "copy": copyData, "truncate": truncateTables, "lock": write,

		"create": create, "alter": alter, "drop": define, "import": (*walk).unknown,
		"comment": describe, "grant": describe, "revoke": describe, "security": describe, "reassign": describe,
		"refresh": refresh, "checkpoint": write,
		// What is stored with a table is evaluated, which they need not even name.
		"vacuum": (*walk).unknown, "analyze": (*walk).unknown, "analyse": (*walk).unknown, "cluster": (*walk).unknown, "reindex": (*walk).unknown,

		"do": do, "call": call,
	}
}

// unknown is for what may do anything. The names in it are noted all the same.
func (w *walk) unknown() (dialect.Class, dialect.Effects) {
	w.run()
	return dialect.Unknown, dialect.UnknownEffect | w.effects
}

// call judges CALL, whose procedure is looked up as a function is.
func call(w *walk) (dialect.Class, dialect.Effects) {
	w.run()
	i := 1
	for w.at(i).isName() && w.at(i+1).isPunct('.') {
		i += 2
	}
	if !w.at(i).isName() || !slices.Contains(w.out.Functions, w.at(i).text) || w.closing(i+1) != len(w.tokens)-1 {
		return dialect.Unknown, dialect.UnknownEffect | w.effects
	}
	return dialect.Unknown, w.effects
}

// query judges SELECT and its relatives.
func (w *walk) query() (dialect.Class, dialect.Effects) {
	w.run()
	class, effects := w.class, w.effects
	if w.locks || w.writes || w.into || w.pgTemp {
		class = worst(class, dialect.Write)
	}
	if w.temp || w.into && w.pgTemp {
		effects |= dialect.TempTable
	}
	if w.into {
		w.out.Fires = true
		w.out.Defines = w.out.Defines || !w.temp && !w.pgTemp
	}
	return class, effects
}

// write judges what writes, and leaves no trace but those of the functions in it.
func write(w *walk) (dialect.Class, dialect.Effects) {
	class, effects := w.query()
	return worst(class, dialect.Write), effects
}

// does judges by the first word alone, apart from the functions.
func does(class dialect.Class, effects dialect.Effects) judge {
	return func(w *walk) (dialect.Class, dialect.Effects) {
		w.run()
		return worst(class, w.class), effects | w.effects
	}
}

// start judges START TRANSACTION.
func start(w *walk) (dialect.Class, dialect.Effects) {
	if !w.at(1).is("transaction") {
		return w.unknown()
	}
	w.bare = true
	return dialect.TxControl, dialect.OpenTx
}

// endTx judges COMMIT, ROLLBACK, ROLLBACK TO and their relatives.
func endTx(w *walk) (dialect.Class, dialect.Effects) {
	w.bare = true // it names nothing but a savepoint, or a transaction
	if w.at(1).is("prepared") {
		return dialect.Write, 0 // it is another transaction that ends
	}
	for i := range w.tokens {
		if w.at(i).is("and") && w.at(i+1).is("chain") {
			return dialect.TxControl, dialect.OpenTx
		}
	}
	return dialect.TxControl, 0
}

// prepare judges PREPARE and PREPARE TRANSACTION.
func prepare(w *walk) (dialect.Class, dialect.Effects) {
	if w.at(1).is("transaction") && w.at(2).kind == literal {
		return dialect.TxControl, 0
	}
	if !w.at(1).isName() {
		return w.unknown()
	}
	w.out.Prepared = add(w.out.Prepared, w.at(1).text)
	w.given = 1
	class, effects := write(w)
	return class, effects | dialect.SQLPrepare
}

// deallocate judges DEALLOCATE. Of all names it also takes those that the driver has prepared.
func deallocate(w *walk) (dialect.Class, dialect.Effects) {
	name := w.at(1)
	if name.is("prepare") && w.at(2).isName() {
		name = w.at(2)
	}
	if name.is("all") || !name.isName() {
		return dialect.SessionControl, dialect.UnknownEffect
	}
	w.bare = true
	return dialect.SessionControl, 0
}

// discard judges DISCARD, of which only ALL does more than to clean. What was prepared before DISCARD PLANS is read anew when it runs next.
func discard(w *walk) (dialect.Class, dialect.Effects) {
	switch what := w.at(1); {
	case what.is("plans"):
		return dialect.SessionControl, dialect.Plans
	case what.is("temp") || what.is("temporary") || what.is("sequences"):
		return dialect.SessionControl, 0
	}
	return dialect.SessionControl, dialect.UnknownEffect
}

// declare judges DECLARE … CURSOR. What the query does is counted here, though it happens at FETCH.
func declare(w *walk) (dialect.Class, dialect.Effects) {
	w.out.Lingers = true
	w.given = 1
	class, effects := write(w)
	for i := 2; i < len(w.tokens) && !w.at(i).is("for"); i++ {
		if w.at(i).is("with") && w.at(i+1).is("hold") {
			effects |= dialect.Cursor
		}
	}
	return class, effects
}

// explain judges EXPLAIN, which executes the statement only with ANALYZE, whatever ANALYZE is set to. The arguments of
// EXPLAIN EXECUTE are evaluated in any case.
func explain(w *walk) (dialect.Class, dialect.Effects) {
	from, analyzes := w.explainOptions()
	if analyzes {
		w.tokens = w.tokens[from:]
		return w.statement()
	}
	w.planned = true
	w.run()
	w.planned = false
	switch what := w.at(from); {
	case w.executes:
		w.because("execute")
		w.costs("explain execute")
	case !what.isPunct('(') && !(what.kind == word && explained[what.text]):
		w.notUnderstood(what)
	case w.writes || what.kind == word && !queries[what.text]:
		w.because("explains a write") // a replica cannot even plan a write to an unlogged table
		return worst(w.class, dialect.Write), 0
	default:
		return w.class, 0
	}
	return dialect.Unknown, dialect.UnknownEffect | w.effects
}

// explained are the first words of the statements that EXPLAIN takes, but for EXECUTE.
var explained = words("select values table with insert update delete merge declare create refresh")

// isPlain reports whether the statement is one whose doings are all part of the transaction that it runs in, as far as it does not call others. EXECUTE
// is none: it runs what is not in the text, and computes its arguments before.
func (w *walk) isPlain() bool {
	first := 0
	for w.at(first).isPunct('(') {
		first++
	}
	verb := w.at(first)
	switch {
	case verb.kind != word || w.executes || w.into || w.temp:
		return false
	case verb.is("rollback"):
		return w.at(1).is("to") || w.at(2).is("to") // ROLLBACK [WORK | TRANSACTION] TO
	default:
		return plainVerbs[verb.text]
	}
}

// plainVerbs are the first words of such statements.
var plainVerbs = words("select values table with insert update delete merge savepoint release")

// queries are the first words of what may stand in parentheses where a statement is expected.
var queries = words("select values table with")

// explainOptions returns where the statement to be explained begins, and whether ANALYZE is among the options.
func (w *walk) explainOptions() (from int, analyzes bool) {
	from = 1
	if what := w.at(2); w.at(1).isPunct('(') && !what.isPunct('(') && !queries[what.text] {
		for from = 2; from < len(w.tokens) && !w.at(from).isPunct(')'); from++ {
			analyzes = analyzes || isAnalyze(w.at(from))
		}
		return from + 1, analyzes
	}
	for isAnalyze(w.at(from)) || w.at(from).is("verbose") {
		analyzes = analyzes || isAnalyze(w.at(from))
		from++
	}
	return from, analyzes
}

func isAnalyze(t *token) bool { return t.isName() && (t.text == "analyze" || t.text == "analyse") }

// copyData judges COPY.
func copyData(w *walk) (dialect.Class, dialect.Effects) {
	i := 1
	if w.at(i).isPunct('(') {
		i = w.closing(i) + 1
	} else {
		if w.at(i).is("binary") {
			i++
		}
		table := i
		for w.at(i+1).isPunct('.') && w.at(i+2).isName() {
			i += 2
		}
		if i++; w.at(i).isPunct('(') {
			i = w.closing(i) + 1
		}
		if !w.at(i).is("to") {
			w.because("copy from")
			w.target(table)
			return write(w)
		}
	}
	if w.at(i).is("to") && w.at(i+1).is("stdout") {
		return w.query()
	}
	w.because("copy to a file or a program of the server's")
	return write(w)
}

// truncateTables judges TRUNCATE.
func truncateTables(w *walk) (dialect.Class, dialect.Effects) {
	i := 1
	if w.at(i).is("table") {
		i++
	}
	for w.target(i); i < len(w.tokens); i++ {
		if w.at(i).isPunct(',') {
			w.target(i + 1)
		}
		w.out.Cascades = w.out.Cascades || w.at(i).is("cascade")
	}
	return write(w)
}
