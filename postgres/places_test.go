package postgres

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/testserver"
)

// placesSQL lists the columns of the server's catalogues that hold an expression or lead to a function.
const placesSQL = `select c.relname || '.' || a.attname
	from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
	where c.oid < 16384 and c.relkind = 'r' and c.relnamespace = 'pg_catalog'::regnamespace and a.attnum > 0
		and a.atttypid in ('pg_node_tree'::regtype, 'regproc'::regtype)
	union select fktable || '.' || fkcols[1] from pg_catalog.pg_get_catalog_foreign_keys() where pktable = 'pg_catalog.pg_proc'::regclass
	order by 1`

// read are the places that the catalogue's copy reads, with what shows it in catalogue.sql.
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
	"pg_type.typmodin": "t.typmodin", "pg_type.typmodout": "t.typmodout",
}

const (
	ofC     = "takes or returns what only functions in C can"
	unknown = "statements that come here are unknown"
)

// irrelevant are the places that need not be read, and why.
var irrelevant = map[string]string{
	"pg_aggregate.aggfnoid":    "the aggregate itself, which a text names",
	"pg_aggregate.aggserialfn": ofC, "pg_aggregate.aggdeserialfn": ofC,
	"pg_am.amhandler": ofC, "pg_conversion.conproc": ofC, "pg_foreign_data_wrapper.fdwhandler": ofC, "pg_language.lanplcallfoid": ofC, "pg_language.laninline": ofC,
	"pg_operator.oprjoin": ofC, "pg_operator.oprrest": ofC, "pg_proc.prosupport": ofC, "pg_transform.trffromsql": ofC, "pg_transform.trftosql": ofC,
	"pg_ts_parser.prsend": ofC, "pg_ts_parser.prsheadline": ofC, "pg_ts_parser.prslextype": ofC, "pg_ts_parser.prsstart": ofC, "pg_ts_parser.prstoken": ofC,
	"pg_ts_template.tmplinit": ofC, "pg_ts_template.tmpllexize": ofC, "pg_type.typanalyze": ofC, "pg_type.typsubscript": ofC,
	"pg_class.relpartbound":                "constants, which were evaluated when the partition was made",
	"pg_publication_rel.prqual":            "is evaluated by those who send changes to subscribers",
	"pg_foreign_data_wrapper.fdwvalidator": unknown, "pg_language.lanvalidator": unknown,
}

// A version that runs code from somewhere else is noticed here.
func TestEveryPlaceWhereTheServerKeepsCodeIsReadOrIrrelevant(t *testing.T) {
	for version, server := range map[string]string{"15": testserver.Postgres(t), "18": testserver.Postgres18(t)} {
		t.Run(version, func(t *testing.T) {
			conn, err := pgx.Connect(t.Context(), server)
			require.NoError(t, err)
			defer conn.Close(t.Context())
			rows, err := conn.Query(t.Context(), placesSQL)
			require.NoError(t, err)
			places, err := pgx.CollectRows(rows, pgx.RowTo[string])
			require.NoError(t, err)
			require.Greater(t, len(places), 50)
			for _, place := range places {
				if shown, ok := read[place]; ok {
					assert.Contains(t, namesSQL+relationsSQL+unnamedSQL, shown, place)
					continue
				}
				assert.NotEmpty(t, irrelevant[place], "%s is neither read nor irrelevant", place)
			}
		})
	}
	for place := range read {
		assert.Empty(t, irrelevant[place])
		assert.True(t, strings.HasPrefix(place, "pg_"))
	}
}
