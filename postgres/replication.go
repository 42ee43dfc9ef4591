package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopooled/pooled/dialect"
)

// replication implements [dialect.Replication] for one server.
type replication struct {
	refused atomic.Int32 // how many of the questions, from the first one on, the server does not answer
	// still is the first position that a primary told while the same transactions were visible to everybody: all of them are before it. What
	// it writes to its log since then is no transaction's, such as what reads clean up on their way; nothing sends that to the replicas before the next commit
	// or, without one, the next snapshot of the background writer, a quarter of a minute later.
	still atomic.Pointer[stillness]
}

// stillness is a position, and which transactions were visible when it was told.
type stillness struct {
	snapshot string
	position position
}

var _ dialect.Replication = (*replication)(nil)

// questions are asked with the best one first. A server may refuse the control functions to a user, as their privileges can be revoked, which
// PostgreSQL checks even where a CASE would not call them; and one that only speaks like PostgreSQL may not know the rest.
//
// CASE keeps from being called what fails on a server of the other role. Of the timeline, a user who is not allowed to see received_tli (a member
// of pg_read_all_stats is) gets what the control file knows: after a promotion elsewhere, that may be the old timeline until the next restartpoint.
var questions = [...]string{
	`select replica, lsn, walfile, block_size, segment_size, coalesce(received, control.timeline), control.cluster, snapshot, sees
		from (` + places + `) as places, (select system.system_identifier as cluster, greatest(checkpoint.timeline_id, recovery.min_recovery_end_timeline) as timeline
			from pg_catalog.pg_control_system() as system, pg_catalog.pg_control_checkpoint() as checkpoint, pg_catalog.pg_control_recovery() as recovery) as control`,
	`select replica, lsn, walfile, block_size, segment_size, received, null, snapshot, sees from (` + places + `) as places`,
	`select pg_catalog.pg_is_in_recovery(), null, null, null, null, null, null, null, true`,
}

const places = `select replica,
		case when replica then pg_catalog.pg_last_wal_replay_lsn() else pg_catalog.pg_current_wal_insert_lsn() end as lsn,
		case when not replica then pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()) end as walfile,
		pg_catalog.current_setting('wal_block_size') as block_size,
		pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')) as segment_size,
		case when not replica then pg_catalog.txid_current_snapshot()::text end as snapshot,
		(select received_tli from pg_catalog.pg_stat_wal_receiver) as received,
		pg_catalog.pg_has_role('pg_read_all_stats', 'usage') as sees
	from (select pg_catalog.pg_is_in_recovery() as replica) as server`

// Look asks in one round trip, but for the first time on a server that refuses a question.
func (r *replication) Look(ctx context.Context, conn driver.Conn) (dialect.Sight, error) {
	c, err := pgxConn(conn)
	if err != nil {
		return dialect.Sight{}, err
	}
	for {
		asked := r.refused.Load()
		results, err := c.PgConn().Exec(ctx, questions[asked]).ReadAll()
		if refuses(err) && int(asked) < len(questions)-1 {
			r.refused.CompareAndSwap(asked, asked+1)
			continue
		}
		if err != nil {
			return dialect.Sight{}, err
		}
		if len(results) != 1 || len(results[0].Rows) != 1 {
			return dialect.Sight{}, errors.New("pooled: the server has answered with something else than one row")
		}
		return r.sight(results[0].Rows[0])
	}
}

// refuses reports whether a server cannot or will not answer a question at all.
func refuses(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "42501", // insufficient_privilege
		"0A000",                            // feature_not_supported
		"42883", "42P01", "42703", "42704": // undefined function, table, column, object
		return true
	default:
		return false
	}
}

// sight makes sense of the columns of the questions. Those that the server does not know are null, and so are empty.
func (r *replication) sight(row [][]byte) (dialect.Sight, error) {
	replica, lsn, walfile, blockSize, segmentSize, timeline, cluster := string(row[0]), string(row[1]), string(row[2]), string(row[3]), string(row[4]),
		string(row[5]), string(row[6])
	s := dialect.Sight{Role: dialect.RolePrimary, Cluster: cluster}
	var err error
	switch {
	case replica == "t":
		s.Role = dialect.RoleReplica
		if string(row[8]) != "t" {
			s.Missing = "pg_monitor"
		}
		if timeline != "" {
			s.Timeline, err = strconv.ParseUint(timeline, 10, 32)
		}
	case len(walfile) >= timelineDigits:
		s.Timeline, err = strconv.ParseUint(walfile[:timelineDigits], 16, 32)
	}
	if err != nil {
		return dialect.Sight{}, fmt.Errorf("pooled: a timeline of the server: %w", err)
	}
	if lsn == "" { // no log has been replayed yet
		return s, nil
	}
	at := position{timeline: s.Timeline}
	if at.lsn, err = parseLSN(lsn); err != nil {
		return dialect.Sight{}, fmt.Errorf("pooled: a position of the server: %w", err)
	}
	if s.Role == dialect.RolePrimary {
		at.lsn = beforeHeader(at.lsn, blockSize, segmentSize)
		at = r.since(string(row[7]), at)
	}
	s.Position = at
	return s, nil
}

// since returns the first position of a primary with these visible transactions. The server takes the snapshot before it looks at its position.
func (r *replication) since(snapshot string, at position) position {
	if known := r.still.Load(); known != nil && known.snapshot == snapshot && known.position.timeline == at.timeline {
		return known.position
	}
	r.still.Store(&stillness{snapshot, at})
	return at
}

// timelineDigits begin the name of a log file.
const timelineDigits = 8

// beforeHeader returns where the last record ends, given where the next one will begin. These differ at the beginning of a page, where its header comes
// first: an idle replica has replayed up to the header (XLogBytePosToRecPtr and XLogBytePosToEndRecPtr in PostgreSQL's source). The sizes of headers
// are known for the usual page size only.
func beforeHeader(lsn uint64, blockSize, segmentSize string) uint64 {
	const (
		pageSize   = 8192
		header     = 24 // SizeOfXLogShortPHD
		longHeader = 40 // SizeOfXLogLongPHD, of the first page of a file
	)
	segment, err := strconv.ParseUint(segmentSize, 10, 64)
	if blockSize != "8192" || err != nil || segment < pageSize {
		return lsn
	}
	inFile := lsn % segment
	switch {
	case inFile == longHeader:
		return lsn - longHeader
	case inFile > pageSize && lsn%pageSize == header:
		return lsn - header
	default:
		return lsn
	}
}
