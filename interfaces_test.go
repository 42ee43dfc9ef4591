package pooled_test

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// driverInterfaces says for each interface of database/sql/driver what pooled does with a driver that has it.
var driverInterfaces = map[string]string{
	"Driver":        "dialect.ConnectorOf opens it",
	"DriverContext": "dialect.ConnectorOf prefers it to Driver",
	"Connector":     "an endpoint dials with it",

	"Conn":               "a session is one, a server connection holds one",
	"ConnPrepareContext": "serverconn.callPrepare",
	"ConnBeginTx":        "serverconn.callBegin, which refuses options without it",
	"Execer":             "serverconn.callExec",
	"ExecerContext":      "serverconn.callExec",
	"Queryer":            "serverconn.callQuery",
	"QueryerContext":     "serverconn.callQuery",
	"Pinger":             "serverconn.Conn.Ping, which is nil without it",
	"SessionResetter":    "serverconn.Conn.Reset, when the connection is borrowed",
	"Validator":          "serverconn.Conn.Reusable, when the connection comes back",
	"NamedValueChecker":  "serverconn.Conn.check, when the connection is known",

	"Stmt":             "a session's statement is one, a server connection caches them",
	"StmtExecContext":  "serverconn.callStmtExec",
	"StmtQueryContext": "serverconn.callStmtQuery",
	"ColumnConverter":  "serverconn.Conn.check",
	"Tx":               "a session's transaction is one and holds one",

	"Result":                         "passed on as it is",
	"Rows":                           "passed on as they are",
	"RowsNextResultSet":              "passed on as they are",
	"RowsColumnTypeScanType":         "passed on as they are",
	"RowsColumnTypeDatabaseTypeName": "passed on as they are",
	"RowsColumnTypeLength":           "passed on as they are",
	"RowsColumnTypeNullable":         "passed on as they are",
	"RowsColumnTypePrecisionScale":   "passed on as they are",
	"RowsColumnScanner":              "passed on as they are", // Go 1.27

	"Valuer":         "serverconn.Conn.check calls it as database/sql does",
	"ValueConverter": "what a ColumnConverter returns",
}

// newer are interfaces that the oldest Go supported does not have.
var newer = []string{"RowsColumnScanner"}

// Database/sql finds interfaces by type assertions, so one that pooled did not know would silently be lost to programs.
func TestEveryInterfaceOfDatabaseSQLDriverIsKnown(t *testing.T) {
	declared := declaredInterfaces(t, "database/sql/driver")
	known := slices.Collect(maps.Keys(driverInterfaces))
	for _, name := range declared {
		assert.Contains(t, known, name, "database/sql/driver has an interface that pooled does not know: "+
			"teach it to the session, the statement or the server connection, and add it to the table")
	}
	for _, name := range known {
		if !slices.Contains(newer, name) {
			assert.Contains(t, declared, name, "the table names what database/sql/driver does not have")
		}
	}
}

// declaredInterfaces returns the exported interface types of a package of the standard library, from its source.
func declaredInterfaces(t *testing.T, path string) []string {
	pkg, err := build.Import(path, "", build.FindOnly)
	require.NoError(t, err)
	entries, err := os.ReadDir(pkg.Dir)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(pkg.Dir, entry.Name()), nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.IsExported() {
				if _, ok := spec.Type.(*ast.InterfaceType); ok {
					names = append(names, spec.Name.Name)
				}
			}
			return true
		})
	}
	require.NotEmpty(t, names)
	return names
}
