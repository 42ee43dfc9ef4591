package postgres

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// read are the places that the catalogue's copy reads, with what shows it in its SQL. Of what came with the server only operators are looked at for
// functions of others: somebody who gives its own functions and types others has to be a superuser.
var read = map[string]string{
	"pg_aggregate.aggcombinefn": "a.aggcombinefn", "pg_aggregate.aggfinalfn": "a.aggfinalfn", "pg_aggregate.aggmfinalfn": "a.aggmfinalfn",
	"pg_aggregate.aggminvtransfn": "a.aggminvtransfn", "pg_aggregate.aggmtransfn": "a.aggmtransfn", "pg_aggregate.aggtransfn": "a.aggtransfn",
	"pg_amproc.amproc": "a.amproc", "pg_attrdef.adbin": "d.adbin", "pg_cast.castfunc": "k.castfunc", "pg_constraint.conbin": "pg_get_constraintdef(k.oid)",
	"pg_event_trigger.evtfoid": "e.evtfoid", "pg_index.indexprs": "i.indexprs", "pg_index.indpred": "i.indpred", "pg_operator.oprcode": "o.oprcode",
	"pg_partitioned_table.partexprs": "p.partexprs", "pg_policy.polqual": "p.polqual", "pg_policy.polwithcheck": "p.polwithcheck",
	"pg_proc.proargdefaults": "p.proargdefaults", "pg_proc.prosqlbody": "pg_get_function_sqlbody(p.oid)", "pg_range.rngcanonical": "r.rngcanonical",
	"pg_range.rngsubdiff": "r.rngsubdiff", "pg_rewrite.ev_action": "pg_get_viewdef(c.oid)", "pg_rewrite.ev_qual": "r.rulename <> '_RETURN'", "pg_statistic_ext.stxexprs": "s.stxexprs",
	"pg_trigger.tgfoid": "t.tgfoid", "pg_trigger.tgqual": "pg_get_triggerdef(t.oid)", "pg_type.typdefaultbin": "t.typdefault",
	"pg_type.typinput": "t.typinput", "pg_type.typoutput": "t.typoutput", "pg_type.typreceive": "t.typreceive", "pg_type.typsend": "t.typsend",
	"pg_type.typmodin": "t.typmodin", "pg_type.typmodout": "t.typmodout", "pg_type.typanalyze": "t.typanalyze", "pg_type.typsubscript": "t.typsubscript",
	"pg_aggregate.aggserialfn": "a.aggserialfn", "pg_aggregate.aggdeserialfn": "a.aggdeserialfn", "pg_proc.prosupport": "p.prosupport",
	"pg_operator.oprrest": "o.oprrest", "pg_operator.oprjoin": "o.oprjoin", "pg_operator.oprcom": "select oid, oprcom", "pg_operator.oprnegate": "select oid, oprnegate",
	"pg_am.amhandler": "m.amhandler", "pg_class.relam": "m.oid = c.relam", "pg_conversion.conproc": "c.conproc",
	"pg_foreign_data_wrapper.fdwhandler": "w.fdwhandler", "pg_foreign_server.srvfdw": "s.srvfdw", "pg_foreign_table.ftserver": "f.ftserver",
	"pg_ts_parser.prsend": "prsend", "pg_ts_parser.prsheadline": "prsheadline", "pg_ts_parser.prslextype": "prslextype", "pg_ts_parser.prsstart": "prsstart",
	"pg_ts_parser.prstoken": "prstoken", "pg_ts_template.tmplinit": "tmplinit", "pg_ts_template.tmpllexize": "tmpllexize",
	"pg_amop.amopopr": "a.amopopr", "pg_amop.amopmethod": "a.amopmethod", "pg_amproc.amproclefttype": "a.amproclefttype", "pg_amproc.amprocrighttype": "a.amprocrighttype",
	"pg_attribute.atttypid": "a.atttypid", "pg_cast.castsource": "k.castsource", "pg_cast.casttarget": "k.casttarget", "pg_constraint.contypid": "k.contypid",
	"pg_constraint.conexclop": "pg_get_constraintdef(k.oid)", "pg_operator.oprleft": "o.oprleft", "pg_operator.oprright": "o.oprright",
	"pg_proc.proallargtypes": "p.proallargtypes", "pg_proc.proargtypes": "p.proargtypes", "pg_proc.prolang": "p.prolang", "pg_proc.prorettype": "p.prorettype",
	"pg_range.rngmultitypid": "r.rngmultitypid", "pg_range.rngsubtype": "r.rngsubtype", "pg_range.rngtypid": "r.rngtypid",
	"pg_type.typbasetype": "t.typbasetype", "pg_type.typelem": "t.typelem",
}

const (
	unknown  = "statements that come here are unknown"
	unread   = "of languages that nobody reads here, whose functions are unknown"
	anywhere = "an operator or a function of an operator class that is not proved counts wherever it may be used: by its symbol, its types, or everywhere"
	chosen   = "all parsers and templates count wherever text is taken to words"
	same     = "the type is another one of what names it"
	ofTypes  = "the type's own functions are reached by what has values of it"
)

// irrelevant are the places that need not be read, and why.
var irrelevant = map[string]string{
	"pg_aggregate.aggfnoid":     "the aggregate itself, which a text names",
	"pg_language.lanplcallfoid": unread, "pg_language.laninline": unread, "pg_transform.trffromsql": unread, "pg_transform.trftosql": unread,
	"pg_transform.trflang": unread, "pg_transform.trftype": unread, "pg_proc.protrftypes": unread,
	"pg_class.relpartbound":                "constants, which were evaluated when the partition was made",
	"pg_publication_rel.prqual":            "is evaluated by those who send changes to subscribers",
	"pg_foreign_data_wrapper.fdwvalidator": unknown, "pg_language.lanvalidator": unknown, "pg_user_mapping.umserver": unknown,
	"pg_aggregate.aggsortop": anywhere, "pg_amop.amopfamily": anywhere, "pg_amop.amopsortfamily": anywhere, "pg_amproc.amprocfamily": anywhere,
	"pg_amop.amoplefttype": anywhere, "pg_amop.amoprighttype": anywhere, "pg_index.indclass": anywhere, "pg_opclass.opcfamily": anywhere, "pg_opclass.opcmethod": anywhere, "pg_opfamily.opfmethod": anywhere,
	"pg_opclass.opcintype": anywhere, "pg_opclass.opckeytype": anywhere, "pg_partitioned_table.partclass": anywhere, "pg_range.rngsubopc": anywhere,
	"pg_constraint.conffeqop": anywhere, "pg_constraint.conpfeqop": anywhere, "pg_constraint.conppeqop": anywhere,
	"pg_statistic.staop1": anywhere, "pg_statistic.staop2": anywhere, "pg_statistic.staop3": anywhere, "pg_statistic.staop4": anywhere, "pg_statistic.staop5": anywhere,
	"pg_ts_config.cfgparser": chosen, "pg_ts_config_map.mapcfg": chosen, "pg_ts_config_map.mapdict": chosen, "pg_ts_dict.dicttemplate": chosen,
	"pg_aggregate.aggtranstype": ofTypes, "pg_aggregate.aggmtranstype": ofTypes, "pg_operator.oprresult": ofTypes, "pg_sequence.seqtypid": ofTypes,
	"pg_class.reltype": same, "pg_class.reloftype": same, "pg_proc.provariadic": same, "pg_type.typarray": same, "pg_enum.enumtypid": same,
}

// testdata/places.txt is what real servers have: see tests/catalogue/places_test.go.
func TestEveryPlaceWhereAServerKeepsCodeIsReadOrIrrelevant(t *testing.T) {
	text, err := os.ReadFile("testdata/places.txt")
	require.NoError(t, err)
	places := strings.Fields(string(text))
	require.Greater(t, len(places), 100)
	for _, place := range places {
		if shown, ok := read[place]; ok {
			assert.Contains(t, namesSQL+relationsSQL+unnamedSQL, shown, place)
			continue
		}
		assert.NotEmpty(t, irrelevant[place], "%s is neither read nor irrelevant", place)
	}
	for place := range read {
		assert.Empty(t, irrelevant[place])
		assert.True(t, strings.HasPrefix(place, "pg_"))
	}
}
