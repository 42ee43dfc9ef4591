package mysql

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/internal/statement/my"
)

// suspects are the words that no view has which leaves nothing.
var suspects = statement.WordsOf(`call execute prepare get_lock release_lock release_all_locks last_insert_id nextval setval lastval
	insert replace update delete load create drop lock handler sql_mode default`)

// tableInView is a table where a view reads it, with its database, as the server writes that: each in backticks, and behind FROM or JOIN. It may also be a
// column behind the FROM of a TRIM, or stand in a string.
var tableInView = regexp.MustCompile("(?i)\\b(?:from|join)[\\s(]*`((?:[^`]|``)*)`\\.`((?:[^`]|``)*)`(\\.)?")

// extracts is the function that has a column behind FROM in each case.
var extracts = regexp.MustCompile(`(?i)\bextract\(\w+ from `)

// readBy lists the tables and views that a view reads, with their databases. It may do so with the rights of who made it, so that the user sees nothing of
// them.
func readBy(source string) (uses []use) {
	for _, found := range tableInView.FindAllStringSubmatch(extracts.ReplaceAllString(source, ""), -1) {
		database, name := strings.ReplaceAll(found[1], "``", "`"), strings.ReplaceAll(found[2], "``", "`")
		if found[3] == "" && !slices.Contains(harmlessDatabases, strings.ToLower(database)) {
			uses = append(uses, use{how: reads, name: fold(name), in: database})
		}
	}
	return uses
}

// addView adds a view. Its source is written by the server, with all names in quotes.
func (c *catalogue) addView(n *node, name, source string) {
	parsed := my.Parse(source)
	words := statement.WordsOf(source)
	for _, name := range parsed.Names { // some are no words
		words[name] = true
	}
	n.read.own.looks = words.First(func(word string) bool { return lookingBack[word] }) != ""
	unknown := func(what string) { n.read.own.unknown("view " + name + " " + what) }
	switch word := words.First(func(word string) bool { return suspects[word] }); {
	case source == "":
		n.read.own.unknownUnless("view "+name+" has a source that cannot be read", "grant SHOW VIEW on its database to the user")
	case strings.Contains(source, "@"):
		unknown("mentions a variable")
	case word != "":
		unknown("mentions " + word)
	case parsed.Unclear || parsed.Effects&^dialect.UnknownEffect != 0:
		unknown("is not understood")
	}
	switch {
	case len(parsed.Calls) > 0:
		n.pinned = "view " + name + " calls " + parsed.Calls[0].Name
	case parsed.Why != "":
		n.pinned = "view " + name + ": " + parsed.Why
	}
	n.read.uses = append(n.read.uses, c.usesOf(source, &parsed, unknown)...)
	n.read.uses = append(n.read.uses, readBy(source)...)
	for _, word := range slices.Sorted(maps.Keys(words)) {
		word = fold(word)
		n.read.uses = append(n.read.uses, use{how: reads, name: word}, use{how: mentions, name: word})
		n.write.uses = append(n.write.uses, use{how: writes, name: word})
	}
}
