package pooled_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/events"
	"github.com/gopooled/pooled/internal/markdown"
)

// With POOLED_UPDATE=1 the messages, levels and keys are written instead of compared; what to do is kept.
func TestTheDocsListWhatIsLogged(t *testing.T) {
	table, err := markdown.Find("docs/observability.md", "logs")
	require.NoError(t, err)

	todo := map[string]string{}
	for line := range strings.Lines(table.Text) {
		if cells := strings.Split(strings.TrimSpace(line), " | "); len(cells) == 4 {
			todo[cells[0]] = strings.TrimSuffix(cells[3], " |")
		}
	}
	want := "| message | level | keys | what to do |\n|---|---|---|---|\n"
	for _, r := range loggedBy(t, ".") {
		message := "| " + strings.TrimPrefix(r.message, "pooled: ")
		assert.True(t, events.Known(r.message), "internal/events does not know what %q is about", r.message)
		if os.Getenv("POOLED_UPDATE") == "" {
			assert.NotEmpty(t, todo[message], "the docs do not say what to do about %q", r.message)
		}
		want += fmt.Sprintf("%s | %s | %s | %s |\n", message, r.level, r.keys, todo[message])
	}
	if os.Getenv("POOLED_UPDATE") != "" {
		require.NoError(t, table.Replace(want))
		return
	}
	assert.Equal(t, want, table.Text, "run: POOLED_UPDATE=1 go test -run Docs . and write what to do")
}

// logRecord is a record that the source logs.
type logRecord struct{ message, level, keys string }

// logMethods are those of a slog.Logger that write a record, with the number of arguments before the attributes.
var logMethods = map[string]int{
	"Debug": 1, "Info": 1, "Warn": 1, "Error": 1, "DebugContext": 2, "InfoContext": 2, "WarnContext": 2, "ErrorContext": 2, "Log": 3, "LogAttrs": 3,
}

// loggedBy reads the source below a folder, without nested modules, and returns what it logs. It knows calls of a method on something named Logger whose
// message, level and keys are constants, and a function of the same package whose attributes are all passed on; it fails on any other.
func loggedBy(t *testing.T, root string) (all []logRecord) {
	t.Helper()
	seen := map[string]bool{}
	require.NoError(t, filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil && dir != root || d.Name() == "testdata" || d.Name() == ".git" {
			return filepath.SkipDir
		}
		for _, r := range (&logReader{T: t, files: parsed(t, dir)}).read() {
			assert.False(t, seen[r.message], "%q is logged in two places", r.message)
			assert.True(t, strings.HasPrefix(r.message, "pooled: "), r.message)
			seen[r.message] = true
			all = append(all, r)
		}
		return nil
	}))
	assert.NotEmpty(t, all)
	return all
}

// parsed reads the files of a package.
func parsed(t *testing.T, dir string) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, file)
	}
	return files
}

// logReader finds what a package logs.
type logReader struct {
	*testing.T
	files []*ast.File
}

func (r *logReader) read() (all []logRecord) {
	for _, file := range r.files {
		known := map[ast.Expr]bool{} // loggers that are called, or only passed on
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Logger" {
					known[n.Value] = true
				}
			case *ast.CallExpr:
				of, method := selector(n.Fun)
				_, logs := logMethods[method]
				switch from, name := selector(of); {
				case logs && from != nil && name == "Logger":
					known[of] = true
					all = append(all, r.record(method, n))
				case logs && isIdent(of, "slog"):
					r.Errorf("%s: slog.%s goes past Config.Logger", file.Name, method)
				case isIdent(of, "logs") && method == "New": // cfg.Logger = logs.New(cfg.Logger)
					known[n.Args[0]] = true
				}
			case *ast.AssignStmt:
				known[n.Lhs[0]] = true
			case *ast.SelectorExpr:
				if n.Sel.Name == "Logger" && !isIdent(n.X, "slog") {
					assert.True(r, known[n], "package %s does something with a Logger that this test does not understand", file.Name)
				}
			}
			return true
		})
	}
	return all
}

// record reads a call that logs.
func (r *logReader) record(method string, call *ast.CallExpr) logRecord {
	args, before := call.Args, logMethods[method]
	level := strings.TrimSuffix(method, "Context")
	if before == 3 {
		_, level = selector(args[1])
		level = strings.TrimPrefix(level, "Level")
	}
	message := r.text(args[before-1])
	var keys []string
	switch attributes := args[before:]; {
	case call.Ellipsis.IsValid():
		keys = r.attributesOf(attributes[0].(*ast.CallExpr).Fun.(*ast.Ident).Name)
	case method == "LogAttrs":
		for _, a := range attributes {
			keys = append(keys, r.attribute(a))
		}
	default:
		for i := 0; i < len(attributes); i += 2 {
			keys = append(keys, r.text(attributes[i]))
		}
	}
	return logRecord{message, strings.ToUpper(level), "`" + strings.Join(keys, "`, `") + "`"}
}

// attributesOf finds the keys of the attributes that a function makes.
func (r *logReader) attributesOf(function string) (keys []string) {
	for _, file := range r.files {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Name.Name != function {
				continue
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if of, _ := selector(call.Fun); isIdent(of, "slog") {
						keys = append(keys, r.attribute(call))
					}
				}
				return true
			})
		}
	}
	assert.NotEmpty(r, keys, "attributes of %s", function)
	return keys
}

// attribute is the key of slog.String and its like.
func (r *logReader) attribute(e ast.Expr) string { return r.text(e.(*ast.CallExpr).Args[0]) }

// text is the value of a constant expression.
func (r *logReader) text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, err := strconv.Unquote(e.Value)
			require.NoError(r, err)
			return s
		}
	case *ast.BinaryExpr:
		return r.text(e.X) + r.text(e.Y)
	}
	require.Fail(r, "a message or a key is not a constant text")
	return ""
}

// selector takes x.name apart.
func selector(e ast.Expr) (x ast.Expr, name string) {
	if s, ok := e.(*ast.SelectorExpr); ok {
		return s.X, s.Sel.Name
	}
	return nil, ""
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}
