package mysql

import (
	"database/sql/driver"
	"encoding/json"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// MySQL (8.0.22 and later) gives each parameter of a prepared statement a type when it is prepared, from where it stands. A value that does not
// fit has the whole statement prepared anew, with the types of the values at hand, and it stays so: after 7, "007" is stored as 7. What fits
// depends on the value, not on its type alone: where a number is expected "12.50" does not fit and "abc" does, as it counts as 0; where a date is
// expected, 0 does not fit and 7 does (sql/sql_prepare.cc, Prepared_statement::check_parameter_types; sql-common/my_time.cc).
//
// So values are of one kind only if, whatever is expected, the server does the same for both. What cannot be proved to be of a kind has none.
const (
	kindNull     = 'n'
	kindInt      = 'i' // followed by what numberKind says
	kindUint     = 'u'
	kindFloat    = 'f'
	kindBool     = 'b'
	kindText     = 'x' // no number but a whole one that is not negative, perhaps with rubbish behind it, and no date
	kindDate     = 'd' // a valid one: 2024-01-31
	kindDateTime = 'm' // a valid one: 2024-01-31 12:00:00.5
	kindDecimal  = 'p' // 1.50, and the next for 12.50 and so on; with a fraction that is not 0
)

// ofZero is the kind of a zero, which is a date where one is expected, and of a decimal without a fraction.
func ofZero(kind byte) byte { return kind &^ 0x20 }

// ofDate is the kind of a whole number that is a date.
func ofDate(kind byte) byte { return kind + 1 }

// kinder tells kinds of values as go-sql-driver sends them: time.Time is a text there, in the location of the DSN.
type kinder struct {
	loc      *time.Location
	truncate time.Duration // timeTruncate of the DSN
	untold   bool          // the settings are not known
	// pins reports whether the server may keep the types that it has given to arguments when the table is another one: see lasts. Nil: it does not.
	pins func() bool
}

// kindsOf makes one for the connections with a configuration.
func kindsOf(cfg *mysql.Config) kinder {
	k := kinder{loc: cfg.Loc}
	_, params, _ := strings.Cut(cfg.FormatDSN(), "?") // the only way to the setting
	if at := strings.LastIndexByte(params, '?'); at >= 0 {
		params = params[at+1:]
	}
	values, err := url.ParseQuery(params)
	if err != nil {
		return kinder{untold: true}
	}
	if text := values.Get("timeTruncate"); text != "" {
		if k.truncate, err = time.ParseDuration(text); err != nil {
			return kinder{untold: true}
		}
	}
	return k
}

// on makes a kinder for the server of these sessions.
func (k kinder) on(s *sessions) kinder {
	k.pins = s.pinsTypes
	return k
}

// kind returns the kind of a value that the driver has converted; 0: it has none.
func (k kinder) kind(v driver.Value) byte {
	kind := k.of(v)
	if kind != 0 && k.pins != nil && k.pins() && !lasts(kind, v) {
		return 0
	}
	return kind
}

// lasts reports whether a value means the same to MySQL whatever type it has given to the argument when the table had other columns, which some
// program may have changed since. It keeps that type when it prepares a statement anew because of the table: where a column was a number "007" is
// stored as 7 for ever after, and where it was a date the time of day is lost. A number fits a column that is not for dates, and a text that begins as no
// number does fits none but one for texts.
func lasts(kind byte, v driver.Value) bool {
	switch kind {
	case kindNull, kindInt, kindUint, kindFloat, kindBool, ofZero(kindInt), ofZero(kindUint), ofZero(kindFloat), ofZero(kindBool), ofDate(kindInt), ofDate(kindUint):
		return true
	case kindText:
		switch v := v.(type) {
		case string:
			return beginsAsText(v)
		case []byte:
			return beginsAsText(v)
		case json.RawMessage:
			return beginsAsText(v)
		}
	}
	return false
}

// beginsAsText reports whether a text begins with what no number, date or time begins with.
func beginsAsText[T string | []byte | json.RawMessage](s T) bool {
	return len(s) > 0 && (isLetter(s[0]) || s[0] == '_' || s[0] == '{' || s[0] == '[')
}

// of is kind for a server that keeps no types.
func (k kinder) of(v driver.Value) byte {
	switch v := v.(type) {
	case nil:
		return kindNull
	case int64:
		if v < 0 {
			return kindInt // never a date
		}
		return numberKind(kindInt, uint64(v))
	case uint64:
		return numberKind(kindUint, v)
	case float64:
		switch {
		case v == 0 && math.Signbit(v), v != v:
			return 0
		case v < 0, v > lastDateTime+1: // never a date
			return kindFloat
		}
		return numberKind(kindFloat, uint64(v))
	case bool:
		if !v {
			return ofZero(kindBool)
		}
		return kindBool
	case string:
		return textKind(v)
	case []byte:
		if v == nil {
			return kindNull
		}
		return textKind(v)
	case json.RawMessage:
		if v == nil {
			return 0
		}
		return textKind([]byte(v))
	case time.Time:
		return k.timeKind(v)
	default:
		return 0
	}
}

// The numbers that the server reads as a date (YYMMDD, YYYYMMDD), and those that it reads as one with a time of day (YYMMDDhhmmss, YYYYMMDDhhmmss),
// begin with these.
const (
	firstDate     = 101
	firstDateTime = 101_000_000
	lastDateTime  = 99_991_231_235_959
)

// numberKind tells zero, which is a date with a time where a date is expected, and dates from what is no date; a number that may be one has no kind.
func numberKind(kind byte, n uint64) byte {
	switch {
	case n == 0:
		return ofZero(kind)
	case n < firstDate, n > lastDateTime+1:
		return kind
	case n < firstDateTime && mayBeDate(n):
		if kind != kindFloat && isDate(n) {
			return ofDate(kind)
		}
		return 0
	case n >= firstDateTime && mayBeDate(n/1_000_000) && n/10_000%100 < 24 && n/100%100 < 60 && n%100 < 60:
		return 0
	default:
		return kind
	}
}

// mayBeDate reports whether YYMMDD or YYYYMMDD may be a date, which sql_mode has a say in.
func mayBeDate(n uint64) bool { return n/100%100 <= 12 && n%100 <= 31 }

// isDate reports whether a number is a date whatever sql_mode says: YYMMDD, or YYYYMMDD from the year 1000 on.
func isDate(n uint64) bool {
	month, day := n/100%100, n%100
	return 1 <= month && month <= 12 && 1 <= day && day <= shortest[month] && (n <= 99_12_31 || n >= 1000_01_01)
}

// shortest is how many days a month has at least.
var shortest = [...]uint64{1: 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// longestText is the length in bytes from which on a text has no kind: the driver may send it in pieces.
const longestText = 16 << 10

// textKind reads a text as far as the server would, to see whether that makes a number or a date of it.
func textKind[T string | []byte](s T) byte {
	if len(s) > longestText {
		return 0
	}
	if len(s) == 0 || startsWithWord(s[0]) {
		return kindText
	}
	if s[0] < '0' || s[0] > '9' { // signs, dots and blanks may begin a number
		return 0
	}
	n := 1
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	switch {
	case n > 18: // it may be too large
		return 0
	case n == len(s), isLetter(s[n]) && s[n] != 'e' && s[n] != 'E' && s[n] != 't' && s[n] != 'T':
		if digitsMayBeDate(s[:n]) {
			return 0
		}
		return kindText
	case s[n] == '.':
		return decimalKind(s, n)
	case n == 4 && s[n] == '-':
		return dateKind(string(s))
	default:
		return 0
	}
}

// startsWithWord reports whether a text with this first byte is neither a number nor a date. Bytes above ASCII are letters, or blanks in a few
// character sets.
func startsWithWord(c byte) bool {
	return isLetter(c) || strings.IndexByte(`_"'{}[]()<>#@$%&*=?!~^|\`+"`", c) >= 0
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// digitsMayBeDate reports whether the server may take digits for a date, with or without a time: of two digits for each part, and of four
// for the year where there are 8 or 14 and more. It needs a month and a day.
func digitsMayBeDate[T string | []byte](digits T) bool {
	year := yearDigits(len(digits))
	if len(digits) < year+3 {
		return false
	}
	limits := [...]int{12, 31, 23, 59, 59}
	for i, at := 0, year; i < len(limits) && at < len(digits); i, at = i+1, at+2 {
		part := int(digits[at] - '0')
		if at+1 < len(digits) {
			part = 10*part + int(digits[at+1]-'0')
		}
		if part > limits[i] {
			return false
		}
	}
	return true
}

// decimalKind is that of a text whose first n bytes are digits, before a dot. Whether 12.00 fits where a whole number is expected is another question
// than for 12.50. Where a date is expected, 999.3 is one, of the year 99; with two digits behind the dot or less, others have too few parts or a
// month that there is not.
func decimalKind[T string | []byte](s T, n int) byte {
	fraction := s[n+1:]
	if len(fraction) == 0 || len(fraction) > 2 {
		return 0
	}
	value := 0
	for i := range len(fraction) {
		if fraction[i] < '0' || fraction[i] > '9' {
			return 0
		}
		value = 10*value + int(fraction[i]-'0')
	}
	if n == 3 && value <= 31 || n > 4 && monthMayBe(s[:n]) {
		return 0
	}
	kind := byte(kindDecimal + min(n, 5) - 1)
	if value == 0 {
		return ofZero(kind)
	}
	return kind
}

// monthMayBe reports whether five digits or more have a month where the server looks for one.
func monthMayBe[T string | []byte](digits T) bool {
	at := yearDigits(len(digits))
	return digits[at] == '0' || digits[at] == '1' && digits[at+1] <= '2'
}

// yearDigits is how many of n digits are the year.
func yearDigits(n int) int {
	if n == 8 || n >= 14 {
		return 4
	}
	return 2
}

// dateKind is that of a text that begins with four digits and a hyphen: a date, or a date with a time, that no sql_mode refuses.
func dateKind(s string) byte {
	if len(s) == len(time.DateOnly) {
		if t, err := time.Parse(time.DateOnly, s); err == nil && t.Year() >= 1000 {
			return kindDate
		}
		return 0
	}
	if len(s) > len("2006-01-02 15:04:05.999999") {
		return 0
	}
	if t, err := time.Parse(time.DateTime, s); err == nil && t.Year() >= 1000 { // it takes a fraction as well
		return kindDateTime
	}
	return 0
}

// timeKind is that of the text which the driver makes of a time: a date alone at midnight.
func (k kinder) timeKind(t time.Time) byte {
	if k.untold || k.loc == nil || t.IsZero() {
		return 0
	}
	t = t.In(k.loc)
	if k.truncate > 0 {
		t = t.Truncate(k.truncate)
	}
	if t.Year() < 1000 || t.Year() > 9998 { // which rounding a fraction could exceed
		return 0
	}
	if hour, minute, second := t.Clock(); hour == 0 && minute == 0 && second == 0 && t.Nanosecond() == 0 {
		return kindDate
	}
	return kindDateTime
}
