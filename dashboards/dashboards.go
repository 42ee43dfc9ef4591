// Package dashboards has a Grafana dashboard and Prometheus alert rules for the metrics that pooled tells through OpenTelemetry.
//
// They are files: import pooled.json into Grafana, and list alerts.yml among the rule_files of Prometheus. A program may also take
// them from here.
package dashboards

import (
	_ "embed" // for what follows
	"encoding/json"
)

// JSON is the dashboard, as Grafana imports it.
//
//go:embed pooled.json
var JSON []byte

// Alerts are the rules, as Prometheus reads them.
//
//go:embed alerts.yml
var Alerts []byte

// Dashboard is what a program may want to know of the dashboard. Grafana knows more.
type Dashboard struct {
	Panels     []Panel `json:"panels"`
	Templating struct {
		List []Variable `json:"list"`
	} `json:"templating"`
}

// Variable is what a reader chooses at the top of the dashboard. In expressions it is written with a dollar before its name.
type Variable struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	Definition string `json:"definition"`
}

// Panel is a picture, or the title of those that follow it if its type is "row".
type Panel struct {
	ID          int      `json:"id"`
	Type        string   `json:"type"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	GridPos     Position `json:"gridPos"`
	FieldConfig struct {
		Defaults Field `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []Target `json:"targets"`
}

// Position is a place in a grid of 24 columns.
type Position struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

// Field tells how values are shown.
type Field struct {
	Unit   string `json:"unit"`
	Custom struct {
		Stacking struct {
			Mode string `json:"mode"` // normal: one on top of the other
		} `json:"stacking"`
	} `json:"custom"`
	Thresholds struct {
		Steps []Step `json:"steps"`
	} `json:"thresholds"`
	Mappings []struct {
		Options map[string]Meaning `json:"options"`
	} `json:"mappings"`
}

// Step is the colour of values from a threshold on.
type Step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"` // nil: from the beginning
}

// Meaning is how a value is shown that stands for a word.
type Meaning struct {
	Text  string `json:"text"`
	Color string `json:"color"`
}

// Target is what Prometheus is asked.
type Target struct {
	RefID        string `json:"refId"`
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat"`
}

// Parse reads JSON.
func Parse() (Dashboard, error) {
	var d Dashboard
	err := json.Unmarshal(JSON, &d)
	return d, err
}
