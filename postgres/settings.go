package postgres

import (
	"slices"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/internal/statement/pg"
)

// A function may have settings of its own, which are as before when it is over. What remains is what a setting does when it is set, and what others that the
// function calls have kept of it meanwhile: their plans.

// passing are settings that do nothing when they are set, and of which no plan keeps anything. The server looks at the search_path itself each time that a
// plan is used.
var passing = statement.WordsOf(`search_path maintenance_work_mem statement_timeout lock_timeout client_min_messages row_security check_function_bodies`)

// addSettings adds the settings of a function's own.
func (n *node) addSettings(says, settings string) {
	for setting := range strings.Lines(settings) {
		name, value, found := strings.Cut(setting, "=")
		switch name = strings.ToLower(name); {
		case !found: // a line of a value
		case name == "search_path" && isTemporary(value):
			n.spoil(says + " may create what is temporary, by its search_path")
		case passing[name]:
		case pg.Outlives(name) == dialect.Plans:
			if n.plans == "" {
				n.plans = says + " sets " + name + ", which plans of what it calls keep"
			}
		default:
			n.spoil(says + " sets " + name)
			n.last(says, "set "+name, statement.WordsOf("set"))
		}
	}
}

// isTemporary reports whether what is created by a search_path is temporary. Programs put pg_temp behind the others to have nothing of it found first.
func isTemporary(path string) bool {
	first, _, _ := strings.Cut(strings.ToLower(path), ",")
	return strings.HasPrefix(strings.Trim(first, " \"\n"), "pg_temp")
}

// isPlannedOtherwise reports whether a function has settings of its own that plans of others keep.
func (c *catalogue) isPlannedOtherwise(name string) bool {
	n := c.Nodes[name]
	return n != nil && n.plans != "" && remember(c, whetherPlanning, name, func() bool {
		return n.functions > 1 || c.anyReached(name, (*node).run, func(reached string, n *node) bool {
			return n != nil && (reached != name && n.functions > 0 || slices.ContainsFunc(n.sources, c.callsTacitly))
		})
	})
}

// callsTacitly reports whether a source may call a function of users by way of what it does not name.
func (c *catalogue) callsTacitly(s source) bool {
	return slices.ContainsFunc(c.tacit, func(p peril) bool { return p.isIn(&s) })
}
