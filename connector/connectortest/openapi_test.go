package connectortest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const smallContract = `{"openapi":"3.0.0","info":{"title":"t","version":"1"},"paths":{
"/cards":{"post":{"parameters":[{"name":"idList","in":"query","required":true,"schema":{"type":"string","pattern":"^[0-9a-f]{4}$"}}],
  "responses":{"200":{"description":"ok","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Card"}}}}}}},
"/cards/{id}":{"get":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string","pattern":"^[0-9a-f]{4}$"}},
   {"name":"limit","in":"query","schema":{"type":"integer","maximum":10}},
   {"name":"pos","in":"query","schema":{"oneOf":[{"type":"number"},{"type":"string","enum":["top","bottom"]}]}}],
  "responses":{"200":{"description":"ok","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Card"}}}}}},
  "put":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],
  "requestBody":{"content":{"application/json":{"schema":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}}},
  "responses":{"200":{"description":"ok"}}}},
"/cards/{id}/{field}":{"get":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}},{"name":"field","in":"path","required":true,"schema":{"type":"string","enum":["name"]}}],"responses":{"200":{"description":"ok"}}}},
"/cards/{id}/labels":{"get":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],"responses":{"200":{"description":"ok"}}}}},
"components":{"schemas":{"Card":{"type":"object","properties":{"id":{"type":"string"},"pos":{"type":"number"},"labels":{"type":"array","items":{"type":"object","properties":{"color":{"type":"string"}}}}}}}}}`

// kept is a testing.TB that keeps what fails.
type kept struct {
	testing.TB
	failed []string
}

func (r *kept) Helper() {}
func (r *kept) Errorf(f string, args ...any) {
	r.failed = append(r.failed, fmt.Sprintf(f, args...))
}
func small(t *testing.T, rules ContractRules) (*Contract, *kept) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.json")
	if err := os.WriteFile(path, []byte(smallContract), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &kept{TB: t}
	return OpenAPI(r, path, rules), r
}

type canned struct {
	status    int
	typ, body string
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: c.status, Header: http.Header{"Content-Type": {c.typ}}, Body: io.NopCloser(strings.NewReader(c.body)), Request: r}, nil
}

func TestOpenAPIFinds(t *testing.T) {
	for _, c := range []struct {
		name, method, path, typ, body string
		status                        int
		answer                        string
		want                          string // "" for nothing wrong
	}{
		{"all right", "GET", "/1/cards/abcd?limit=3", "", "", 200, `{"id":"a","pos":1.5,"labels":[{"color":"red"}]}`, ""},
		{"a wrong id", "GET", "/1/cards/xyz", "", "", 200, `{}`, "GET /cards/{id}: path id"},
		{"a limit too high", "GET", "/1/cards/abcd?limit=11", "", "", 200, `{}`, "query limit"},
		{"a number of a choice", "GET", "/1/cards/abcd?pos=1234.5", "", "", 200, `{}`, ""},
		{"a word of a choice", "GET", "/1/cards/abcd?pos=top", "", "", 200, `{}`, ""},
		{"none of a choice", "GET", "/1/cards/abcd?pos=middle", "", "", 200, `{}`, "query pos"},
		{"an unknown parameter", "GET", "/1/cards/abcd?colour=x", "", "", 200, `{}`, "query colour: the contract has no such parameter"},
		{"an answer of a wrong type", "GET", "/1/cards/abcd", "", "", 200, `{"pos":"high"}`, "answer /pos"},
		{"deep in an answer", "GET", "/1/cards/abcd", "", "", 200, `{"labels":[{"color":"a"},{"color":3}]}`, "answer /labels/*/color"},
		{"an answer that is no JSON", "GET", "/1/cards/abcd", "", "", 200, `<html>`, "not JSON"},
		{"an unknown operation", "DELETE", "/1/cards/abcd", "", "", 200, `{}`, "no such operation"},
		{"an unknown operation that is refused", "DELETE", "/1/cards/abcd", "", "", 404, `{}`, ""},
		{"a refused request may be wrong", "GET", "/1/cards/xyz", "", "", 400, `{}`, ""},
		{"an undeclared success", "GET", "/1/cards/abcd", "", "", 204, ``, "no status 204"},
		{"outside of the API", "GET", "/2/cards/abcd", "", "", 200, ``, "does not begin with /1"},
		{"a required parameter in a JSON body", "POST", "/1/cards", "application/json", `{"idList":"abcd"}`, 200, `{}`, ""},
		{"a required parameter in a form", "POST", "/1/cards", "application/x-www-form-urlencoded", `idList=abcd`, 200, `{}`, ""},
		{"a required parameter is missing", "POST", "/1/cards", "application/json", `{}`, 200, `{}`, "query idList"},
		{"a wrong body", "PUT", "/1/cards/abcd", "application/json", `{"name":3}`, 200, ``, "body /name"},
		{"a body that lacks something", "PUT", "/1/cards/abcd", "application/json", `{}`, 200, ``, "body"},
		{"the literal path wins", "GET", "/1/cards/abcd/labels", "", "", 200, ``, ""},
		{"a field out of the set", "GET", "/1/cards/abcd/other", "", "", 200, ``, "path field"},
	} {
		t.Run(c.name, func(t *testing.T) {
			contract, r := small(t, ContractRules{Base: "/1", BodyIsQuery: true})
			q, err := http.NewRequest(c.method, "http://x.test"+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.typ != "" {
				q.Header.Set("Content-Type", c.typ)
			}
			resp, err := contract.Transport(canned{c.status, "application/json", c.answer}).RoundTrip(q)
			if err != nil {
				t.Fatal(err)
			}
			if b, _ := io.ReadAll(resp.Body); string(b) != c.answer {
				t.Errorf("the client got %q", b)
			}
			got := strings.Join(r.failed, "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

func TestOpenAPIExceptions(t *testing.T) {
	rules := ContractRules{Base: "/1", Params: regexp.MustCompile("^key$"), Skip: regexp.MustCompile("^/$"), Exceptions: []ContractException{
		{Operation: "*", Part: "answer", Pointer: "**/pos", Reason: "must be a number", Why: "w"},
		{Operation: "GET /cards/{id}", Part: "query", Pointer: "colour", Why: "w"},
		{Operation: "*", Part: "answer", Pointer: "**/never", Why: "w"},
	}}
	contract, r := small(t, rules)
	for _, path := range []string{"/1/cards/abcd?colour=x&key=k", "/"} {
		q, _ := http.NewRequest("GET", "http://x.test"+path, nil)
		if _, err := contract.Transport(canned{200, "application/json", `{"pos":"high"}`}).RoundTrip(q); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.failed) != 0 {
		t.Errorf("tolerated things failed: %v", r.failed)
	}
	if u := contract.Unused(); len(u) != 1 || u[0].Pointer != "**/never" {
		t.Errorf("unused: %v", u)
	}
	if n := contract.Seen()["GET /cards/{id}"]; n != 1 {
		t.Errorf("seen %d times", n)
	}
	q, _ := http.NewRequest("GET", "http://x.test/1/cards/abcd", nil)
	if _, err := contract.Transport(canned{200, "application/json", `{"pos":null}`}).RoundTrip(q); err != nil || len(r.failed) == 0 {
		t.Errorf("an exception covers more than its reason: %v", err)
	}
}
