package postgres

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
)

func TestPositionCoversWhatIsBehindItOnItsTimeline(t *testing.T) {
	for _, tc := range []struct {
		at, p  string
		covers bool
		behind string
	}{
		{"1/0/3000148", "1/0/3000148", true, "0 bytes"},
		{"1/0/3000150", "1/0/3000148", true, "0 bytes"},
		{"1/0/3000140", "1/0/3000148", false, "8 bytes"},
		{"1/1/0", "1/0/FFFFFFFF", true, "0 bytes"},
		{"1/0/FFFFFFFF", "1/1/0", false, "1 bytes"},
		{"1/0/0", "1/0/55000", false, "340 kB"},
		{"1/0/0", "1/0/1400000", false, "20 MB"},
		{"1/0/0", "1/5/0", false, "20 GB"},
		{"1/0/0", "1/FFFFFFFF/0", false, "16777216 TB"},
		{"2/0/5000000", "1/0/3000148", false, ""},
		{"1/0/5000000", "2/0/3000148", false, ""},
		{"0/0/5000000", "0/0/3000148", false, ""}, // the timeline is not known
		{"0/0/3000140", "0/0/3000148", false, "8 bytes"},
	} {
		at, err := Dialect{}.Position(tc.at)
		require.NoError(t, err)
		p, err := Dialect{}.Position(tc.p)
		require.NoError(t, err)
		assert.Equal(t, tc.covers, at.Covers(p), "%s covers %s", tc.at, tc.p)
		assert.Equal(t, tc.behind, at.Behind(p), "%s behind %s", tc.at, tc.p)
		assert.Equal(t, tc.at, at.String())
		assert.False(t, at.Covers(nil))
	}
}

func TestTextThatIsNoPositionIsRefused(t *testing.T) {
	for _, text := range []string{"", "1", "1/", "1/0", "1/0/", "1//0", "x/0/0", "1/0/g", "1/0/100000000", "-1/0/0", "1/0/0/0", "0/3000148", "0-1-100"} {
		p, err := Dialect{}.Position(text)
		assert.Error(t, err, text)
		assert.Nil(t, p, text)
	}
}

func TestPlaceOfAPrimaryThatBeginsAPageIsBeforeItsHeader(t *testing.T) {
	const file = 16 << 20
	for lsn, want := range map[uint64]uint64{
		3 * file:              3 * file,
		3*file + 24:           3*file + 24, // inside of the header
		3*file + 40:           3 * file,
		3*file + 48:           3*file + 48,
		3*file + 8192:         3*file + 8192,
		3*file + 8192 + 24:    3*file + 8192,
		3*file + 8192 + 40:    3*file + 8192 + 40, // 16 bytes of a record
		3*file + 8192*100 + 8: 3*file + 8192*100 + 8,
	} {
		assert.Equal(t, want, beforeHeader(lsn, "8192", "16777216"), "%X", lsn)
		assert.Equal(t, lsn, beforeHeader(lsn, "16384", "16777216"))
		assert.Equal(t, lsn, beforeHeader(lsn, "", ""))
	}
	assert.EqualValues(t, 3<<20, beforeHeader(3<<20+40, "8192", "1048576"), "a small file")
	assert.EqualValues(t, 3<<20+40, beforeHeader(3<<20+40, "8192", "16777216"), "a page inside of a file")
}

func TestSightIsWhatTheServerTells(t *testing.T) {
	row := func(values ...string) [][]byte {
		all := make([][]byte, len(values))
		for i, v := range values {
			all[i] = []byte(v)
		}
		return all
	}
	for _, tc := range []struct {
		row  [][]byte
		want dialect.Sight
	}{
		{
			row("f", "0/3000028", "0000000A0000000000000003", "8192", "16777216", "9", "77", "5:5:", "t"),
			dialect.Sight{Role: dialect.RolePrimary, Cluster: "77", Timeline: 10, Position: position{10, 0x3000000}},
		},
		{
			row("t", "0/3000028", "", "8192", "16777216", "9", "77", "", "t"),
			dialect.Sight{Role: dialect.RoleReplica, Cluster: "77", Timeline: 9, Position: position{9, 0x3000028}},
		},
		{row("t", "", "", "8192", "16777216", "9", "", "", "t"), dialect.Sight{Role: dialect.RoleReplica, Timeline: 9}}, // nothing replayed yet
		{row("t", "1/0", "", "8192", "16777216", "", "", "", "t"), dialect.Sight{Role: dialect.RoleReplica, Position: position{0, 1 << 32}}},
		{row("t", "1/0", "", "8192", "16777216", "9", "77", "", "f"), dialect.Sight{
			Role: dialect.RoleReplica, Cluster: "77", Timeline: 9, Position: position{9, 1 << 32}, Missing: "pg_monitor",
		}},
		{row("f", "", "", "", "", "", "", "", "t"), dialect.Sight{Role: dialect.RolePrimary}},
	} {
		got, err := new(replication).sight(tc.row)
		require.NoError(t, err)
		assert.Equal(t, tc.want, got)
	}
}

func TestWhatNoTransactionHasWrittenMovesNoPosition(t *testing.T) {
	var r replication
	at := func(snapshot string, lsn uint64, timeline uint64) uint64 {
		return r.since(snapshot, position{timeline, lsn}).lsn
	}
	assert.EqualValues(t, 100, at("5:5:", 100, 1))
	assert.EqualValues(t, 100, at("5:5:", 200, 1), "nothing was committed")
	assert.EqualValues(t, 300, at("5:6:", 300, 1))
	assert.EqualValues(t, 300, at("5:6:", 400, 1))
	assert.EqualValues(t, 50, at("5:6:", 50, 2), "another history")
}
