// Package page is the page of a pool, for somebody on call who has never seen it: what is wrong, since when and what to do; how each server is and was in the last 15
// minutes; who holds the connections; what has happened; and the settings in force. The same is there as JSON for programs.
//
//	mux.Handle("/debug/pool", page.Handler(page.Source{Look: look}))
//
// It takes no connection and waits for nothing that a caller of the pool can hold up, so it works when the pool does not. It loads nothing from elsewhere.
//
// What it is not: a monitor. What it knows ends with the program. It asks nobody who they are: where it is mounted decides who sees it.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the files below
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"strconv"
)

// The actions that the page can offer.
const (
	Evict = "evict"
	Drain = "drain"
)

// Source is what the page shows and does. Its functions are called by several requests at once.
type Source struct {
	// Look takes the pool down as it is, without its troubles. It does not block.
	Look func() Pool
	// Authorize reports whether whoever sent the request may do something with the pool: [Evict] or [Drain]. Nil = nobody may do anything.
	Authorize func(r *http.Request, action string) bool
	// Act does it. The endpoint is that of Evict; empty: all. It does not wait until it is done. Its error is told to whoever asked.
	Act func(action, endpoint string) error
}

var (
	//go:embed page.html
	markup string
	//go:embed page.css
	style string
	//go:embed page.js
	script string
)

// handler answers for a Source.
type handler struct {
	Source
	html   *template.Template
	policy string
}

// Handler returns the page: HTML, or JSON for a request with ?format=json or with an Accept header that prefers it. It answers GET and HEAD, whatever the path, and POST
// where somebody may do something. All links in it are relative, so it can be mounted anywhere.
func Handler(s Source) http.Handler {
	// Parsed here, not in a variable of the package: its initialization would link the engine of html/template into programs that show no
	// page.
	return &handler{Source: s, html: template.Must(template.New("page").Parse(markup)), policy: contentPolicy(s.Authorize != nil)}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", h.policy)
	header.Set("Referrer-Policy", "same-origin") // the path may be a secret; the origin is what tells a form of this page from another's
	header.Set("Vary", "Accept")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	switch {
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		h.show(w, r)
	case r.Method == http.MethodPost && h.Authorize != nil:
		h.act(w, r)
	case h.Authorize != nil:
		header.Set("Allow", "GET, HEAD, POST")
		http.Error(w, "pooled: this page knows GET, HEAD and POST", http.StatusMethodNotAllowed)
	default:
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "pooled: this page can only be read, with GET or HEAD", http.StatusMethodNotAllowed)
	}
}

// show answers with the page.
func (h *handler) show(w http.ResponseWriter, r *http.Request) {
	pool := h.Look()
	complete(&pool)
	// All of it is made before the first byte goes out: an error is then a status, not half a page.
	var body bytes.Buffer
	var err error
	if wantsJSON(r) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		err = writeJSON(&body, &pool)
	} else {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		err = h.html.Execute(&body, newView(&pool, func(action string) bool { return h.Authorize != nil && h.Authorize(r, action) }))
	}
	if err != nil {
		http.Error(w, "pooled: cannot show the pool: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body.Bytes()) // an error means that the reader has gone
	}
}

// mostForm is how many bytes the form of an action may have.
const mostForm = 4096

// act does what a form of the page asks for, and leads back to it.
func (h *handler) act(w http.ResponseWriter, r *http.Request) {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		http.Error(w, "pooled: this form was sent by another site", http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "pooled: the form cannot be read", http.StatusBadRequest)
		return
	}
	action := r.PostForm.Get("action")
	if action != Evict && action != Drain {
		http.Error(w, "pooled: the action is "+Evict+" or "+Drain, http.StatusBadRequest)
		return
	}
	if !h.Authorize(r, action) {
		http.Error(w, "pooled: you may not "+action, http.StatusForbidden)
		return
	}
	if err := h.Act(action, r.PostForm.Get("endpoint")); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Location", "?") // relative to where the page is mounted, which nobody here knows
	w.WriteHeader(http.StatusSeeOther)
}

// complete finds the troubles of a pool, puts what is wrong first, and makes lists of what would be null.
func complete(p *Pool) {
	p.Format = Format
	p.Troubles = findTroubles(p)
	worstFirst(p)
	p.Servers, p.Held = notNil(p.Servers), notNil(p.Held)
	p.Events, p.Settings = notNil(p.Events), notNil(p.Settings)
	p.Routes = countsOf(p.Routes)
	for i := range p.Servers {
		s := &p.Servers[i]
		s.Classes, s.History = notNil(s.Classes), notNil(s.History)
		s.Totals.Closed, s.Totals.Resets, s.Totals.Effects = countsOf(s.Totals.Closed), countsOf(s.Totals.Resets), countsOf(s.Totals.Effects)
	}
	for i := range p.Events {
		if p.Events[i].Details == nil {
			p.Events[i].Details = map[string]string{}
		}
	}
}

func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func countsOf(c Counts) Counts {
	if c == nil {
		return Counts{}
	}
	return c
}

func writeJSON(w io.Writer, p *Pool) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ") // people read it too
	return enc.Encode(p)
}

// contentPolicy allows the one style sheet and the one script, by their hashes, the script to fetch the page again and, where somebody may act, forms that lead here. What is
// shown came from statements and names that others wrote.
func contentPolicy(forms bool) string {
	target := "'none'"
	if forms {
		target = "'self'"
	}
	return "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(script) + "; connect-src 'self'; base-uri 'none'; form-action " + target +
		"; frame-ancestors 'none'"
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
