package postgres

import (
	"context"
	_ "embed"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	//go:embed catalogue_names.sql
	namesSQL string
	//go:embed catalogue_relations.sql
	relationsSQL string
	//go:embed catalogue_unnamed.sql
	unnamedSQL string
)

const (
	// lockTimeout is how long reading waits for a table that somebody changes: views are shown from their tables.
	lockTimeout = 100 * time.Millisecond
	// maxAtOnce is how many names one statement asks for.
	maxAtOnce = 500
)

// limitsSQL keeps a reading from waiting, and its plans from being made anew, or compiled. What it sets ends with the transaction.
const limitsSQL = `select pg_catalog.set_config('lock_timeout', $1, true), pg_catalog.set_config('statement_timeout', $2, true),
	pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true), pg_catalog.set_config('jit', 'off', true)`

// reading asks the server for names and for all that they can reach.
type reading struct {
	*catalogue
	conn     *pgx.Conn
	timeout  time.Duration // of each statement
	declared *declared     // nil: nothing is
}

// readCatalogue extends a catalogue, or makes a new one of nil. A connection that ran into a limit can be used on.
func readCatalogue(ctx context.Context, conn *pgx.Conn, base *catalogue, names []string, timeout time.Duration, d *declared) (*catalogue, error) {
	c, err := extend(ctx, conn, base, names, timeout, d)
	if failure := (*pgconn.PgError)(nil); errors.As(err, &failure) && stale(failure) { // the session has deallocated what the driver had prepared
		if err := conn.DeallocateAll(ctx); err != nil {
			return nil, err
		}
		return extend(ctx, conn, base, names, timeout, d)
	}
	return c, err
}

func extend(ctx context.Context, conn *pgx.Conn, base *catalogue, names []string, timeout time.Duration, d *declared) (*catalogue, error) {
	if base == nil {
		base = &catalogue{}
	}
	r := reading{&catalogue{Graph: base.Extended(names), unnamed: base.unnamed, makesTemp: base.makesTemp, declares: d != nil && len(d.Harmless) > 0}, conn, timeout, d}
	wanted := r.UnknownOf(append(names, nothingNamed))
	for first := true; len(wanted) > 0; first = false {
		var reached []string
		for some := range slices.Chunk(wanted, maxAtOnce) {
			more, err := r.ask(ctx, some, first)
			if err != nil {
				return nil, err
			}
			reached = append(reached, more...)
		}
		if wanted = r.UnknownOf(reached); len(wanted) == 0 {
			wanted = r.UnknownOf(r.missingToCall(names))
		}
	}
	r.findPerils()
	return r.catalogue, nil
}

// ask asks for some names in one round trip, and returns those that they reach: of texts' own names, also what is related to them.
func (r *reading) ask(ctx context.Context, names []string, ofTexts bool) (reached []string, err error) {
	var batch pgx.Batch
	version := major(r.conn)
	if version >= 12 {
		batch.Queue(limitsSQL, milliseconds(lockTimeout), milliseconds(r.timeout))
	}
	batch.Queue(forVersion(version, namesSQL), names)
	batch.Queue(forVersion(version, relationsSQL), names)
	all := slices.Contains(names, nothingNamed)
	if all {
		batch.Queue(unnamedSQL)
		batch.Queue(makesTempSQL)
		r.declared.queue(&batch)
	}
	results := r.conn.SendBatch(ctx, &batch)
	defer func() {
		if failed := results.Close(); err == nil {
			err = failed
		}
	}()
	if version >= 12 {
		if _, err := results.Exec(); err != nil {
			return nil, err
		}
	}
	found := nodes{}
	if err := found.readNames(results, r.declared); err != nil {
		return nil, err
	}
	if err := found.readRelations(results); err != nil {
		return nil, err
	}
	if all {
		if r.unnamed, err = readUnnamed(results); err != nil {
			return nil, err
		}
		if err := results.QueryRow().Scan(&r.makesTemp); err != nil {
			return nil, err
		}
		if err := r.declared.read(results); err != nil {
			return nil, err
		}
		of := found.of(nothingNamed)
		for i := range r.unnamed {
			of.uses = append(of.uses, r.unnamed[i].function)
		}
	}
	for _, name := range names {
		n := found[name]
		r.Nodes[name] = n
		if n != nil {
			n.reaches(func(name string) { reached = append(reached, name) })
			if ofTexts {
				reached = append(reached, n.related...)
			}
		}
	}
	return reached, nil
}

// nodes are those that one reading has found.
type nodes map[string]*node

func (n nodes) of(name string) *node {
	if n[name] == nil {
		n[name] = &node{}
	}
	return n[name]
}

// readNames reads the rows of catalogue_names.sql.
func (n nodes) readNames(results pgx.BatchResults, d *declared) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[named])
	for i := range all {
		switch f := &all[i]; f.Kind {
		case "type":
			n.of(f.Name).addType(f.Name, f.Source, f.Uses)
		case "bases":
			n.of(f.Name).addBases(f.Name, f.Source)
		default:
			n.of(f.Name).addFunction(f, d.isHarmless(f.Schema, f.Name))
		}
	}
	return err
}

// readRelations reads the rows of catalogue_relations.sql.
func (n nodes) readRelations(results pgx.BatchResults) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	relations, err := pgx.CollectRows(rows, pgx.RowToStructByPos[relation])
	for i := range relations {
		n.of(relations[i].Name).addRelation(&relations[i])
	}
	return err
}

// readUnnamed reads the rows of catalogue_unnamed.sql.
func readUnnamed(results pgx.BatchResults) (all []unnamed, err error) {
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	var u unnamed
	var types string
	_, err = pgx.ForEachRow(rows, []any{&u.kind, &u.name, &u.function, &types, &u.target}, func() error {
		u.types = appendNames(nil, types)
		all = append(all, u)
		return nil
	})
	return all, err
}

// makesTempSQL asks whether what new sessions create may be temporary, as somebody has set it so since the first was asked.
const makesTempSQL = `select exists (select from pg_catalog.pg_settings where name = 'search_path' and reset_val like '%pg_temp%')
	or exists (select from pg_catalog.pg_db_role_setting s where s.setconfig::text like '%search_path=%pg_temp%'
		and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
		and s.setrole in (0, (select oid from pg_catalog.pg_roles where rolname = session_user)))`

// forVersion leaves out of a query what a version does not have.
func forVersion(major int, query string) string {
	if major >= 14 {
		return query
	}
	if major < 12 {
		query = strings.ReplaceAll(query, "p.prosupport", "0")
	}
	return strings.NewReplacer(
		"pg_catalog.pg_get_function_sqlbody(p.oid)", "null", // bodies of functions are texts there
		"pg_catalog.pg_get_expr(s.stxexprs, s.stxrelid)", "null::text",
		"r.rngmultitypid = t.oid", "false",
		", t.typsubscript", "",
	).Replace(query)
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// major is the server's major version, 0 if it does not tell.
func major(conn *pgx.Conn) int {
	version, _, _ := strings.Cut(conn.PgConn().ParameterStatus("server_version"), ".")
	digits := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' }) // as in 18beta1
	if digits < 0 {
		digits = len(version)
	}
	n, _ := strconv.Atoi(version[:digits])
	return n
}
