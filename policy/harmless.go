package policy

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// Routine is a function or a procedure of the database, by its names as the server's catalogue has them.
type Routine struct {
	Schema string // PostgreSQL's schema, or the database in MySQL and MariaDB
	Name   string // on PostgreSQL that of all its overloads
}

// routineEscapes are the characters that divide routines and their names, or that a value which was cut out of a DSN by mistake has.
var routineEscapes = strings.NewReplacer("%", "%25", ",", "%2C", ".", "%2E", " ", "%20", "=", "%3D")

// String returns the routine as pool_harmless has it.
func (r Routine) String() string {
	return routineEscapes.Replace(r.Schema) + "." + routineEscapes.Replace(r.Name)
}

// routines is the row of routines with their schemas.
func routines(doc Key, field func(*Config) *[]Routine) key {
	return listOf(doc, field, func(text string, before []Routine) (Routine, error) {
		r, err := parseRoutine(text)
		if err == nil && slices.Contains(before, r) {
			err = errors.New("has a routine twice")
		}
		return r, err
	})
}

func parseRoutine(text string) (r Routine, err error) {
	if strings.ContainsAny(text, spaces+"=") {
		return r, errors.New("has a space or an equals sign in it: write %20 or %3D")
	}
	schema, name, _ := strings.Cut(text, ".")
	switch {
	case schema == "" || name == "":
		return r, errors.New("has a name without its schema, or a schema without a name")
	case strings.Contains(name, "."):
		return r, errors.New("has a name of more than two parts: write %2E for a dot in a name")
	}
	r.Schema, err = url.PathUnescape(schema)
	if err == nil {
		r.Name, err = url.PathUnescape(name)
	}
	if err != nil {
		return r, errors.New("has a percent sign that encodes nothing: write %25")
	}
	return r, nil
}
