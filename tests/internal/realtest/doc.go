// Package realtest opens pools on the real servers of internal/testserver, and reads what they answer. It registers both dialects.
package realtest

import (
	_ "github.com/gopooled/pooled/mysql"    // and its dialect
	_ "github.com/gopooled/pooled/postgres" // and its dialect
)
