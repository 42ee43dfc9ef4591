package mysql

import (
	"context"
	"database/sql/driver"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement"
	"github.com/gopooled/pooled/internal/statement/my"
)

// view is what a view consists of.
type view struct {
	name   string
	source string
	parsed my.Statement
	words  statement.Words
}

// suspects are the words that no view has which leaves nothing.
var suspects = statement.WordsOf(`call execute prepare get_lock release_lock release_all_locks last_insert_id nextval setval lastval
	insert replace update delete load create drop lock handler sql_mode default`)

// readViews finds the views. Their sources are written by the server, with all names in quotes.
func (c *catalogue) readViews(ctx context.Context, conn driver.Conn) (views []view, err error) {
	err = each(ctx, conn, viewsSQL, func(row []driver.Value) {
		v := view{name: strings.ToLower(value(row[0])), source: value(row[1])}
		v.words, v.parsed = statement.WordsOf(v.source), my.Parse(v.source)
		for _, name := range v.parsed.Names { // some are no words
			v.words[name] = true
		}
		if c.views[v.name] == nil {
			c.views[v.name] = &doing{}
		}
		c.written(v.name)
		views = append(views, v)
	})
	return views, err
}

// viewNodes says what comes of reading a view, and of writing to it.
func (c *catalogue) viewNodes(v view) []*node {
	read, write := &node{into: []*doing{c.views[v.name]}}, &node{into: []*doing{c.writes[v.name]}}
	why := "view " + v.name + " "
	unknown := func(what string) { read.own.unknown(why + what) }
	switch word := v.words.First(func(word string) bool { return suspects[word] }); {
	case v.source == "":
		read.own.unknownUnless(why+"has a source that cannot be read", "grant SHOW VIEW on its database to the user")
	case strings.Contains(v.source, "@"):
		unknown("mentions a variable")
	case word != "":
		unknown("mentions " + word)
	case v.parsed.Unclear || v.parsed.Effects&^dialect.UnknownEffect != 0:
		unknown("is not understood")
	}
	read.uses = c.reached(v.source, &v.parsed, unknown)
	for word := range v.words {
		if word == v.name {
			continue
		}
		read.uses = append(read.uses, c.views[word], c.routines[my.Call{Name: word}])
		write.uses = append(write.uses, c.writes[word])
	}
	return []*node{read, write}
}

// pin finds the views that only the primary may answer for, as those over others, and the views over tables of other servers.
func (c *catalogue) pin(views []view) {
	for _, v := range views {
		switch {
		case len(v.parsed.Calls) > 0:
			c.pinned[v.name] = "view " + v.name + " calls " + v.parsed.Calls[0].Name
		case v.parsed.Why != "":
			c.pinned[v.name] = "view " + v.name + ": " + v.parsed.Why
		}
	}
	for found := true; found; {
		found = false
		for _, v := range views {
			if word := v.words.First(func(word string) bool { return c.pinned[word] != "" }); word != "" && c.pinned[v.name] == "" {
				c.pinned[v.name], found = "view "+v.name+" mentions "+word, true
			}
			if !c.remote[v.name] && v.words.First(func(word string) bool { return c.remote[word] }) != "" {
				c.remote[v.name], found = true, true
			}
			if !c.defaults[v.name] && v.words.First(func(word string) bool { return c.defaults[word] }) != "" {
				c.defaults[v.name], found = true, true
			}
		}
	}
}
