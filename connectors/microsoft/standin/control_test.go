package standin

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unique"

	shared "github.com/rialto-migrate/rialto/connector/standin"
)

func TestDoAndViews(t *testing.T) {
	n := start(t, Options{})
	plan, bucket := n.board()
	var ids []string
	for _, title := range []string{"one", "two", "three"} {
		ids = append(ids, n.do("POST", "/planner/tasks", object{"planId": plan, "bucketId": bucket, "title": title}).want(201).str("id"))
	}
	if err := n.Retitle(ids[0], "ONE"); err != nil {
		t.Fatal(err)
	}
	if err := n.Retitle("none", "x"); err == nil {
		t.Error("a task that is not there was changed")
	}
	if status, _ := n.Do(n.ada, "PATCH", "planner/tasks/"+ids[1]+"/details", object{"description": "d", "checklist": object{"95e27074-6c4a-447a-aa24-9d718a0b86fa": object{"@odata.type": "microsoft.graph.plannerChecklistItem", "title": "c"}}}); status != 204 {
		t.Errorf("a person's change: %d", status)
	}
	if status, _ := n.Do("nobody", "GET", "me", nil); status != 401 {
		t.Errorf("nobody: %d", status)
	}
	if status, me := n.Do("ada@contoso.invalid", "GET", "me", nil); status != 200 || me["id"] != n.ada {
		t.Errorf("ada: %d %v", status, me)
	}
	if status, _ := n.Do("", "DELETE", "planner/tasks/"+ids[2], nil); status != 204 {
		t.Errorf("a deletion: %d", status)
	}
	plans := n.Plans()
	if len(plans) != 1 || plans[0] != (PlanView{plan, n.group, "Spring"}) {
		t.Errorf("the plans are %v", plans)
	}
	tasks := n.Tasks(plan)
	if len(tasks) != 2 || tasks[0].Title != "two" || tasks[0].Description != "d" || fmt.Sprint(tasks[0].Checklist) != "[c]" || tasks[1].Title != "ONE" || tasks[1].Bucket != "To do" {
		t.Errorf("the tasks are %+v", tasks)
	}
	if c := n.Requests(); c["POST /planner/tasks"] != 3 || c["POST /planner/plans"] != 1 {
		t.Errorf("counted %v", c)
	}
}

func TestPage(t *testing.T) {
	n := start(t, Options{})
	plan, bucket := n.board()
	d := n.drive()
	file := n.put(d+"/root:/notes.txt:/content", []byte("hello")).want(201)
	thread := n.as(n.token, "POST", "/groups/"+n.group+"/threads", object{"topic": "x", "posts": []object{{"body": object{"contentType": "html", "content": "<p>Well <i>done</i></p>"}}}}).want(201).str("id")
	id := n.do("POST", "/planner/tasks", object{"planId": plan, "bucketId": bucket, "title": "<script>alert(1)</script>", "percentComplete": 50, "priority": 1, "dueDateTime": "2026-04-01T00:00:00Z",
		"conversationThreadId": thread, "appliedCategories": object{"category4": true}, "assignments": object{n.ada: object{"@odata.type": assignmentType, "orderHint": " !"}}}).want(201).str("id")
	n.newTask(plan, "loose")
	n.Do("", "PATCH", "planner/plans/"+plan+"/details", object{"categoryDescriptions": object{"category4": "Grün"}})
	key := strings.NewReplacer("%", "%25", ".", "%2E", ":", "%3A", "@", "%40", "#", "%23").Replace(file.str("webUrl"))
	status, _ := n.Do("", "PATCH", "planner/tasks/"+id+"/details", object{"description": "Long text", "checklist": object{"95e27074-6c4a-447a-aa24-9d718a0b86fa": object{"@odata.type": "microsoft.graph.plannerChecklistItem", "title": "Buy paint", "isChecked": true}},
		"references": object{key: object{"@odata.type": "microsoft.graph.plannerExternalReference", "alias": "notes.txt"}}})
	if status != 204 {
		t.Fatalf("details: %d", status)
	}
	g := n.raw("GET", "/", nil, nil).want(200)
	page := string(g.raw)
	for _, want := range []string{"Spring", "To do", "&lt;script&gt;", "Grün", "Long text", "Buy paint", "notes.txt", "5 bytes", "Well done", "Ada Lovelace", "50 % done", "urgent", "No bucket", "loose", "Group: Marketing"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<script>") {
		t.Error("the page runs what a title says")
	}
	n.raw("POST", "/", nil, nil).want(405)
	boards := n.PageBoards()
	if len(boards) != 1 || boards[0].Labels[0] != (shared.PageLabel{Name: "Grün", Color: "green"}) || boards[0].Columns[0].Cards[0].ID != id {
		t.Errorf("the boards are %+v", boards)
	}
}

func TestTheTenantIsSafeForConcurrentUse(t *testing.T) {
	n := start(t, Options{Now: time.Now, ProvisioningDelay: -1, Quotas: DocumentedQuotas()})
	plan, bucket := n.board()
	d := n.drive()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 5 {
				made := n.do("POST", "/planner/tasks", object{"planId": plan, "bucketId": bucket, "title": fmt.Sprint(w, i)}).want(201)
				path := "/planner/tasks/" + made.str("id")
				n.do("PATCH", path+"/details", object{"description": "x"}, ifMatchOf(n.do("GET", path+"/details", nil).want(200).etag())).want(204)
				n.do("GET", "/planner/plans/"+plan+"/tasks", nil).want(200)
				n.put(fmt.Sprintf("%s/root:/f%d/%d.bin:/content", d, w, i), bytesOf(100_000, uint64(w))).want(201)
				n.raw("GET", "/", nil, nil).want(200)
				n.Requests()
				n.Tasks(plan)
			}
		})
	}
	wg.Wait()
	if got := len(n.Tasks(plan)); got != 40 {
		t.Errorf("there are %d tasks", got)
	}
}

func TestUploadsShareEqualBytes(t *testing.T) {
	n := start(t, Options{})
	d := n.drive()
	for i := range 5 {
		n.put(fmt.Sprintf("%s/root:/%d.bin:/content", d, i), bytesOf(1<<18, 9)).want(201)
	}
	blocks := map[unique.Handle[string]]bool{}
	for _, d := range n.drives {
		for _, it := range d.items {
			for _, b := range it.data.blocks {
				blocks[b] = true
			}
		}
	}
	if got := len(blocks); got != 1<<18/blockBytes {
		t.Errorf("five equal files take %d blocks, want %d", got, 1<<18/blockBytes)
	}
}

func TestLateRequestsLand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Faults: shared.Faults{Late: 5 * time.Second, LateChance: 1}})
		group := s.AddGroup("Marketing")
		token, err := s.Token("")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, "POST", base+"/v1.0/planner/plans", strings.NewReader(fmt.Sprintf(`{"title":"late","container":{"url":"%s/v1.0/groups/%s"}}`, base, group)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		if _, err := (shared.Transport{Handler: s}).RoundTrip(r); err == nil {
			t.Fatal("the answer was not late")
		}
		if len(s.Plans()) != 0 {
			t.Fatal("the request landed before its time")
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if len(s.Plans()) != 1 {
			t.Error("the request of a client that has gone never landed")
		}
	})
}
