package pairs_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// graph calls the tenant as a person would in the browser; user "" is the app.
func (e *end) graph(user, method, path string, body any) map[string]any {
	e.t.Helper()
	status, out := e.tenant.Do(user, method, path, body)
	if status >= 300 {
		e.t.Fatalf("%s %s: status %d: %v", method, path, status, out)
	}
	return out
}

func (e *end) made(user, path string, body any) string {
	e.t.Helper()
	id, _ := e.graph(user, http.MethodPost, path, body)["id"].(string)
	return id
}

// userID is a person's id in the tenant.
func (e *end) userID(mail string) string {
	e.t.Helper()
	for _, u := range e.tenant.Users() {
		if u.Mail == mail {
			return u.ID
		}
	}
	e.t.Fatalf("no user %s", mail)
	return ""
}

// fillPlanner puts a plan there that has some of everything that Planner
// keeps, and returns its id.
func (e *end) fillPlanner() string {
	e.t.Helper()
	ann, bob := e.userID("annlee@example.test"), e.userID("bobost@example.test")
	plan := e.made(ann, "planner/plans", map[string]any{"title": "Marketing", "container": map[string]any{"url": "https://graph.microsoft.com/v1.0/groups/" + e.group}})
	e.graph(ann, http.MethodPatch, "planner/plans/"+plan+"/details", map[string]any{
		"categoryDescriptions": map[string]any{"category1": "urgent", "category2": "日本", "category9": "same", "category10": "same"},
		"sharedWith":           map[string]any{ann: true, bob: true}})
	// An order hint is worked out from those of its neighbours: " !" is the end.
	var buckets []string
	last := ""
	for _, name := range []string{"Ideas", "Doing", "Ideas"} {
		b := e.graph(ann, http.MethodPost, "planner/buckets", map[string]any{"name": name, "planId": plan, "orderHint": last + " !"})
		buckets = append(buckets, b["id"].(string))
		last, _ = b["orderHint"].(string)
	}
	task := func(bucket, title string, more map[string]any) string {
		e.t.Helper()
		body := map[string]any{"planId": plan, "bucketId": bucket, "title": title}
		for k, v := range more {
			body[k] = v
		}
		return e.made(ann, "planner/tasks", body)
	}
	assigned := map[string]any{}
	for _, id := range []string{ann, bob} {
		assigned[id] = map[string]any{"@odata.type": "#microsoft.graph.plannerAssignment", "orderHint": " !"}
	}
	summer := task(buckets[0], "Summer campaign", map[string]any{"assignments": assigned, "appliedCategories": map[string]any{"category1": true, "category2": true, "category4": true},
		"startDateTime": "2026-03-03T10:00:00Z", "dueDateTime": "2026-03-20T10:00:00Z", "percentComplete": 50, "priority": 1})
	poster := task(buckets[0], "Poster", map[string]any{"percentComplete": 100, "priority": 9})
	checklist, references := map[string]any{}, map[string]any{}
	last = ""
	for i, title := range []string{"First", "次", "Last", strings.Repeat("long ", 19)} {
		checklist[uuid.NewSHA1(uuid.Nil, []byte(title)).String()] = map[string]any{"@odata.type": "#microsoft.graph.plannerChecklistItem", "title": strings.TrimSpace(title),
			"isChecked": i%2 == 0, "orderHint": last + " !"}
		last += " !"
	}
	link := func(address, alias string) {
		key := strings.NewReplacer("%", "%25", ".", "%2E", ":", "%3A", "@", "%40", "#", "%23").Replace(address)
		references[key] = map[string]any{"@odata.type": "#microsoft.graph.plannerExternalReference", "alias": alias, "type": "Other", "previewPriority": " !"}
	}
	link(e.plannerTaskURL(plan, poster), "Poster")
	link("https://example.test/a?b=c#d", "Our site")
	link(e.upload("plan.txt", "the plan"), "plan.txt")
	e.graph(ann, http.MethodPatch, "planner/tasks/"+summer+"/details", map[string]any{"description": "Ask Bob and see " + e.plannerTaskURL(plan, poster) + "\n\n* not a list\n1 < 2",
		"checklist": checklist, "references": references})
	e.comment(ann, summer, "First. What do you think of "+e.plannerTaskURL(plan, poster)+"?", "Second & last")
	for i := range 12 {
		id := task(buckets[1], fmt.Sprintf("Task %d", i), map[string]any{"percentComplete": []int{0, 50, 100}[i%3]})
		e.graph(ann, http.MethodPatch, "planner/tasks/"+id+"/details", map[string]any{"description": fmt.Sprintf("Number %d", i)})
	}
	task(buckets[2], "In the other bucket of that name", nil)
	return plan
}

func (e *end) plannerTaskURL(plan, task string) string {
	return "https://planner.cloud.microsoft/webui/plan/" + plan + "/view/board/task/" + task
}

// upload puts a file into the group's drive and returns its address.
func (e *end) upload(name, content string) string {
	e.t.Helper()
	token, err := e.tenant.Token("annlee@example.test")
	if err != nil {
		e.t.Fatal(err)
	}
	drive := e.graph("annlee@example.test", http.MethodGet, "groups/"+e.group+"/drive", nil)["id"].(string)
	got := call(e.t, e.bare, http.MethodPut, graphBase+"/v1.0/drives/"+drive+"/root:/"+url.PathEscape(name)+":/content", []byte(content),
		map[string]string{"Authorization": "Bearer " + token})
	address, _ := got["webUrl"].(string)
	return address
}

// comment begins a task's thread, or goes on with it.
func (e *end) comment(user, task string, texts ...string) {
	e.t.Helper()
	body := func(text string) map[string]any {
		return map[string]any{"body": map[string]any{"contentType": "html", "content": "<div>" + strings.ReplaceAll(text, "&", "&amp;") + "</div>"}}
	}
	thread, _ := e.graph(user, http.MethodGet, "planner/tasks/"+task, nil)["conversationThreadId"].(string)
	for _, text := range texts {
		if thread != "" {
			e.graph(user, http.MethodPost, "groups/"+e.group+"/threads/"+url.PathEscape(thread)+"/reply", map[string]any{"post": body(text)})
			continue
		}
		thread = e.made(user, "groups/"+e.group+"/threads", map[string]any{"topic": "Comments", "posts": []any{body(text)}})
		e.graph(user, http.MethodPatch, "planner/tasks/"+task, map[string]any{"conversationThreadId": thread})
	}
}

// task finds a task of the plan Marketing.
func (e *end) task(title string) (id, plan string) {
	e.t.Helper()
	for _, p := range e.tenant.Plans() {
		if p.Title != "Marketing" {
			continue
		}
		for _, t := range e.tenant.Tasks(p.ID) {
			if t.Title == title {
				return t.ID, p.ID
			}
		}
	}
	e.t.Fatalf("no task %s", title)
	return "", ""
}

// editPlanner changes the plan as people do in a day: something of each kind.
func (e *end) editPlanner() {
	e.t.Helper()
	ann := e.userID("annlee@example.test")
	patch := func(title string, body map[string]any) {
		id, _ := e.task(title)
		e.graph(ann, http.MethodPatch, "planner/tasks/"+id, body)
	}
	patch("Task 1", map[string]any{"title": "Task 1, renamed", "dueDateTime": "2026-03-25T10:00:00Z"})
	patch("Task 2", map[string]any{"percentComplete": 50, "priority": 3})
	summer, plan := e.task("Summer campaign")
	details := e.graph(ann, http.MethodGet, "planner/tasks/"+summer+"/details", nil)
	for key, v := range details["checklist"].(map[string]any) {
		if entry := v.(map[string]any); entry["title"] == "次" {
			e.graph(ann, http.MethodPatch, "planner/tasks/"+summer+"/details", map[string]any{"description": "Changed",
				"checklist": map[string]any{key: map[string]any{"@odata.type": "#microsoft.graph.plannerChecklistItem", "isChecked": true}}})
		}
	}
	e.comment(ann, summer, "One more thing")
	buckets := e.graph(ann, http.MethodGet, "planner/plans/"+plan+"/buckets", nil)["value"].([]any)
	doing := ""
	for _, b := range buckets {
		if b := b.(map[string]any); b["name"] == "Doing" {
			doing = b["id"].(string)
		}
	}
	patch("Poster", map[string]any{"bucketId": doing})
	id, _ := e.task("Task 9")
	e.graph(ann, http.MethodPatch, "planner/tasks/"+id, map[string]any{"orderHint": " " + e.firstHint(ann, doing) + "!"})
	e.made(ann, "planner/tasks", map[string]any{"planId": plan, "bucketId": doing, "title": "New today"})
	e.made(ann, "planner/buckets", map[string]any{"name": "New bucket", "planId": plan, "orderHint": " !"})
	e.graph(ann, http.MethodPatch, "planner/plans/"+plan+"/details", map[string]any{"categoryDescriptions": map[string]any{"category1": "very urgent", "category9": nil, "category12": "fresh"}})
	patch("Task 7", map[string]any{"appliedCategories": map[string]any{"category12": true}})
	e.graph(ann, http.MethodPatch, "planner/tasks/"+summer, map[string]any{"appliedCategories": map[string]any{"category2": nil}, "assignments": map[string]any{ann: nil}})
	e.upload("plan.txt", "the plan, and more of it")
	gone, _ := e.task("Task 4")
	e.graph(ann, http.MethodDelete, "planner/tasks/"+gone, nil)
}

// firstHint is the order hint of the first task of a bucket.
func (e *end) firstHint(user, bucket string) string {
	e.t.Helper()
	first := ""
	for _, v := range e.graph(user, http.MethodGet, "planner/buckets/"+bucket+"/tasks", nil)["value"].([]any) {
		if hint, _ := v.(map[string]any)["orderHint"].(string); first == "" || hint < first {
			first = hint
		}
	}
	return first
}
