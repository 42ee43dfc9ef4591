package serverconn

import (
	"database/sql/driver"
	"time"
)

// kindsOf tells the kinds of arguments that the driver has converted, appended to buf. It reports false if one of them has none.
func (c *Conn) kindsOf(args []driver.NamedValue, buf []byte) ([]byte, bool) {
	if c.cfg.Traits.TypedByText {
		return buf, true
	}
	kind := c.cfg.Traits.Kind
	if kind == nil {
		kind = kindOfType
	}
	for i := range args {
		k := kind(args[i].Value)
		if k == 0 || args[i].Name != "" {
			return buf, false
		}
		buf = append(buf, k)
	}
	return buf, true
}

// kindOfType goes by the types of database/sql. What a driver takes besides has no kind.
func kindOfType(v driver.Value) byte {
	switch v.(type) {
	case nil:
		return 'n'
	case int64:
		return 'i'
	case float64:
		return 'f'
	case bool:
		return 'b'
	case string:
		return 's'
	case []byte:
		return 'r'
	case time.Time:
		return 't'
	default:
		return 0
	}
}
