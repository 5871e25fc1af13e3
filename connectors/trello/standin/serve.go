package standin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connector/standin"
)

// api is the server without faults.
type api struct{ s *Server }

// Refuse implements standin.Refuser with Trello's own words, for faults that
// are wrapped around the server.
func (s *Server) Refuse(w http.ResponseWriter, r *http.Request, status int) {
	api{s}.Refuse(w, r, status)
}

// Refuse implements standin.Refuser for the faults of Options.
func (a api) Refuse(w http.ResponseWriter, r *http.Request, status int) {
	switch status {
	case http.StatusTooManyRequests:
		key, token := credentials(r)
		a.s.rates.tell(w.Header(), key, token, a.s.now())
		a.s.fail(w, throttled("API_TOKEN_LIMIT_EXCEEDED", "Rate limit exceeded"))
	case http.StatusUnauthorized:
		a.s.fail(w, denied("expired token"))
	default:
		a.s.fail(w, &refusal{status: status, message: http.StatusText(status)})
	}
}

// ServeHTTP implements http.Handler.
func (a api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := a.s
	if r.URL.Path == "/" && r.Method == http.MethodGet {
		standin.RenderBoards(w, "Trello (stand-in)", s.PageBoards())
		return
	}
	if s.shown(w, r) {
		return
	}
	r = routed(r)
	h := w.Header()
	h.Set("X-Trello-Version", "1.2052.0")
	h.Set("X-Trello-Environment", "Production")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	h.Set("Cache-Control", "max-age=0, no-cache, no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, PUT, POST, DELETE")
	h.Set("Access-Control-Allow-Headers", "Authorization, Accept, Content-Type")
	h.Set("Access-Control-Expose-Headers", exposed)
	h.Set("X-Server-Time", strconv.FormatInt(s.now().UnixMilli(), 10))
	h.Set("Date", s.now().UTC().Format(http.TimeFormat))
	h.Set("Expires", s.now().UTC().Format(http.TimeFormat))
	_, pattern := s.routes.Handler(r)
	status := &watched{ResponseWriter: w}
	began := s.now()
	if err := s.admit(h, r); err != nil {
		s.fail(status, err)
	} else if pattern == "" {
		s.fail(status, &refusal{status: http.StatusNotFound, message: "Cannot " + r.Method + " this path"})
	} else {
		s.routes.ServeHTTP(status, r)
	}
	s.log.Debug("trello stand-in", "call", pattern, "status", status.status, "took", s.now().Sub(began))
}

const exposed = "x-rate-limit-api-key-interval-ms, x-rate-limit-api-key-max, x-rate-limit-api-key-remaining, x-rate-limit-api-token-interval-ms, x-rate-limit-api-token-max, x-rate-limit-api-token-remaining"

// routed is the request with its path as the routes have it: no slash at the
// end, and customFields in either case, as recorded clients write it.
func routed(r *http.Request) *http.Request {
	path := strings.TrimRight(r.URL.Path, "/")
	if rest, ok := strings.CutPrefix(path, "/1/customfields"); ok {
		path = "/1/customFields" + rest
	}
	if path == r.URL.Path {
		return r
	}
	u := *r.URL
	u.Path, u.RawPath = path, ""
	n := r.WithContext(r.Context())
	n.URL = &u
	return n
}

type watched struct {
	http.ResponseWriter
	status int
}

func (w *watched) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

var oauthPart = regexp.MustCompile(`(oauth_consumer_key|oauth_token)="([^"]*)"`)

// credentials reads key and token from the Authorization header or the query.
func credentials(r *http.Request) (key, token string) {
	if h := r.Header.Get("Authorization"); strings.HasPrefix(h, "OAuth ") {
		for _, m := range oauthPart.FindAllStringSubmatch(h, -1) {
			if m[1] == "oauth_token" {
				token = m[2]
			} else {
				key = m[2]
			}
		}
		return key, token
	}
	q := r.URL.Query()
	return q.Get("key"), q.Get("token")
}

// admit checks the credentials and counts the request. The parts of a batch
// count as requests: the documentation does not say that they do not.
func (s *Server) admit(h http.Header, r *http.Request) error {
	key, token := credentials(r)
	if key != s.key {
		return denied("invalid key")
	}
	cost := 1
	if r.URL.Path == "/1/batch" {
		cost = min(max(len(batchURLs(r.URL.Query().Get("urls"))), 1), 10)
	}
	if err := s.rates.take(h, key, token, r.URL.Path, cost); err != nil {
		return err
	}
	s.mu.Lock()
	state, readOnly, whose := s.tokenState, s.readOnly, s.tokens[token]
	s.mu.Unlock()
	switch {
	case token == "":
		return denied("unauthorized permission requested")
	case whose == nil, state == tokenRevoked:
		return denied("invalid token")
	case state == tokenExpired:
		return denied("expired token")
	case readOnly && r.Method != http.MethodGet:
		return denied("unauthorized permission requested")
	}
	return nil
}

func (s *Server) fail(w http.ResponseWriter, err error) {
	var e *refusal
	if !errors.As(err, &e) {
		e = &refusal{status: http.StatusInternalServerError, message: "Internal Server Error"}
	}
	if e.code != "" {
		body, _ := encode(map[string]string{"error": e.code, "message": e.message}) // strings always encode
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(e.status)
		_, _ = w.Write(body) // a failure means that the client has gone
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(e.status)
	_, _ = w.Write([]byte(e.message))
}

// A handler answers one route, with the server locked.
type handler func(q *call) (any, error)

// route makes an http.Handler of a handler.
func (s *Server) route(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if within, ok := r.Context().Value(partKey{}).(func(handler, *http.Request)); ok {
			within(h, r)
			return
		}
		q, err := s.newCall(r)
		if err != nil {
			s.fail(w, err)
			return
		}
		body, err := s.answer(h, q)
		if err != nil {
			s.fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(body) // a failure means that the client has gone
	}
}

// answer runs a handler and encodes what it says, all under one lock.
func (s *Server) answer(h handler, q *call) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.as(q.r)()
	v, err := h(q)
	if err != nil {
		return nil, err
	}
	return encode(v)
}

// none is what Trello answers to some writes that have nothing to say.
func none() map[string]any { return map[string]any{"_value": nil} }

// removed is what Trello answers when something was deleted.
func removed() map[string]any { return map[string]any{"limits": map[string]any{}} }

// batchURLs splits the routes of a batch: each begins with "/", and commas
// within one stand in its query.
func batchURLs(v string) []string {
	if v == "" {
		return nil
	}
	parts := strings.Split(v, ",/")
	for i := range parts {
		if i > 0 {
			parts[i] = "/" + parts[i]
		}
	}
	return parts
}

// batch answers GET /batch: up to ten reads, each with a status of its own.
func (s *Server) batch(q *call) (any, error) {
	urls := batchURLs(q.str("urls"))
	if len(urls) == 0 || len(urls) > 10 {
		return nil, invalid("urls")
	}
	out := make([]any, 0, len(urls))
	for _, u := range urls {
		v, err := s.part(q, u)
		var e *refusal
		switch {
		case err == nil:
			out = append(out, map[string]any{"200": v})
		case errors.As(err, &e):
			out = append(out, map[string]any{"name": strings.ReplaceAll(http.StatusText(e.status), " ", "") + "Error", "message": e.message, "statusCode": e.status})
		default:
			return nil, err
		}
	}
	return out, nil
}

type partKey struct{}

// part answers one route of a batch. The route's handler leaves its answer in
// the context's slot instead of writing it, since the server is locked already.
func (s *Server) part(q *call, route string) (any, error) {
	u, err := url.Parse(route)
	if err != nil || !strings.HasPrefix(route, "/") || strings.HasPrefix(route, "/batch") {
		return nil, invalid("urls")
	}
	u.Path = "/1" + u.Path
	var slot struct {
		v   any
		err error
	}
	slot.err = missing()
	ctx := context.WithValue(q.r.Context(), partKey{}, func(h handler, r *http.Request) {
		sub, err := s.newCall(r)
		if err != nil {
			slot.err = err
			return
		}
		sub.at = q.at
		slot.v, slot.err = h(sub)
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, invalid("urls")
	}
	r.Host = q.r.Host
	s.routes.ServeHTTP(&discard{}, routed(r))
	return slot.v, slot.err
}

type discard struct{ h http.Header }

func (d *discard) Header() http.Header {
	if d.h == nil {
		d.h = http.Header{}
	}
	return d.h
}
func (*discard) Write(p []byte) (int, error) { return len(p), nil }
func (*discard) WriteHeader(int)             {}
