package standin

import (
	"encoding/json"
	"fmt"
	"testing"
)

// batch sends parts and returns their answers by id, and the order of ids.
func (n *tenant) batch(parts ...object) (map[string]map[string]any, []string) {
	n.t.Helper()
	g := n.do("POST", "/$batch", object{"requests": parts}).want(200)
	out := map[string]map[string]any{}
	var order []string
	for _, r := range g.body["responses"].([]any) {
		r := r.(map[string]any)
		out[r["id"].(string)] = r
		order = append(order, r["id"].(string))
	}
	return out, order
}

func status(r map[string]any) int { n, _ := r["status"].(float64); return int(n) }

func TestBatch(t *testing.T) {
	n := start(t, Options{})
	plan, bucket := n.board()
	jsonType := object{"Content-Type": "application/json"}
	var parts []object
	for i := range 20 {
		parts = append(parts, object{"id": fmt.Sprint(i), "method": "POST", "url": "/planner/tasks", "headers": jsonType, "body": object{"planId": plan, "bucketId": bucket, "title": fmt.Sprint("task ", i)}})
	}
	got, order := n.batch(parts...)
	if len(got) != 20 {
		t.Fatalf("%d answers", len(got))
	}
	shuffled := false
	for i, id := range order {
		shuffled = shuffled || id != fmt.Sprint(i)
		if status(got[id]) != 201 || got[id]["body"].(map[string]any)["title"] != "task "+id {
			t.Errorf("part %s answered %v", id, got[id])
		}
	}
	if !shuffled {
		t.Error("the answers come in the order of the requests")
	}
	if n.Requests()["POST /planner/tasks"] != 20 || n.Requests()["POST /$batch"] != 1 {
		t.Errorf("counted %v", n.Requests())
	}

	task := got["3"]["body"].(map[string]any)
	got, _ = n.batch(
		object{"id": "a", "method": "PATCH", "url": "/planner/tasks/" + task["id"].(string), "headers": object{"Content-Type": "application/json", "If-Match": task["@odata.etag"], "Prefer": "return=representation"}, "body": object{"title": "new"}},
		object{"id": "b", "method": "GET", "url": "planner/tasks/none", "dependsOn": []string{"a"}},
		object{"id": "c", "method": "GET", "url": "/planner/tasks/" + task["id"].(string) + "?$select=id,title", "dependsOn": []string{"b"}},
		object{"id": "d", "method": "GET", "url": "/planner/tasks/" + task["id"].(string), "dependsOn": []string{"A"}},
		object{"id": "e", "method": "DELETE", "url": "/planner/tasks/" + task["id"].(string), "headers": object{"If-Match": task["@odata.etag"]}},
		object{"id": "f", "method": "GET", "url": "/groups/" + n.group + "/drive/root/children"},
	)
	for id, want := range map[string]int{"a": 200, "b": 404, "c": 424, "d": 200, "e": 409, "f": 200} {
		if status(got[id]) != want {
			t.Errorf("part %s answered %v, want %d", id, got[id], want)
		}
	}
	if got["d"]["body"].(map[string]any)["title"] != "new" {
		t.Error("a part that depends on a change does not see it")
	}

	get := func(id string) object { return object{"id": id, "method": "GET", "url": "/organization"} }
	for name, bad := range map[string][]object{
		"the same id":     {get("a"), get("A")},
		"no id":           {{"method": "GET", "url": "/organization"}},
		"no method":       {{"id": "1", "url": "/organization"}},
		"no content type": {{"id": "1", "method": "POST", "url": "/groups", "body": object{}}},
		"a later one":     {{"id": "1", "method": "GET", "url": "/organization", "dependsOn": []string{"2"}}, get("2")},
		"twenty-one":      append(make([]object, 0, 21), manyGets(21)...),
	} {
		g := n.do("POST", "/$batch", object{"requests": bad})
		if g.status != 400 {
			t.Errorf("%s: %d", name, g.status)
		}
	}
	n.do("POST", "/$batch", `{"requests":7}`).refused(400, "BadRequest", "")
	n.do("POST", "/$batch", object{"requests": manyGets(21)}).refused(400, "MaximumValueExceeded", "exceeds the maximum value of 20")
	got, _ = n.batch(object{"id": "1", "method": "GET", "url": "https://elsewhere.test/v1.0/me"}, object{"id": "2", "method": "POST", "url": "/$batch", "headers": jsonType, "body": object{}})
	if status(got["1"]) != 400 || status(got["2"]) != 400 {
		t.Errorf("addresses that are not relative: %v", got)
	}
	n.as("", "POST", "/$batch", object{"requests": []object{get("1")}}).want(401)
	n.do("POST", "/$batch", `{"requests":[]}`).want(200)
}

func manyGets(count int) (out []object) {
	for i := range count {
		out = append(out, object{"id": fmt.Sprint(i), "method": "GET", "url": "/organization"})
	}
	return out
}

func FuzzBatch(f *testing.F) {
	f.Add([]byte(`{"requests":[{"id":"1","method":"GET","url":"/organization"}]}`))
	f.Add([]byte(`{"requests":[{"id":"1","method":"PATCH","url":"/planner/tasks/x:/y","headers":{"Content-Type":"a"},"body":{"title":null}}]}`))
	s := New(Options{})
	f.Fuzz(func(t *testing.T, body []byte) {
		s.mu.Lock()
		defer s.mu.Unlock()
		a, err := s.batch(&call{method: "POST", body: body, base: base, who: caller{app: s.client}})
		if err != nil {
			return
		}
		if _, err := json.Marshal(a.body); err != nil {
			t.Error(err)
		}
	})
}
