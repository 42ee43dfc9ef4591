package dashboards_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dashboards"
)

// Grafana's own types read the dashboard: a field that Grafana does not know, that is missing, or that has another type there, is a mistake. So are options that a kind of
// panel does not have, and parts of a query that the data source for Prometheus does not know.
func TestGrafanasOwnTypesReadEveryFieldOfTheDashboard(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	assert.Empty(t, mistakes(t, string(dashboards.JSON)))

	var d dashboard.Dashboard //nolint:staticcheck // the newer one is of another format, which older Grafanas do not import
	require.NoError(t, json.Unmarshal(dashboards.JSON, &d))
	require.NoError(t, d.Validate())
	require.Len(t, d.Panels, len(parse(t).Panels))
	for i, p := range d.Panels {
		if p.RowPanel == nil {
			require.NotNil(t, p.Panel, "panel %d", i)
			assert.NotEmpty(t, p.Panel.Targets, *p.Panel.Title)
			assert.NotNil(t, p.Panel.Options, *p.Panel.Title)
		}
	}
}

func TestTheJudgeOfTheDashboardIsStrict(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for what, change := range map[string][2]string{
		"a field of the dashboard":     {`"graphTooltip":`, `"graphTolltip":`},
		"a field of a panel":           {`"gridPos":`, `"gridPosition":`},
		"an option of a kind of panel": {`"displayMode":`, `"display":`},
		"a part of a query":            {`"legendFormat":`, `"legend":`},
		"a value of another type":      {`"justifyMode": "auto"`, `"justifyMode": 1`},
	} {
		text := strings.Replace(string(dashboards.JSON), change[0], change[1], 1)
		require.NotEqual(t, string(dashboards.JSON), text, what)
		assert.NotEmpty(t, mistakes(t, text), "%s is wrong, and nobody says so", what)
	}
}

// mistakes lists what Grafana's types say is wrong with a dashboard. They return an error also where it has no mistake in it.
func mistakes(t *testing.T, text string) (all []string) {
	t.Helper()
	err := new(dashboard.Dashboard).UnmarshalJSONStrict([]byte(text)) //nolint:staticcheck // as above
	var found cog.BuildErrors
	require.ErrorAs(t, err, &found)
	for _, e := range found {
		all = append(all, e.Error())
	}
	return all
}
