package pooled_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A program pays only for the database that it uses.
func TestAProgramLinksOnlyTheDriversOfTheDialectsThatItImports(t *testing.T) {
	const pgx, mysql = "github.com/jackc/pgx/v5", "github.com/go-sql-driver/mysql"
	for pkg, unwanted := range map[string][]string{
		".":          {pgx, mysql},
		"./postgres": {mysql},
		"./mysql":    {pgx},
	} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", pkg).Output()
		require.NoError(t, err)
		deps := strings.Fields(string(out))
		assert.Contains(t, deps, "database/sql")
		for _, dep := range deps {
			for _, module := range append(unwanted, "github.com/stretchr/testify", "testing") {
				assert.False(t, dep == module || strings.HasPrefix(dep, module+"/"), "%s links %s", pkg, dep)
			}
		}
	}
}
