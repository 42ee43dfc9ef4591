package dashboards_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/gopooled/pooled/dashboards"
)

func TestEveryAlertFiresWhenItShouldAndNotWhenItShouldNot(t *testing.T) {
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", "alerts.yml")
	promtool(t, "test", "rules", "alerts_test.yml")
}

func TestEveryAlertHasACaseThatFiresAndOneThatDoesNot(t *testing.T) {
	var cases struct {
		Tests []struct {
			Alerts []struct {
				Name     string `yaml:"alertname"`
				Expected []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	text, err := os.ReadFile("alerts_test.yml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &cases))
	fires, staysSilent := map[string]bool{}, map[string]bool{}
	for _, test := range cases.Tests {
		for _, alert := range test.Alerts {
			if len(alert.Expected) > 0 {
				fires[alert.Name] = true
			} else {
				staysSilent[alert.Name] = true
			}
		}
	}
	all := alerts(t)
	for _, a := range all {
		assert.True(t, fires[a.Alert], "%s has no case in which it fires", a.Alert)
		assert.True(t, staysSilent[a.Alert], "%s has no case in which it does not fire", a.Alert)
	}
	assert.Len(t, fires, len(all))
	assert.Len(t, staysSilent, len(all))
}

func TestEveryAlertSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	for _, a := range alerts(t) {
		assert.NotEmpty(t, a.For, a.Alert)
		assert.Contains(t, []string{"page", "ticket"}, a.Labels["severity"], a.Alert)
		assert.NotEmpty(t, a.Annotations["summary"], a.Alert)
		assert.NotEmpty(t, a.Annotations["description"], a.Alert)
	}
}

func TestPrometheusUnderstandsEveryExpressionOfTheDashboard(t *testing.T) {
	d := parse(t)
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	rule := func(name, expr string) {
		expr = strings.NewReplacer("$__rate_interval", "1m", "$job", "shop", "$instance", "shop-1:8080", "$pool", "db1").Replace(expr)
		require.NotContains(t, expr, "$", "a variable that the dashboard does not have")
		fmt.Fprintf(&rules, "  - record: %s\n    expr: %q\n", name, expr)
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			rule(fmt.Sprintf("panel_%d_%s", p.ID, target.RefID), target.Expr)
		}
	}
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			selector := regexp.MustCompile(`^label_values\((.*), *(\w+)\)$`).FindStringSubmatch(v.Definition)
			require.Len(t, selector, 3, v.Definition)
			rule("variable_"+v.Name, fmt.Sprintf("sum by (%s) (%s)", selector[2], selector[1]))
		}
	}
	file := filepath.Join(t.TempDir(), "panels.yml")
	require.NoError(t, os.WriteFile(file, []byte(rules.String()), 0o600))
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", file)
}

func TestEveryPanelTellsWhatItShows(t *testing.T) {
	ids, titles := map[int]bool{}, map[string]bool{}
	for _, p := range parse(t).Panels {
		assert.False(t, ids[p.ID], "two panels with the id %d", p.ID)
		assert.False(t, titles[p.Title], "two panels called %q", p.Title)
		ids[p.ID], titles[p.Title] = true, true
		if p.Type == "row" {
			continue
		}
		assert.NotEmpty(t, p.Title)
		assert.NotEmpty(t, p.Description, p.Title)
		assert.NotEmpty(t, p.FieldConfig.Defaults.Unit, p.Title)
		assert.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			assertFiltered(t, target.Expr, p.Title)
			if p.Type != "stat" { // which is one figure for all that is chosen
				assert.True(t, strings.HasPrefix(target.LegendFormat, "{{instance}} {{db_client_connection_pool_name}}"), "%s: whose is %q?", p.Title, target.LegendFormat)
			}
		}
	}
}

// assertFiltered makes sure that each metric is that of what the reader has chosen: a service, its instances and their pools.
func assertFiltered(t *testing.T, expr, title string) {
	t.Helper()
	metrics := regexp.MustCompile(`\b(?:pooled|db_client)_\w+(?:\{[^}]*\})`).FindAllString(expr, -1)
	assert.NotEmpty(t, metrics, title)
	for _, metric := range metrics {
		assert.Contains(t, metric, `{job=~"$job", instance=~"$instance", db_client_connection_pool_name=~"$pool"`, title)
	}
}

func TestPanelsFillTheirRowsAndCoverNoOther(t *testing.T) {
	taken := map[[2]int]string{}
	width := map[int]int{}
	for _, p := range parse(t).Panels {
		width[p.GridPos.Y] += p.GridPos.W
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				assert.Empty(t, taken[[2]int{x, y}], "below %q", p.Title)
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
	for y, w := range width {
		assert.Equal(t, 24, w, "the panels at y=%d", y)
	}
}

// alert is a rule of alerts.yml.
type alert struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func alerts(t *testing.T) (all []alert) {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []alert }
	}
	require.NoError(t, yaml.Unmarshal(dashboards.Alerts, &file))
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	require.NotEmpty(t, all)
	return all
}

func parse(t *testing.T) dashboards.Dashboard {
	t.Helper()
	d, err := dashboards.Parse()
	require.NoError(t, err)
	require.NotEmpty(t, d.Panels)
	return d
}

// promtool is Prometheus' own judge of rules.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is missing: scripts/test-servers.sh install prometheus")
	}
	output, err := exec.Command(path, args...).CombinedOutput()
	require.NoError(t, err, string(output))
}
