package redmine

import (
	"slices"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Who sees a project, and what nobody is shown: as an administrator, as a member
// and as somebody from outside.
func testSight(t *testing.T, w *world) {
	private := w.project(t, w.ann, w.bob)
	tg := at(t, w.cloud, "project:"+private.ID)
	inner := item.Item{Ref: item.Ref{Kind: item.Board}}
	item.Name.Set(&inner, "Seen by all")
	public := w.must(t, tg, create(inner, "rialto:board:public"))[0].Item.Ref
	gone := item.Item{Ref: item.Ref{Kind: item.Board}}
	item.Name.Set(&gone, "Put away")
	archived := w.must(t, at(t, w.cloud, ""), create(gone, "rialto:board:archived"))[0].Item.Ref
	w.must(t, at(t, w.cloud, ""), create(taskItem(private, "first"), "https://trello.com/c/sight"))
	if status := w.srv.Call(t, "PUT", "/projects/"+public.ID+".json", map[string]any{"project": map[string]any{"is_public": true}}, nil); status != 204 {
		t.Fatalf("a project is made public: %d", status)
	}
	defer func() { // other tests of this server count what somebody without rights sees
		w.srv.Call(t, "PUT", "/projects/"+public.ID+".json", map[string]any{"project": map[string]any{"is_public": false}}, nil)
	}()
	if status := w.srv.Call(t, "PUT", "/projects/"+archived.ID+"/archive.json", nil, nil); status != 204 {
		t.Fatalf("a project is archived: %d", status)
	}
	for _, c := range []struct {
		name, key string
		sees      []item.Ref
		owner     string // of the public one: its parent, where that is seen
		unseen    []string
	}{
		{"administrator", w.srv.Key, []item.Ref{private, public}, t.Name(), []string{"archived projects"}},
		{"member", w.ann.Key, []item.Ref{private, public}, t.Name(), []string{"private projects of others", "archived projects"}},
		{"outsider", w.dan.Key, []item.Ref{public}, "", []string{"private projects of others", "archived projects"}},
	} {
		src, err := open(t, connector.Settings{"url": w.srv.URL, "key": c.key, "text": "markdown"}, nil).Source(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, sh := range all(t, src.Shards(t.Context())) {
			if sh.Ref == archived {
				t.Errorf("%s sees an archived project", c.name)
			}
			if sh.Ref != private && sh.Ref != public {
				continue
			}
			if !slices.Contains(c.sees, sh.Ref) {
				t.Errorf("%s sees %s", c.name, sh.Ref)
			}
			c.sees = slices.DeleteFunc(c.sees, func(r item.Ref) bool { return r == sh.Ref })
			switch sh.Ref {
			case private:
				if sh.Visibility != connector.ForPeople || sh.People != 2 || time.Since(sh.Active).Abs() > time.Hour {
					t.Errorf("%s: the private project is visible to %s (%d), active %s", c.name, sh.Visibility, sh.People, sh.Active)
				}
			case public:
				if sh.Visibility != connector.ForEverybody || sh.People != -1 || sh.Owner != c.owner || !sh.Active.IsZero() {
					t.Errorf("%s: the public project is visible to %s (%d), in %q, active %s", c.name, sh.Visibility, sh.People, sh.Owner, sh.Active)
				}
			}
		}
		if len(c.sees) > 0 {
			t.Errorf("%s does not see %v", c.name, c.sees)
		}
		var unseen []string
		for _, u := range all(t, src.(connector.Blind).Unseen(t.Context())) {
			unseen = append(unseen, u.What)
		}
		if !slices.Equal(unseen, c.unseen) {
			t.Errorf("%s is told that %v are out of sight, want %v", c.name, unseen, c.unseen)
		}
	}
}
