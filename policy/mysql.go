package policy

import (
	"errors"
	"slices"
	"strings"
)

var (
	// mysqlForm is a DSN as go-sql-driver/mysql reads it, whatever it is.
	mysqlForm = queryForm(func(dsn string) (mark, checked int) {
		d := takeApartMySQL(dsn)
		return d.mark, d.at + 1
	}, redactMySQL)
	// mysqlURLForm is the same for a DSN that can be nothing else, so mistakes in it can be told.
	mysqlURLForm = form{split: splitMySQLURL, join: mysqlForm.join, redact: redactMySQL}
)

// mysqlDSN is a native MySQL DSN, [user[:password]@][net[(addr)]]/dbname[?params], taken apart by the rules of
// go-sql-driver's ParseDSN: the last '/' comes first, then the last '@' before it, then the first ':' before that. So a
// password may hold any of these.
type mysqlDSN struct {
	dsn             string
	at, slash, mark int // where the '@', '/' and '?' are; -1 = not there
}

func takeApartMySQL(dsn string) mysqlDSN {
	d := mysqlDSN{dsn: dsn, at: -1, slash: strings.LastIndexByte(dsn, '/')}
	if d.slash < 0 {
		// Bad, unless it is empty but for its parameters.
		d.mark = strings.IndexByte(dsn, '?')
		return d
	}
	d.at = strings.LastIndexByte(dsn[:d.slash], '@')
	d.mark = strings.IndexByte(dsn[d.slash:], '?')
	if d.mark >= 0 {
		d.mark += d.slash
	}
	return d
}

// network is the part between '@' and '/': net, net(addr), (addr) or nothing.
func (d mysqlDSN) network() (name, addr string, hasAddr, ok bool) {
	if d.slash < 0 {
		return "", "", false, false
	}
	name, addr, hasAddr = strings.Cut(d.dsn[d.at+1:d.slash], "(")
	if hasAddr {
		addr, ok = strings.CutSuffix(addr, ")")
		ok = ok && !strings.ContainsAny(addr, "()")
	} else {
		ok = true
	}
	return name, addr, hasAddr, ok && strings.Trim(name, letters+digits+"+-._") == ""
}

// hasAddress reports whether the DSN has the unmistakable net(addr) before its last '/'.
func (d mysqlDSN) hasAddress() bool {
	_, _, hasAddr, ok := d.network()
	return ok && hasAddr
}

// isNative reports whether a DSN that is not known to be for MySQL can be taken for it.
func (d mysqlDSN) isNative() bool {
	name, _, hasAddr, ok := d.network()
	if !ok || hasAddr || name == "" {
		return ok
	}
	return d.at >= 0 && slices.Contains([]string{"tcp", "tcp4", "tcp6", "unix"}, name)
}

// splitMySQLURL refuses what go-sql-driver cannot read either, because a '/' in the wrong place moves everything.
func splitMySQLURL(dsn string) (native string, pairs []pair, err error) {
	native, pairs, err = mysqlForm.split(dsn)
	if err != nil || native == "" {
		return native, pairs, err
	}
	if _, _, _, ok := takeApartMySQL(native).network(); !ok {
		return "", nil, errors.New("pooled: a MySQL DSN reads user:password@tcp(host:3306)/dbname?param=value: " +
			"the address in parentheses behind its network, a '/' even without a dbname, and a '/' in a value as %2F")
	}
	return native, pairs, nil
}
