package policy

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// SQLCommenter is what a comment at the end of each statement tells the server's own tools, in the format of
// https://open-telemetry.github.io/opentelemetry-sqlcommenter: who sent it, and for which trace.
type SQLCommenter struct {
	// Mode is pool_sqlcommenter.
	Mode SQLCommenterMode
	// Tags tell about the program: pool_sqlcommenter_tags. Empty, the default, = application, which is OTEL_SERVICE_NAME of the environment or
	// else the name of the program's file.
	Tags map[string]string
}

// SQLCommenterMode is pool_sqlcommenter.
type SQLCommenterMode uint8

// The modes.
const (
	// SQLCommenterOff, the default: statements are sent as they are.
	SQLCommenterOff SQLCommenterMode = iota
	// SQLCommenterStatic adds the Tags, so that a statement's text is the same each time.
	SQLCommenterStatic
	// SQLCommenterTrace adds the trace and the span of the call as well, where a text that is new each time costs no prepared statement.
	SQLCommenterTrace
)

// validateTag refuses what is no tag. Its errors show nothing of it, which may be a piece of the DSN.
func validateTag(name, value string) error {
	switch {
	case name == "" || strings.ContainsAny(name, spaces):
		return errors.New("has a tag without a name, or with a space in it")
	case name == "traceparent" || name == "tracestate":
		return errors.New("has traceparent or tracestate, which are the trace's")
	case value == "":
		return errors.New("has a tag without a value")
	}
	return nil
}

// tagEscapes are the characters that divide tags, and how a tag has them.
var tagEscapes = strings.NewReplacer("%", "%25", ",", "%2C", "=", "%3D")

// tags is the row of names with values. Both have a percent sign, a comma and an equals sign percent-encoded, besides what the DSN does to all
// values. They are not shown: pgx reads "pool_sqlcommenter_tags= password=x" as a tag.
func tags(doc Key, field func(*Config) *map[string]string) key {
	doc.Type = "list"
	set := func(c *Config, text string) error {
		all, err := parseTags(text)
		if err == nil {
			*field(c) = all
		}
		return err
	}
	get := func(c Config) string {
		all := *field(&c)
		var pairs []string
		for _, name := range slices.Sorted(maps.Keys(all)) {
			pairs = append(pairs, tagEscapes.Replace(name)+"="+tagEscapes.Replace(all[name]))
		}
		return strings.Join(pairs, ",")
	}
	return key{Key: doc, secret: true, set: set, get: get}
}

func parseTags(text string) (map[string]string, error) {
	all := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.PathUnescape(name)
		if err == nil {
			value, err = url.PathUnescape(value)
		}
		if err != nil {
			return nil, errors.New("has a percent sign that encodes nothing: write %25")
		}
		if err := validateTag(name, value); err != nil {
			return nil, err
		}
		if _, twice := all[name]; twice {
			return nil, errors.New("has a tag twice")
		}
		all[name] = value
	}
	return all, nil
}
