package redmine

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/redmine/redminetest"
	"github.com/rialto-migrate/rialto/item"
)

// TestCloser cuts projects of the real server over and takes it back.
func TestCloser(t *testing.T) {
	srv := redminetest.Start(t)
	guard := &connector.Guard{}
	open := func(key string) *source {
		t.Helper()
		c, err := New().Open(t.Context(), connector.Env{Settings: connector.Settings{"url": srv.URL, "key": key},
			HTTP: connector.NewClient(connector.ClientOptions{Guard: guard})})
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Source(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s.(*source)
	}
	s := open(srv.Key)
	project := func(id, parent string) connector.Shard {
		t.Helper()
		in := map[string]any{"name": id, "identifier": id, "description": "First line.\r\n\r\nSecond, with _marks_."}
		if parent != "" {
			in["parent_id"] = parent
		}
		var out struct{ Project struct{ ID int } }
		if status := srv.Call(t, http.MethodPost, "/projects.json", map[string]any{"project": in}, &out); status != http.StatusCreated {
			t.Fatalf("making %s: %d", id, status)
		}
		return connector.Shard{Ref: boardRef(out.Project.ID), URL: srv.URL + "/projects/" + id}
	}
	alone, parent := project("alone", ""), project("parent", "")
	child, shut := project("child", parent.Ref.ID), project("shut", "")
	srv.Call(t, http.MethodPut, "/projects/"+shut.Ref.ID+"/close.json", nil, nil)
	note := connector.Note{Link: "https://new.example/plan_1?a=b&c=d"}
	stands := func(sh connector.Shard) face {
		t.Helper()
		var out struct{ Project face }
		if status := srv.Call(t, http.MethodGet, "/projects/"+sh.Ref.ID+".json", nil, &out); status != http.StatusOK {
			t.Fatalf("reading project %s: %d", sh.Ref.ID, status)
		}
		return out.Project
	}
	if _, err := s.CloseShard(t.Context(), alone, note, ""); connector.ClassOf(err) != connector.Forbidden || !strings.Contains(err.Error(), "was not sent") {
		t.Fatalf("without a permit: %v", err)
	}
	closing, reopening := guard.Permit(t.Context(), connector.Closing), guard.Permit(t.Context(), connector.Reopening)
	for _, c := range []struct {
		name     string
		shard    connector.Shard
		standing connector.Standing
		readOnly bool
		status   int // while it is cut over
		noted    bool
	}{
		{"a project", alone, "", true, projectClosed, true},
		{"one with a subproject", parent, "", false, projectActive, true},
		{"a subproject", child, "", true, projectClosed, true},
		{"one that people had closed", shut, connector.WasClosed, true, projectClosed, false},
	} {
		before := stands(c.shard)
		standing, err := s.Standing(t.Context(), c.shard)
		if err != nil || standing != c.standing {
			t.Fatalf("%s stood %q, %v", c.name, standing, err)
		}
		for range 2 {
			closed, err := s.CloseShard(closing, c.shard, note, standing)
			if err != nil || closed.ReadOnly != c.readOnly || closed.ReadOnly == (closed.Why != "") {
				t.Fatalf("closing %s: %+v, %v", c.name, closed, err)
			}
		}
		if now := stands(c.shard); now.Status != c.status || strings.HasPrefix(now.Description, note.Text()) != c.noted {
			t.Fatalf("%s stands %+v", c.name, now)
		}
		for page, err := range s.List(t.Context(), c.shard, "") {
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range page.Bundles {
				if b.Item.Kind == item.Board && (strings.Contains(item.Description.Get(b.Item), note.Link) || item.Closed.Get(b.Item) != (c.standing != "")) {
					t.Errorf("%s is read with its note: %+v", c.name, b.Item)
				}
			}
		}
		for range 2 {
			if err := s.ReopenShard(reopening, c.shard, standing); err != nil {
				t.Fatalf("reopening %s: %v", c.name, err)
			}
		}
		if now := stands(c.shard); now != before {
			t.Errorf("%s stands %+v, and stood %+v", c.name, now, before)
		}
	}

	// Whose key may read and no more changes nothing.
	ann := srv.AddUser(t, "ann", "Ann", "Lee", "ann@example.net")
	member := func(role int) {
		t.Helper()
		srv.Call(t, http.MethodPost, "/projects/"+alone.Ref.ID+"/memberships.json", map[string]any{"membership": map[string]any{"user_id": ann.ID, "role_ids": []int{role}}}, nil)
	}
	member(5) // Reporter, of Redmine's default data
	if _, err := open(ann.Key).CloseShard(closing, alone, note, ""); connector.ClassOf(err) != connector.Forbidden {
		t.Errorf("closing without the right: %v", err)
	}
	if now := stands(alone); now.Status != projectActive || strings.Contains(now.Description, note.Link) {
		t.Errorf("it stands %+v", now)
	}
}
