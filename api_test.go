package pooled_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// apiFile has all that programs can use of pooled, so that who changes it sees that he does.
const apiFile = "api.txt"

// With POOLED_UPDATE=1 the file is written instead of compared.
func TestTheAPIIsAsItWas(t *testing.T) {
	var api strings.Builder
	require.NoError(t, filepath.WalkDir(".", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); dir != "." && err == nil || d.Name() == "internal" || d.Name() == "testdata" || dir != "." && d.Name()[0] == '.' {
			return fs.SkipDir
		}
		if all := exported(t, dir); len(all) > 0 {
			fmt.Fprintf(&api, "# %s\n\n%s\n\n", filepath.ToSlash(filepath.Join("github.com/gopooled/pooled", dir)), strings.Join(all, "\n"))
		}
		return nil
	}))
	if os.Getenv("POOLED_UPDATE") != "" {
		require.NoError(t, os.WriteFile(apiFile, []byte(api.String()), 0o600))
		return
	}
	assert.Equal(t, read(t, apiFile), api.String(), "if that is meant: POOLED_UPDATE=1 go test -run TheAPI ., and a line in CHANGELOG.md")
}

// exported lists the declarations of a package that others can use, sorted, without comments and bodies.
func exported(t *testing.T, dir string) (all []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.FileExports(f)
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil && !isExported(d.Recv.List[0].Type) {
					continue
				}
				d.Body = nil
			case *ast.GenDecl:
				if d.Tok == token.IMPORT {
					continue
				}
			}
			var b bytes.Buffer
			require.NoError(t, (&printer.Config{Mode: printer.UseSpaces | printer.TabIndent, Tabwidth: 8}).Fprint(&b, fset, d))
			all = append(all, withoutBlankLines(b.String()))
		}
	}
	slices.Sort(all)
	return all
}

// isExported reports whether the type of a receiver is.
func isExported(receiver ast.Expr) bool {
	switch r := receiver.(type) {
	case *ast.StarExpr:
		return isExported(r.X)
	case *ast.IndexExpr:
		return isExported(r.X)
	case *ast.Ident:
		return r.IsExported()
	default:
		return false
	}
}

func withoutBlankLines(text string) string {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
	return strings.Join(lines, "\n")
}
