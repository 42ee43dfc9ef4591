package statement

import (
	"slices"
	"strings"
)

// keyword returns a word in lower case if it is one that the summary knows, else "".
func keyword(text string) string {
	if len(text) > maxKeyword {
		return ""
	}
	for _, word := range keywords[text[0]&0x1f][len(text)] {
		if isLower(text, word) {
			return word
		}
	}
	return ""
}

// isLower reports whether a text of the same length is a word, in whatever case.
func isLower(text, word string) bool {
	for i := range len(word) {
		c := text[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// maxKeyword is the length of the longest word that is known.
const maxKeyword = 18

// keywords are the words that say something about operations and targets, by their first letters and lengths: a name is like few of them.
var keywords = func() (all [32][maxKeyword + 1][]string) {
	add := func(word string) {
		like := &all[word[0]&0x1f][len(word)]
		if !slices.Contains(*like, word) {
			*like = append(*like, word)
		}
	}
	for word := range strings.FieldsSeq(otherKeywords) {
		add(word)
	}
	for word := range verbs {
		add(word)
	}
	for word := range kinds {
		add(word)
	}
	return all
}()

const otherKeywords = `
	all as atomic authorization binary concurrently conflict data delayed distinct dual dumpfile duplicate except exists extended
	for format freeze from full global having high_priority if ignore intersect into is join key lateral limit local loop
	low_priority minus no no_write_to_binlog not offset on only order outfile partitions recursive repeat returning rows share
	statement straight_join tables temp temporary then union unlogged using verbose when where window xml`

// verbs are the words that statements begin with, and how each goes on. Of those that are [begun] nothing more is said: what follows is
// no target (a setting, a user), or has many values (a savepoint, a prepared statement).
var verbs = map[string]state{
	"select": listed, "values": begun, "table": expected, "with": named,
	"insert": expected, "replace": expected, "update": expected, "delete": listed, "merge": expected,

	"create": defining, "alter": defining, "drop": defining, "rename": defining, "refresh": defining, "reindex": defining,

	"truncate": tabled, "lock": tabled, "optimize": tabled, "repair": tabled, "check": tabled, "checksum": tabled,
	"explain": explained, "describe": explained, "desc": explained, "analyze": explained, "analyse": explained, "vacuum": explained,
	"cluster": explained,

	"copy": expected, "load": loading, "call": expected, "use": expected, "handler": expected,
	"declare": declared, "prepare": prepared,

	"start": paired, "stop": paired, "xa": paired, "flush": paired, "unlock": paired,

	"begin": begun, "commit": begun, "end": begun, "rollback": begun, "abort": begun, "savepoint": begun, "release": begun,
	"set": begun, "reset": begun, "show": begun, "listen": begun, "unlisten": begun, "notify": begun, "discard": begun,
	"execute": begun, "deallocate": begun, "fetch": begun, "move": begun, "close": begun, "do": begun,
	"comment": begun, "grant": begun, "revoke": begun, "security": begun, "reassign": begun, "checkpoint": begun, "import": begun,
	"kill": begun, "purge": begun, "change": begun, "install": begun, "uninstall": begun, "shutdown": begun, "restart": begun,
	"signal": begun, "resignal": begun, "get": begun, "help": begun, "binlog": begun, "backup": begun, "clone": begun, "cache": begun,
	"return": begun,
}

// objectKind is what follows the word for a kind of object where one is defined.
type objectKind uint8

const (
	unnamed  objectKind = 1 << iota // nothing is said of it: users and servers are no targets, casts and operators have no name
	hasTable                        // ON, and the table that it belongs to
	hasQuery                        // AS, and the query that it consists of
	hasBody                         // a program
	prefix                          // another word for the kind
)

// kinds are the kinds of objects that are defined.
var kinds = map[string]objectKind{
	"table": hasQuery, "view": hasQuery, "materialized": prefix, "foreign": prefix,
	"index": hasTable, "policy": hasTable, "trigger": hasTable | hasBody,
	"function": hasBody, "procedure": hasBody, "routine": hasBody, "event": hasBody, "rule": hasBody, "package": hasBody,
	"sequence": 0, "schema": 0, "database": 0, "type": 0, "domain": 0, "extension": 0, "publication": 0, "statistics": 0, "tablespace": 0,
	"collation": 0,

	"user": unnamed, "role": unnamed, "group": unnamed, "server": unnamed, "subscription": unnamed, "system": unnamed, "default": unnamed,
	"owned": unnamed, "cast": unnamed, "operator": unnamed, "conversion": unnamed, "language": unnamed, "text": unnamed, "access": unnamed,
	"large": unnamed, "transform": unnamed, "instance": unnamed, "aggregate": unnamed, "prepare": unnamed,
}
