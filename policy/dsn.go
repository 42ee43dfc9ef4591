package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ParseDSN reads a DSN in any of the forms that the package comment lists. What the DSN does not set has its default, and
// the result is valid. The native part of the DSN is not checked.
//
// Errors name the pool_ key, its value and what is allowed; they show nothing else of the DSN.
func ParseDSN(dsn string) (Config, error) {
	c, err := parse(dsn, recognise(dsn))
	return c, asConfigError(err)
}

// ParseDSNFor is ParseDSN where the real driver is known beforehand, because the DSN was given to pooled-pgx or
// pooled-mysql: driverName is one of these two names, or pgx or mysql. A DSN that is clearly not for this driver is an
// error, and so is another pool_driver; what could be for it is taken as such, the empty DSN too.
func ParseDSNFor(driverName, dsn string) (Config, error) {
	c, err := parseFor(driverName, dsn)
	return c, asConfigError(err)
}

func parseFor(driverName, dsn string) (Config, error) {
	driverName = strings.TrimPrefix(driverName, ownName+"-")
	r, err := recogniseFor(driverName, dsn)
	if err != nil {
		return Config{}, err
	}
	c, err := parse(dsn, r)
	if err == nil && c.DriverName != driverName {
		return Config{}, fmt.Errorf("pooled: %s=%s contradicts the driver name %[3]s-%[4]s: use the driver name %[3]s",
			driverKey, find(driverKey).show(c.DriverName), ownName, driverName)
	}
	return c, err
}

func parse(dsn string, r reading) (Config, error) {
	native, pairs, err := r.form.split(strings.TrimPrefix(dsn, r.prefix))
	if err != nil {
		return Config{}, err
	}
	c := NewConfig()
	if err := c.apply(pairs); err != nil {
		return Config{}, err
	}
	switch {
	case c.DriverName == "" && r.driver == "":
		return Config{}, errUnrecognised()
	case c.DriverName == "":
		c.DriverName, c.DSN = r.driver, native
	case c.DriverName == mysqlDriver && r.prefix == mysqlScheme:
		c.DSN = native
	default: // pool_driver: all the rest is its DSN
		c.DSN = r.prefix + native
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// pair is a pool_ key and its value as found in a DSN, unquoted.
type pair struct{ key, value string }

// apply sets what the pairs say, the profile first.
func (c *Config) apply(pairs []pair) error {
	seen := make(map[string]bool, len(pairs))
	pairs = slices.Clone(pairs)
	slices.SortStableFunc(pairs, func(a, b pair) int { return a.place() - b.place() })
	for _, p := range pairs {
		k := find(p.key)
		switch {
		case k == nil:
			return errUnknownKey(p.key)
		case seen[p.key]:
			return fmt.Errorf("pooled: %s is given twice: write it once", p.key)
		case p.value == "":
			return fmt.Errorf("pooled: %s has no value (allowed: %s)", p.key, k.Values)
		}
		seen[p.key] = true
		if err := k.apply(c, p.value); err != nil {
			return err
		}
	}
	return nil
}

// FormatDSN writes a Config as a DSN, passwords included. Only settings that differ from the defaults are written, in the
// order of [Keys], behind the native DSN. [ParseDSN] makes the same Config of it, if the Config is valid and has neither a
// Driver nor a Connector: these have no place in a DSN, and what is written then is only good for reading.
func FormatDSN(c Config) string {
	settings := c.settings()
	if c.Driver != nil || c.Connector != nil {
		return labelled(c, c.DSN, settings)
	}
	candidates := c.spellings(settings)
	for _, dsn := range candidates {
		// Asking ParseDSN is the only test that cannot be wrong about what ParseDSN will read.
		parsed, err := ParseDSN(dsn)
		if err == nil && parsed.DriverName == c.DriverName && parsed.DSN == c.DSN && slices.Equal(parsed.settings(), settings) {
			return dsn
		}
	}
	return candidates[0]
}

// spellings lists the ways to write c as a DSN, the nicest first. Which of them can be read back depends on the native DSN
// and on the drivers registered.
func (c Config) spellings(settings []pair) []string {
	var list []string
	if f, known := c.nativeForm(); known {
		prefix := ""
		if c.DriverName == mysqlDriver {
			prefix = mysqlScheme
		}
		list = append(list, prefix+f.join(c.DSN, settings))
	}
	if c.DriverName == pgxDriver {
		list = append(list, joinKeywordsBefore(c.DSN, settings))
	}
	if strings.HasPrefix(c.DSN, c.DriverName+"://") {
		list = append(list, plainForm.join(c.DSN, settings))
	}
	list = append(list, labelled(c, c.DSN, settings))
	settings = append([]pair{{driverKey, c.DriverName}}, settings...)
	return append(list,
		keywordForm.join(c.DSN, settings),
		joinKeywordsBefore(c.DSN, settings),
		plainForm.join(c.DSN, settings),
		postgresForm.join(c.DSN, settings),
		mysqlForm.join(c.DSN, settings),
	)
}

// labelled writes NAME:rest, with the Go type for a name where that is all there is.
func labelled(c Config, native string, settings []pair) string {
	name := c.DriverName
	switch {
	case c.Connector != nil:
		return plainForm.join(fmt.Sprintf("(%T)", c.Connector), settings)
	case c.Driver != nil:
		name = fmt.Sprintf("(%T)", c.Driver)
	}
	return name + ":" + plainForm.join(native, settings)
}

// errUnrecognised lists the forms without showing the DSN.
func errUnrecognised() error {
	return errors.New("pooled: the DSN has none of the known forms: postgres://user:password@host/dbname, " +
		"host=... dbname=..., mysql://user:password@tcp(host:3306)/dbname, user:password@tcp(host:3306)/dbname, " +
		"NAME:dsn of a registered driver (" + registered() + "; forgotten import?), or any DSN with pool_driver=NAME; in the parameters of a MySQL DSN '/' is written %2F")
}
