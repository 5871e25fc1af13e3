package redmine

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/redmine/redminetest"
	"github.com/rialto-migrate/rialto/item"
)

// Who sees a project is what the server lets each person read: members by name,
// through a group and through the project above, for a scan and for what is made
// in a place.
func testAudience(t *testing.T, w *world) {
	users := map[string]redminetest.User{"ann": w.ann, "bob": w.bob, "cara": w.cara, "dan": w.dan}
	for _, login := range []string{"gina", "gus", "locked"} {
		users[login] = w.srv.AddUser(t, "aud-"+login, login, "Viewer", "aud-"+login+"@example.net")
	}
	group := w.group(t, "Auditors", users["gina"], users["locked"])
	byName := w.seenProject(t, "aud-name", map[string]any{}, users["ann"].ID)
	byGroup := w.seenProject(t, "aud-group", map[string]any{}, users["ann"].ID, group)
	public := w.seenProject(t, "aud-public", map[string]any{"is_public": true}, users["bob"].ID)
	heir := w.seenProject(t, "aud-heir", map[string]any{"parent_id": byGroup, "inherit_members": true}, users["bob"].ID)
	apart := w.seenProject(t, "aud-apart", map[string]any{"parent_id": byGroup, "inherit_members": false}, users["cara"].ID)
	nobody := w.seenProject(t, "aud-nobody", map[string]any{})
	if code := w.srv.Call(t, http.MethodPost, "/groups/"+itoa(group)+"/users.json", map[string]any{"user_id": users["gus"].ID}, nil); code >= 300 {
		t.Fatalf("joining the group: %d", code) // he gets what the group has
	}
	if code := w.srv.Call(t, http.MethodPut, "/users/"+itoa(users["locked"].ID)+".json", map[string]any{"user": map[string]any{"status": userLocked}}, nil); code >= 300 {
		t.Fatalf("locking: %d", code)
	}

	tg := at(t, w.cloud, "project:"+itoa(byGroup))
	told, err := tg.Audience(t.Context())
	if err != nil || told.Visibility != connector.ForPeople || told.Joins || told.Hidden || len(told.People) > 0 || told.Writer != "1" {
		t.Errorf("the audience of a place with members is %+v, %v", told, err)
	}
	made := item.Item{Ref: item.Ref{Kind: item.Board}}
	item.Name.Set(&made, "aud made")
	item.Members.Set(&made, []string{itoa(users["dan"].ID)})
	ref := w.must(t, tg, create(made, "rialto:board:aud-made"))[0].Item.Ref
	id, _ := number(ref.ID)

	shards := map[string]connector.Shard{}
	for _, sh := range all(t, (&source{cloud: open(t, w.settings, nil), size: 10}).Shards(t.Context())) {
		shards[sh.Ref.ID] = sh
	}
	for _, c := range []struct {
		name    string
		project int
		sees    []string // nil for everybody
		belongs []string // besides
	}{
		{"by name", byName, []string{"ann"}, nil},
		{"by group", byGroup, []string{"ann", "gina", "gus"}, []string{"locked"}},
		{"public", public, nil, nil},
		{"with the members above", heir, []string{"ann", "bob", "gina", "gus"}, []string{"locked"}},
		{"without the members above", apart, []string{"cara"}, nil},
		{"nobody's", nobody, []string{}, nil},
		{"made in the place", id, []string{"dan"}, nil},
	} {
		for name, u := range users {
			want := c.sees == nil || slices.Contains(c.sees, name)
			if got := w.reads(t, u, c.project); got != want {
				t.Errorf("%s: the server lets %s read it: %t, want %t", c.name, name, got, want)
			}
		}
		ids := func(names []string) (out []string) {
			for _, n := range names {
				out = append(out, itoa(users[n].ID))
			}
			slices.Sort(out)
			return out
		}
		sh, ok := shards[itoa(c.project)]
		if !ok {
			t.Errorf("%s: a scan leaves it out", c.name)
			continue
		}
		viewers, members := slices.Sorted(slices.Values(sh.Viewers)), slices.Sorted(slices.Values(sh.Members))
		switch {
		case c.sees == nil:
			if sh.Visibility != connector.ForEverybody || sh.Viewers != nil || sh.People != -1 {
				t.Errorf("%s: visible to %s, %v (%d)", c.name, sh.Visibility, viewers, sh.People)
			}
		case sh.Visibility != connector.ForPeople || sh.Viewers == nil || !slices.Equal(viewers, ids(c.sees)) || sh.People != len(c.sees):
			t.Errorf("%s: visible to %s, %v (%d), want %v", c.name, sh.Visibility, viewers, sh.People, ids(c.sees))
		case !slices.Equal(members, ids(append(c.sees, c.belongs...))):
			t.Errorf("%s: its members are %v, want %v", c.name, members, ids(append(c.sees, c.belongs...)))
		}
	}

	// Who is in it through a group stays when he is taken off by name: gina has
	// nothing of her own, gus has.
	if code := w.srv.Call(t, http.MethodPost, "/projects/"+ref.ID+"/memberships.json", map[string]any{"membership": map[string]any{"user_id": users["gus"].ID, "role_ids": []int{4}}}, nil); code >= 300 {
		t.Fatalf("gus joins: %d", code)
	}
	if code := w.srv.Call(t, http.MethodPost, "/projects/"+ref.ID+"/memberships.json", map[string]any{"membership": map[string]any{"user_id": group, "role_ids": []int{3}}}, nil); code >= 300 {
		t.Fatalf("a group joins: %d", code)
	}
	prev := item.Bundle{Item: fetch(t, at(t, w.cloud, ""), ref, ref)[0]}
	next := prev.Item.Clone()
	item.Members.Set(&next, nil)
	if err := write(t, at(t, w.cloud, ""), nil, connector.Change{Op: connector.Update, Item: next, Prev: &prev, Dirty: []string{"members"}})[0].Err; err != nil {
		t.Error(err)
	}
	for name, want := range map[string]bool{"dan": false, "gina": true, "gus": true} {
		if got := w.reads(t, users[name], id); got != want {
			t.Errorf("after the members are taken off, %s reads it: %t, want %t", name, got, want)
		}
	}
	for m, err := range w.cloud.api.memberships(t.Context(), id) {
		if err != nil {
			t.Fatal(err)
		}
		if m.User != nil && slices.ContainsFunc(m.Roles, func(r apiRole) bool { return !r.Inherited }) {
			t.Errorf("%s has a role of his own still", m.User.Name)
		}
	}
}

// group makes a group.
func (w *world) group(t *testing.T, name string, users ...redminetest.User) int {
	t.Helper()
	var ids []int
	for _, u := range users {
		ids = append(ids, u.ID)
	}
	var out struct{ Group struct{ ID int } }
	if code := w.srv.Call(t, http.MethodPost, "/groups.json", map[string]any{"group": map[string]any{"name": name, "user_ids": ids}}, &out); code >= 300 {
		t.Fatalf("making a group: %d", code)
	}
	return out.Group.ID
}

// seenProject makes a project, private unless more says otherwise, with members,
// and has it deleted: other tests of this server count projects.
func (w *world) seenProject(t *testing.T, name string, more map[string]any, members ...int) int {
	t.Helper()
	in := map[string]any{"name": name, "identifier": name, "is_public": false}
	for k, v := range more {
		in[k] = v
	}
	var out struct{ Project struct{ ID int } }
	if code := w.srv.Call(t, http.MethodPost, "/projects.json", map[string]any{"project": in}, &out); code >= 300 {
		t.Fatalf("making the project %s: %d", name, code)
	}
	at := "/projects/" + itoa(out.Project.ID)
	t.Cleanup(func() { w.srv.Call(t, http.MethodDelete, at+".json", nil, nil) })
	for _, m := range members {
		if code := w.srv.Call(t, http.MethodPost, at+"/memberships.json", map[string]any{"membership": map[string]any{"user_id": m, "role_ids": []int{4}}}, nil); code >= 300 {
			t.Fatalf("%d joins %s: %d", m, name, code)
		}
	}
	return out.Project.ID
}

// reads tells whether the server lets somebody read a project.
func (w *world) reads(t *testing.T, u redminetest.User, project int) bool {
	t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, w.srv.URL+"/projects/"+itoa(project)+".json", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Redmine-API-Key", u.Key)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
