package routing

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"time"
)

// HandlerOptions is how [Handler] keeps sessions. The zero value keeps none from one request to the next.
type HandlerOptions struct {
	// Cookie is the name of a cookie that carries the session to the browser's next request, so that a user sees what he has just written.
	// Empty = there is none. The cookie tells a position in the cluster's history, and nothing else: whoever changes it only changes which
	// servers answer him.
	Cookie string
	// MaxAge is how long the browser keeps it. Replicas that are further behind can show old data again. 0 = until the browser is closed.
	MaxAge time.Duration
	// Path is the cookie's; empty = "/".
	Path string
	// Insecure has the cookie sent over plain HTTP as well.
	Insecure bool
}

// Handler wraps a handler so that each request is a session of its own, as with [NewSession]: it sees what it has written itself, and requests
// that only read use replicas.
func Handler(next http.Handler, o HandlerOptions) http.Handler {
	if o.Path == "" {
		o.Path = "/"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx := NewSession(req.Context())
		if o.Cookie == "" {
			next.ServeHTTP(w, req.WithContext(ctx))
			return
		}
		told := ""
		if cookie, err := req.Cookie(o.Cookie); err == nil && cookie.Value != "" {
			told = cookie.Value
			ctx = WithToken(ctx, told)
		}
		cw := &cookieWriter{ResponseWriter: w, ctx: ctx, options: o, told: told}
		next.ServeHTTP(cw, req.WithContext(ctx))
		cw.tell() // if nothing was written
	})
}

// cookieWriter sets the cookie as late as it can: when the header is sent.
type cookieWriter struct {
	http.ResponseWriter
	ctx     context.Context
	options HandlerOptions
	told    string // what the browser has
	done    bool
}

func (w *cookieWriter) tell() {
	if w.done {
		return
	}
	w.done = true
	token := Token(w.ctx)
	if token == "" || token == w.told {
		return
	}
	http.SetCookie(w.ResponseWriter, &http.Cookie{
		Name: w.options.Cookie, Value: token, Path: w.options.Path, MaxAge: int(w.options.MaxAge / time.Second),
		HttpOnly: true, Secure: !w.options.Insecure, SameSite: http.SameSiteLaxMode,
	})
}

// WriteHeader sends the header with the cookie.
func (w *cookieWriter) WriteHeader(status int) {
	if status >= http.StatusOK { // those before are not the last
		w.tell()
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends the header first.
func (w *cookieWriter) Write(p []byte) (int, error) {
	w.tell()
	return w.ResponseWriter.Write(p)
}

// Flush sends the header, and what was written.
func (w *cookieWriter) Flush() {
	w.tell()
	_ = http.NewResponseController(w.ResponseWriter).Flush() // as an http.Flusher, it has nobody to tell
}

// Hijack takes the connection over, where the server lets it be taken: some libraries do not look for Unwrap.
func (w *cookieWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap is for [http.ResponseController].
func (w *cookieWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
