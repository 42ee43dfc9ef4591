package pooltest

import (
	"database/sql"

	"github.com/gopooled/pooled/internal/faultdriver"
)

// Registered is a driver without a dialect, registered under a name of its own.
var Registered = faultdriver.New(Modern, faultdriver.EveryStmt)

func init() { sql.Register("pooled-fault", Registered) }
