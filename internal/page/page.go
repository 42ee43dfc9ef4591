// Package page is the page on which a person sees who holds the pool's connections: for how long, from which line of code, and what
// for. The same is there as JSON for programs.
//
//	mux.Handle("/debug/pool", page.Handler(page.Source{
//		Name:  "db.example:5432",
//		Held:  connector.Held,
//		Stats: func() any { return connector.Stats() },
//	}))
//
// What it is not: a monitor. It keeps no history, does not refresh itself, and changes nothing. It asks nobody who they are either: where
// it is mounted decides who sees it.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the files below
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"github.com/gopooled/pooled/held"
)

// Source is what the page shows. Its functions are called for each request, possibly by several at once.
type Source struct {
	// Name is the title: the address of the endpoint, such as db.example:5432.
	Name string
	// Held returns the connections in use, the oldest first.
	Held func() []held.Conn
	// Stats returns the figures: a struct, or a map. nil: there are none.
	Stats func() any
}

func (s Source) stats() any {
	if s.Stats == nil {
		return nil
	}
	return s.Stats()
}

var (
	//go:embed page.html
	markup string
	//go:embed page.css
	style string
)

// Handler returns the page: HTML, or JSON for a request with ?format=json or with an Accept header that prefers it. It answers GET and
// HEAD, whatever the path. All links in it are relative, so it can be mounted anywhere.
func Handler(s Source) http.Handler {
	// Parsed here, not in a variable of the package: its initialization would link the engine of html/template into programs that show no
	// page.
	html := template.Must(template.New("page").Parse(markup))
	policy := contentPolicy()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer") // the path may be a secret
		h.Set("Vary", "Accept")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "pooled: this page can only be read, with GET or HEAD", http.StatusMethodNotAllowed)
			return
		}

		// All of it is made before the first byte goes out: an error is then a status, not half a page.
		var body bytes.Buffer
		var err error
		if wantsJSON(r) {
			h.Set("Content-Type", "application/json; charset=utf-8")
			err = writeJSON(&body, s.Held(), s.stats())
		} else {
			h.Set("Content-Type", "text/html; charset=utf-8")
			err = html.Execute(&body, newView(s.Name, s.Held(), s.stats(), time.Now()))
		}
		if err != nil {
			http.Error(w, "pooled: cannot show the connections: "+err.Error(), http.StatusInternalServerError)
			return
		}
		h.Set("Content-Length", strconv.Itoa(body.Len()))
		if r.Method == http.MethodGet {
			_, _ = w.Write(body.Bytes()) // an error means that the reader has gone
		}
	})
}

// contentPolicy allows the one style sheet, by its hash, and nothing else: what is shown came from statements and names that others wrote.
func contentPolicy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
