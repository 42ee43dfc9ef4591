package policy

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// The forms that end in ?key=value&key=value differ in where the query starts and in where a '?' or '&' cannot be but a
// mistake.
var (
	// postgresForm is a URL as pgx reads it.
	postgresForm = queryForm(func(dsn string) (mark, checked int) {
		mark = postgresQuery(dsn)
		if mark < 0 { // what is behind the last slash, and no part of the user and the password, is a path
			path := strings.LastIndexByte(dsn, '/')
			if strings.Contains(dsn[path+1:], "@") {
				path = len(dsn) - 1
			}
			return mark, path + 1
		}
		return mark, mark
	}, redactURL)
	// plainForm is the DSN of a driver that nothing is known about.
	plainForm = queryForm(func(dsn string) (mark, checked int) {
		return strings.LastIndexByte(dsn, '?'), 0
	}, func(string) (string, bool) { return "", false })
)

// registeredForm is a name that pgx's stdlib.RegisterConnConfig has given out, with pool_ keys as parameters. It is no secret.
var registeredForm = form{
	split: func(dsn string) (native string, pairs []pair, err error) {
		native, pairs, err = plainForm.split(dsn)
		if err == nil && strings.Contains(native, "?") {
			err = errors.New("pooled: a name of stdlib.RegisterConnConfig has pool_ keys for parameters and no others: set them in the configuration")
		}
		if err != nil {
			return "", nil, err
		}
		return native, pairs, nil
	},
	join:   plainForm.join,
	redact: func(native string) (string, bool) { return native, true },
}

// errMisplaced is what a pool_ key outside of the query gets: the real driver would send it to the server.
var errMisplaced = errors.New("pooled: a pool_ key stands where the form of the DSN has no parameters: " +
	"write one '?' before all parameters, '&' between them, and '/' and '?' in a value as %2F and %3F")

// queryForm makes a form of a function that finds the '?' in a DSN, -1 if there is none, and the first place at which
// something like ?pool_ cannot be a part of a password.
func queryForm(find func(dsn string) (mark, checked int), redact func(dsn string) (string, bool)) form {
	split := func(dsn string) (string, []pair, error) {
		mark, checked := find(dsn)
		if mark < 0 {
			return dsn, nil, checkPlacement(dsn[checked:])
		}
		native, pairs, err := cutPairs(dsn, mark)
		if err != nil {
			return "", nil, err
		}
		return native, pairs, checkPlacement(native[min(checked, len(native)):])
	}
	join := func(native string, pairs []pair) string {
		mark, _ := find(native)
		return appendQuery(native, mark >= 0, pairs)
	}
	return form{split: split, join: join, redact: redact}
}

// cutPairs removes the pool_ pairs from the query that starts at mark, and the '?' if nothing else was in it.
func cutPairs(dsn string, mark int) (native string, pairs []pair, err error) {
	segments := strings.Split(dsn[mark+1:], "&")
	segments = slices.DeleteFunc(segments, func(segment string) bool {
		rawKey, rawValue, _ := strings.Cut(segment, "=")
		key, keyErr := url.QueryUnescape(rawKey)
		if key = strings.Trim(key, spaces); keyErr != nil || !isOurs(key) {
			return false
		}
		value, valueErr := url.QueryUnescape(rawValue)
		if valueErr != nil && err == nil {
			err = errBadEscape(key)
		}
		pairs = append(pairs, pair{key, value})
		return true
	})
	if len(segments) == 0 {
		return dsn[:mark], pairs, err
	}
	return dsn[:mark+1] + strings.Join(segments, "&"), pairs, err
}

// errBadEscape does not show the value: what is not escaped was perhaps never meant as one.
func errBadEscape(key string) error {
	if find(key) == nil {
		return errUnknownKey(key)
	}
	return errors.New("pooled: the value of " + key + " is not percent-encoded: write % as %25")
}

// checkPlacement looks for pool_ keys in what is left of a DSN.
func checkPlacement(native string) error {
	if strings.Contains(native, "?"+keyPrefix) || strings.Contains(native, "&"+keyPrefix) {
		return errMisplaced
	}
	return nil
}

// appendQuery writes the pairs behind a native DSN, which has a query already or not.
func appendQuery(native string, hasQuery bool, pairs []pair) string {
	var b strings.Builder
	b.WriteString(native)
	for _, p := range pairs {
		if hasQuery {
			b.WriteByte('&')
		} else {
			b.WriteByte('?')
		}
		hasQuery = true
		b.WriteString(p.key + "=" + url.QueryEscape(p.value))
	}
	return b.String()
}

// isPostgresURL reports whether pgx takes a DSN as a URL: it knows these two schemes, in lower case.
func isPostgresURL(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// isRegisteredConfig reports whether a DSN is a name that stdlib.RegisterConnConfig has given out, perhaps with parameters.
func isRegisteredConfig(dsn string) bool {
	name, _, _ := strings.Cut(dsn, "?")
	number, found := strings.CutPrefix(name, "registeredConnConfig")
	return found && number != "" && strings.Trim(number, digits) == ""
}

// postgresQuery finds the '?' before the parameters as libpq and pgx do, -1 if there is none: user and password end at
// the first '@', unless a '/' comes first, and may hold a '?'.
func postgresQuery(dsn string) int {
	start := strings.Index(dsn, "://") + len("://")
	if start < len("://") {
		start = 0
	}
	if end := strings.IndexAny(dsn[start:], "@/"); end >= 0 && dsn[start+end] == '@' {
		start += end
	}
	mark := strings.IndexByte(dsn[start:], '?')
	if mark < 0 {
		return -1
	}
	return start + mark
}
