package policy

import (
	"log/slog"
	"net/url"
	"strings"
)

// mask stands for a secret, and for whatever may be a part of one.
const mask = "xxxxx"

// String is the Config as [FormatDSN] writes it with every secret as xxxxx: passwords, pool_init, and all of a native DSN
// that is malformed or of a driver that nothing is known about.
func (c Config) String() string {
	settings := c.settings()
	for i, p := range settings {
		if find(p.key).secret {
			settings[i].value = mask
		}
	}
	if f, known := c.nativeForm(); known {
		native, ok := f.redact(c.DSN)
		switch {
		case ok && c.DriverName == mysqlDriver:
			return mysqlScheme + f.join(native, settings)
		case ok:
			return f.join(native, settings)
		}
	}
	native := ""
	if c.DSN != "" {
		native = mask
	}
	return labelled(c, native, settings)
}

// GoString is [Config.String], so that %#v shows no password either.
func (c Config) GoString() string { return c.String() }

// LogValue is [Config.String] for package slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText is [Config.String] for encoders such as encoding/json: a Config in a log entry shows no password. It is
// not meant to be read back.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// redactURL is for postgres://. A password that should have been percent-encoded can be anywhere in front of a '@', so
// the rest must not have one, nor anything else that hosts, ports and names do not have.
func redactURL(dsn string) (string, bool) {
	scheme, rest, _ := strings.Cut(dsn, "://")
	redacted := scheme + "://"
	if at := strings.IndexAny(rest, "@/"); at >= 0 && rest[at] == '@' {
		user, _, hasPassword := strings.Cut(rest[:at], ":")
		if !isPlain(user) {
			return "", false
		}
		redacted += user
		if hasPassword {
			redacted += ":" + mask
		}
		redacted += "@"
		rest = rest[at+1:]
	}
	location, query, hasQuery := strings.Cut(rest, "?")
	hosts, database, _ := strings.Cut(location, "/")
	if strings.Contains(rest, "@") || !isPlain(database) {
		return "", false
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if !isHostPort(host) {
			return "", false
		}
	}
	redacted += location
	if hasQuery {
		redacted += "?" + redactQuery(query, func(key string) bool { return keywords[key] })
	}
	return redacted, true
}

// redactMySQL masks all between the first ':' and the last '@' before the last '/'. What follows must look like an
// address and a name.
func redactMySQL(dsn string) (string, bool) {
	if dsn == "" {
		return "", true
	}
	d := takeApartMySQL(dsn)
	name, addr, _, ok := d.network()
	database, params, hasParams := strings.Cut(dsn[d.slash+1:], "?")
	user, _, hasPassword := strings.Cut(dsn[:d.at+1], ":")
	if !hasPassword {
		user = strings.TrimSuffix(user, "@")
	}
	if _, isURL := schemeOf(dsn); isURL || !ok || strings.ContainsAny(name+addr+params, "@") || !isPlain(user) || !isPlain(database) {
		return "", false
	}
	redacted := user
	if hasPassword {
		redacted += ":" + mask
	}
	redacted += dsn[max(d.at, 0):d.slash+1] + database
	if hasParams {
		// No parameter takes a password, so none can have spilled over from one: system variables may be shown.
		redacted += "?" + redactQuery(params, func(key string) bool { return !soundsSecret(key) })
	}
	return redacted, true
}

// redactQuery masks the values of parameters that may not be shown, and all of what is not key=value.
func redactQuery(query string, mayShow func(key string) bool) string {
	segments := strings.Split(query, "&")
	for i, segment := range segments {
		rawKey, rawValue, found := strings.Cut(segment, "=")
		key, keyErr := url.QueryUnescape(rawKey)
		value, valueErr := url.QueryUnescape(rawValue)
		wellFormed := found && keyErr == nil && valueErr == nil
		segments[i] = redactParam(strings.Trim(key, spaces), segment, value, wellFormed, mayShow)
	}
	return strings.Join(segments, "&")
}

// redactKeywords is for PostgreSQL's keyword/value form, spaces evened out.
func redactKeywords(dsn string) (string, bool) {
	list, err := scanKeywords(dsn)
	if err != nil {
		return "", false
	}
	shownPairs := make([]string, len(list))
	for i, k := range list {
		shownPairs[i] = redactParam(k.key, k.key+"="+k.raw, k.value, true, func(key string) bool { return keywords[key] })
	}
	return strings.Join(shownPairs, " "), true
}

// redactParam returns a parameter as it is written, with its value masked, or wholly masked if not even its key is known:
// in "password=a b=c" the key b is perhaps the end of a password.
func redactParam(key, written, value string, wellFormed bool, mayShow func(key string) bool) string {
	_, known := keywords[key]
	switch {
	case !wellFormed || strings.Trim(key, letters+digits+"_.") != "":
		return mask
	case mayShow(key) && !strings.Contains(value, "@") && !(strings.Contains(value, "=") && soundsSecret(value)):
		return written
	case known || mayShow(key):
		return key + "=" + mask
	}
	return mask
}

// soundsSecret reports whether a key, or a value that is itself a list of settings, has to do with secrets.
func soundsSecret(s string) bool {
	s = strings.ToLower(s)
	for _, word := range []string{"pass", "pwd", "secret", "token"} {
		if strings.Contains(s, word) {
			return true
		}
	}
	return false
}

// isPlain reports whether s has none of the characters that separate the parts of a DSN.
func isPlain(s string) bool { return !strings.ContainsAny(s, ":/?#[]@!$&'()*+,;=\\ \t\r\n") }

// isHostPort reports whether s is host, host:123, [::1] or [::1]:123, each part possibly empty.
func isHostPort(s string) bool {
	const name = letters + digits + "._~%-"
	if inner, isBracketed := strings.CutPrefix(s, "["); isBracketed {
		address, port, found := strings.Cut(inner, "]")
		return found && strings.Trim(address, name+":") == "" && isPort(port)
	}
	colon := strings.IndexByte(s, ':')
	if colon < 0 {
		colon = len(s)
	}
	return strings.Trim(s[:colon], name) == "" && isPort(s[colon:])
}

// isPort reports whether s is empty or a ':' and digits; other text in its place may be a password.
func isPort(s string) bool { return s == "" || s[0] == ':' && strings.Trim(s[1:], digits) == "" }
