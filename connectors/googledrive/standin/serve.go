package standin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/rialto-migrate/rialto/connector/standin"
)

// A failure is what Drive says no with.
type failure struct {
	status          int
	reason, message string
}

func (f *failure) Error() string { return f.message }

func fail(status int, reason, format string, args ...any) *failure {
	return &failure{status, reason, fmt.Sprintf(format, args...)}
}

func missing(id string) *failure { return fail(404, "notFound", "File not found: %s.", id) }

// answer sends JSON.
func answer(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // never: the bodies are made here
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(b) // whoever has gone does not mind
}

// refuse says no in Drive's form
// (https://developers.google.com/workspace/drive/api/guides/handle-errors).
func refuse(w http.ResponseWriter, f *failure) {
	answer(w, f.status, map[string]any{"error": map[string]any{"code": f.status, "message": f.message,
		"errors": []any{map[string]string{"message": f.message, "domain": "global", "reason": f.reason}}}})
}

// Refuse implements standin.Refuser.
func (s *Server) Refuse(w http.ResponseWriter, _ *http.Request, status int) {
	refuse(w, fail(status, map[int]string{401: "authError", 403: "userRateLimitExceeded", 429: "rateLimitExceeded"}[status], "%s", http.StatusText(status)))
}

// serve answers one request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch path {
	case "/":
		s.page(w)
		return
	case "/token":
		s.token(w, r)
		return
	}
	who := s.caller(r)
	if who == nil {
		refuse(w, fail(401, "authError", "Invalid Credentials"))
		return
	}
	if session := r.URL.Query().Get("upload_id"); session != "" {
		s.resume(w, r, session)
		return
	}
	if cost := cost(r); s.o.Units > 0 && !s.limiter.Take(who.id, s.now(), cost).OK {
		refuse(w, fail(403, "userRateLimitExceeded", "User Rate Limit Exceeded"))
		return
	}
	if rest, ok := strings.CutPrefix(path, "/upload/drive/v3/files"); ok {
		s.receive(w, r, who, strings.Trim(rest, "/"))
		return
	}
	rest, ok := strings.CutPrefix(path, "/drive/v3/")
	if !ok {
		refuse(w, fail(404, "notFound", "Not Found"))
		return
	}
	c := &call{Server: s, w: w, r: r, who: who, q: r.URL.Query()}
	if err := c.run(strings.Split(rest, "/")); err != nil {
		refuse(w, err)
	}
}

// cost is what a call takes of the quota.
func cost(r *http.Request) int {
	path := strings.TrimSuffix(r.URL.Path, "/")
	switch {
	case r.Method != http.MethodGet:
		return 50
	case strings.HasSuffix(path, "/files"), strings.HasSuffix(path, "/drives"), strings.HasSuffix(path, "/changes"), strings.HasSuffix(path, "/permissions"):
		return 100
	case strings.HasSuffix(path, "/export"), r.URL.Query().Get("alt") == "media":
		return 200
	}
	return 5
}

var _ standin.Cloud = (*Server)(nil)
