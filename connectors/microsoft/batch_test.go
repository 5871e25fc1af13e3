package microsoft_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
)

type batchPart struct {
	ID, Method, URL string
	Headers         map[string]string
	Body            json.RawMessage
	DependsOn       []string
}

// A batchServer answers each part by a function, in reversed order.
type batchServer struct {
	mu     sync.Mutex
	sizes  []int
	times  []time.Time
	answer func(p batchPart, try int) (status int, headers map[string]string, body any)
	tries  map[string]int
}

func (s *batchServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ Requests []batchPart }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/v1.0/$batch" {
		reply(w, 400, graphError("BadRequest", ""))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tries == nil {
		s.tries = map[string]int{}
	}
	s.sizes, s.times = append(s.sizes, len(in.Requests)), append(s.times, time.Now())
	var out []map[string]any
	failed := map[string]bool{}
	for _, p := range in.Requests {
		s.tries[p.URL]++
		status, headers, body := s.answer(p, s.tries[p.URL])
		for _, d := range p.DependsOn {
			if failed[d] {
				status, body = 424, graphError("FailedDependency", "")
			}
		}
		failed[p.ID] = status >= 400
		out = append([]map[string]any{{"id": p.ID, "status": status, "headers": headers, "body": body}}, out...)
	}
	reply(w, 200, map[string]any{"responses": out})
}

func gets(n int) []microsoft.BatchCall {
	out := make([]microsoft.BatchCall, n)
	for i := range out {
		out[i] = microsoft.BatchCall{Method: "GET", Path: "/planner/tasks/" + strconv.Itoa(i)}
	}
	return out
}

func TestBatchSplitsAndKeepsOrder(t *testing.T) {
	srv := &batchServer{answer: func(p batchPart, _ int) (int, map[string]string, any) {
		return 200, nil, map[string]string{"url": p.URL}
	}}
	c, hc, _ := client(t, plain(), srv)
	answers := c.Batch(t.Context(), gets(45))
	for i, a := range answers {
		var out struct{ URL string }
		if err := a.Decode(&out); err != nil || out.URL != "/planner/tasks/"+strconv.Itoa(i) {
			t.Fatalf("answer %d is %q, %v", i, out.URL, err)
		}
	}
	if len(srv.sizes) != 3 {
		t.Errorf("batches of %v, want three", srv.sizes)
	}
	for _, n := range srv.sizes {
		if n > microsoft.BatchParts {
			t.Errorf("a batch of %d parts", n)
		}
	}
	if n := hc.Stats().Requests.Load(); n != 45 {
		t.Errorf("%d requests counted, want one a part", n)
	}
}

func TestBatchSendsRefusedPartsAgainAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &batchServer{answer: func(p batchPart, try int) (int, map[string]string, any) {
			switch {
			case p.URL == "/planner/tasks/3" && try == 1:
				return 429, map[string]string{"Retry-After": "7"}, graphError("TooManyRequests", "")
			case p.URL == "/planner/tasks/4" && try <= 2:
				return 503, map[string]string{"Retry-After": "1"}, graphError("serviceNotAvailable", "")
			case p.URL == "/planner/tasks/5":
				return 404, nil, graphError("", "not found")
			}
			return 200, nil, map[string]string{}
		}}
		c, hc, _ := client(t, plain(), srv)
		answers := c.Batch(t.Context(), gets(10))
		for i, a := range answers {
			if (a.Err != nil) != (i == 5) {
				t.Errorf("part %d: %v", i, a.Err)
			}
		}
		if fmt.Sprint(srv.sizes) != "[10 2 1]" {
			t.Errorf("batches of %v parts, want 10, then 2, then 1", srv.sizes)
		}
		if wait := srv.times[1].Sub(srv.times[0]); wait < 7*time.Second || wait > 20*time.Second {
			t.Errorf("waited %s after Retry-After 7", wait)
		}
		if hc.Stats().Refused.Load() != 1 {
			t.Errorf("%d refused, want 1", hc.Stats().Refused.Load())
		}
	})
}

func TestBatchLeavesLostWritesInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &batchServer{answer: func(p batchPart, try int) (int, map[string]string, any) {
			return 500, nil, graphError("InternalServerError", "")
		}}
		c, _, _ := client(t, plain(), srv)
		answers := c.Batch(t.Context(), []microsoft.BatchCall{
			{Method: "POST", Path: "/planner/tasks", JSON: map[string]string{}},
			{Method: "PATCH", Path: "/planner/tasks/1", JSON: map[string]string{}, Repeatable: true},
		})
		if !connector.InDoubt(answers[0].Err) || srv.tries["/planner/tasks"] != 1 {
			t.Errorf("a POST that met a 500 was sent %d times; error %v", srv.tries["/planner/tasks"], answers[0].Err)
		}
		if connector.InDoubt(answers[1].Err) || srv.tries["/planner/tasks/1"] != 6 {
			t.Errorf("a repeatable PATCH was sent %d times; error %v", srv.tries["/planner/tasks/1"], answers[1].Err)
		}
	})
}

func TestBatchCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c, _, _ := client(t, plain(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls++
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"responses":[{"id":"0","status":201,"bo`))
		}))
		a := c.Batch(t.Context(), []microsoft.BatchCall{{Method: "POST", Path: "/planner/tasks", JSON: 1}})
		if !connector.InDoubt(a[0].Err) || calls != 1 {
			t.Errorf("sent %d times, error %v", calls, a[0].Err)
		}
	})
}

func TestBatchDependencies(t *testing.T) {
	srv := &batchServer{answer: func(p batchPart, _ int) (int, map[string]string, any) {
		if p.URL == "/planner/tasks/0" {
			return 400, nil, graphError("BadRequest", "")
		}
		return 200, nil, map[string]string{}
	}}
	c, _, _ := client(t, plain(), srv)
	calls := gets(25)
	calls[1].After, calls[22].After, calls[23].After = []int{0}, []int{0}, []int{2}
	answers := c.Batch(t.Context(), calls)
	for i, want := range map[int]int{0: 400, 1: 424, 22: 424, 23: 200, 24: 200} {
		if answers[i].Status != want {
			t.Errorf("part %d: status %d, want %d", i, answers[i].Status, want)
		}
	}
	if srv.tries["/planner/tasks/22"] != 0 {
		t.Error("a part was sent whose dependency failed in an earlier batch")
	}
}

func TestBatchRenewsToken(t *testing.T) {
	inner := &batchServer{}
	srv := &tokenServer{life: 3600, graph: inner.ServeHTTP}
	inner.answer = func(p batchPart, try int) (int, map[string]string, any) {
		if try == 1 && p.URL == "/planner/tasks/1" {
			return 401, nil, graphError("InvalidAuthenticationToken", "")
		}
		return 200, nil, map[string]string{}
	}
	c, _, _ := client(t, app(), srv)
	for i, a := range c.Batch(t.Context(), gets(3)) {
		if a.Err != nil {
			t.Errorf("part %d: %v", i, a.Err)
		}
	}
	if srv.issued.Load() != 2 || fmt.Sprint(inner.sizes) != "[3 1]" {
		t.Errorf("%d tokens, batches of %v", srv.issued.Load(), inner.sizes)
	}
}

// A batch of reads passes where only reads do; one write in it holds all of it
// back.
func TestBatchOfASource(t *testing.T) {
	srv := &batchServer{answer: func(batchPart, int) (int, map[string]string, any) { return 200, nil, map[string]string{} }}
	s := plain()
	s["url"], s["login"] = "http://graph.test/v1.0", "http://login.test"
	c, err := microsoft.New(connector.Env{Settings: s, HTTP: connector.NewClient(connector.ClientOptions{Transport: handlerTransport{srv}, Guard: &connector.Guard{}})})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range c.Batch(t.Context(), gets(3)) {
		if a.Err != nil {
			t.Errorf("a read: %v", a.Err)
		}
	}
	for _, method := range []string{"POST", "PATCH", "DELETE"} {
		for _, a := range c.Batch(t.Context(), append(gets(2), microsoft.BatchCall{Method: method, Path: "/planner/buckets"})) {
			if connector.ClassOf(a.Err) != connector.Forbidden {
				t.Errorf("beside a %s: %v", method, a.Err)
			}
		}
	}
	if len(srv.sizes) != 1 {
		t.Errorf("%d batches were sent", len(srv.sizes))
	}
}
