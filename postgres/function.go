package postgres

import (
	"cmp"
	"maps"
	"regexp"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/internal/statement/pg"
)

// named is a row of catalogue_names.sql.
type named struct {
	Kind, Name, Source, Uses, Extension, Schema string
	Volatile                                    bool
	Settings                                    string
}

// isForeign reports whether it is a function whose source nobody reads here.
func (f *named) isForeign() bool {
	return f.Kind == "foreign function" || f.Kind == "volatile foreign function"
}

// body is what is known of the source of a function.
type body struct {
	text    string          // what could name something
	words   statement.Words // what could be a keyword
	targets []string        // what it writes to, if it does nothing worse
	changes string          // the first word by which it does, or locks rows; empty: it does not
	danger  string          // the first word by which it is not proved; empty: there is none
}

// sourceEnd stands between a source and what comes with it, which is evaluated too.
const sourceEnd = "\x01"

// read reads the source of a function in SQL or PL/pgSQL. Where it is not understood, each word is taken for one of its own, even in a comment or a string:
// a word too many is a mistake on the safe side.
func (f *named) read() body {
	source, rest, _ := strings.Cut(f.Source, sourceEnd)
	s, ok := pg.ReadSource(source)
	if !ok || strings.Contains(rest, sourceEnd) {
		words := statement.WordsOf(f.Source)
		return body{text: f.Source, words: words, changes: words.First(isIn(pinningWords[f.Kind])), danger: f.danger(words)}
	}
	b := body{text: s.Code + "\n" + rest, words: statement.WordsOf(rest), targets: s.Targets}
	maps.Copy(b.words, s.Commands)
	b.changes = cmp.Or(s.Changes, b.words.First(isIn(pinningWords[f.Kind])))
	switch {
	case f.Kind == "sql function" && s.Into:
		b.danger = into
	case commentOn.MatchString(b.text):
		b.danger = comment
	default:
		b.danger = b.words.First(isDangerous)
	}
	return b
}

// Reasons for words that are not dangerous everywhere.
const (
	into    = "into"    // in SQL, it creates a table, which may be a temporary one
	comment = "comment" // which event triggers may follow
)

// danger is the first word in the source of a function by which it is not proved, if any word may be one of its own; empty: there is none.
func (f *named) danger(words statement.Words) string {
	switch {
	case f.Kind == "sql function" && words[into]:
		return into
	case words[comment] && (commentOn.MatchString(f.Source) || strings.Contains(f.Source, "/*") || strings.Contains(f.Source, "--")):
		return comment
	}
	return words.First(isDangerous)
}

func isDangerous(word string) bool { return dangerousWords[word] || changingWords[word] }

// dangerousWords begin or belong to the commands that change a session, or definitions. A function whose source has none of them and mentions no impure
// function is pure whatever its volatility says.
var dangerousWords = statement.WordsOf(`alter analyse analyze call checkpoint close cluster commit copy create deallocate discard do drop
	execute fetch grant hold import listen load lock move notify pg_temp prepare reassign refresh reindex
	release reset revoke rollback savepoint security set temp temporary truncate unlisten vacuum`)

// changingWords belong to the commands that change rows, or in the case of UPDATE also lock them. They are as dangerous where it does not show what is
// written to.
var changingWords = statement.WordsOf("delete insert merge update")

// commentOn finds the command, and not a column of that name.
var commentOn = regexp.MustCompile(`(?i)\bcomment\s+on\b`)

// addFunction adds a function, which may be declared to leave nothing.
func (n *node) addFunction(f *named, declared bool) {
	n.isFunction = true
	switch f.Kind {
	case "builtin":
		return
	case "volatile builtin":
		_, _, known := pg.Builtin(f.Name)
		n.isVolatile = n.isVolatile || !known
		return
	}
	n.of = dialect.Routine{Schema: f.Schema, Name: f.Name}
	wasProved, before := n.bad == "", len(n.sources)
	if declared {
		n.addDeclared(f)
	} else {
		n.addJudged(f)
	}
	if wasProved && n.bad != "" {
		n.badOf = n.of
	}
	for i := before; i < len(n.sources); i++ {
		n.sources[i].of = n.of
	}
}

// addJudged adds a function of users, with its source or that of an extension.
func (n *node) addJudged(f *named) {
	says := "function " + f.Name
	n.last(says, f.Source, statement.WordsOf(f.Source))
	n.addSettings(says, f.Settings)
	if f.isForeign() {
		if symbol, _, _ := strings.Cut(f.Source, sourceEnd); f.Kind == "foreign function" && f.Extension != "" && lasting[strings.TrimSpace(symbol)] == f.Extension {
			n.lasts = says + " changes what nothing sets back"
			n.spoil(n.lasts)
		}
		if why := whyForeign(f.Name, f.Extension, f.Kind == "volatile foreign function"); why != "" {
			n.spoil(says + " " + why)
		}
		n.uses = appendNames(n.uses, f.Uses)
		return
	}
	n.functions++
	b := f.read()
	if b.danger != "" {
		n.spoil(says + " has " + b.danger + " in its source")
		return
	}
	if s := n.addSource(says, b.text, nil); s != nil {
		s.pins = b.changes
	}
	n.targets = append(n.targets, b.targets...)
	n.uses = appendNames(n.uses, f.Uses)
}

// addDeclared adds a function that is declared to leave nothing. That says nothing of what it writes and sees, for which its volatility and its source
// count, nor of the types that it takes.
func (n *node) addDeclared(f *named) {
	says, words := "function "+f.Name, statement.WordsOf(f.Source)
	word, unreadable := f.danger(words), whyUnreadable(f.Source, words)
	n.loose = true
	n.uses = appendNames(n.uses, f.Uses)
	switch {
	case f.Volatile:
		n.pin(says + " is volatile")
	case f.isForeign():
	case word != "":
		n.pin(says + " has " + word + " in its source")
	case unreadable != "":
		n.pin(says + " " + unreadable)
	}
	n.sees = n.sees || f.isForeign() && f.Volatile || !f.isForeign() && (unreadable != "" || words["execute"])
	if f.isForeign() || unreadable != "" {
		return
	}
	n.functions++
	s := newSource(says, f.Source)
	s.declared, s.pins = true, words.First(isIn(pinningWords[f.Kind]))
	n.sources = append(n.sources, s)
}

// pin notes the first reason why only the primary may answer for the node.
func (n *node) pin(why string) {
	if n.pinned == "" {
		n.pinned = why
	}
}
