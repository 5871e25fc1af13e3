package pairs_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/rialto-migrate/rialto/connectors/redmine/redminetest"
)

// A server is a real Redmine with the people, shared by the tests of its pairs.
type server struct {
	*redminetest.Server
	users map[string]redminetest.User
}

func newServer(t testing.TB) *server { return startServer(t, redminetest.WithFields()) }

func startServer(t testing.TB, with redminetest.Option) *server {
	t.Helper()
	s := &server{Server: redminetest.Start(t, with), users: map[string]redminetest.User{}}
	for _, p := range append(people(), away()) {
		s.users[p.user] = s.AddUser(t, p.user, p.first, p.last, p.mail())
	}
	return s
}

// away is a person of Redmine alone.
func away() person { return person{"ottoaway", "Otto", "Away"} }

// call sends a request as the administrator, or as a user, which must succeed.
func (s *server) call(t testing.TB, user, method, path string, body any) map[string]any {
	t.Helper()
	key := s.Key
	if user != "" {
		key = s.users[user].Key
	}
	return call(t, http.DefaultTransport, method, s.URL+path, body, map[string]string{"X-Redmine-API-Key": key})
}

// idOf is the id in an answer such as {"issue":{"id":7}}.
func idOf(answer map[string]any, of string) int {
	in, _ := answer[of].(map[string]any)
	id, _ := in["id"].(float64)
	return int(id)
}

// fillRedmine makes a project that has some of everything that Redmine keeps.
// Names and identifiers end in tail, so that tests do not meet.
func (s *server) fillRedmine(t testing.TB, tail string) (project int) {
	t.Helper()
	project = idOf(s.call(t, "", http.MethodPost, "/projects.json", map[string]any{"project": map[string]any{"name": "Marketing " + tail, "identifier": "marketing-" + tail,
		"description": "What we sell, **to whom**.", "is_public": false, "enabled_module_names": []string{"issue_tracking"}}}), "project")
	at := fmt.Sprintf("/projects/%d", project)
	for _, user := range []string{"annlee", "bobost", "sakura", away().user} {
		s.call(t, "", http.MethodPost, at+"/memberships.json", map[string]any{"membership": map[string]any{"user_id": s.users[user].ID, "role_ids": []int{3}}})
	}
	category := map[string]int{}
	for _, name := range []string{"Ideas", "Doing"} {
		category[name] = idOf(s.call(t, "", http.MethodPost, at+"/issue_categories.json", map[string]any{"issue_category": map[string]any{"name": name}}), "issue_category")
	}
	issue := func(user, subject string, more map[string]any) int {
		in := map[string]any{"project_id": project, "subject": subject, "start_date": ""}
		for k, v := range more {
			in[k] = v
		}
		return idOf(s.call(t, user, http.MethodPost, "/issues.json", map[string]any{"issue": in}), "issue")
	}
	poster := issue("sakura", "Poster", map[string]any{"category_id": category["Ideas"], "priority_id": 4, "done_ratio": 30})
	token := s.call(t, "annlee", http.MethodPost, "/uploads.json?filename="+url.QueryEscape("plan.txt"), []byte("the plan"))["upload"].(map[string]any)["token"]
	summer := issue("annlee", "Summer campaign", map[string]any{"category_id": category["Ideas"], "start_date": "2026-03-03", "due_date": "2026-03-20",
		"description":      fmt.Sprintf("See %s/issues/%d.\n\n- **one**\n- two", s.URL, poster),
		"assigned_to_id":   s.users["bobost"].ID,
		"watcher_user_ids": []int{s.users["annlee"].ID, s.users[away().user].ID},
		"uploads":          []any{map[string]any{"token": token, "filename": "plan.txt", "content_type": "text/plain"}}})
	s.call(t, "", http.MethodPut, fmt.Sprintf("/issues/%d.json", summer), map[string]any{"issue": map[string]any{"custom_fields": []any{
		map[string]any{"id": s.field(t, "Severity"), "value": "Major"}, map[string]any{"id": s.field(t, "Effort"), "value": "2.5"},
		map[string]any{"id": s.field(t, "Checked"), "value": "1"}, map[string]any{"id": s.field(t, "Reviewed"), "value": "2026-03-01"}}}})
	for _, note := range []struct{ user, text string }{{"annlee", fmt.Sprintf("First. See %s/issues/%d", s.URL, poster)}, {"sakura", "いいですね"}, {away().user, "I was **here**"}} {
		s.call(t, note.user, http.MethodPut, fmt.Sprintf("/issues/%d.json", summer), map[string]any{"issue": map[string]any{"notes": note.text}})
	}
	issue("annlee", "A part of it", map[string]any{"parent_issue_id": summer, "category_id": category["Doing"]})
	for i := range 12 {
		id := issue("annlee", fmt.Sprintf("Task %d", i), map[string]any{"category_id": category["Doing"], "description": fmt.Sprintf("Number %d", i)})
		if i%4 == 3 {
			s.call(t, "", http.MethodPut, fmt.Sprintf("/issues/%d.json", id), map[string]any{"issue": map[string]any{"status_id": 5}})
		}
	}
	return project
}

// field is the id of a custom field.
func (s *server) field(t testing.TB, name string) int {
	t.Helper()
	all, _ := s.call(t, "", http.MethodGet, "/custom_fields.json", nil)["custom_fields"].([]any)
	for _, f := range all {
		if f := f.(map[string]any); f["name"] == name {
			return int(f["id"].(float64))
		}
	}
	t.Fatalf("no custom field %s", name)
	return 0
}

// issue finds an issue of a project by its subject.
func (s *server) issue(t testing.TB, project int, subject string) int {
	t.Helper()
	all, _ := s.call(t, "", http.MethodGet, fmt.Sprintf("/issues.json?project_id=%d&status_id=*&limit=100", project), nil)["issues"].([]any)
	for _, f := range all {
		if f := f.(map[string]any); f["subject"] == subject {
			return int(f["id"].(float64))
		}
	}
	t.Fatalf("no issue %s", subject)
	return 0
}

// editRedmine changes the project as people do in a day.
func (s *server) editRedmine(t testing.TB, project int) {
	t.Helper()
	put := func(user, subject string, in map[string]any) {
		s.call(t, user, http.MethodPut, fmt.Sprintf("/issues/%d.json", s.issue(t, project, subject)), map[string]any{"issue": in})
	}
	put("annlee", "Task 1", map[string]any{"subject": "Task 1, renamed", "due_date": "2026-03-25"})
	put("annlee", "Task 2", map[string]any{"status_id": 5})
	put("annlee", "Task 3", map[string]any{"status_id": 2})
	put("bobost", "Summer campaign", map[string]any{"notes": "One more thing", "description": "Changed"})
	put("annlee", "Poster", map[string]any{"done_ratio": 60, "priority_id": 2})
	put("annlee", "Task 5", map[string]any{"assigned_to_id": s.users["sakura"].ID, "category_id": ""})
	s.call(t, "annlee", http.MethodPost, "/issues.json", map[string]any{"issue": map[string]any{"project_id": project, "subject": "New today", "start_date": ""}})
	s.call(t, "", http.MethodDelete, fmt.Sprintf("/issues/%d.json", s.issue(t, project, "Task 4")), nil)
}
