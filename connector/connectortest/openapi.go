package connectortest

import (
	"bytes"
	"context"
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

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// A Contract holds every exchange of a test against a vendor's OpenAPI 3 file
// and fails the test, with the operation and the reason, where one departs
// from it.
type Contract struct {
	t     testing.TB
	doc   *openapi3.T
	rules ContractRules
	ops   []operation

	mu   sync.Mutex
	used map[int]bool   // exceptions that were needed
	seen map[string]int // exchanges by operation
}

// ContractRules say how a vendor's file is to be read.
type ContractRules struct {
	// Base is what stands before the contract's paths: "/1".
	Base string
	// Skip are paths, with Base, that are no part of the API.
	Skip *regexp.Regexp
	// BodyIsQuery: parameters that the contract puts in the query may come in
	// the body instead, where the operation declares no body of its own.
	BodyIsQuery bool
	// Params are names of query parameters that every operation takes although
	// the contract does not list them.
	Params *regexp.Regexp
	// Exceptions are the known holes of the file, each with its reason.
	Exceptions []ContractException
}

// A ContractException tolerates one hole of a contract.
type ContractException struct {
	Operation string // "GET /boards/{id}", or "*" for any
	Part      string // "path", "query", "body", "answer" or "operation" (not in the file)
	// Pointer names the value within a body or answer, with "*" for a place in
	// an array: "/cards/*/pos". It may be a parameter's name for path and query.
	// A leading "**" stands for any beginning. "" means the whole.
	Pointer string
	Reason  string // a part of the reason of the failure; "" for any
	Why     string // why the file is wrong here, with the source
}

// OpenAPI loads a contract. A file that is not there skips the test: contracts
// are not part of the repository.
func OpenAPI(t testing.TB, path string, rules ContractRules) *Contract {
	t.Helper()
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("the contract %s is missing", path)
	}
	if err != nil {
		t.Fatalf("the contract cannot be read: %v", err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		t.Fatalf("the contract %s cannot be loaded: %v", path, err)
	}
	c := &Contract{t: t, doc: doc, rules: rules, used: map[int]bool{}, seen: map[string]int{}}
	for pattern, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			c.ops = append(c.ops, operation{method: method, pattern: strings.TrimRight(pattern, "/"), raw: pattern, item: item, op: op})
		}
	}
	return c
}

type operation struct {
	method, pattern, raw string
	item                 *openapi3.PathItem
	op                   *openapi3.Operation
}

func (o operation) String() string { return o.method + " " + o.raw }

// Transport checks what passes through another transport.
func (c *Contract) Transport(next http.RoundTripper) http.RoundTripper {
	return checkedTransport{c, next}
}

type checkedTransport struct {
	c    *Contract
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t checkedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.c.skips(r.URL.Path) {
		return t.next.RoundTrip(r)
	}
	var sent []byte
	if r.Body != nil {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
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
	t.c.Check(r, sent, resp.StatusCode, resp.Header, got)
	return resp, nil
}

// failed is a body that ended in an error.
type failed struct{ err error }

// Read implements io.Reader.
func (f failed) Read([]byte) (int, error) { return 0, f.err }

func (c *Contract) skips(path string) bool {
	return c.rules.Skip != nil && c.rules.Skip.MatchString(path)
}

// Check holds one exchange against the contract.
func (c *Contract) Check(r *http.Request, sent []byte, status int, h http.Header, got []byte) {
	c.t.Helper()
	op, params, ok := c.operation(r.Method, r.URL.Path, status)
	if !ok {
		return
	}
	if status < 300 { // what was refused may well have been wrong
		c.request(op, params, r, sent)
	}
	c.answer(op, status, h, got)
}

// CheckAnswer holds an answer alone against the contract, such as a recorded
// one to a client of somebody else's.
func (c *Contract) CheckAnswer(method, path string, status int, h http.Header, got []byte) {
	c.t.Helper()
	if op, _, ok := c.operation(method, path, status); ok {
		c.answer(op, status, h, got)
	}
}

// operation finds what a request asks for, and fails the test if the contract
// has no such thing although the server did it.
func (c *Contract) operation(method, path string, status int) (op operation, params map[string]string, ok bool) {
	c.t.Helper()
	path, ok = strings.CutPrefix(path, c.rules.Base)
	if !ok {
		c.fail("*", "operation", "", fmt.Sprintf("%s does not begin with %s", shape(path), c.rules.Base))
		return op, nil, false
	}
	op, params, ok = c.find(method, strings.TrimRight(path, "/"))
	if !ok {
		if status < 300 {
			c.fail(method+" "+shape(path), "operation", "", "the contract has no such operation")
		}
		return op, nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[op.String()]++
	return op, params, true
}

// find returns the operation of a path: the one with the most literal parts.
func (c *Contract) find(method, path string) (best operation, params map[string]string, ok bool) {
	literal := -1
	for _, o := range c.ops {
		if o.method != method {
			continue
		}
		p, n, fits := match(o.pattern, path)
		if fits && (n > literal || n == literal && o.pattern < best.pattern) {
			best, params, literal, ok = o, p, n, true
		}
	}
	return best, params, ok
}

func match(pattern, path string) (params map[string]string, literal int, ok bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return nil, 0, false
	}
	params = map[string]string{}
	for i, w := range want {
		switch {
		case strings.HasPrefix(w, "{") && strings.HasSuffix(w, "}"):
			params[w[1:len(w)-1]] = have[i]
		case w == have[i]:
			literal++
		default:
			return nil, 0, false
		}
	}
	return params, literal, true
}

func (c *Contract) request(op operation, params map[string]string, r *http.Request, sent []byte) {
	c.t.Helper()
	u := *r.URL
	query := u.Query()
	typ, args, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if c.rules.BodyIsQuery && op.op.RequestBody == nil && len(sent) > 0 {
		if err := fold(query, typ, args["boundary"], sent); err != nil {
			c.fail(op.String(), "body", "", err.Error())
			return
		}
		sent = nil
	}
	declared := map[string]bool{}
	for _, p := range slices.Concat(op.item.Parameters, op.op.Parameters) {
		if p.Value.In == openapi3.ParameterInQuery {
			declared[p.Value.Name] = true
		}
	}
	for name := range maps.Keys(query) {
		if !declared[name] && (c.rules.Params == nil || !c.rules.Params.MatchString(name)) {
			c.fail(op.String(), "query", name, "the contract has no such parameter")
		}
	}
	u.RawQuery = query.Encode()
	copied := r.Clone(r.Context())
	copied.URL = &u
	in := &openapi3filter.RequestValidationInput{Request: copied, PathParams: params, QueryParams: query,
		Route:   &routers.Route{Spec: c.doc, Path: op.raw, PathItem: op.item, Method: op.method, Operation: op.op},
		Options: &openapi3filter.Options{MultiError: true}}
	for _, p := range slices.Concat(op.item.Parameters, op.op.Parameters) {
		if p.Value.In != openapi3.ParameterInPath && p.Value.In != openapi3.ParameterInQuery {
			continue
		}
		if err := parameter(r.Context(), in, p.Value); err != nil {
			c.fail(op.String(), p.Value.In, p.Value.Name, reason(err))
		}
	}
	if op.op.RequestBody != nil && typ == "application/json" {
		if media := op.op.RequestBody.Value.Content.Get(typ); media != nil && media.Schema != nil {
			c.value(op, "body", media.Schema.Value, sent)
		}
	}
}

// parameter holds a parameter against its schema. Where that is a choice, each
// alternative is tried by itself, since openapi3filter reads "65535" as a text
// if the choice ends with one.
func parameter(ctx context.Context, in *openapi3filter.RequestValidationInput, p *openapi3.Parameter) error {
	err := openapi3filter.ValidateParameter(ctx, in, p)
	if err == nil || p.Schema == nil || p.Schema.Value == nil {
		return err
	}
	for _, s := range slices.Concat(p.Schema.Value.OneOf, p.Schema.Value.AnyOf) {
		one := *p
		one.Schema = s
		if openapi3filter.ValidateParameter(ctx, in, &one) == nil {
			return nil
		}
	}
	return err
}

// fold puts the parameters of a body into the query.
func fold(query url.Values, typ, boundary string, sent []byte) error {
	switch typ {
	case "multipart/form-data":
		parts := multipart.NewReader(bytes.NewReader(sent), boundary)
		for {
			p, err := parts.NextPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return fmt.Errorf("the multipart body cannot be read: %w", err)
			}
			v, err := io.ReadAll(p)
			if err != nil {
				return fmt.Errorf("the multipart body cannot be read: %w", err)
			}
			if p.FileName() != "" {
				v = []byte("file") // its bytes are no parameter
			}
			query.Set(p.FormName(), string(v))
		}
	case "application/json":
		var m map[string]any
		if err := json.Unmarshal(sent, &m); err != nil {
			return fmt.Errorf("the body is not a JSON object: %w", err)
		}
		for k, v := range m {
			switch v := v.(type) {
			case nil:
				query.Set(k, "null")
			case []any:
				all := make([]string, len(v))
				for i, x := range v {
					all[i] = fmt.Sprint(x)
				}
				query.Set(k, strings.Join(all, ","))
			case map[string]any:
				b, _ := json.Marshal(v) // was JSON a moment ago
				query.Set(k, string(b))
			case float64:
				query.Set(k, strconv.FormatFloat(v, 'f', -1, 64))
			default:
				query.Set(k, fmt.Sprint(v))
			}
		}
		return nil
	}
	form, err := url.ParseQuery(string(sent))
	if err != nil {
		return fmt.Errorf("the form cannot be read: %w", err)
	}
	maps.Copy(query, form)
	return nil
}

func (c *Contract) answer(op operation, status int, h http.Header, got []byte) {
	c.t.Helper()
	want := op.op.Responses.Status(status)
	if want == nil && status >= 300 {
		return // the vendors' files list few refusals; those are the stand-in's own tests' matter
	}
	if want == nil {
		c.fail(op.String(), "answer", "", fmt.Sprintf("the contract has no status %d", status))
		return
	}
	if want.Value == nil || len(want.Value.Content) == 0 {
		return
	}
	typ, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	media := want.Value.Content.Get(typ)
	switch {
	case media == nil:
		c.fail(op.String(), "answer", "", "the contract has no content of type "+typ)
	case media.Schema != nil && typ == "application/json":
		c.value(op, "answer", media.Schema.Value, got)
	}
}

func (c *Contract) value(op operation, part string, schema *openapi3.Schema, data []byte) {
	c.t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		c.fail(op.String(), part, "", "it is not JSON")
		return
	}
	err := schema.VisitJSON(v, openapi3.MultiErrors(), openapi3.VisitAsResponse())
	for _, e := range flatten(err) {
		c.fail(op.String(), part, e.pointer, e.reason)
	}
}

type finding struct{ pointer, reason string }

var place = regexp.MustCompile(`/\d+(/|$)`)

// flatten lists the single findings of a validation, each place once.
func flatten(err error) []finding {
	if err == nil {
		return nil
	}
	var multi openapi3.MultiError
	if errors.As(err, &multi) {
		var out []finding
		for _, e := range multi {
			for _, f := range flatten(e) {
				if !slices.Contains(out, f) {
					out = append(out, f)
				}
			}
		}
		return out
	}
	var schema *openapi3.SchemaError
	if !errors.As(err, &schema) {
		return []finding{{"", err.Error()}}
	}
	pointer := "/" + strings.Join(schema.JSONPointer(), "/")
	if pointer == "/" {
		pointer = ""
	}
	for place.MatchString(pointer) {
		pointer = place.ReplaceAllString(pointer, "/*$1")
	}
	if inner := flatten(schema.Origin); len(inner) > 0 {
		for i := range inner {
			inner[i].pointer = pointer + inner[i].pointer
		}
		return inner
	}
	return []finding{{pointer, schema.Reason}}
}

func reason(err error) string {
	var schema *openapi3.SchemaError
	if errors.As(err, &schema) {
		return schema.Reason
	}
	return err.Error()
}

// fail fails the test unless an exception covers the finding.
func (c *Contract) fail(op, part, pointer, why string) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, e := range c.rules.Exceptions {
		if e.covers(op, part, pointer, why) {
			c.used[i] = true
			return
		}
	}
	c.t.Errorf("%s: %s %s: %s", op, part, pointer, why)
}

func (e ContractException) covers(op, part, pointer, why string) bool {
	if e.Operation != "*" && e.Operation != op || e.Part != part || !strings.Contains(why, e.Reason) {
		return false
	}
	if tail, any := strings.CutPrefix(e.Pointer, "**"); any {
		return strings.HasSuffix(pointer, tail)
	}
	return e.Pointer == pointer
}

// Unused lists exceptions that no exchange needed: holes that were mended, or
// that nobody looks through any more.
func (c *Contract) Unused() []ContractException {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []ContractException
	for i, e := range c.rules.Exceptions {
		if !c.used[i] {
			out = append(out, e)
		}
	}
	return out
}

// Seen counts the exchanges by operation: "GET /boards/{id}".
func (c *Contract) Seen() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.seen)
}

var idLike = regexp.MustCompile(`/(?:[0-9a-f-]{16,}|[0-9A-Za-z]*[0-9][0-9A-Za-z]*)`)

// shape is a path without ids, for messages.
func shape(path string) string { return idLike.ReplaceAllString(path, "/{}") }
