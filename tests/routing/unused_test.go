package routing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unusedHarm is an operator, a cast, a domain and an aggregate that change the session of whoever uses them.
const unusedHarm = `
	create function leak() returns boolean language plpgsql as $$begin perform set_config('app.leak', '1', false); return true; end$$;
	create function op(int, int) returns boolean language sql as 'select leak()';
	create operator === (leftarg = int, rightarg = int, function = op);
	create type pair as (a int);
	create function of_pair(pair) returns int language plpgsql as $$begin perform leak(); return 1; end$$;
	create cast (pair as int) with function of_pair(pair) as implicit;
	create domain checked as int check (leak());
	create function add(int, int) returns int language plpgsql as $$begin perform leak(); return 1; end$$;
	create aggregate total(int) (sfunc = add, stype = int)`

// harmlessReads are what services read with: operators, casts, aggregates and joins, of the server itself.
var harmlessReads = []string{
	countRegisters,
	"select id, n from register where id = 1 and n <> 7 order by id limit 5",
	"select sum(n), max(n)::text, avg(n + 1) from register where id between 1 and 100",
	"select a.id::bigint, coalesce(b.n, 0) from register a left join register b on a.id = b.id and a.n >= b.n",
	"select cast(n as numeric), case when n > 1 then 'x' || n else 'y' end from register where id in (1, 2)",
}

// harmfulReads use what is harmful.
var harmfulReads = []string{"select 1 from register where 1 === id", "select total(id) from register"}

func TestReadsGoToReplicasAlsoWhereHarmIsDefinedThatTheyDoNotUse(t *testing.T) {
	cluster := postgresFamily.cluster(t, 1)
	for _, defined := range []string{"", unusedHarm} {
		if defined != "" {
			cluster.Nodes[0].Exec(defined)
		}
		p := open(t, postgresFamily, cluster, nil)
		for _, text := range harmlessReads {
			p.readable(t, text)
			assert.Equal(t, 20, p.onReplica(t, text, 20), text)
		}
		if defined != "" {
			for _, text := range harmfulReads {
				assert.Zero(t, p.onReplica(t, text, 20), "what is used counts: %s", text)
			}
		}
	}
}

// onReplica counts how often a replica answers a read that comes so many times.
func (p *pool) onReplica(t *testing.T, text string, times int) (n int) {
	t.Helper()
	for range times {
		p.query(t, text)
		if p.last(t) > 0 {
			n++
		}
	}
	return n
}

// query reads all rows of a text.
func (p *pool) query(t *testing.T, text string) {
	t.Helper()
	rows, err := p.QueryContext(t.Context(), text)
	require.NoError(t, err)
	for rows.Next() {
	}
	require.NoError(t, rows.Err())
	require.NoError(t, rows.Close())
}
