package standin

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// board makes a plan with a bucket.
func (n *tenant) board() (plan, bucket string) {
	n.t.Helper()
	plan = n.do("POST", "/planner/plans", planIn(n, n.group, "Spring")).want(201).str("id")
	bucket = n.do("POST", "/planner/buckets", object{"name": "To do", "planId": plan, "orderHint": " !"}).want(201).str("id")
	return plan, bucket
}

func (n *tenant) newTask(plan, title string) got {
	n.t.Helper()
	return n.do("POST", "/planner/tasks", object{"planId": plan, "title": title}).want(201)
}

const assignmentType = "#microsoft.graph.plannerAssignment"

func TestPlans(t *testing.T) {
	n := start(t, Options{})
	g := n.do("POST", "/planner/plans", planIn(n, n.group, "Spring")).want(201)
	id, etag := g.str("id"), g.etag()
	if len(id) != 28 || g.body["container"].(map[string]any)["containerId"] != n.group || g.body["createdBy"].(map[string]any)["application"].(map[string]any)["id"] != n.client {
		t.Errorf("the plan is %s", g.raw)
	}
	n.do("POST", "/planner/plans", object{"title": "By id", "container": object{"containerId": n.group, "type": "group"}}).want(201)
	if got := n.do("GET", "/groups/"+n.group+"/planner/plans", nil).want(200).list(); len(got) != 2 {
		t.Errorf("the group has %d plans", len(got))
	}
	n.do("PATCH", "/planner/plans/"+id, object{"title": "x"}).refused(412, "", "must be specified")
	n.do("PATCH", "/planner/plans/"+id, object{"title": "x"}, ifMatchOf("*")).refused(400, "", "dictionary")
	n.do("PATCH", "/planner/plans/"+id, object{"title": "x"}, ifMatchOf(`W/"x"`)).refused(412, "", "invalid value")
	n.do("PATCH", "/planner/plans/"+id, object{"title": "x", "owner": "y"}, ifMatchOf(etag)).refused(400, "", "read-only")
	n.do("PATCH", "/planner/plans/"+id, object{"title": nil}, ifMatchOf(etag)).refused(400, "", "non-null value")
	n.do("PATCH", "/planner/plans/"+id, object{"title": strings.Repeat("x", 256)}, ifMatchOf(etag)).refused(400, "", "maximum of 255")
	if g := n.do("PATCH", "/planner/plans/"+id, object{"title": "Summer"}, ifMatchOf(etag)).want(204); len(g.raw) != 0 {
		t.Error("204 has a body")
	}
	n.do("DELETE", "/planner/plans/"+id, nil).refused(412, "", "must be specified")
	n.do("DELETE", "/planner/plans/"+id, nil, ifMatchOf(etag)).refused(409, "", "conflicted")

	details := n.do("GET", "/planner/plans/"+id+"/details", nil).want(200)
	if details.etag() == etag {
		t.Error("a plan and its details share an etag")
	}
	n.do("PATCH", "/planner/plans/"+id+"/details", object{"categoryDescriptions": object{"category1": "x"}}, ifMatchOf(etag)).want(412)
	g = n.do("PATCH", "/planner/plans/"+id+"/details", object{"categoryDescriptions": object{"category1": "Urgent", "category25": "Späť"}, "sharedWith": object{n.bob: true}},
		ifMatchOf(details.etag()), "Prefer: return=representation").want(200)
	names := g.body["categoryDescriptions"].(map[string]any)
	if names["category1"] != "Urgent" || names["category25"] != "Späť" || names["category2"] != nil || len(names) != 25 || g.body["sharedWith"].(map[string]any)[n.bob] != true {
		t.Errorf("the details are %s", g.raw)
	}
	n.do("PATCH", "/planner/plans/"+id+"/details", object{"categoryDescriptions": object{"category26": "x"}}, ifMatchOf(g.etag())).refused(400, "", "category26")
	n.do("PATCH", "/planner/plans/"+id+"/details", object{"categoryDescriptions": object{"category1": strings.Repeat("x", 101)}}, ifMatchOf(g.etag())).refused(400, "", "maximum")
	n.do("PATCH", "/planner/plans/"+id+"/details", object{"categoryDescriptions": object{"category1": nil}}, ifMatchOf(g.etag())).want(204)
	if g := n.do("GET", "/planner/plans/"+id+"/details", nil); g.body["categoryDescriptions"].(map[string]any)["category1"] != nil {
		t.Error("null did not clear a category")
	}

	task := n.newTask(id, "x").str("id")
	n.do("DELETE", "/planner/plans/"+id, nil, ifMatchOf(n.do("GET", "/planner/plans/"+id, nil).etag())).want(204)
	for _, path := range []string{"/planner/plans/" + id, "/planner/plans/" + id + "/details", "/planner/plans/" + id + "/tasks", "/planner/tasks/" + task} {
		n.do("GET", path, nil).refused(404, "", "not found")
	}
	for _, bad := range []object{
		{"container": object{"url": n.at + "/v1.0/groups/" + n.group}}, {"title": "x"},
		{"title": "x", "container": object{"url": n.at + "/v1.0/users/" + n.ada}}, {"title": "x", "container": object{"url": n.at + "/v1.0/groups/" + n.group}, "name": "y"},
		{"title": "x", "container": object{"type": "team"}},
	} {
		n.do("POST", "/planner/plans", bad).refused(400, "", "")
	}
	n.do("POST", "/planner/plans", planIn(n, n.ada, "x")).want(404)
}

func TestPeopleUsePlansOfTheirGroupsOnly(t *testing.T) {
	n := start(t, Options{})
	plan, bucket := n.board()
	task := n.newTask(plan, "x").str("id")
	bob, err := n.Token(n.bob)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/planner/plans/" + plan, "/planner/plans/" + plan + "/tasks", "/planner/buckets/" + bucket, "/planner/tasks/" + task, "/planner/tasks/" + task + "/details", "/groups/" + n.group + "/planner/plans"} {
		n.as(bob, "GET", path, nil).refused(403, "", "permissions")
		n.as(n.token, "GET", path, nil).want(200)
	}
	n.as(bob, "POST", "/planner/tasks", object{"planId": plan, "title": "x"}).refused(403, "", "permissions")
	mine := n.as(n.token, "POST", "/planner/tasks", object{"planId": plan, "title": "mine", "assignments": object{n.ada: object{"@odata.type": assignmentType, "orderHint": " !"}}}).want(201)
	if mine.body["createdBy"].(map[string]any)["user"].(map[string]any)["id"] != n.ada {
		t.Errorf("made by %v", mine.body["createdBy"])
	}
	if got := n.as(n.token, "GET", "/me/planner/tasks", nil).want(200).list(); len(got) != 1 || got[0]["title"] != "mine" {
		t.Errorf("ada's tasks are %v", got)
	}
}

func TestBuckets(t *testing.T) {
	n := start(t, Options{})
	plan, first := n.board()
	hint := n.do("GET", "/planner/buckets/"+first, nil).want(200).str("orderHint")
	second := n.do("POST", "/planner/buckets", object{"name": "Done", "planId": plan, "orderHint": hint + " !"}).want(201)
	if second.str("orderHint") <= hint {
		t.Error("the second bucket does not come after the first")
	}
	n.do("POST", "/planner/buckets", object{"name": "x", "planId": plan, "orderHint": hint}).refused(400, "", "does not contain spaces or exclamation points")
	n.do("POST", "/planner/buckets", object{"name": "x"}).refused(400, "", "Validation for field 'PlanId', on entity 'Bucket'")
	n.do("POST", "/planner/buckets", object{"planId": plan}).refused(400, "", "'Name'")
	n.do("POST", "/planner/buckets", object{"name": "x", "planId": strings.Repeat("x", 28)}).want(404)
	id := second.str("id")
	g := n.do("PATCH", "/planner/buckets/"+id, object{"orderHint": " " + hint + "!"}, ifMatchOf(second.etag()), "Prefer: return=representation").want(200)
	if g.str("orderHint") >= hint || g.header.Get("Preference-Applied") == "" {
		t.Errorf("moved to %s", g.raw)
	}
	task := n.do("POST", "/planner/tasks", object{"planId": plan, "bucketId": id, "title": "x"}).want(201).str("id")
	if got := n.do("GET", "/planner/buckets/"+id+"/tasks", nil).want(200).list(); len(got) != 1 || got[0]["id"] != task {
		t.Errorf("the bucket holds %v", got)
	}
	if got := n.do("GET", "/planner/plans/"+plan+"/buckets", nil).want(200).list(); len(got) != 2 {
		t.Errorf("the plan has %d buckets", len(got))
	}
	n.do("DELETE", "/planner/buckets/"+id, nil, ifMatchOf(second.etag())).want(409)
	n.do("DELETE", "/planner/buckets/"+id, nil, ifMatchOf(g.etag())).want(204)
	n.do("GET", "/planner/tasks/"+task, nil).want(404)
}

func TestTasks(t *testing.T) {
	n := start(t, Options{})
	plan, bucket := n.board()
	n.clock.move(30 * time.Minute)
	made := n.do("POST", "/planner/tasks", object{"planId": plan, "bucketId": bucket, "title": "Naïve 任务", "percentComplete": 50, "priority": 3,
		"startDateTime": "2026-03-01T00:00:00Z", "dueDateTime": "2026-03-02T23:30:00+02:00", "previewType": "checklist", "orderHint": " !",
		"assignments": object{n.ada: object{"@odata.type": assignmentType, "orderHint": " !"}}, "appliedCategories": object{"category1": true, "category2": false}}).want(201)
	for name, want := range map[string]any{"title": "Naïve 任务", "percentComplete": 50.0, "priority": 3.0, "dueDateTime": "2026-03-02T21:30:00Z", "createdDateTime": "2026-03-01T12:30:00Z",
		"checklistItemCount": 0.0, "referenceCount": 0.0, "hasDescription": false, "completedBy": nil, "previewType": "checklist", "bucketId": bucket} {
		if made.body[name] != want {
			t.Errorf("%s is %v, want %v", name, made.body[name], want)
		}
	}
	if c := made.body["appliedCategories"].(map[string]any); len(c) != 1 || c["category1"] != true {
		t.Errorf("the categories are %v", c)
	}
	if a := made.body["assignments"].(map[string]any)[n.ada].(map[string]any); a["orderHint"] == " !" || a["assignedBy"] == nil {
		t.Errorf("the assignment is %v", a)
	}
	id := made.str("id")
	for _, tt := range []struct {
		body  object
		piece string
	}{
		{object{"title": nil}, "non-null"}, {object{"title": ""}, "non-null"}, {object{"title": 7}, "Edm.String"}, {object{"title": strings.Repeat("x", 256)}, "255"},
		{object{"percentComplete": 101}, "between 0 and 100"}, {object{"percentComplete": "half"}, "Edm.Int32"}, {object{"priority": 11}, "between 0 and 10"},
		{object{"startDateTime": "2026-04-01T00:00:00Z"}, "later than its due date"}, {object{"dueDateTime": "tomorrow"}, "Edm.DateTimeOffset"},
		{object{"appliedCategories": object{"category26": true}}, "category26"}, {object{"appliedCategories": object{"urgent": true}}, "urgent"},
		{object{"assignments": object{n.bob: object{"orderHint": " !"}}}, "@odata.type"}, {object{"assignments": object{n.bob: object{"@odata.type": assignmentType}}}, "OrderHint"},
		{object{"assignments": object{"00000000-0000-4000-8000-000000000000": object{"@odata.type": assignmentType, "orderHint": " !"}}}, "does not exist"},
		{object{"orderHint": made.str("orderHint")}, "spaces or exclamation"}, {object{"createdDateTime": "2020-01-01T00:00:00Z"}, "read-only"},
		{object{"checklistItemCount": 1}, "read-only"}, {object{"details": object{"description": "x"}}, "Cannot apply PATCH to navigation property 'details'"},
		{object{"colour": "red"}, "does not exist on type 'microsoft.graph.plannerTask'"}, {object{"previewType": "big"}, "previewType"},
		{object{"planId": strings.Repeat("x", 28)}, "another plan"},
	} {
		n.do("PATCH", "/planner/tasks/"+id, tt.body, ifMatchOf(made.etag())).refused(400, "", tt.piece)
	}
	n.do("PATCH", "/planner/tasks/"+id, object{"bucketId": strings.Repeat("x", 28)}, ifMatchOf(made.etag())).want(404)
	n.do("POST", "/planner/tasks", object{"title": "x"}).refused(400, "", "PlanId")
	n.do("POST", "/planner/tasks", object{"planId": plan}).refused(400, "", "Title")

	g := n.do("PATCH", "/planner/tasks/"+id, object{"percentComplete": 100, "dueDateTime": nil, "conversationThreadId": "AAQk", "appliedCategories": object{"category1": false, "category3": true},
		"assignments": object{n.ada: nil, n.bob: object{"@odata.type": "microsoft.graph.plannerAssignment", "orderHint": " !"}}}, ifMatchOf(made.etag()), "Prefer: return=representation").want(200)
	if g.body["completedDateTime"] == nil || g.body["completedBy"] == nil || g.body["dueDateTime"] != nil || g.str("conversationThreadId") != "AAQk" ||
		len(g.body["assignments"].(map[string]any)) != 1 || g.body["appliedCategories"].(map[string]any)["category3"] != true {
		t.Errorf("after the change it is %s", g.raw)
	}
	g = n.do("PATCH", "/planner/tasks/"+id, object{"percentComplete": 0}, ifMatchOf(g.etag()), "Prefer: return=representation").want(200)
	if g.body["completedDateTime"] != nil || g.body["completedBy"] != nil {
		t.Error("an open task is completed")
	}
	n.do("DELETE", "/planner/tasks/"+id, nil, ifMatchOf(g.etag())).want(204)
	n.do("GET", "/planner/tasks/"+id, nil).want(404)
	n.do("DELETE", "/planner/tasks/"+id, nil, ifMatchOf(g.etag())).want(404)
}

func TestOlderEtags(t *testing.T) {
	n := start(t, Options{})
	plan, _ := n.board()
	made := n.newTask(plan, "one")
	path, old := "/planner/tasks/"+made.str("id"), made.etag()
	n.do("PATCH", path, object{"title": "two"}, ifMatchOf(old)).want(204)
	n.do("PATCH", path, object{"percentComplete": 50}, ifMatchOf(old)).want(204) // nothing in conflict
	n.do("PATCH", path, object{"title": "three"}, ifMatchOf(old)).refused(409, "", "conflicted with already accepted changes")
	n.do("PATCH", path, object{"appliedCategories": object{"category1": true}}, ifMatchOf(old)).want(204)
	n.do("PATCH", path, object{"appliedCategories": object{"category2": true}}, ifMatchOf(old)).want(204)
	n.do("PATCH", path, object{"appliedCategories": object{"category1": false}}, ifMatchOf(old)).want(409)
	n.do("DELETE", path, nil, ifMatchOf(old)).want(409)
	now := n.do("GET", path, nil).want(200)
	if now.str("title") != "two" || now.body["percentComplete"] != 50.0 || now.etag() == old {
		t.Errorf("the task is %s", now.raw)
	}
	other := n.newTask(plan, "other")
	n.do("PATCH", path, object{"title": "x"}, ifMatchOf(other.etag())).refused(412, "", "invalid value")
	n.do("PATCH", path, object{"title": "x"}, ifMatchOf(n.do("GET", path+"/details", nil).etag())).refused(412, "", "invalid value")

	// Details that show in the task change its etag too: O365/python-o365#1082.
	details := n.do("GET", path+"/details", nil).want(200)
	n.do("PATCH", path+"/details", object{"description": "d"}, ifMatchOf(details.etag())).want(204)
	n.do("DELETE", path, nil, ifMatchOf(now.etag())).want(409)
	n.do("PATCH", path, object{"title": "four"}, ifMatchOf(now.etag())).want(204)

	few := DefaultLimits()
	few.EtagMemory = 2
	m := start(t, Options{Limits: &few})
	plan, _ = m.board()
	made = m.newTask(plan, "x")
	path, old = "/planner/tasks/"+made.str("id"), made.etag()
	for i := range 3 {
		m.do("PATCH", path, object{"priority": i}, ifMatchOf(m.do("GET", path, nil).etag())).want(204)
	}
	m.do("PATCH", path, object{"title": "y"}, ifMatchOf(old)).want(412)
}

func TestDetails(t *testing.T) {
	n := start(t, Options{})
	plan, _ := n.board()
	task := n.newTask(plan, "x").str("id")
	path := "/planner/tasks/" + task + "/details"
	one, two := "95e27074-6c4a-447a-aa24-9d718a0b86fa", "d280ed1a-9f6b-4f9c-a962-fb4d00dc50ff"
	const item, ref = "microsoft.graph.plannerChecklistItem", "#microsoft.graph.plannerExternalReference"
	d := n.do("GET", path, nil).want(200)
	if d.str("description") != "" || d.str("id") != task {
		t.Errorf("new details are %s", d.raw)
	}
	g := n.do("PATCH", path, object{"description": "Line 1\nLine 2", "previewType": "noPreview",
		"checklist":  object{one: object{"@odata.type": item, "title": "first", "isChecked": true, "orderHint": " !"}, two: object{"@odata.type": item, "title": "second", "orderHint": " ! !"}},
		"references": object{"https%3A//contoso%2Ecom/a%2520b": object{"@odata.type": ref, "alias": "A", "type": "Other", "previewPriority": " !"}}}, ifMatchOf(d.etag()), "Prefer: return=representation").want(200)
	list := g.body["checklist"].(map[string]any)
	first, second := list[one].(map[string]any), list[two].(map[string]any)
	if first["isChecked"] != true || second["isChecked"] != false || first["orderHint"].(string) >= second["orderHint"].(string) {
		t.Errorf("the checklist is %v", list)
	}
	now := n.do("GET", "/planner/tasks/"+task, nil).want(200)
	for name, want := range map[string]any{"checklistItemCount": 2.0, "activeChecklistItemCount": 1.0, "referenceCount": 1.0, "hasDescription": true, "previewType": "noPreview"} {
		if now.body[name] != want {
			t.Errorf("the task's %s is %v, want %v", name, now.body[name], want)
		}
	}
	for _, tt := range []struct {
		body  object
		piece string
	}{
		{object{"checklist": object{"item-1": object{"@odata.type": item, "title": "x"}}}, "not a GUID"},
		{object{"checklist": object{one: object{"title": "x"}}}, "@odata.type"},
		{object{"checklist": object{one: object{"@odata.type": item, "title": strings.Repeat("x", 101)}}}, "maximum of 100"},
		{object{"checklist": object{"a93c93c5-10a6-4167-9551-8bafa09967a7": object{"@odata.type": item}}}, "non-null"},
		{object{"checklist": object{one: object{"@odata.type": item, "dueDateTime": "x"}}}, "dueDateTime"},
		{object{"checklist": object{one: object{"@odata.type": item, "orderHint": first["orderHint"]}}}, "spaces or exclamation"},
		{object{"references": object{"https://contoso.com": object{"@odata.type": ref}}}, "must be encoded"},
		{object{"references": object{"https%3A//contoso%2Ecom/a%20b": object{"@odata.type": ref}}}, "must be encoded"},
		{object{"references": object{"ftp%3A//contoso%2Ecom": object{"@odata.type": ref}}}, "not a valid URL"},
		{object{"references": object{"https%3A//contoso%2Ecom": object{}}}, "@odata.type"},
		{object{"notes": object{}}, "notes"},
		{object{"description": strings.Repeat("x", 32769)}, "maximum"},
	} {
		n.do("PATCH", path, tt.body, ifMatchOf(g.etag())).refused(400, "", tt.piece)
	}
	n.do("PATCH", path, object{"checklist": object{one: nil, two: object{"@odata.type": item, "isChecked": true}}, "references": object{"https%3A//contoso%2Ecom/a%2520b": nil, "https%3A//never%2Ethere": nil}}, ifMatchOf(g.etag())).want(204)
	g = n.do("GET", path, nil).want(200)
	if list := g.body["checklist"].(map[string]any); len(list) != 1 || list[two].(map[string]any)["title"] != "second" || list[two].(map[string]any)["isChecked"] != true {
		t.Errorf("the checklist is %v", list)
	}
	if refs := g.body["references"].(map[string]any); len(refs) != 0 {
		t.Errorf("the references are %v", refs)
	}
}

func TestDeepInsert(t *testing.T) {
	for _, honoured := range []bool{false, true} {
		n := start(t, Options{DeepInsert: honoured})
		plan, _ := n.board()
		made := n.do("POST", "/planner/tasks", object{"planId": plan, "title": "x", "details": object{"description": "inline"}}).want(201)
		d := n.do("GET", "/planner/tasks/"+made.str("id")+"/details", nil).want(200)
		if (d.str("description") == "inline") != honoured || made.body["hasDescription"] != honoured || made.body["details"] != nil {
			t.Errorf("with DeepInsert %v the description is %q", honoured, d.str("description"))
		}
	}
	n := start(t, Options{DeepInsert: true})
	plan, _ := n.board()
	n.do("POST", "/planner/tasks", object{"planId": plan, "title": "x", "details": object{"notes": "y"}}).refused(400, "", "notes")
}

func TestFormats(t *testing.T) {
	n := start(t, Options{})
	plan, _ := n.board()
	made := n.do("POST", "/planner/tasks", object{"planId": plan, "title": "x", "assignments": object{n.ada: object{"@odata.type": assignmentType, "orderHint": " !"}}}).want(201)
	etags := map[string]bool{made.etag(): true}
	for _, format := range []string{"bucketTaskBoardFormat", "progressTaskBoardFormat"} {
		path := "/planner/tasks/" + made.str("id") + "/" + format
		g := n.do("GET", path, nil).want(200)
		if etags[g.etag()] || g.str("orderHint") != made.str("orderHint") {
			t.Errorf("%s is %s", format, g.raw)
		}
		etags[g.etag()] = true
		n.do("PATCH", path, object{"orderHint": " !"}).want(412)
		n.do("PATCH", path, object{"orderHint": g.str("orderHint")}, ifMatchOf(g.etag())).refused(400, "", "spaces")
		after := n.do("PATCH", path, object{"orderHint": g.str("orderHint") + " !"}, ifMatchOf(g.etag()), "Prefer: return=representation").want(200)
		if after.str("orderHint") <= g.str("orderHint") {
			t.Errorf("%s did not move", format)
		}
	}
	path := "/planner/tasks/" + made.str("id") + "/assignedToTaskBoardFormat"
	g := n.do("GET", path, nil).want(200)
	after := n.do("PATCH", path, object{"orderHintsByAssignee": object{n.ada: "a b!"}, "unassignedOrderHint": " !"}, ifMatchOf(g.etag()), "Prefer: return=representation").want(200)
	if h := after.body["orderHintsByAssignee"].(map[string]any)[n.ada].(string); h <= "a" || h >= "b" {
		t.Errorf("the hint became %q", h)
	}
	n.do("PATCH", path, object{"orderHintsByAssignee": object{n.bob: " !"}}, ifMatchOf(after.etag())).refused(400, "", "not assigned")

	apart := start(t, Options{FormatsApart: true})
	plan, _ = apart.board()
	made = apart.newTask(plan, "x")
	if g := apart.do("GET", "/planner/tasks/"+made.str("id")+"/bucketTaskBoardFormat", nil).want(200); g.str("orderHint") == made.str("orderHint") {
		t.Error("with FormatsApart the format starts from the task's hint")
	}
}

func TestPlannerLimits(t *testing.T) {
	l := DefaultLimits()
	l.PlansPerGroup, l.TasksPerPlan, l.ActiveTasks, l.BucketsPerPlan, l.TasksAssignedTo, l.ChecklistItems, l.References, l.Assignees, l.PlansSharedWith = 2, 3, 2, 2, 2, 2, 2, 1, 1
	l.TasksCreatedBy = 4
	n := start(t, Options{Limits: &l})
	plan, _ := n.board()
	n.do("POST", "/planner/buckets", object{"name": "x", "planId": plan}).want(201)
	n.do("POST", "/planner/buckets", object{"name": "x", "planId": plan}).refused(403, "MaximumBucketsInProject", "")
	two, _ := n.board()
	n.do("POST", "/planner/plans", planIn(n, n.group, "x")).refused(403, "MaximumProjectsOwnedByUser", "")

	assign := func(ids ...string) object {
		out := object{}
		for _, id := range ids {
			out[id] = object{"@odata.type": assignmentType, "orderHint": " !"}
		}
		return out
	}
	n.do("POST", "/planner/tasks", object{"planId": plan, "title": "1", "assignments": assign(n.ada, n.bob)}).refused(403, "MaximumAssigneesInTasks", "")
	first := n.do("POST", "/planner/tasks", object{"planId": plan, "title": "1", "assignments": assign(n.ada)}).want(201)
	n.do("POST", "/planner/tasks", object{"planId": plan, "title": "2", "assignments": assign(n.ada)}).want(201)
	n.do("POST", "/planner/tasks", object{"planId": plan, "title": "3", "percentComplete": 100, "assignments": assign(n.ada)}).refused(403, "MaximumTasksAssignedToUser", "")
	n.do("POST", "/planner/tasks", object{"planId": plan, "title": "3"}).refused(403, "MaximumActiveTasksInProject", "")
	done := n.do("POST", "/planner/tasks", object{"planId": plan, "title": "3", "percentComplete": 100}).want(201)
	n.do("POST", "/planner/tasks", object{"planId": plan, "title": "4", "percentComplete": 100}).refused(403, "MaximumTasksInProject", "")
	n.do("PATCH", "/planner/tasks/"+done.str("id"), object{"percentComplete": 50}, ifMatchOf(done.etag())).refused(403, "MaximumActiveTasksInProject", "")
	n.do("PATCH", "/planner/tasks/"+first.str("id"), object{"percentComplete": 100}, ifMatchOf(first.etag())).want(204)
	n.do("PATCH", "/planner/tasks/"+done.str("id"), object{"percentComplete": 50}, ifMatchOf(done.etag())).want(204)
	n.newTask(two, "4")
	n.do("POST", "/planner/tasks", object{"planId": two, "title": "5"}).refused(403, "MaximumTasksCreatedByUser", "")
	n.do("DELETE", "/planner/tasks/"+done.str("id"), nil, ifMatchOf(n.do("GET", "/planner/tasks/"+done.str("id"), nil).etag())).want(204)
	n.newTask(two, "5")

	path := "/planner/tasks/" + first.str("id") + "/details"
	d := n.do("GET", path, nil).etag()
	list, refs := object{}, object{}
	for i := range 3 {
		list[fmt.Sprintf("95e27074-6c4a-447a-aa24-9d718a0b86f%d", i)] = object{"@odata.type": "microsoft.graph.plannerChecklistItem", "title": "x"}
		refs[fmt.Sprintf("http%%3A//example%%2Ecom/%d", i)] = object{"@odata.type": "microsoft.graph.plannerExternalReference"}
	}
	n.do("PATCH", path, object{"checklist": list}, ifMatchOf(d)).refused(403, "MaximumChecklistItemsOnTask", "")
	n.do("PATCH", path, object{"references": refs}, ifMatchOf(d)).refused(403, "MaximumReferencesOnTask", "")
	plans := "/planner/plans/" + plan + "/details"
	n.do("PATCH", plans, object{"sharedWith": object{n.ada: true, n.bob: true}}, ifMatchOf(n.do("GET", plans, nil).etag())).refused(403, "MaximumUsersSharedWithProject", "")
}

func TestDefaultLimitsAreTheDocumentedOnes(t *testing.T) {
	l := DefaultLimits()
	for name, is := range map[string]bool{
		"9,000 tasks in a plan": l.TasksPerPlan == 9000, "2,400 active": l.ActiveTasks == 2400, "200 buckets": l.BucketsPerPlan == 200, "20 checklist items": l.ChecklistItems == 20,
		"10 references": l.References == 10, "20 assignees": l.Assignees == 20, "200 plans": l.PlansPerGroup == 200, "3,000 assigned": l.TasksAssignedTo == 3000, "20 parts": l.BatchParts == 20,
		"320 KiB": l.ChunkBytes == 327680, "60 MiB": l.ChunkMaxBytes == 62914560,
	} {
		if !is {
			t.Errorf("not as FACTS.md has it: %s", name)
		}
	}
}

func TestPagingOfTasks(t *testing.T) {
	l := DefaultLimits()
	l.PlannerPage = 7
	n := start(t, Options{Limits: &l})
	plan, _ := n.board()
	for i := range 30 {
		n.newTask(plan, fmt.Sprint(i))
	}
	tasks, pages := n.all("/planner/plans/" + plan + "/tasks")
	seen := map[any]bool{}
	for _, task := range tasks {
		seen[task["title"]] = true
	}
	if len(tasks) != 30 || len(seen) != 30 || pages != 5 {
		t.Errorf("%d tasks, %d different, on %d pages", len(tasks), len(seen), pages)
	}
	// A deletion between two pages neither hides nor repeats the rest.
	g := n.do("GET", "/planner/plans/"+plan+"/tasks?$top=5", nil).want(200)
	last := g.list()[4]
	n.do("DELETE", "/planner/tasks/"+last["id"].(string), nil, ifMatchOf(last["@odata.etag"].(string))).want(204)
	count := 5
	for next := g.str("@odata.nextLink"); next != ""; {
		g := n.do("GET", next, nil).want(200)
		count += len(g.list())
		next, _ = g.body["@odata.nextLink"].(string)
	}
	if count != 30 {
		t.Errorf("listed %d tasks across a deletion", count)
	}
	n.do("GET", "/planner/plans/"+plan+"/tasks?$filter=title%20eq%20'x'", nil).refused(400, "", "not allowed")
	n.do("GET", "/planner/plans/"+plan+"/tasks?$skiptoken=%21", nil).refused(400, "BadRequest", "skip token")
	if g := n.do("GET", "/planner/plans/"+plan+"/tasks?$expand=details", nil).want(200); g.list()[0]["details"] != nil {
		t.Error("the tasks of a plan are expanded, which Planner does not do")
	}
}

func FuzzReferenceKey(f *testing.F) {
	f.Add("https%3A//contoso%2Ecom/a%2520b")
	f.Add("%")
	f.Fuzz(func(t *testing.T, k string) {
		plain, err := decodeKey(k)
		if err != nil {
			return
		}
		again := strings.NewReplacer("%", "%25", ".", "%2E", ":", "%3A", "@", "%40", "#", "%23").Replace(plain)
		if back, err := decodeKey(again); err != nil || back != plain {
			t.Errorf("%q became %q, then %q, %v", k, plain, back, err)
		}
	})
}
