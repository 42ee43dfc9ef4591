package mysql

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
)

const (
	uuidA = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
	uuidB = "4f22fb58-82db-22f2-af44-d91bb0530673"
)

func at(t *testing.T, text string) dialect.Position {
	t.Helper()
	p, err := Dialect{}.Position(text)
	require.NoError(t, err, text)
	return p
}

func TestPositionOfMariaDBCoversWhatTheSameServerWroteInEveryDomain(t *testing.T) {
	for _, tc := range []struct {
		at, p  string
		covers bool
		behind string
	}{
		{"0-1-100", "0-1-100", true, "0 transactions"},
		{"0-1-101", "0-1-100", true, "0 transactions"},
		{"0-1-99", "0-1-100", false, "1 transaction"},
		{"0-2-150", "0-1-100", false, ""}, // a failover: from which transaction on, nobody knows
		{"0-2-100", "0-1-100", false, ""},
		{"0-1-100", "0-2-150", false, "50 transactions"},
		{"0-1-100/5-1-1", "0-1-100", true, "0 transactions"},
		{"0-1-100", "0-1-100/5-1-7", false, "7 transactions"},
		{"0-1-90/5-1-5", "0-1-100/5-1-7", false, "12 transactions"},
		{"5-1-7/0-1-100", "0-1-100/5-1-7", true, "0 transactions"},
		{"0-1-18446744073709551615", "0-1-1", true, "0 transactions"},
		{"0-1-100", uuidA + ":1", false, ""},
	} {
		assert.Equal(t, tc.covers, at(t, tc.at).Covers(at(t, tc.p)), "%s covers %s", tc.at, tc.p)
		assert.Equal(t, tc.behind, at(t, tc.at).Behind(at(t, tc.p)), "%s behind %s", tc.at, tc.p)
	}
	assert.False(t, at(t, "0-1-100").Covers(nil))
}

func TestPositionOfMySQLCoversItsSubsets(t *testing.T) {
	for _, tc := range []struct {
		at, p  string
		covers bool
		behind string
	}{
		{uuidA + ":1-5", uuidA + ":1-5", true, "0 transactions"},
		{uuidA + ":1-5", uuidA + ":1-3:5", true, "0 transactions"},
		{uuidA + ":1-3:5", uuidA + ":1-5", false, "1 transaction"},
		{uuidA + ":1-5", uuidA + ":1-5/" + uuidB + ":1-7", false, "7 transactions"},
		{uuidA + ":1-5/" + uuidB + ":1-7", uuidB + ":6-7", true, "0 transactions"},
		{uuidA + ":1-5:blue:1", uuidA + ":1-5", true, "0 transactions"},
		{uuidA + ":1-5", uuidA + ":blue:1-5", false, "5 transactions"},
		{strings.ToUpper(uuidA) + ":1", uuidA + ":1", true, "0 transactions"},
		{uuidA + ":1", "0-1-1", false, ""},
	} {
		assert.Equal(t, tc.covers, at(t, tc.at).Covers(at(t, tc.p)), "%s covers %s", tc.at, tc.p)
		assert.Equal(t, tc.behind, at(t, tc.at).Behind(at(t, tc.p)), "%s behind %s", tc.at, tc.p)
	}
	assert.False(t, at(t, uuidA+":1").Covers(nil))
}

func TestPositionIsReadAsTheServerWritesIt(t *testing.T) {
	for text, want := range map[string]string{
		uuidA + ":1-5":                           uuidA + ":1-5",
		uuidB + ":7,\n" + uuidA + ":1-2:3:5-9":   uuidA + ":1-3:5-9/" + uuidB + ":7",
		strings.ToUpper(uuidA) + ":5-5:1":        uuidA + ":1:5",
		uuidA + ":1-5:blue:3:1-2:green_1:9":      uuidA + ":1-5/" + uuidA + ":blue:1-3/" + uuidA + ":green_1:9",
		uuidA + " : 1 - 5":                       "",
		uuidA:                                    "",
		uuidA + ":":                              "",
		uuidA + ":0-5":                           "",
		uuidA + ":5-1":                           "",
		uuidA + ":blue":                          "",
		uuidA + ":blue:green:1":                  "",
		uuidA + ":1-99999999999999999999":        "",
		"x" + uuidA + ":1":                       "",
		"3e11fa47x71ca-11e1-9e33-c80aa9429562:1": "",
		uuidA + ":1," + uuidB:                    "",
		"5-1-7,0-1-100":                          "0-1-100/5-1-7",
		" 0-1-100 ":                              "0-1-100",
		"0-1":                                    "",
		"0-1-100-1":                              "",
		"0-1-x":                                  "",
		"0-1-100,0-2-100":                        "",
		"4294967296-1-1":                         "",
		"-1-1-1":                                 "",
		"":                                       "",
		",":                                      "",
		"1/0/3000148":                            "",
		"0-1-18446744073709551615/4294967295-4294967295-0": "0-1-18446744073709551615/4294967295-4294967295-0",
	} {
		p, err := Dialect{}.Position(text)
		if want == "" {
			assert.Error(t, err, text)
			assert.Nil(t, p, text)
			continue
		}
		require.NoError(t, err, text)
		assert.Equal(t, want, p.String(), text)
		assert.Equal(t, p, at(t, p.String()))
	}
}

func TestPrimaryOfMariaDBJoinsWhatItLoggedAndWhatItReplicated(t *testing.T) {
	for _, tc := range [][3]string{
		{"0-1-7,7-9-2", "0-1-7", "0-1-7/7-9-2"}, // the server had another id
		{"", "0-1-100", "0-1-100"},              // a promoted replica without log_slave_updates
		{"0-2-101", "0-2-101", "0-2-101"},
		{"0-2-101", "0-1-100,3-1-5", "0-2-101/3-1-5"},
		{"0-1-100", "0-2-101", "0-2-101"},
	} {
		p, err := primaryPosition(tc[0], tc[1])
		require.NoError(t, err)
		assert.Equal(t, tc[2], p.String())
	}
	p, err := primaryPosition("", "")
	require.NoError(t, err)
	assert.Nil(t, p)
}

// FuzzSetsAgreeWithSetsOfNumbers makes sets of bytes, each one an interval, and holds them against maps.
func FuzzSetsAgreeWithSetsOfNumbers(f *testing.F) {
	f.Add([]byte{0x11, 0x35, 0x80}, []byte{0x12})
	f.Add([]byte{0x1f}, []byte{0x11, 0x33, 0x55, 0x9f})
	f.Add([]byte{}, []byte{0xff})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		setA, naiveA := sets(t, a)
		setB, naiveB := sets(t, b)
		missing := uint64(0)
		for id := range naiveB {
			if !naiveA[id] {
				missing++
			}
		}
		assert.Equal(t, missing, setA.missing(setB))
		assert.Equal(t, missing == 0, setA.Covers(setB))
		assert.Equal(t, transactions(missing), setA.Behind(setB))
		if len(a) > 0 {
			assert.Equal(t, setA, at(t, setA.String()))
			assert.Equal(t, uint64(len(naiveA)), (&gtidSet{}).missing(setA))
		}
	})
}

// sets reads each byte as source, first number and length.
func sets(t *testing.T, data []byte) (*gtidSet, map[[2]uint64]bool) {
	t.Helper()
	naive := map[[2]uint64]bool{}
	set := &gtidSet{map[string][]interval{}}
	sources := []string{uuidA, uuidB, uuidA + ":blue"}
	for _, b := range data {
		source, first, more := uint64(b)%3, uint64(b)/3%16+1, uint64(b)/48
		name := sources[source]
		set.executed[name] = append(set.executed[name], interval{first, first + more})
		for n := first; n <= first+more; n++ {
			naive[[2]uint64{source, n}] = true
		}
	}
	for name, all := range set.executed {
		set.executed[name] = tidy(all)
	}
	return set, naive
}

func FuzzPositionIsWhatItsTextSays(f *testing.F) {
	for _, text := range []string{"0-1-100", "0-1-100/5-1-7", uuidA + ":1-5:7", uuidA + ":1:blue:2-3/" + uuidB + ":9", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Dialect{}.Position(text)
		if err != nil {
			return
		}
		assert.NotContains(t, p.String(), " ")
		assert.NotContains(t, p.String(), ",")
		assert.NotContains(t, p.String(), ";")
		again, err := Dialect{}.Position(p.String())
		require.NoError(t, err)
		assert.Equal(t, p, again)
		assert.True(t, again.Covers(p))
	})
}
