package standin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A refusal is an error as Trello answers it: most are plain text, some JSON
// with a code.
type refusal struct {
	status        int
	code, message string // code "" for plain text
}

func (e *refusal) Error() string { return e.message }

func bad(format string, args ...any) error {
	return &refusal{status: http.StatusBadRequest, message: fmt.Sprintf(format, args...)}
}

func invalid(name string) error { return bad("invalid value for %s", name) }

func denied(message string) error {
	return &refusal{status: http.StatusUnauthorized, message: message}
}

// missing is what the recorded answers say of a thing that is not there.
func missing() error {
	return &refusal{status: http.StatusNotFound, message: "The requested resource was not found."}
}

// A call is one request with its parameters, which Trello takes from the
// query, a form, multipart or JSON alike.
type call struct {
	r    *http.Request
	s    *Server
	at   time.Time
	by   *member // who acts, in changes from Go; nil for the token's owner
	vals map[string]string
	json map[string]any // the body as it came, if it was JSON
	file *upload
}

// An upload is a file of a multipart body, in memory.
type upload struct {
	name, mime string
	data       []byte
}

const maxForm = 4 << 20

func (s *Server) newCall(r *http.Request) (*call, error) {
	q := &call{r: r, s: s, at: s.now().UTC().Truncate(time.Millisecond), vals: map[string]string{}}
	for k, v := range r.URL.Query() {
		q.vals[k] = v[len(v)-1]
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Body == nil {
		return q, nil
	}
	typ, args, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case typ == "multipart/form-data":
		return q, q.multipart(args["boundary"])
	case typ == "application/json":
		body, err := readAll(r.Body, maxForm)
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(body)) == 0 {
			return q, nil
		}
		if err := json.Unmarshal(body, &q.json); err != nil {
			return nil, bad("Error parsing body: invalid JSON")
		}
		for k, v := range q.json {
			q.flatten(k, v)
		}
	default:
		body, err := readAll(r.Body, maxForm)
		if err != nil {
			return nil, err
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, bad("Error parsing body")
		}
		for k, v := range form {
			q.vals[k] = v[len(v)-1]
		}
	}
	return q, nil
}

func readAll(r io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, bad("the body was cut off")
	}
	if int64(len(b)) > most {
		return nil, &refusal{status: http.StatusRequestEntityTooLarge, message: "request entity too large"}
	}
	return b, nil
}

func (q *call) multipart(boundary string) error {
	parts, err := q.r.MultipartReader()
	if err != nil || boundary == "" {
		return bad("Error parsing body: no multipart boundary")
	}
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return bad("Error parsing body: the multipart body is cut off")
		}
		if p.FormName() != "file" && p.FormName() != "fileSource" {
			v, err := readAll(p, maxForm)
			if err != nil {
				return err
			}
			q.vals[p.FormName()] = string(v)
			continue
		}
		most := q.s.limits.UploadBytes
		if most <= 0 {
			most = math.MaxInt64 - 1
		}
		data, err := readAll(p, most)
		if err != nil {
			return err
		}
		q.file = &upload{name: p.FileName(), mime: p.Header.Get("Content-Type"), data: data}
	}
}

func (q *call) flatten(name string, v any) {
	switch v := v.(type) {
	case nil:
		q.vals[name] = "null"
	case string:
		q.vals[name] = v
	case bool:
		q.vals[name] = strconv.FormatBool(v)
	case float64:
		q.vals[name] = strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		all := make([]string, len(v))
		for i, x := range v {
			all[i] = fmt.Sprint(x)
		}
		q.vals[name] = strings.Join(all, ",")
	case map[string]any:
		for k, x := range v {
			q.flatten(name+"["+k+"]", x)
			q.flatten(name+"/"+k, x)
		}
	}
}

// get returns a parameter and whether it was sent at all.
func (q *call) get(name string) (string, bool) {
	v, ok := q.vals[name]
	return v, ok
}

func (q *call) str(name string) string { return q.vals[name] }

// text reads a text of at most limit characters into *into, if it was sent.
func (q *call) text(name string, into *string, required bool, limit int) error {
	v, ok := q.get(name)
	if !ok {
		if required {
			return invalid(name)
		}
		return nil
	}
	if required && strings.TrimSpace(v) == "" || limit > 0 && chars(v) > limit {
		return invalid(name)
	}
	*into = v
	return nil
}

// rename reads a new name: it may be absent, but not empty.
func (q *call) rename(into *string) error {
	if _, sent := q.get("name"); !sent {
		return nil
	}
	return q.text("name", into, true, q.s.limits.TextChars)
}

func (q *call) flag(name string, into *bool) error {
	switch v, ok := q.get(name); {
	case !ok, v == "":
	case v == "true":
		*into = true
	case v == "false":
		*into = false
	default:
		return invalid(name)
	}
	return nil
}

// is reports whether a parameter asks for something: "true", "all", "open"…
func (q *call) is(name string) bool {
	v := q.vals[name]
	return v != "" && v != "false" && v != "none"
}

// date reads a time; "" and "null" clear it.
func (q *call) date(name string, into *time.Time) error {
	v, ok := q.get(name)
	if !ok {
		return nil
	}
	if v == "" || v == "null" {
		*into = time.Time{}
		return nil
	}
	t, ok := parseTime(v)
	if !ok {
		return invalid(name)
	}
	*into = t
	return nil
}

// list reads comma-separated values.
func (q *call) list(name string) []string {
	var out []string
	for v := range strings.SplitSeq(q.vals[name], ",") {
		if v = strings.TrimSpace(v); v != "" && v != "null" {
			out = append(out, v)
		}
	}
	return out
}

// pos reads a position among siblings: "top", "bottom" or a positive number.
// step is the distance of a new last one; old is what it had, 0 for none.
func (q *call) pos(name string, siblings []float64, step, old float64) (float64, error) {
	low, high := math.Inf(1), 0.0
	for _, p := range siblings {
		low, high = min(low, p), max(high, p)
	}
	switch v, ok := q.get(name); {
	case !ok && old != 0:
		return old, nil
	case !ok, v == "", v == "bottom":
		return high + step, nil
	case v == "top":
		if len(siblings) == 0 {
			return step, nil
		}
		return low / 2, nil
	default:
		p, err := strconv.ParseFloat(v, 64)
		if err != nil || p <= 0 || math.IsInf(p, 0) || math.IsNaN(p) {
			return 0, invalid(name)
		}
		return p, nil
	}
}

// number reads a whole number within bounds.
func (q *call) number(name string, standard, least, most int) (int, error) {
	v, ok := q.get(name)
	if !ok || v == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		return 0, invalid(name)
	}
	return n, nil
}

// fields picks the fields that a parameter names: "all", a list, or, if it was
// not sent, the standard ones (nil meaning all). The id is always there.
func (q *call) fields(name string, m map[string]any, standard []string) map[string]any {
	v, ok := q.get(name)
	if !ok {
		return pick(m, standard)
	}
	if v == "all" {
		return m
	}
	return pick(m, append(q.list(name), "id"))
}

func pick(m map[string]any, names []string) map[string]any {
	if names == nil {
		return m
	}
	out := make(map[string]any, len(names))
	for k, v := range m {
		if k == "id" || slices.Contains(names, k) {
			out[k] = v
		}
	}
	return out
}

// encode writes JSON as Trello does, with <, > and & as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
