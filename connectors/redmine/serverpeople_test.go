package redmine

import (
	"maps"
	"net/http"
	"testing"

	"github.com/rialto-migrate/rialto/item"
)

// testStandings: an administrator sees whose account is locked; others are told
// of nobody's but their own.
func testStandings(t *testing.T, w *world) {
	eve := w.srv.AddUser(t, "eve", "Eve", "Leaver", "eve@example.net")
	board := w.project(t, w.ann, eve)
	tg := at(t, open(t, w.settings, nil), "")
	task := w.must(t, tg, create(taskItem(board, "hers"), "https://trello.com/c/hers"))[0].Item.Ref
	w.must(t, tg, create(commentItem(task, "before I go", itoa(eve.ID)), ""))
	if code := w.srv.Call(t, http.MethodPut, "/users/"+itoa(eve.ID)+".json", map[string]any{"user": map[string]any{"status": userLocked}}, nil); code >= 300 {
		t.Fatalf("eve was not locked: %d", code)
	}
	asAnn := maps.Clone(w.settings)
	asAnn["key"] = w.ann.Key
	for name, c := range map[string]struct {
		cloud    *cloud
		ann, eve string
	}{"administrator": {open(t, w.settings, nil), item.Active, item.Disabled}, "member": {open(t, asAnn, nil), item.Active, ""}} {
		src := &source{cloud: c.cloud, size: 10}
		got := map[string]string{}
		for _, p := range all(t, src.List(t.Context(), shard(t, src, board), "")) {
			for _, b := range p.Bundles {
				if b.Item.Kind == item.Member {
					got[b.Item.ID] = item.Standing.Get(b.Item)
				}
			}
		}
		if a, ok := got[itoa(w.ann.ID)]; !ok || a != c.ann {
			t.Errorf("%s: ann is %q, want %q", name, a, c.ann)
		}
		if e, ok := got[itoa(eve.ID)]; !ok || e != c.eve {
			t.Errorf("%s: eve is %q, want %q: %v", name, e, c.eve, got)
		}
	}
	for m, err := range tg.Members(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if m.ID == itoa(eve.ID) {
			t.Error("who is locked can be assigned")
		}
	}
}
