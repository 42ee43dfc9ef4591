package my

import (
	"go/ast"
	goparser "go/parser"
	gotoken "go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A word that is not in the table is never found by at: a comparison with it would never hold.
func TestEveryWordThatIsComparedIsKnown(t *testing.T) {
	lowerCase := regexp.MustCompile(`^[a-z_]+$`)
	variables := "autocommit completion_type insert_id rand_seed1 rand_seed2 last_insert_id identity nextval currval nNxXbB"
	for _, name := range connectionCharset {
		variables += " " + name
	}
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, entry := range entries {
		file := entry.Name()
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || file == "functions.go" || file == "server.go" {
			continue
		}
		tree, err := goparser.ParseFile(gotoken.NewFileSet(), file, nil, goparser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.BasicLit:
				s, _ := strconv.Unquote(n.Value)
				if n.Kind == gotoken.STRING && lowerCase.MatchString(s) && !strings.Contains(variables, s) {
					assert.NotNil(t, lookup(s), "%s in %s", s, file)
				}
			}
			return true
		})
	}
}

func TestKnownWordsFitTheirBuffer(t *testing.T) {
	for name := range words {
		assert.LessOrEqual(t, len(name), maxWord, name)
		assert.Equal(t, strings.ToLower(name), name)
	}
	assert.Nil(t, lookup("frobnicate"))
	assert.Nil(t, lookup(strings.Repeat("a", 100)))
	assert.Equal(t, "select", lookup("SeLeCt").name)
}
