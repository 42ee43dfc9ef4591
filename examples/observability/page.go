package main

import (
	_ "embed" // for the page
	"encoding/json"
	"html/template"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/gopooled/pooled/dashboards"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"json": func(v any) (string, error) { text, err := json.Marshal(v); return string(text), err },
}).Parse(pageText))

// all are the choices of the dashboard's variables: everything. Grafana makes the interval of rates from the time between scrapes, which is a second here.
var all = strings.NewReplacer("$__rate_interval", "10s", "$job", ".*", "$instance", ".*", "$pool", ".*")

// panels are those of the dashboard, with expressions that Prometheus understands.
func panels() ([]dashboards.Panel, error) {
	dashboard, err := dashboards.Parse()
	if err != nil {
		return nil, err
	}
	for _, panel := range dashboard.Panels {
		for i := range panel.Targets {
			panel.Targets[i].Expr = all.Replace(panel.Targets[i].Expr)
		}
	}
	return dashboard.Panels, nil
}

// addPage adds the page to the site, and Prometheus' API, from which its script has the figures. Without Prometheus there is neither.
func addPage(site *http.ServeMux, p *prometheus) error {
	if !p.running() {
		return nil
	}
	panels, err := panels()
	if err != nil {
		return err
	}
	target, err := url.Parse(p.url)
	if err != nil {
		return err
	}
	site.Handle("/api/v1/", httputil.NewSingleHostReverseProxy(target))
	site.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, map[string]any{"Panels": panels, "Prometheus": p.url}) // whoever asked may have gone
	})
	return nil
}
