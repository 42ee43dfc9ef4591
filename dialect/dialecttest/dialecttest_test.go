package dialecttest

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
)

func TestASoundDialectPasses(t *testing.T) { Run(t, newToy(nil).config()) }

// problems runs all checks.
func problems(t *testing.T, c Config) (all []string) {
	t.Helper()
	if all = c.prepare(t.Context()); len(all) > 0 {
		return all
	}
	for _, check := range checks(c) {
		for _, p := range check.problems(t.Context(), c) {
			all = append(all, check.name+": "+p)
		}
	}
	return all
}

// says changes what is said of one text.
func says(of string, change func(s *dialect.Statement)) func(*toy) {
	return func(t *toy) {
		t.judge = func(text string, s *dialect.Statement) {
			if text == of {
				change(s)
			}
		}
	}
}

func TestEveryMistakeOfADialectIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		make func(*toy)
		want string // in a problem
	}{
		"a trace is not seen":                   {says("set a 1", func(s *dialect.Statement) { s.Effects, s.Undo = 0, nil }), "seen: setting: it leaves setting, and the dialect sees none"},
		"and so it is met":                      {says("set a 1", func(s *dialect.Statement) { s.Effects, s.Undo = 0, nil }), "not met: setting: by Exec: the next borrower meets: "},
		"a name is lost":                        {says("set a 1", func(s *dialect.Statement) { s.Undo = nil }), "undone: setting: after Reset, the session shows: "},
		"a transaction is not seen":             {says("begin", func(s *dialect.Statement) { s.Effects = 0 }), "it leaves open_tx, and the dialect sees none"},
		"a trace has no reason":                 {says("nail", func(s *dialect.Statement) { s.Unproved = dialect.Reason{} }), "nobody is told why (Statement.Unproved)"},
		"what stays is said to be undone":       {says("nail", func(s *dialect.Statement) { s.Effects = dialect.Setting }), "Reset says that it was undone"},
		"what can be undone costs a connection": {says("make t", func(s *dialect.Statement) { s.Effects |= dialect.Permanent; s.Unproved.What = "x" }), "not met: temporary: by Exec: the connection was closed"},
		"a reset leaves something":              {func(t *toy) { t.reset = func(c *toyConn) { c.set["b"] = "2" } }, "after Reset, Leftovers tells: "},
		"a reset forgets pool_init":             {func(t *toy) { t.reset = func(c *toyConn) { delete(c.set, "z") } }, "with pool_init: the next borrower meets: "},
		"leftovers are not told":                {func(t *toy) { t.leftovers = func(left map[string]string) { clear(left) } }, "Leftovers does not find it"},
		"leftovers tell of a fresh session":     {func(t *toy) { n := 0; t.leftovers = func(left map[string]string) { n++; left["n"] = fmt.Sprint(n) } }, "Leftovers tells of a fresh session: "},
		"a write is a read":                     {says("add w", func(s *dialect.Statement) { s.Class = dialect.Read }), `"add w" is taken for a read`},
		"a write has no reason":                 {says("add w", func(s *dialect.Statement) { s.Why = "" }), "nobody is told why (Statement.Why)"},
		"a read is a write":                     {says("show data", func(s *dialect.Statement) { s.Class = dialect.Write }), `"show data" is a read, and the dialect says: write`},
		"a clean statement is none":             {says("noop", func(s *dialect.Statement) { s.Effects = dialect.Setting }), `"noop" leaves nothing, and the dialect sees setting`},
		"the unknown is clean":                  {says("mystery", func(s *dialect.Statement) { s.Effects = 0 }), `"mystery" may do anything, and the dialect sees none`},
		"the unknown is a read":                 {says("mystery", func(s *dialect.Statement) { *s = dialect.Statement{Class: dialect.Read} }), `"mystery" is taken for a read`},
		"nonsense is a read":                    {says("frobnicate the gizmo", func(s *dialect.Statement) { *s = dialect.Statement{Class: dialect.Read} }), `"frobnicate the gizmo" is taken for a read`},
		"a hint is not seen":                    {says("/* pool:primary */ show data", func(s *dialect.Statement) { s.Hint = 0 }), "is to run on primary, and the dialect says unknown"},
		"a literal is a hint":                   {says("select '/* pool:primary */'", func(s *dialect.Statement) { s.Hint = dialect.RolePrimary }), "is to run on unknown, and the dialect says primary"},
		"a class is not seen":                   {says("/* pool:class=batch */ show data", func(s *dialect.Statement) { s.CallerClass = "" }), `is of the class "batch", and the dialect says ""`},
		"nothing is said":                       {func(t *toy) { t.open = func(s *dialect.Server) { s.Sessions = nil } }, "knows nothing of sessions"},
		"a mask shows all":                      {func(t *toy) { t.mask = func(text string) string { return text } }, "shows the secret"},
		"a mask shows numbers": {func(t *toy) {
			t.mask = func(text string) string { return strings.ReplaceAll(t.Generic.Mask(text), "?", "424242") }
		}, "shows a number"},
		"a mask shows nothing": {func(t *toy) { t.mask = func(string) string { return "" } }, "does not show its first word"},
		"a mask is long": {func(t *toy) {
			t.mask = func(text string) string { return t.Generic.Mask(text) + strings.Repeat(" ", 1000) }
		}, "bytes long, or no line of text"},
		"a summary shows all":            {func(t *toy) { t.summary = func(text string) string { return text } }, "a summary is short: Summary("},
		"a summary is empty":             {func(t *toy) { t.summary = func(string) string { return "" } }, "does not begin with its first word"},
		"a mistake is a dead connection": {classifies(errMistake, dialect.Dead|dialect.Application), "the server is well, and Classify says dead"},
		"a mistake is nothing":           {classifies(errMistake, 0), "the server is well, and Classify says unknown"},
		"a dead connection is alive":     {classifies(errDead, dialect.Application), "the connection is dead, and of"},
		"an error of nobody is known": {func(t *toy) {
			t.classify = func(err error) (dialect.ErrorClass, bool) { return dialect.Dead, err != nil }
		}, "and nothing is known of it"},
		"only the error itself is known": {func(t *toy) {
			t.classify = func(err error) (dialect.ErrorClass, bool) {
				return 0, err != errMistake && errors.Is(err, errMistake)
			}
		}, "when it is wrapped"},
		"an address shows the password": {func(t *toy) { t.open = func(s *dialect.Server) { s.Address = "toy:password" } }, "Address shows the password"},
		"there is no address":           {func(t *toy) { t.open = func(s *dialect.Server) { s.Address = "" } }, "the server has no address"},
		"the driver is another's":       {func(t *toy) { t.owns = func(driver.Driver) bool { return false } }, "does not own the driver"},
		"a state is made up":            {func(t *toy) { t.state = func(*toyConn) dialect.ConnState { return dialect.StateIdle } }, "the state is 1, and not 2"},
		"a closed connection is idle":   {func(t *toy) { t.state = func(*toyConn) dialect.ConnState { return dialect.StateIdle } }, "the connection is closed, and State says that it is not"},
	} {
		t.Run(name, func(t *testing.T) {
			found := problems(t, newToy(c.make).config())
			assert.Contains(t, strings.Join(found, "\n"), c.want)
		})
	}
}

func classifies(one error, as dialect.ErrorClass) func(*toy) {
	return func(t *toy) {
		t.classify = func(err error) (dialect.ErrorClass, bool) { return as, errors.Is(err, one) }
	}
}

// A test that is given nothing would pass.
func TestATestThatProvesNothingFails(t *testing.T) {
	sound := newToy(nil)
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no traces":                   {func(c *Config) { c.Traces = nil }, "Config.Traces is missing"},
		"no way to look":              {func(c *Config) { c.Look = nil }, "Config.Look is missing"},
		"a secret that is none":       {func(c *Config) { c.Secrets = []string{"show 'x'"} }, "there is no s3cret"},
		"a password that is nowhere":  {func(c *Config) { c.Password = "another" }, "neither DSN nor BadDSNs"},
		"a trace that nobody can see": {func(c *Config) { c.Traces[0].SQL = []string{"noop"}; c.Traces[0].Effects = 0 }, "neither Look nor Probes show it"},
		"a mistake that is none":      {func(c *Config) { c.Mistakes = []string{"noop"} }, "is no mistake"},
		"a bad DSN that is none":      {func(c *Config) { c.BadDSNs = []string{"good"} }, "Open takes one of BadDSNs"},
		"a driver without a dialect":  {func(c *Config) { c.Driver = "nobody's" }, "unknown driver"},
	} {
		t.Run(name, func(t *testing.T) {
			config := sound.config()
			c.change(&config)
			found := problems(t, config)
			assert.Contains(t, strings.Join(found, "\n"), c.want)
		})
	}
	require.Empty(t, problems(t, sound.config()))
}

// A read that changes what is stored is found by Data, whatever the dialect says of it.
func TestAReadThatWritesIsFound(t *testing.T) {
	c := newToy(says("add r", func(s *dialect.Statement) { *s = dialect.Statement{Class: dialect.Read} })).config()
	c.Reads = append(c.Reads, "add r")
	assert.Contains(t, strings.Join(problems(t, c), "\n"), `"add r" changes what is stored`)
}
