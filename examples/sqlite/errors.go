package sqlite

import (
	"errors"
	"strconv"
	"strings"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/gopooled/pooled/dialect"
)

// Classify knows SQLite's result codes (https://sqlite.org/rescode.html), of which the lowest byte is the primary one.
func (Dialect) Classify(err error) dialect.ErrorClass {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return dialect.ClassifyNetwork(err) // of contexts it says nothing
	}
	switch e.Code() & 0xff {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED: // another connection writes
		return dialect.Application | dialect.Conflict
	case lib.SQLITE_READONLY:
		return dialect.Application | dialect.WriteRefused
	case lib.SQLITE_INTERRUPT:
		return dialect.Cancelled
	case lib.SQLITE_MISUSE, lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB, lib.SQLITE_IOERR: // another connection may see what this one cannot
		return dialect.Infrastructure | dialect.Dead
	case lib.SQLITE_FULL, lib.SQLITE_NOMEM, lib.SQLITE_CANTOPEN, lib.SQLITE_PROTOCOL:
		return dialect.Infrastructure
	default:
		return dialect.Application
	}
}

// Code returns the extended result code in digits, such as "2067" for a constraint that says unique.
func (Dialect) Code(err error) string {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return ""
	}
	return strconv.Itoa(e.Code())
}

// isError reports whether an error is SQLite's plain one, which says what is wrong in its message only.
func isError(err error, message string) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == lib.SQLITE_ERROR && strings.Contains(e.Error(), message)
}
