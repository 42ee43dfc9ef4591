package postgres

import (
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement/pg"
)

// Functions in C show nothing of what they do. One is harmless if it belongs to an extension of this list, and is not called volatile or is on
// the list below. Everything else in C is unknown, and so is what is written in languages that nobody reads here.

// computing are extensions whose functions in C only compute, as they are not called volatile, and why that is known: the source of each was read for
// what it does to the session, which is nothing. They come with PostgreSQL unless something else is said.
var computing = map[string]string{
	"bloom":              "an access method for indexes",
	"btree_gin":          "operators of the server's own types for gin",
	"btree_gist":         "operators of the server's own types for gist",
	"citext":             "a type, with comparisons",
	"cube":               "a type, with operators",
	"dict_int":           "a dictionary",
	"dict_xsyn":          "a dictionary",
	"earthdistance":      "arithmetic upon cube",
	"file_fdw":           "reads files of the server's",
	"fuzzystrmatch":      "functions of strings",
	"hstore":             "a type, with operators",
	"intarray":           "operators of arrays",
	"isn":                "types, with comparisons; what sets its weak mode is called volatile, but for the versions in lasting",
	"ltree":              "a type, with operators",
	"moddatetime":        "a trigger that writes the time into a column",
	"pg_trgm":            "functions of strings; set_limit is called volatile",
	"pgcrypto":           "functions of bytes",
	"pg_stat_statements": "shows what the server counts; what resets it is called volatile",
	"postgis":            "types of its own project, with operators; it keeps caches that nothing shows",
	"postgis_raster":     "as postgis",
	"postgres_fdw":       "reads and writes on other servers; what closes connections to them is called volatile",
	"seg":                "a type, with operators",
	"timescaledb":        "functions of its own project for time; what changes tables is called volatile",
	"tsm_system_rows":    "a method to take samples",
	"tsm_system_time":    "a method to take samples",
	"unaccent":           "a dictionary, and the function that asks it",
	"uuid-ossp":          "functions of bytes",
	"vector":             "a type of its own project (pgvector), with operators",
}

// volatileComputing are functions of these that are called volatile, and only compute.
var volatileComputing = map[string]bool{
	"gen_random_bytes": true, "gen_random_uuid": true, "gen_salt": true, "moddatetime": true,
	"uuid_generate_v1": true, "uuid_generate_v1mc": true, "uuid_generate_v4": true,
	"blhandler": true, "system_rows": true, "system_time": true, "file_fdw_handler": true, "postgres_fdw_handler": true,
	"dintdict_init": true, "dintdict_lexize": true, "dxsyn_init": true, "dxsyn_lexize": true, "unaccent_init": true, "unaccent_lexize": true,
}

// lasting are functions of these that change the session though they are not called volatile, by the symbol in C. Nothing undoes what they do: where it is a
// setting, which a reset undoes, they are called volatile.
var lasting = map[string]string{"accept_weak_input": "isn"}

// constructors are the functions of the server's own that range types have under their own names, and what stands for an aggregate, whose own functions
// are looked at.
var constructors = map[string]bool{
	"range_constructor2": true, "range_constructor3": true,
	"multirange_constructor0": true, "multirange_constructor1": true, "multirange_constructor2": true, "aggregate_dummy": true,
}

// whyForeign says why a function whose source nobody can read is not known to be harmless; empty: it is, or what it does is known by its name. Without
// an extension there stands the language and the symbol that it calls.
func whyForeign(name, extension string, volatile bool) string {
	const unread = "has a source that cannot be read"
	if symbol, ok := strings.CutPrefix(extension, "internal "); ok {
		if constructors[symbol] {
			return ""
		}
		return unread
	}
	if computing[extension] == "" {
		return unread
	}
	if class, effects, known := pg.Builtin(name); known && (class != dialect.Read || effects != 0) {
		return "" // it is what its name says
	}
	if volatile && !volatileComputing[name] {
		return unread
	}
	return ""
}
