package policy

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// form is one way to keep pool_ keys in a native DSN.
type form struct {
	// split cuts the pool_ pairs out of a DSN and leaves all other bytes as they were.
	split func(dsn string) (native string, pairs []pair, err error)
	// join is its inverse: it puts the pairs behind the native DSN.
	join func(native string, pairs []pair) string
	// redact masks the secrets of a native DSN. It is false if it cannot be sure where these are.
	redact func(native string) (redacted string, ok bool)
}

// reading is how a DSN is to be read.
type reading struct {
	form   form
	driver string // real driver that the form stands for; empty = pool_driver must say it
	prefix string // leads the DSN and is not for that driver
}

const mysqlScheme = "mysql://"

// recognise tells the form of a DSN. The order of the cases is the one in the package comment; pool_driver is looked at
// later, since each form keeps it elsewhere.
func recognise(dsn string) reading {
	scheme, isURL := schemeOf(dsn)
	switch {
	case isPostgresURL(dsn):
		return reading{form: postgresForm, driver: pgxDriver}
	case strings.HasPrefix(dsn, mysqlScheme):
		return reading{form: mysqlURLForm, driver: mysqlDriver, prefix: mysqlScheme}
	case isURL && isRegistered(scheme):
		return reading{form: plainForm, driver: scheme}
	case isURL && !takeApartMySQL(dsn).hasAddress(): // user://password@tcp(host)/dbname is no URL
		return reading{form: plainForm}
	case isRegisteredConfig(dsn):
		return reading{form: registeredForm, driver: pgxDriver}
	case startsWithKeyword(dsn):
		return reading{form: keywordForm, driver: pgxDriver}
	case takeApartMySQL(dsn).isNative():
		return reading{form: mysqlForm, driver: mysqlDriver}
	}
	if name, _, found := strings.Cut(dsn, ":"); found && isRegistered(name) {
		return reading{form: plainForm, driver: name, prefix: name + ":"}
	}
	return reading{form: plainForm}
}

// recogniseFor tells the form of a DSN that is meant for this driver.
func recogniseFor(driver, dsn string) (reading, error) {
	_, isURL := schemeOf(dsn)
	native := takeApartMySQL(dsn).isNative()
	switch {
	case driver == pgxDriver && isPostgresURL(dsn):
		return reading{form: postgresForm, driver: driver}, nil
	case driver == pgxDriver && isRegisteredConfig(dsn):
		return reading{form: registeredForm, driver: driver}, nil
	case driver == pgxDriver && !isURL && (startsWithKeyword(dsn) || !native):
		return reading{form: keywordForm, driver: driver}, nil
	case driver == pgxDriver:
		return reading{}, fmt.Errorf("pooled: %s-%s takes postgres://user:password@host/dbname, host=... dbname=..., "+
			"or the empty DSN, and this is the DSN of another driver", ownName, driver)
	case driver == mysqlDriver && strings.HasPrefix(dsn, mysqlScheme):
		return reading{form: mysqlURLForm, driver: driver, prefix: mysqlScheme}, nil
	case driver == mysqlDriver && !isPostgresURL(dsn) && (native || !isURL && !startsWithKeyword(dsn)):
		return reading{form: mysqlURLForm, driver: driver}, nil
	case driver == mysqlDriver:
		return reading{}, fmt.Errorf("pooled: %s-%s takes user:password@tcp(host:3306)/dbname, with or without %s, "+
			"and this is the DSN of another driver", ownName, driver, mysqlScheme)
	}
	return reading{}, fmt.Errorf("pooled: the real driver can be fixed to %s or %s only", pgxDriver, mysqlDriver)
}

// nativeForm is the form that the real driver's own DSN has; false if that is not known.
func (c Config) nativeForm() (f form, known bool) {
	switch {
	case c.Driver != nil || c.Connector != nil:
		return form{}, false
	case c.DriverName == mysqlDriver:
		return mysqlForm, true
	case c.DriverName == pgxDriver && isPostgresURL(c.DSN):
		return postgresForm, true
	case c.DriverName == pgxDriver && isRegisteredConfig(c.DSN):
		return registeredForm, true
	case c.DriverName == pgxDriver && startsWithKeyword(c.DSN):
		return keywordForm, true
	}
	return form{}, false
}

// schemeOf returns what precedes the "://" that a URL begins with.
func schemeOf(dsn string) (scheme string, ok bool) {
	scheme, _, ok = strings.Cut(dsn, "://")
	return scheme, ok && scheme != "" && strings.Trim(scheme, letters+digits+"+-._") == ""
}

// isRegistered reports whether database/sql knows a driver by this name.
func isRegistered(name string) bool { return slices.Contains(sql.Drivers(), name) }

// registered lists the drivers for an error message, pooled's own names left out.
func registered() string {
	names := slices.DeleteFunc(sql.Drivers(), func(name string) bool { return slices.Contains(ownNames, name) })
	if len(names) == 0 {
		return "none is"
	}
	return "registered: " + strings.Join(names, ", ")
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
	// spaces are the bytes that separate keyword/value pairs for libpq and pgx.
	spaces = " \t\n\r\v\f"
)

// isOurs reports whether a key of a DSN is meant for pooled. Letter case does not count here, so that POOL_MAX_CONNS is
// refused as misspelt and not sent to the server.
func isOurs(key string) bool { return strings.HasPrefix(strings.ToLower(key), keyPrefix) }
