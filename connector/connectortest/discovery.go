package connectortest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Discovery is a contract in Google's own form, a discovery document
// (https://developers.google.com/discovery/v1/reference/apis): methods with their
// parameters, and schemas. What passes through its Transport is held against it, as far
// as files are concerned: parameters, masks of fields, bodies, answers and refusals.
type Discovery struct {
	t       testing.TB
	doc     discoveryDoc
	methods []discoveryMethod
	skip    *regexp.Regexp

	mu   sync.Mutex
	seen map[string]int
}

type discoveryDoc struct {
	ServicePath string                       `json:"servicePath"`
	Parameters  map[string]discoverySchema   `json:"parameters"`
	Schemas     map[string]discoverySchema   `json:"schemas"`
	Resources   map[string]discoveryResource `json:"resources"`
}

type discoveryResource struct {
	Methods   map[string]discoveryMethod   `json:"methods"`
	Resources map[string]discoveryResource `json:"resources"`
}

type discoveryMethod struct {
	ID          string                     `json:"id"`
	Path        string                     `json:"path"`
	HTTPMethod  string                     `json:"httpMethod"`
	Parameters  map[string]discoverySchema `json:"parameters"`
	Request     *discoverySchema           `json:"request"`
	Response    *discoverySchema           `json:"response"`
	Download    bool                       `json:"supportsMediaDownload"`
	MediaUpload struct {
		Protocols struct {
			Simple struct {
				Path string `json:"path"`
			} `json:"simple"`
		} `json:"protocols"`
	} `json:"mediaUpload"`
}

// A discoverySchema is that of a value, or a parameter.
type discoverySchema struct {
	Ref         string                     `json:"$ref"`
	Type        string                     `json:"type"`
	Format      string                     `json:"format"`
	Description string                     `json:"description"`
	ReadOnly    bool                       `json:"readOnly"`
	Required    bool                       `json:"required"`
	Location    string                     `json:"location"`
	Enum        []string                   `json:"enum"`
	Properties  map[string]discoverySchema `json:"properties"`
	Additional  *discoverySchema           `json:"additionalProperties"`
	Items       *discoverySchema           `json:"items"`
}

// told reports whether only the cloud sets a value.
func (s discoverySchema) told() bool {
	return s.ReadOnly || strings.HasPrefix(s.Description, "Output only.")
}

// LoadDiscovery reads a contract; one that is not there skips the test. Paths that skip
// names are no part of the API.
func LoadDiscovery(t testing.TB, path string, skip *regexp.Regexp) *Discovery {
	t.Helper()
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("the contract %s is missing", path)
	}
	if err != nil {
		t.Fatalf("the contract cannot be read: %v", err)
	}
	d := &Discovery{t: t, skip: skip, seen: map[string]int{}}
	if err := json.Unmarshal(data, &d.doc); err != nil {
		t.Fatalf("the contract %s cannot be read: %v", path, err)
	}
	d.collect(d.doc.Resources)
	return d
}

func (d *Discovery) collect(all map[string]discoveryResource) {
	for _, r := range all {
		d.methods = slices.AppendSeq(d.methods, maps.Values(r.Methods))
		d.collect(r.Resources)
	}
}

// Seen counts the exchanges by method: "drive.files.list".
func (d *Discovery) Seen() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.seen)
}

// Transport checks what passes through another transport.
func (d *Discovery) Transport(next http.RoundTripper) http.RoundTripper {
	return discoveryTransport{d, next}
}

type discoveryTransport struct {
	d    *Discovery
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t discoveryTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.d.skip != nil && t.d.skip.MatchString(r.URL.Path) {
		return t.next.RoundTrip(r)
	}
	var sent []byte
	if r.Body != nil {
		var err error
		sent, err = io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(got), failed{err}))
		return resp, nil
	}
	resp.Body = io.NopCloser(bytes.NewReader(got))
	t.d.check(r, sent, resp, got)
	return resp, nil
}

// find is the method that a request calls, and whether as an upload.
func (d *Discovery) find(r *http.Request) (m discoveryMethod, upload, ok bool) {
	best := -1
	for _, c := range d.methods {
		if c.HTTPMethod != r.Method {
			continue
		}
		for i, pattern := range []string{"/" + d.doc.ServicePath + c.Path, c.MediaUpload.Protocols.Simple.Path} {
			literal, matches := discoveryPath(pattern, r.URL.EscapedPath())
			if matches && pattern != "" && literal > best {
				m, upload, ok, best = c, i == 1, true, literal
			}
		}
	}
	return m, upload, ok
}

// discoveryPath matches a path with a pattern; literal is how many parts are words.
func discoveryPath(pattern, path string) (literal int, ok bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return 0, false
	}
	for i, w := range want {
		switch {
		case strings.HasPrefix(w, "{"):
			if have[i] == "" {
				return 0, false
			}
		case w == have[i]:
			literal++
		default:
			return 0, false
		}
	}
	return literal, true
}

func (d *Discovery) check(r *http.Request, sent []byte, resp *http.Response, got []byte) {
	d.t.Helper()
	if r.URL.Query().Get("upload_id") != "" {
		d.session(r, resp, got)
		return
	}
	m, upload, ok := d.find(r)
	if !ok {
		d.t.Errorf("%s %s: the contract has no such method", r.Method, shape(r.URL.Path))
		return
	}
	d.mu.Lock()
	d.seen[m.ID]++
	d.mu.Unlock()
	say := func(where, format string, args ...any) {
		d.t.Helper()
		d.t.Errorf("%s: %s: %s", m.ID, where, fmt.Sprintf(format, args...))
	}
	if resp.StatusCode < 400 {
		// What is refused may be wrong.
		d.parameters(say, m, r.URL.Query())
		d.body(say, m, upload, r, sent)
	}
	d.answer(say, m, upload, r, resp, got)
}

type sayer func(where, format string, args ...any)

func (d *Discovery) parameters(say sayer, m discoveryMethod, q url.Values) {
	for name, values := range q {
		p, ok := m.Parameters[name]
		if !ok {
			p, ok = d.doc.Parameters[name]
		}
		if !ok || p.Location != "query" {
			say("query "+name, "the contract has no such parameter")
			continue
		}
		for _, v := range values {
			switch {
			case p.Type == "boolean" && v != "true" && v != "false", p.Type == "integer" && !isInt(v):
				say("query "+name, "%q is no %s", v, p.Type)
			case len(p.Enum) > 0 && !slices.Contains(p.Enum, v):
				say("query "+name, "%q is none of %v", v, p.Enum)
			}
		}
	}
	for name, p := range m.Parameters {
		if p.Required && p.Location == "query" && !q.Has(name) {
			say("query "+name, "it is required")
		}
	}
	if fields := q.Get("fields"); fields != "" && m.Response != nil {
		if rest := d.mask(say, *m.Response, fields, ""); rest != "" {
			say("query fields", "it cannot be read from %q on", rest)
		}
	}
}

func isInt(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil
}

// mask holds a selection of fields against a schema; it returns what it did not read.
func (d *Discovery) mask(say sayer, of discoverySchema, text, at string) string {
	of = d.resolve(of)
	for {
		i := strings.IndexAny(text, ",()/")
		if i < 0 {
			i = len(text)
		}
		name := text[:i]
		text = text[i:]
		if of.Items != nil {
			of = d.resolve(*of.Items)
		}
		below, ok := of.Properties[name]
		if !ok && of.Additional != nil {
			below, ok = *of.Additional, true
		}
		if !ok {
			say("query fields", "%s has no field %q", at, name)
		}
		if strings.HasPrefix(text, "(") {
			if text = d.mask(say, below, text[1:], at+"/"+name); !strings.HasPrefix(text, ")") {
				return "(" + text
			}
			text = text[1:]
		}
		if !strings.HasPrefix(text, ",") {
			return text
		}
		text = text[1:]
	}
}

func (d *Discovery) resolve(s discoverySchema) discoverySchema {
	if s.Ref != "" {
		return d.doc.Schemas[s.Ref]
	}
	return s
}

// body holds what was sent against the method's request.
func (d *Discovery) body(say sayer, m discoveryMethod, upload bool, r *http.Request, sent []byte) {
	typ, args, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if upload && r.URL.Query().Get("uploadType") == "multipart" {
		parts := multipart.NewReader(bytes.NewReader(sent), args["boundary"])
		first, err := parts.NextRawPart()
		if err != nil || typ != "multipart/related" {
			say("body", "it is no multipart/related with two parts")
			return
		}
		if t, _, _ := mime.ParseMediaType(first.Header.Get("Content-Type")); t != "application/json" {
			say("body", "its first part is of type %q", t)
		}
		sent, _ = io.ReadAll(first) // it is in memory
		if second, err := parts.NextRawPart(); err != nil || second.Header.Get("Content-Type") == "" {
			say("body", "its second part has no type")
		}
		typ = "application/json"
	}
	switch {
	case m.Request == nil && len(sent) > 0:
		say("body", "the method takes none")
	case m.Request == nil:
	case typ != "application/json":
		say("body", "its type is %q", typ)
	default:
		d.json(say, "body", *m.Request, sent, true)
	}
}

// answer holds an answer against the method's response; refusals have Google's form.
func (d *Discovery) answer(say sayer, m discoveryMethod, upload bool, r *http.Request, resp *http.Response, got []byte) {
	q := r.URL.Query()
	typ, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode >= 400:
		var told struct {
			Error struct {
				Code    int    `json:"code"`
				Message string `json:"message"`
				Errors  []struct {
					Reason string `json:"reason"`
				} `json:"errors"`
			} `json:"error"`
		}
		if json.Unmarshal(got, &told) != nil || told.Error.Code != resp.StatusCode || told.Error.Message == "" || len(told.Error.Errors) == 0 || told.Error.Errors[0].Reason == "" {
			say("refusal", "%d is not in Google's form", resp.StatusCode)
		}
	case upload && q.Get("uploadType") == "resumable":
		if resp.Header.Get("Location") == "" || len(got) > 0 {
			say("answer", "the beginning of an upload names no address, or has a body")
		}
	case q.Get("alt") == "media" || m.ID == "drive.files.export":
		if !m.Download {
			say("answer", "the method gives no bytes")
		}
	case m.Response == nil:
		if len(got) > 0 {
			say("answer", "the method answers nothing")
		}
	case typ != "application/json":
		say("answer", "its type is %q", typ)
	default:
		d.json(say, "answer", *m.Response, got, false)
	}
}

var (
	discoverySpan = regexp.MustCompile(`^bytes (\d+-\d+|\*)/(\d+|\*)$`)
	discoveryHeld = regexp.MustCompile(`^bytes=0-\d+$`)
)

// session holds what is sent to the address of an upload against its protocol
// (https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable).
func (d *Discovery) session(r *http.Request, resp *http.Response, got []byte) {
	d.t.Helper()
	d.mu.Lock()
	d.seen["upload session"]++
	d.mu.Unlock()
	say := func(where, format string, args ...any) {
		d.t.Helper()
		d.t.Errorf("%s {session}: %s: %s", r.Method, where, fmt.Sprintf(format, args...))
	}
	if r.Method == http.MethodDelete || resp.StatusCode >= 400 {
		return
	}
	if !discoverySpan.MatchString(r.Header.Get("Content-Range")) {
		say("header", "Content-Range is %q", r.Header.Get("Content-Range"))
	}
	if resp.StatusCode == http.StatusPermanentRedirect || resp.Header.Get("X-HTTP-Status-Code-Override") == "308" {
		if held := resp.Header.Get("Range"); held != "" && !discoveryHeld.MatchString(held) {
			say("answer", "Range is %q", held)
		}
		return
	}
	d.json(say, "answer", discoverySchema{Ref: "File"}, got, false)
}

func (d *Discovery) json(say sayer, where string, of discoverySchema, data []byte, request bool) {
	var v any
	in := json.NewDecoder(bytes.NewReader(data))
	in.UseNumber()
	if err := in.Decode(&v); err != nil {
		say(where, "it is not JSON")
		return
	}
	d.value(say, where, of, v, request)
}

// value holds a value against a schema. A null clears a value in a request.
func (d *Discovery) value(say sayer, where string, of discoverySchema, v any, request bool) {
	if of.Ref != "" {
		s, ok := d.doc.Schemas[of.Ref]
		if !ok {
			say(where, "the contract has no schema %s", of.Ref)
			return
		}
		of = s
	}
	if v == nil && request {
		return
	}
	ok := true
	switch of.Type {
	case "object":
		var m map[string]any
		if m, ok = v.(map[string]any); ok {
			d.object(say, where, of, m, request)
		}
	case "array":
		var list []any
		list, ok = v.([]any)
		for _, x := range list {
			d.value(say, where+"/*", *of.Items, x, request)
		}
	case "boolean":
		_, ok = v.(bool)
	case "integer", "number":
		_, ok = v.(json.Number)
	case "string":
		var s string
		s, ok = v.(string)
		if ok && of.Format == "int64" && !isInt(s) {
			say(where, "%q is no int64", s)
		}
		if _, err := time.Parse(time.RFC3339, s); ok && of.Format == "date-time" && err != nil {
			say(where, "%q is no time", s)
		}
		if ok && len(of.Enum) > 0 && !slices.Contains(of.Enum, s) {
			say(where, "%q is none of %v", s, of.Enum)
		}
	}
	if !ok {
		say(where, "it is a %T where the contract has a %s", v, of.Type)
	}
}

func (d *Discovery) object(say sayer, where string, of discoverySchema, m map[string]any, request bool) {
	for name, x := range m {
		p, known := of.Properties[name]
		switch {
		case !known && of.Additional != nil:
			d.value(say, where+"/*", *of.Additional, x, request)
			continue
		case !known:
			say(where+"/"+name, "the contract has no such field")
			continue
		case request && p.told():
			// What says whom a permission is for is called output only, and is what
			// a create needs: its description of "type" says so.
			if name != "emailAddress" && name != "domain" {
				say(where+"/"+name, "only the cloud sets it")
			}
		}
		d.value(say, where+"/"+name, p, x, request)
	}
}
