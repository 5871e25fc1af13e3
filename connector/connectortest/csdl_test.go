package connectortest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestCSDLRefusesWhatIsNoContract(t *testing.T) {
	for _, in := range []string{"", "{}", "<a>", `<edmx:Edmx xmlns:edmx="x"><DataServices><Schema Namespace="n"/></DataServices></edmx:Edmx>`} {
		if _, err := ReadCSDL(strings.NewReader(in)); err == nil {
			t.Errorf("%q was read as a contract", in)
		}
	}
}

func TestCSDLExchanges(t *testing.T) {
	c := GraphContract(t)
	etag := http.Header{"If-Match": {`W/"x"`}}
	jsonType := http.Header{"Content-Type": {"application/json"}}
	tests := []struct {
		name string
		x    GraphExchange
		want []string // pieces, each of a complaint of its own; none: it is right
	}{
		{name: "a task is listed", x: GraphExchange{Method: "GET", Path: "/planner/plans/p/tasks", Status: 200,
			ResponseBody: []byte(`{"@odata.context":"x","value":[{"@odata.etag":"W/\"a\"","id":"1","title":"t","percentComplete":50,"dueDateTime":"2026-01-01T00:00:00Z","bucketId":null,
			"assignments":{"u":{"@odata.type":"#microsoft.graph.plannerAssignment","orderHint":"a","assignedBy":{"user":{"id":"u","displayName":null}}}},"appliedCategories":{"category1":true}}]}`)}},
		{name: "an unknown property", x: GraphExchange{Method: "GET", Path: "/planner/tasks/1", Status: 200, ResponseBody: []byte(`{"id":"1","title":"t","colour":"red"}`)}, want: []string{"response.colour: type plannerTask has no such property"}},
		{name: "a wrong type", x: GraphExchange{Method: "GET", Path: "/planner/tasks/1", Status: 200, ResponseBody: []byte(`{"id":"1","title":7,"percentComplete":"50","hasDescription":"yes","dueDateTime":"tomorrow"}`)},
			want: []string{"response.title: is a number", "response.percentComplete: is a text", "response.hasDescription: is a text", "response.dueDateTime: is a text"}},
		{name: "an integer with a fraction", x: GraphExchange{Method: "GET", Path: "/planner/tasks/1", Status: 200, ResponseBody: []byte(`{"id":"1","title":"t","priority":1.5}`)}, want: []string{"response.priority: is a number where the contract has Edm.Int32"}},
		{name: "null where it must not be", x: GraphExchange{Method: "GET", Path: "/planner/tasks/1", Status: 200, ResponseBody: []byte(`{"id":"1","title":null}`)}, want: []string{"response.title: is null"}},
		{name: "no id", x: GraphExchange{Method: "GET", Path: "/planner/tasks/1", Status: 200, ResponseBody: []byte(`{"title":"t"}`)}, want: []string{"response.id"}},
		{name: "no id, but it was not selected", x: GraphExchange{Method: "GET", Path: "/planner/tasks/1", Query: url.Values{"$select": {"title"}}, Status: 200, ResponseBody: []byte(`{"title":"t"}`)}},
		{name: "more than was selected", x: GraphExchange{Method: "GET", Path: "/users", Query: url.Values{"$select": {"id,mail"}}, Status: 200, ResponseBody: []byte(`{"value":[{"id":"1","mail":null,"displayName":"x"}]}`)}, want: []string{"displayName: was not selected"}},
		{name: "selecting what is not there", x: GraphExchange{Method: "GET", Path: "/users", Query: url.Values{"$select": {"id,email"}}, Status: 200, ResponseBody: []byte(`{"value":[]}`)}, want: []string{`request $select: type user has no property "email"`}},
		{name: "members select what users have", x: GraphExchange{Method: "GET", Path: "/groups/g/members", Query: url.Values{"$select": {"id,mail"}}, Status: 200,
			ResponseBody: []byte(`{"value":[{"@odata.type":"#microsoft.graph.user","id":"1","mail":"a@b"}]}`)}},
		{name: "an unknown enumeration member", x: GraphExchange{Method: "GET", Path: "/planner/tasks/1", Status: 200, ResponseBody: []byte(`{"id":"1","title":"t","previewType":"big"}`)}, want: []string{"response.previewType: is no member"}},
		{name: "an unknown path", x: GraphExchange{Method: "GET", Path: "/planner/boards", Status: 200, ResponseBody: []byte(`{}`)}, want: []string{`path: type planner has no property, action or function "boards"`}},
		{name: "an unknown root", x: GraphExchange{Method: "GET", Path: "/boards", Status: 404}, want: []string{"path: "}},
		{name: "an update", x: GraphExchange{Method: "PATCH", Path: "/planner/tasks/1/details", RequestHeader: etag, RequestBody: []byte(`{"description":"d"}`), Status: 204}},
		{name: "an update without If-Match", x: GraphExchange{Method: "PATCH", Path: "/planner/tasks/1/details", RequestBody: []byte(`{"description":"d"}`), Status: 204}, want: []string{"request header: PATCH of plannerTaskDetails needs If-Match"}},
		{name: "a deletion without If-Match", x: GraphExchange{Method: "DELETE", Path: "/planner/tasks/1", Status: 204}, want: []string{"needs If-Match"}},
		{name: "a thread is deleted without one", x: GraphExchange{Method: "DELETE", Path: "/groups/g/threads/t", Status: 204}},
		{name: "details in a task's update", x: GraphExchange{Method: "PATCH", Path: "/planner/tasks/1", RequestHeader: etag, RequestBody: []byte(`{"details":{"description":"d"}}`), Status: 204}, want: []string{"request.details: a navigation property cannot be patched"}},
		{name: "details in a task's creation", x: GraphExchange{Method: "POST", Path: "/planner/tasks", RequestBody: []byte(`{"title":"t","planId":"p","details":{"description":"d"}}`), Status: 201, ResponseBody: []byte(`{"id":"1","title":"t"}`)}},
		{name: "details come unasked", x: GraphExchange{Method: "GET", Path: "/planner/tasks/1", Status: 200, ResponseBody: []byte(`{"id":"1","title":"t","details":{"id":"1"}}`)}, want: []string{"response.details: a navigation property comes only when it is expanded"}},
		{name: "details come asked for", x: GraphExchange{Method: "GET", Path: "/planner/tasks/1", Query: url.Values{"$expand": {"details"}}, Status: 200, ResponseBody: []byte(`{"id":"1","title":"t","details":{"id":"1"}}`)}},
		{name: "an untyped checklist item", x: GraphExchange{Method: "PATCH", Path: "/planner/tasks/1/details", RequestHeader: etag, RequestBody: []byte(`{"checklist":{"95e27074-6c4a-447a-aa24-9d718a0b86fa":{"title":"x"}}}`), Status: 204}, want: []string{"needs its @odata.type"}},
		{name: "a checklist item of another type", x: GraphExchange{Method: "PATCH", Path: "/planner/tasks/1/details", RequestHeader: etag, RequestBody: []byte(`{"checklist":{"a":{"@odata.type":"microsoft.graph.plannerAssignment"}}}`), Status: 204}, want: []string{"plannerAssignment is not plannerChecklistItem"}},
		{name: "a checklist item with more", x: GraphExchange{Method: "PATCH", Path: "/planner/tasks/1/details", RequestHeader: etag, RequestBody: []byte(`{"checklist":{"a":{"@odata.type":"microsoft.graph.plannerChecklistItem","due":"x"}}}`), Status: 204}, want: []string{"due: type plannerChecklistItem has no such property"}},
		{name: "null removes a reference", x: GraphExchange{Method: "PATCH", Path: "/planner/tasks/1/details", RequestHeader: etag, RequestBody: []byte(`{"references":{"http%3A//www%2Ebing%2Ecom":null}}`), Status: 204}},
		{name: "a reference's key in the clear", x: GraphExchange{Method: "PATCH", Path: "/planner/tasks/1/details", RequestHeader: etag, RequestBody: []byte(`{"references":{"http://bing":null}}`), Status: 204}, want: []string{"must be encoded"}},
		{name: "a category is a text", x: GraphExchange{Method: "POST", Path: "/planner/tasks", RequestBody: []byte(`{"title":"t","appliedCategories":{"category1":"yes"}}`), Status: 201, ResponseBody: []byte(`{"id":"1","title":"t"}`)}, want: []string{"category1: is a text where the contract has Edm.Boolean"}},
		{name: "a category of a plan that is not there", x: GraphExchange{Method: "PATCH", Path: "/planner/plans/p/details", RequestHeader: etag, RequestBody: []byte(`{"categoryDescriptions":{"category26":"x"}}`), Status: 204}, want: []string{"category26: type plannerCategoryDescriptions has no such property"}},
		{name: "a group with owners", x: GraphExchange{Method: "POST", Path: "/groups", RequestBody: []byte(`{"displayName":"x","groupTypes":["Unified"],"owners@odata.bind":["https://x"]}`), Status: 201, ResponseBody: []byte(`{"id":"1"}`)}},
		{name: "binding what is no link", x: GraphExchange{Method: "POST", Path: "/groups", RequestBody: []byte(`{"displayName@odata.bind":["https://x"]}`), Status: 201, ResponseBody: []byte(`{"id":"1"}`)}, want: []string{"only navigation properties"}},
		{name: "a group with what it has not", x: GraphExchange{Method: "POST", Path: "/groups", RequestBody: []byte(`{"title":"x"}`), Status: 201, ResponseBody: []byte(`{"id":"1"}`)}, want: []string{"request.title: type group has no such property"}},
		{name: "a member is added", x: GraphExchange{Method: "POST", Path: "/groups/g/members/$ref", RequestBody: []byte(`{"@odata.id":"https://x/directoryObjects/u"}`), Status: 204}},
		{name: "a member is added wrongly", x: GraphExchange{Method: "POST", Path: "/groups/g/members/$ref", RequestBody: []byte(`{"id":"u"}`), Status: 204}, want: []string{"a reference is"}},
		{name: "a reply", x: GraphExchange{Method: "POST", Path: "/groups/g/threads/t/reply", RequestBody: []byte(`{"post":{"body":{"contentType":"html","content":"x"}}}`), Status: 202}},
		{name: "a reply without a post", x: GraphExchange{Method: "POST", Path: "/groups/g/threads/t/reply", RequestBody: []byte(`{"comment":"x"}`), Status: 202}, want: []string{"request.comment: the action has no such parameter", "request.Post: the action needs this parameter"}},
		{name: "a reply with a body in return", x: GraphExchange{Method: "POST", Path: "/groups/g/threads/t/reply", RequestBody: []byte(`{"post":{}}`), Status: 202, ResponseBody: []byte(`{}`)}, want: []string{"202 has a body"}},
		{name: "an upload session by path", x: GraphExchange{Method: "POST", Path: "/drives/d/items/i:/a%20b/c.txt:/createUploadSession", RequestBody: []byte(`{"item":{"@microsoft.graph.conflictBehavior":"fail","name":"c.txt","fileSize":7}}`), Status: 200,
			ResponseBody: []byte(`{"uploadUrl":"https://x","expirationDateTime":"2026-01-01T00:00:00Z","nextExpectedRanges":["0-"]}`)}},
		{name: "an upload session with what it has not", x: GraphExchange{Method: "POST", Path: "/drives/d/root:/c.txt:/createUploadSession", RequestBody: []byte(`{"item":{"size":7}}`), Status: 200, ResponseBody: []byte(`{"uploadUrl":"https://x"}`)}, want: []string{"request.item.size"}},
		{name: "a path below what is no item", x: GraphExchange{Method: "GET", Path: "/groups/g:/a", Status: 200, ResponseBody: []byte(`{}`)}, want: []string{"only a drive's item"}},
		{name: "a collection without value", x: GraphExchange{Method: "GET", Path: "/groups", Status: 200, ResponseBody: []byte(`{"groups":[]}`)}, want: []string{"response.value"}},
		{name: "a refusal", x: GraphExchange{Method: "GET", Path: "/groups/g", Status: 404, ResponseHeader: jsonType, ResponseBody: []byte(`{"error":{"code":"x","message":"y","innerError":{}}}`)}},
		{name: "a refusal of another form", x: GraphExchange{Method: "GET", Path: "/groups/g", Status: 404, ResponseHeader: jsonType, ResponseBody: []byte(`{"message":"y"}`)}, want: []string{"404 has no error object"}},
		{name: "204 with a body", x: GraphExchange{Method: "PATCH", Path: "/planner/plans/p", RequestHeader: etag, RequestBody: []byte(`{"title":"x"}`), Status: 204, ResponseBody: []byte(`{}`)}, want: []string{"204 has a body"}},
		{name: "an answer cut short", x: GraphExchange{Method: "GET", Path: "/groups", Status: 200, ResponseBody: []byte(`{"value":[`)}, want: []string{"the body is not JSON"}},
		{name: "a batch", x: GraphExchange{Method: "POST", Path: "/$batch", Status: 200,
			RequestBody:  []byte(`{"requests":[{"id":"1","method":"GET","url":"/planner/tasks/t"},{"id":"2","method":"PATCH","url":"/planner/tasks/t","headers":{"Content-Type":"application/json","if-match":"W/\"a\""},"body":{"title":"x"}}]}`),
			ResponseBody: []byte(`{"responses":[{"id":"2","status":204,"headers":{}},{"id":"1","status":200,"headers":{},"body":{"id":"t","title":"x"}}]}`)}},
		{name: "a batch with mistakes inside", x: GraphExchange{Method: "POST", Path: "/$batch", Status: 200,
			RequestBody:  []byte(`{"requests":[{"id":"1","method":"GET","url":"/planner/tasks/t"},{"id":"2","method":"PATCH","url":"/planner/tasks/t","body":{"name":"x"}},{"id":"3","method":"GET","url":"/me"}]}`),
			ResponseBody: []byte(`{"responses":[{"id":"2","status":204,"headers":{}},{"id":"1","status":200,"headers":{},"body":{"id":"t","name":"x"}}]}`)},
			want: []string{"part 0 GET: response.name", "part 1 PATCH: has a body, so it needs a Content-Type", "part 1 PATCH: request header", "part 1 PATCH: request.name", "part 2 GET: has no answer"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := c.Check(tt.x)
			if len(got) != len(tt.want) {
				t.Fatalf("said %q, want %q", got, tt.want)
			}
			for _, w := range tt.want {
				if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, w) }) {
					t.Errorf("said %q, want %q among them", got, w)
				}
			}
		})
	}
}

// said is a Reporter that keeps what it is told.
type said []string

func (*said) Helper()                          {}
func (s *said) Errorf(format string, a ...any) { *s = append(*s, fmt.Sprintf(format, a...)) }

func TestWatch(t *testing.T) {
	c := GraphContract(t)
	server := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		switch r.URL.Path {
		case "/v1.0/planner/tasks":
			if !strings.Contains(string(b), "title") {
				t.Error("the server did not get the body")
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"error":{"code":"","message":"m"}}`)
		case "/v1.0/groups":
			io.WriteString(w, `{"value":[{"id":"1","nonsense":true}]}`)
		default:
			io.WriteString(w, "anything")
		}
	})
	ask := func(client *http.Client, base, method, path, body string) string {
		t.Helper()
		r, err := http.NewRequest(method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, side := range []string{"transport", "handler"} {
		for _, refused := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s refused %v", side, refused), func(t *testing.T) {
				var heard said
				w := Watch{Contract: c, Test: &heard, Refused: refused}
				var handler http.Handler = server
				client := &http.Client{}
				if side == "handler" {
					handler = w.Handler(server)
				} else {
					client.Transport = w.Transport(nil)
				}
				s := httptest.NewServer(handler)
				defer s.Close()
				if got := ask(client, s.URL, "POST", "/v1.0/planner/tasks", `{"title":"x","colour":"red"}`); !json.Valid([]byte(got)) {
					t.Errorf("the client got %q", got)
				}
				want := 1
				if refused {
					want = 0
				}
				if len(heard) != want {
					t.Errorf("of a refused request it said %q", heard)
				}
				heard = nil
				ask(client, s.URL, "GET", "/v1.0/groups", "")
				if len(heard) != 1 || !strings.Contains(heard[0], "nonsense") {
					t.Errorf("of an unknown property it said %q", heard)
				}
				heard = nil
				ask(client, s.URL, "POST", "/tenant/oauth2/v2.0/token", "x=y")
				ask(client, s.URL, "GET", "/v1.0/drives/d/items/i/content", "")
				ask(client, s.URL, "PUT", "/upload/x", strings.Repeat("bytes", 100))
				if len(heard) != 0 {
					t.Errorf("of what is no JSON of Graph it said %q", heard)
				}
			})
		}
	}
}

func FuzzCSDL(f *testing.F) {
	f.Add("GET", "/planner/tasks/1", []byte(`{}`), []byte(`{"id":"1","title":"x"}`))
	f.Add("POST", "/$batch", []byte(`{"requests":[{"id":"1","method":"GET","url":"/me"}]}`), []byte(`{"responses":[]}`))
	f.Add("PUT", "/drives/d/root:/a:/content", []byte(nil), []byte(nil))
	c, err := ReadCSDL(strings.NewReader(`<edmx:Edmx xmlns:edmx="x"><edmx:DataServices><Schema Namespace="microsoft.graph">
		<EntityType Name="plannerTask"><Property Name="id" Type="Edm.String"/><Property Name="title" Type="Edm.String" Nullable="false"/></EntityType>
		<EntityType Name="planner"><NavigationProperty Name="tasks" Type="Collection(graph.plannerTask)"/></EntityType>
		<EntityContainer Name="c"><Singleton Name="planner" Type="microsoft.graph.planner"/></EntityContainer></Schema></edmx:DataServices></edmx:Edmx>`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, path string, request, response []byte) {
		for _, s := range c.Check(GraphExchange{Method: method, Path: path, RequestBody: request, Status: 200, ResponseBody: response}) {
			if bytes.ContainsRune([]byte(s), 0) {
				continue
			}
			if s == "" {
				t.Error("an empty complaint")
			}
		}
	})
}
