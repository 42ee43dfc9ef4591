package postgres

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/gopooled/pooled/dialect"
)

var _ dialect.Cluster = Dialect{}

// Hosts lists the hosts of a URL or keyword/value DSN. What it leaves out comes from the environment or a service file, as for pgx.
func (Dialect) Hosts(dsn string) ([]string, error) {
	cfg, err := clusterConfig(dsn)
	if err != nil {
		return nil, err
	}
	hosts := []string{address(cfg)}
	for _, f := range cfg.Fallbacks { // with sslmode=prefer, each host is there twice
		host := net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port)))
		if strings.HasPrefix(f.Host, "/") {
			return nil, errSocket
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts, nil
}

// At writes an address in place of the hosts and ports, and leaves every other byte as it is. Only target_session_attrs, which
// chooses among several hosts and would refuse the others, becomes any.
func (Dialect) At(dsn, address string) (string, error) {
	cfg, err := clusterConfig(dsn)
	if err != nil {
		return "", err
	}
	host, port, err := dialect.SplitAddress(address, strconv.Itoa(int(cfg.Port)))
	if err != nil {
		return "", err
	}
	if start, ok := afterScheme(dsn); ok {
		dsn = urlAt(dsn, start, host, port, replaced(cfg))
	} else {
		dsn = keywordsAt(dsn, host, port, replaced(cfg))
	}
	got, err := pgx.ParseConfig(dsn)
	if err != nil || got.Host != host || strconv.Itoa(int(got.Port)) != port || got.User != cfg.User || got.Database != cfg.Database {
		return "", fmt.Errorf("pooled: the address %q does not fit into the DSN", address) // whose other parts are not to be shown
	}
	return dsn, nil
}

var errSocket = errors.New("pooled: the DSN has a Unix socket, which no other server of a cluster can be reached by: write its host and port")

// clusterConfig reads a DSN that has hosts.
func clusterConfig(dsn string) (*pgx.ConnConfig, error) {
	if strings.HasPrefix(dsn, registeredConfig) {
		return nil, errors.New("pooled: the hosts of a configuration given to stdlib.RegisterConnConfig cannot be seen: write a DSN")
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(cfg.Host, "/") {
		return nil, errSocket
	}
	return cfg, nil
}

// choosing is the parameter that chooses among several hosts. As any it overrides what the environment may say.
const (
	choosing  = "target_session_attrs"
	anyServer = choosing + "=any"
)

// replaced lists the parameters of a DSN that At removes.
func replaced(cfg *pgx.ConnConfig) []string {
	if cfg.ValidateConnect != nil {
		return []string{"host", "port", choosing}
	}
	return []string{"host", "port"}
}

// afterScheme returns where a URL goes on behind its scheme.
func afterScheme(dsn string) (int, bool) {
	for _, scheme := range []string{"postgres://", "postgresql://"} {
		if strings.HasPrefix(dsn, scheme) {
			return len(scheme), true
		}
	}
	return 0, false
}

// urlAt divides a URL as pgx does: user and password end at the first '@' before a '/', the hosts at the next '/' or '?'.
func urlAt(dsn string, start int, host, port string, replaced []string) string {
	if i := strings.IndexAny(dsn[start:], "@/"); i >= 0 && dsn[start+i] == '@' {
		start += i + 1
	}
	end := len(dsn)
	if i := strings.IndexAny(dsn[start:], "/?"); i >= 0 {
		end = start + i
	}
	rest, query, hasQuery := strings.Cut(dsn[end:], "?")
	address := net.JoinHostPort(strings.ReplaceAll(host, "%", "%25"), port)
	kept := strings.Split(query, "&")
	if !hasQuery {
		kept = nil
	}
	kept = slices.DeleteFunc(kept, func(param string) bool {
		key, _, _ := strings.Cut(param, "=")
		return slices.Contains(replaced, unescape(key))
	})
	if slices.Contains(replaced, choosing) {
		kept = append(kept, anyServer)
	}
	if len(kept) == 0 {
		return dsn[:start] + address + rest
	}
	return dsn[:start] + address + rest + "?" + strings.Join(kept, "&")
}

// unescape decodes the key of a parameter, which pgx has found to be well-formed.
func unescape(key string) string {
	var b strings.Builder
	key = strings.Trim(key, " ")
	for i := 0; i < len(key); i++ {
		if key[i] == '%' && i+2 < len(key) {
			if c, err := strconv.ParseUint(key[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(key[i])
	}
	return b.String()
}

// keywordsAt writes the address in front, as an empty value at the end would swallow it.
func keywordsAt(dsn, host, port string, replaced []string) string {
	at := "host=" + host + " port=" + port
	if slices.Contains(replaced, choosing) {
		at += " " + anyServer
	}
	for _, pair := range keywordPairs(dsn) {
		key, _, _ := strings.Cut(pair, "=")
		if !slices.Contains(replaced, strings.Trim(key, keywordSpaces)) {
			at += " " + pair
		}
	}
	return at
}

const keywordSpaces = " \t\n\r\v\f"

// keywordPairs cuts a keyword/value DSN, which pgx has found to be well-formed, into its pairs.
func keywordPairs(dsn string) (pairs []string) {
	dsn = strings.TrimLeft(dsn, keywordSpaces)
	for dsn != "" {
		end := strings.IndexByte(dsn, '=') + 1
		end += len(dsn[end:]) - len(strings.TrimLeft(dsn[end:], keywordSpaces))
		stop := keywordSpaces
		if end < len(dsn) && dsn[end] == '\'' {
			stop = "'"
			end++
		}
		for end < len(dsn) && strings.IndexByte(stop, dsn[end]) < 0 {
			if dsn[end] == '\\' {
				end++
			}
			end++
		}
		if stop == "'" {
			end++
		}
		end = min(end, len(dsn))
		pairs = append(pairs, dsn[:end])
		dsn = strings.TrimLeft(dsn[end:], keywordSpaces)
	}
	return pairs
}
