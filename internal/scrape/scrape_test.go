package scrape_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/scrape"
)

func TestSamplesAreReadAsPrometheusReadsThem(t *testing.T) {
	all, err := scrape.Read(strings.NewReader(`# HELP calls_total Calls, {by="kind"} 1.
# TYPE calls_total counter
calls_total{kind="read",server="db1:5432"} 3
calls_total{kind="write",server="db1:5432"} 4 1395066363000
calls_total{kind="a \"quote\", a } and a \\",server="db2:5432",} 1e+3

wait_bucket{le="+Inf"} 8
waiting 0.5
age NaN
`))
	require.NoError(t, err)
	assert.Equal(t, []string{"age", "calls_total", "wait_bucket", "waiting"}, all.Names())
	assert.InDelta(t, 1007.0, all.Sum("calls_total"), 0)
	assert.InDelta(t, 7.0, all.Sum("calls_total", "server", "db1:5432"), 0)
	assert.InDelta(t, 4.0, all.Sum("calls_total", "server", "db1:5432", "kind", "write"), 0)
	assert.InDelta(t, 1000.0, all.Sum("calls_total", "kind", `a "quote", a } and a \`), 0)
	assert.InDelta(t, 0.5, all.Sum("waiting"), 0)
	assert.Equal(t, scrape.Samples{{Name: "wait_bucket", Labels: map[string]string{"le": "+Inf"}, Value: 8}}, all.Of("wait_bucket"))
	assert.True(t, math.IsNaN(all.Sum("age")))
	assert.Empty(t, all.Of("calls_total", "kind", "other"))
}

func TestWhatIsNoScrapeIsAnError(t *testing.T) {
	for _, text := range []string{"name", "name value", `name{label="value" 1`, `name{label=value} 1`, `name{label} 1`} {
		_, err := scrape.Read(strings.NewReader(text))
		assert.ErrorContains(t, err, "scrape: ", text)
	}
}
