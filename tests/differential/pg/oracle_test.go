package pg_test

import (
	"fmt"
	"slices"
	"strings"

	pgquery "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement/pg"
)

// oracle holds what the server's own grammar shows of a text against what pooled says of it.
type oracle struct {
	text     string
	got      pg.Statement
	problems []string
	path     []protoreflect.Message // the messages around the current one, outermost first

	calls []string // the functions of the tree, for tests of precision
}

// judge returns what pooled says less of the text than its tree shows. ok is false where the server refuses the text.
func judge(text string) (found oracle, ok bool) {
	tree, err := pgquery.Parse(text)
	if err != nil {
		return oracle{}, false
	}
	o := oracle{text: strings.ToLower(text), got: pg.Parse(text)}
	o.wantf((o.got.Why == "") == (o.got.Class == dialect.Read && o.got.Effects == 0), "%s with effects %s, because: %q",
		o.got.Class, o.got.Effects, o.got.Why)
	o.visit(tree.ProtoReflect())
	return o, true
}

// wantf notes a problem unless the condition holds.
func (o *oracle) wantf(holds bool, format string, args ...any) {
	if !holds {
		o.problems = append(o.problems, fmt.Sprintf(format, args...))
	}
}

func (o *oracle) wantEffect(e dialect.Effects, why string) {
	o.wantf(o.got.Effects.Has(e) || o.got.Effects.Has(dialect.UnknownEffect), "%s: effects are %s, want %s", why, o.got.Effects, e)
}

func (o *oracle) wantNoRead(why string) {
	o.wantf(o.got.Class != dialect.Read, "%s: a read", why)
}

func (o *oracle) wantUnknown(why string) {
	o.wantf(o.got.Effects.Has(dialect.UnknownEffect), "%s: effects are %s, want unknown", why, o.got.Effects)
}

func (o *oracle) wantName(list []string, what, name string) {
	o.wantf(slices.Contains(list, name), "%s %q is missing in %q", what, name, list)
}

// visit goes through the tree.
func (o *oracle) visit(m protoreflect.Message) {
	o.node(m)
	o.path = append(o.path, m)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Kind() != protoreflect.MessageKind {
			return true
		}
		if !f.IsList() {
			o.visit(v.Message())
			return true
		}
		for i := range v.List().Len() {
			o.visit(v.List().Get(i).Message())
		}
		return true
	})
	o.path = o.path[:len(o.path)-1]
}

func typeOf(m protoreflect.Message) string { return string(m.Descriptor().Name()) }

// explained reports whether the current message is planned only.
func (o *oracle) explained() bool {
	return slices.ContainsFunc(o.path, func(m protoreflect.Message) bool {
		e, ok := m.Interface().(*pgquery.ExplainStmt)
		return ok && !slices.ContainsFunc(e.GetOptions(), func(n *pgquery.Node) bool {
			return n.GetDefElem().GetDefname() == "analyze"
		})
	})
}

// defined reports whether the current message is in the body of a function: it is not executed now, and the
// server takes nothing but queries and INSERT, UPDATE, DELETE and MERGE there.
func (o *oracle) defined() bool {
	return slices.ContainsFunc(o.path, func(m protoreflect.Message) bool { return typeOf(m) == "CreateFunctionStmt" })
}

// statement reports whether the current message is a statement of its own, possibly under EXPLAIN.
func (o *oracle) statement() bool {
	for i := len(o.path) - 1; i >= 0; i-- {
		switch typeOf(o.path[i]) {
		case "Node":
		case "RawStmt":
			return true
		default:
			return false
		}
	}
	return false
}

// reads are the statements that may be reads.
var reads = []string{"SelectStmt", "ExplainStmt", "CopyStmt"}

// node holds one node of the tree against what pooled says.
func (o *oracle) node(m protoreflect.Message) {
	if o.statement() && typeOf(m) != "Node" && !slices.Contains(reads, typeOf(m)) {
		o.wantNoRead(typeOf(m))
	}
	o.names(m)
	if e, ok := m.Interface().(*pgquery.ExecuteStmt); ok {
		o.wantUnknown("EXECUTE " + e.GetName())
	}
	switch n := m.Interface().(type) {
	case *pgquery.InsertStmt, *pgquery.UpdateStmt, *pgquery.DeleteStmt, *pgquery.MergeStmt:
		o.wantNoRead(typeOf(m))
	case *pgquery.RangeVar:
		if pg.TellsOfServer(n.GetRelname()) {
			o.wantNoRead(n.GetRelname())
		}
	}
	if o.explained() {
		return
	}
	switch n := m.Interface().(type) {
	case *pgquery.LockingClause, *pgquery.IntoClause:
		o.wantNoRead(typeOf(m))
	case *pgquery.RangeVar:
		if n.GetRelpersistence() == "t" {
			o.wantEffect(dialect.TempTable, "temporary "+n.GetRelname())
		}
	case *pgquery.FuncCall:
		o.call(n)
	case *pgquery.CopyStmt:
		if n.GetIsFrom() || n.GetIsProgram() || n.GetFilename() != "" {
			o.wantNoRead("COPY")
		}
	case *pgquery.VariableSetStmt:
		if o.statement() {
			o.set(n)
		}
	default:
		if !o.defined() {
			o.control(m)
		}
	}
	o.makesTemp(m)
}

// unread reports whether pooled has given the text up: it may do anything, and no names are known of it.
func (o *oracle) unread() bool {
	return o.got.Class == dialect.Unknown && o.got.Effects == dialect.UnknownEffect && len(o.got.Names)+len(o.got.Functions) == 0
}

// names wants every name where the caller will look for it.
func (o *oracle) names(m protoreflect.Message) {
	if o.unread() {
		return
	}
	switch n := m.Interface().(type) {
	case *pgquery.RangeVar:
		if !slices.Contains(o.got.Targets, n.GetRelname()) && !slices.Contains(o.got.Functions, n.GetRelname()) {
			o.wantName(o.got.Names, "relation", n.GetRelname())
		}
	case *pgquery.ColumnRef:
		if f := n.GetFields(); len(f) > 1 && f[len(f)-1].GetString_() != nil {
			o.wantName(o.got.Names, "attribute", f[len(f)-1].GetString_().GetSval())
		}
	case *pgquery.A_Indirection:
		for _, f := range n.GetIndirection() {
			if s := f.GetString_(); s != nil {
				o.wantName(o.got.Names, "attribute", s.GetSval())
			}
		}
	case *pgquery.FuncCall:
		if name := nameOf(n); !o.bySyntax(n) {
			o.calls = append(o.calls, name)
			o.wantName(o.got.Functions, "function", name)
		}
	case *pgquery.TypeName:
		if parts := n.GetNames(); len(parts) > 0 && parts[0].GetString_().GetSval() != "pg_catalog" && !slices.Contains(o.got.Functions, parts[len(parts)-1].GetString_().GetSval()) {
			o.wantName(o.got.Names, "type", parts[len(parts)-1].GetString_().GetSval())
		}
	case *pgquery.InsertStmt:
		o.wantName(o.got.Targets, "target of INSERT", n.GetRelation().GetRelname())
	case *pgquery.UpdateStmt:
		o.wantName(o.got.Targets, "target of UPDATE", n.GetRelation().GetRelname())
	case *pgquery.DeleteStmt:
		o.wantName(o.got.Targets, "target of DELETE", n.GetRelation().GetRelname())
	case *pgquery.MergeStmt:
		o.wantName(o.got.Targets, "target of MERGE", n.GetRelation().GetRelname())
	case *pgquery.CopyStmt:
		if n.GetIsFrom() && !o.defined() {
			o.wantName(o.got.Targets, "target of COPY", n.GetRelation().GetRelname())
		}
	case *pgquery.TruncateStmt:
		for _, r := range n.GetRelations() {
			if o.defined() {
				break
			}
			o.wantName(o.got.Targets, "target of TRUNCATE", r.GetRangeVar().GetRelname())
		}
	case *pgquery.PrepareStmt:
		if !o.defined() {
			o.wantName(o.got.Prepared, "prepared", n.GetName())
		}
	}
}

// nameOf returns the last part of the name of a function.
func nameOf(n *pgquery.FuncCall) string {
	parts := n.GetFuncname()
	return parts[len(parts)-1].GetString_().GetSval()
}

// bySyntax reports whether the grammar put the function there (AT TIME ZONE, SIMILAR TO), without its name.
func (o *oracle) bySyntax(n *pgquery.FuncCall) bool {
	return n.GetFuncformat() == pgquery.CoercionForm_COERCE_SQL_SYNTAX ||
		len(n.GetFuncname()) == 2 && n.GetFuncname()[0].GetString_().GetSval() == "pg_catalog" && !strings.Contains(o.text, nameOf(n))
}

// call wants the effects of built-in functions.
func (o *oracle) call(n *pgquery.FuncCall) {
	class, effects, known := pg.Builtin(nameOf(n))
	if !known || o.bySyntax(n) {
		return
	}
	if nameOf(n) == "set_config" && len(n.GetArgs()) == 3 && n.GetArgs()[2].GetAConst().GetBoolval().GetBoolval() {
		effects = 0
		if v := n.GetArgs()[1].GetAConst().GetSval().GetSval(); strings.Contains(strings.ToLower(v), "pg_temp") &&
			strings.EqualFold(n.GetArgs()[0].GetAConst().GetSval().GetSval(), "search_path") {
			effects = dialect.TempTable
		}
		if strings.EqualFold(n.GetArgs()[0].GetAConst().GetSval().GetSval(), "seed") {
			effects |= dialect.Permanent
		}
	}
	if class != dialect.Read {
		o.wantNoRead(nameOf(n))
	}
	o.wantEffect(effects, nameOf(n))
}

// set wants the effects of SET and RESET.
func (o *oracle) set(n *pgquery.VariableSetStmt) {
	name := strings.ToLower(n.GetName())
	switch {
	case n.GetIsLocal(), name == "transaction", name == "transaction snapshot":
		for _, arg := range n.GetArgs() {
			if name == "search_path" && strings.HasPrefix(strings.ToLower(arg.GetAConst().GetSval().GetSval()), "pg_temp") {
				o.wantEffect(dialect.TempTable, "SET LOCAL search_path")
			}
		}
	case name == "role", name == "session_authorization":
		o.wantEffect(dialect.Role, "SET "+name)
	default:
		o.wantf(o.got.Effects&(dialect.Setting|dialect.UnknownEffect) != 0, "SET %s: effects are %s", name, o.got.Effects)
	}
}

// holds is the bit of WITH HOLD in the options of a cursor.
const holds = 0x20

// control wants the effects of statements that are about the session.
func (o *oracle) control(m protoreflect.Message) {
	switch n := m.Interface().(type) {
	case *pgquery.TransactionStmt:
		kind := n.GetKind()
		if kind == pgquery.TransactionStmtKind_TRANS_STMT_BEGIN || kind == pgquery.TransactionStmtKind_TRANS_STMT_START || n.GetChain() {
			o.wantEffect(dialect.OpenTx, kind.String())
		}
	case *pgquery.PrepareStmt:
		o.wantEffect(dialect.SQLPrepare, "PREPARE")
	case *pgquery.DeclareCursorStmt:
		if n.GetOptions()&holds != 0 {
			o.wantEffect(dialect.Cursor, "WITH HOLD")
		}
	case *pgquery.ListenStmt, *pgquery.UnlistenStmt:
		o.wantEffect(dialect.Listen, typeOf(m))
	case *pgquery.LoadStmt:
		o.wantEffect(dialect.Permanent, "LOAD")
	case *pgquery.DeallocateStmt:
		if n.GetName() == "" {
			o.wantUnknown("DEALLOCATE ALL")
		}
	case *pgquery.DiscardStmt:
		if n.GetTarget() == pgquery.DiscardMode_DISCARD_ALL {
			o.wantUnknown("DISCARD ALL")
		}
	case *pgquery.CallStmt: // its procedure is wanted as a function is
		o.wantf(o.got.Class == dialect.Unknown, "CALL: class is %s", o.got.Class)
	case *pgquery.DoStmt, *pgquery.CreateExtensionStmt, *pgquery.AlterExtensionStmt,
		*pgquery.AlterExtensionContentsStmt, *pgquery.ImportForeignSchemaStmt, *pgquery.CreatePLangStmt:
		o.wantUnknown(typeOf(m))
	}
}

// makesTemp wants TempTable wherever pg_temp is named in what creates something.
func (o *oracle) makesTemp(m protoreflect.Message) {
	schema := ""
	switch n := m.Interface().(type) {
	case *pgquery.String:
		schema = n.GetSval()
	case *pgquery.RangeVar:
		schema = n.GetSchemaname()
	}
	if schema != "pg_temp" || typeOf(o.path[len(o.path)-1]) == "A_Const" {
		return
	}
	for _, around := range o.path {
		switch around.Interface().(type) {
		case *pgquery.CreateStmt, *pgquery.CreateTableAsStmt, *pgquery.ViewStmt, *pgquery.CreateSeqStmt, *pgquery.CreateFunctionStmt,
			*pgquery.DefineStmt, *pgquery.CompositeTypeStmt, *pgquery.CreateEnumStmt, *pgquery.CreateRangeStmt,
			*pgquery.CreateDomainStmt, *pgquery.IntoClause, *pgquery.AlterObjectSchemaStmt:
			o.wantEffect(dialect.TempTable, typeOf(around)+" in pg_temp")
		}
	}
}
