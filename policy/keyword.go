package policy

import (
	"errors"
	"slices"
	"strings"
)

// keywordForm is PostgreSQL's key=value key='value', as pgx reads it.
var keywordForm = form{
	split: splitKeywords,
	join: func(native string, pairs []pair) string {
		return strings.Join(slices.Concat(unlessEmpty(native), quotePairs(pairs)), " ")
	},
	redact: redactKeywords,
}

// joinKeywordsBefore writes the pairs in front, for a native DSN whose end would swallow them, like "user=".
func joinKeywordsBefore(native string, pairs []pair) string {
	return strings.Join(slices.Concat(quotePairs(pairs), unlessEmpty(native)), " ")
}

// unlessEmpty returns s as a list, which is empty when s is.
func unlessEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// quotePairs quotes as libpq reads it: in single quotes, with a backslash before quotes and backslashes.
func quotePairs(pairs []pair) []string {
	quoted := make([]string, len(pairs))
	for i, p := range pairs {
		value := p.value
		if value == "" || strings.Trim(value, letters+digits+"_.,:/+-") != "" {
			value = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
		}
		quoted[i] = p.key + "=" + value
	}
	return quoted
}

// splitKeywords removes each pool_ pair with one space behind it or, at the end, before it.
func splitKeywords(dsn string) (native string, pairs []pair, err error) {
	list, err := scanKeywords(dsn)
	if err != nil {
		return "", nil, err
	}
	kept := 0 // all before has been looked at
	for _, k := range list {
		if !isOurs(k.key) {
			if !strings.Contains(k.key, "password") && checkPlacement(k.value) != nil {
				return "", nil, errMisplacedKeyword
			}
			continue
		}
		pairs = append(pairs, pair{k.key, k.value})
		native += dsn[kept:k.start]
		kept = k.end
		if kept < len(dsn) && strings.IndexByte(spaces, dsn[kept]) >= 0 {
			kept++
		} else if native != "" && strings.IndexByte(spaces, native[len(native)-1]) >= 0 {
			native = native[:len(native)-1]
		}
	}
	return native + dsn[kept:], pairs, nil
}

// keyword is one pair of a keyword/value DSN.
type keyword struct {
	key, value string // value unquoted
	raw        string // value as it is written
	start, end int    // of the pair in the DSN
}

// errBadKeywords is for what pgx would refuse as well. It cannot say where: that could be inside a password.
var errBadKeywords = errors.New("pooled: the key=value DSN is malformed: each key needs a '=', a value with spaces " +
	`must be 'in quotes', and a quote or backslash in a value is written \' or \\`)

// errMisplacedKeyword is for who writes a key=value DSN as if it were a URL.
var errMisplacedKeyword = errors.New("pooled: a pool_ key stands inside of another value: in a key=value DSN, write pool_ settings after a space, as in host=db dbname=shop pool_max_conns=20")

// scanKeywords reads a keyword/value DSN by the rules of pgconn's parseKeywordValueSettings.
func scanKeywords(dsn string) ([]keyword, error) {
	var list []keyword
	at := skipSpaces(dsn, 0)
	for at < len(dsn) {
		equals := strings.IndexByte(dsn[at:], '=')
		if equals < 0 {
			return nil, errBadKeywords
		}
		k := keyword{start: at, key: strings.Trim(dsn[at:at+equals], spaces)}
		if k.key == "" || strings.ContainsAny(k.key, spaces) {
			return nil, errBadKeywords
		}
		begin := skipSpaces(dsn, at+equals+1)
		end, ok := endOfValue(dsn, begin)
		if !ok {
			return nil, errBadKeywords
		}
		k.raw, k.end = dsn[begin:end], end
		k.value = unquote(k.raw)
		list = append(list, k)
		at = skipSpaces(dsn, end)
	}
	return list, nil
}

func skipSpaces(s string, at int) int {
	for at < len(s) && strings.IndexByte(spaces, s[at]) >= 0 {
		at++
	}
	return at
}

// endOfValue returns where the value that begins at begin ends, its closing quote included; false if that is missing.
func endOfValue(s string, begin int) (end int, ok bool) {
	quoted := begin < len(s) && s[begin] == '\''
	stop := spaces
	end = begin
	if quoted {
		stop = "'"
		end++
	}
	for end < len(s) && strings.IndexByte(stop, s[end]) < 0 {
		if s[end] == '\\' {
			end++
		}
		end++
	}
	switch {
	case quoted && end >= len(s):
		return 0, false
	case quoted:
		return end + 1, true
	}
	return min(end, len(s)), true // a backslash at the very end escapes nothing
}

// unquote drops the quotes around a value, if it has any, and each backslash before another character.
func unquote(raw string) string {
	if strings.HasPrefix(raw, "'") {
		raw = raw[1 : len(raw)-1]
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' {
			i++
		}
		if i < len(raw) {
			b.WriteByte(raw[i])
		}
	}
	return b.String()
}

// startsWithKeyword reports whether a DSN begins with a keyword of libpq or pgx, or a pool_ key, and a '='. One keyword
// is enough: no other form begins so.
func startsWithKeyword(dsn string) bool {
	key, _, found := strings.Cut(dsn, "=")
	key = strings.Trim(key, spaces)
	_, known := keywords[key]
	return found && (known || isOurs(key) && strings.Trim(key, letters+digits+"_") == "")
}

// What a Config may show of a keyword's value. Keywords that are not listed are not shown at all.
const (
	shown  = true
	secret = false
)

// keywords are those of libpq, and the settings of pgx and of the server that are often given with them.
var keywords = map[string]bool{
	"password": secret, "passfile": secret, "sslpassword": secret, "oauth_client_secret": secret,
	"scram_client_key": secret, "scram_server_key": secret,

	"host": shown, "hostaddr": shown, "port": shown, "dbname": shown, "database": shown, "user": shown,
	"service": shown, "servicefile": shown, "application_name": shown, "fallback_application_name": shown,
	"options": shown, "client_encoding": shown, "replication": shown, "requirepeer": shown, "require_auth": shown,
	"channel_binding": shown, "connect_timeout": shown, "target_session_attrs": shown, "load_balance_hosts": shown,
	"keepalives": shown, "keepalives_idle": shown, "keepalives_interval": shown, "keepalives_count": shown,
	"tcp_user_timeout": shown, "min_protocol_version": shown, "max_protocol_version": shown,
	"ssl": shown, "sslmode": shown, "sslnegotiation": shown, "sslcompression": shown, "sslcert": shown, "sslkey": shown,
	"sslcertmode": shown, "sslrootcert": shown, "sslcrl": shown, "sslcrldir": shown, "sslsni": shown, "sslkeylogfile": shown,
	"ssl_min_protocol_version": shown, "ssl_max_protocol_version": shown,
	"gssencmode": shown, "gsslib": shown, "gssdelegation": shown, "krbsrvname": shown, "krbspn": shown,
	"oauth_issuer": shown, "oauth_client_id": shown, "oauth_scope": shown,

	"default_query_exec_mode": shown, "statement_cache_capacity": shown, "description_cache_capacity": shown,
	"search_path": shown, "timezone": shown, "datestyle": shown, "statement_timeout": shown, "lock_timeout": shown,
	"idle_in_transaction_session_timeout": shown, "idle_session_timeout": shown, "default_transaction_read_only": shown,
	"default_transaction_isolation": shown,
}
