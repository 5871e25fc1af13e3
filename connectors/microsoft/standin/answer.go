package standin

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// object is a JSON object on its way out.
type object = map[string]any

// A call is one Graph request, from the network or out of a $batch.
type call struct {
	method string
	path   string   // escaped, below /v1.0
	segs   []string // decoded; see splitPath
	query  url.Values
	header http.Header
	body   []byte // JSON; nil if none
	base   string // "http://127.0.0.1:8080"
	who    caller
	vars   map[string]string // what the route's {names} matched
	id     string            // request-id
}

// A caller is who a token speaks for.
type caller struct {
	app  string // client id
	user string // "" for an app on its own
}

func (c caller) delegated() bool { return c.user != "" }

// An answer is what goes back.
type answer struct {
	status int
	header http.Header
	body   any // nil for none
}

func ok(body object) (answer, error) { return answer{status: http.StatusOK, body: body}, nil }
func noContent() (answer, error)     { return answer{status: http.StatusNoContent}, nil }

// A refusal is an error in Graph's form.
type refusal struct {
	status  int
	code    string
	message string
	inner   object      // more of innerError
	header  http.Header // more headers
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.code) }

func refuse(status int, code, format string, args ...any) *refusal {
	return &refusal{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

// Planner's own service answers with an empty code and a message
// (docs: json-batching, answer 2; msgraph-sdk-dotnet#175).
func plannerRefuse(status int, format string, args ...any) *refusal {
	return refuse(status, "", format, args...)
}

func plannerNotFound() *refusal {
	return plannerRefuse(http.StatusNotFound, "The requested item is not found.")
}

func directoryNotFound(id string) *refusal {
	return refuse(http.StatusNotFound, "Request_ResourceNotFound",
		"Resource '%s' does not exist or one of its queried reference-property objects are not present.", id)
}

// body is the error as Graph writes it (docs: errors).
func (r *refusal) body(now time.Time, id, client string) object {
	inner := object{"date": now.UTC().Format("2006-01-02T15:04:05"), "request-id": id, "client-request-id": client}
	for k, v := range r.inner {
		inner[k] = v
	}
	return object{"error": object{"code": r.code, "message": r.message, "innerError": inner}}
}

// asAnswer turns what a handler returned into an answer.
func (s *Server) asAnswer(c *call, a answer, err error) answer {
	if err != nil {
		r, isRefusal := errors.AsType[*refusal](err)
		if !isRefusal {
			r = refuse(http.StatusInternalServerError, "InternalServerError", "An internal error occurred.")
		}
		client := c.header.Get("client-request-id")
		if client == "" {
			client = c.id
		}
		h := a.header
		if h == nil {
			h = http.Header{}
		}
		maps.Copy(h, r.header)
		a = answer{status: r.status, header: h, body: r.body(s.now(), c.id, client)}
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set("request-id", c.id)
	if id := c.header.Get("client-request-id"); id != "" {
		a.header.Set("client-request-id", id)
	}
	if a.body != nil {
		a.header.Set("Content-Type", "application/json; odata.metadata=minimal; odata.streaming=true; IEEE754Compatible=false; charset=utf-8")
		a.header.Set("OData-Version", "4.0")
	}
	return a
}

func (a answer) write(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[http.CanonicalHeaderKey(k)] = v
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	if text, ok := a.body.(mimeText); ok {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(a.status)
		_, _ = w.Write(text) // a failure means that the client has gone
		return
	}
	b, err := json.Marshal(a.body)
	if err != nil {
		http.Error(w, "the answer cannot be written", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(b) // a failure means that the client has gone
}

// splitPath cuts an escaped path below /v1.0 into decoded segments. Drive
// paths ("root:/a/b:/content", "items/ID:/a:") become one segment that begins
// with a colon: ["root", ":a/b", "content"].
func splitPath(escaped string) ([]string, error) {
	var out []string
	raw := strings.Split(strings.Trim(escaped, "/"), "/")
	for i := 0; i < len(raw); i++ {
		seg := raw[i]
		if !strings.HasSuffix(seg, ":") || i == 0 {
			name, err := url.PathUnescape(seg)
			if err != nil {
				return nil, err
			}
			out = append(out, name)
			continue
		}
		name, err := url.PathUnescape(strings.TrimSuffix(seg, ":"))
		if err != nil {
			return nil, err
		}
		out = append(out, name)
		var parts []string
		for i++; i < len(raw); i++ {
			part := raw[i]
			last := strings.HasSuffix(part, ":")
			if part, err = url.PathUnescape(strings.TrimSuffix(part, ":")); err != nil {
				return nil, err
			}
			parts = append(parts, part)
			if last {
				break
			}
		}
		out = append(out, ":"+strings.Join(parts, "/"))
	}
	return out, nil
}

// stamp is a time as Graph writes it.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.9999999Z07:00")
}

// stampSeconds is a time as the directory and Exchange write it.
func stampSeconds(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// orNull is a text, or null if there is none.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
