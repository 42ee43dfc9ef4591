package page

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// wantsJSON reports whether the answer to r is JSON: r says so in its query, or its Accept header prefers JSON to HTML.
func wantsJSON(r *http.Request) bool {
	if r.URL.Query().Get("format") == "json" {
		return true
	}
	accept := strings.Join(r.Header.Values("Accept"), ",")
	json, html := weigh(accept, "application", "json"), weigh(accept, "text", "html")
	if json.quality != html.quality {
		return json.quality > html.quality
	}
	// "application/json, */*" is how programs ask for JSON. Where nothing tells the two apart, it is a person.
	return json.quality > 0 && json.exactness > html.exactness
}

// weight is how much a type is wanted, and how exactly it was named: 3 by its name, 2 as type/*, 1 as */*, 0 not at all.
type weight struct {
	quality   float64
	exactness int
}

// weigh finds the weight of a type. The most exact range that covers it decides (RFC 9110, section 12.5.1); ranges that cannot be read
// are ignored.
func weigh(accept, major, minor string) weight {
	var best weight
	for part := range strings.SplitSeq(accept, ",") {
		name, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		w := weight{quality: 1}
		switch name {
		case major + "/" + minor:
			w.exactness = 3
		case major + "/*":
			w.exactness = 2
		case "*/*":
			w.exactness = 1
		}
		if q, ok := params["q"]; ok {
			if w.quality, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		if w.exactness > best.exactness {
			best = w
		}
	}
	return best
}
