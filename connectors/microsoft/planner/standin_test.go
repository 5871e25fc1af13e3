package planner

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

// modes are the ways of a connection and the clouds that it may meet.
func modes(t *testing.T, test func(t *testing.T, r *rig)) {
	for _, m := range []struct {
		name      string
		delegated bool
		options   standin.Options
	}{
		{"app", false, standin.Options{}},
		{"person", true, standin.Options{}},
		{"app, details at once", false, standin.Options{DeepInsert: true}},
		{"app, board apart", false, standin.Options{FormatsApart: true}},
	} {
		t.Run(m.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := tenant(t, m.options, m.delegated)
				test(t, r)
				for _, secret := range []string{"client-secret", "refresh-token"} {
					if s := r.srv.Settings(base)[secret]; s != "" && strings.Contains(r.log.String(), s) {
						t.Error("a secret is in the log")
					}
				}
			})
		})
	}
}

func TestCheck(t *testing.T) {
	modes(t, func(t *testing.T, r *rig) {
		id, err := r.cloud.Check(r.ctx())
		if err != nil || id.ID == "" || len(id.Rights) == 0 {
			t.Fatalf("%+v, %v", id, err)
		}
	})
}

func TestBoard(t *testing.T) {
	modes(t, func(t *testing.T, r *rig) {
		it := item.Item{Ref: item.Ref{Kind: item.Board}}
		item.Name.Set(&it, "Kampanje 春")
		item.Members.Set(&it, r.people[:2])
		stored := r.write(connector.Change{Op: connector.Create, Item: it})[0]
		board := stored.Item.Ref
		if item.Name.Get(stored.Item) != "Kampanje 春" || len(item.Members.Get(stored.Item)) != 2 {
			t.Fatalf("stored %+v", stored.Item)
		}
		if got := r.fetchOne(board, board); print(got) != print(stored) {
			t.Errorf("fetched %+v, stored %+v", got.Item, stored.Item)
		}
		it.ID = board.ID
		item.Name.Set(&it, "Renamed")
		item.Members.Set(&it, r.people[1:])
		prev := stored
		stored = r.write(connector.Change{Op: connector.Update, Item: it, Prev: &prev, Dirty: []string{"name", "members"}})[0]
		want := slices.Sorted(slices.Values(r.people[1:]))
		if item.Name.Get(stored.Item) != "Renamed" || !slices.Equal(item.Members.Get(stored.Item), want) {
			t.Errorf("after the update %+v", stored.Item)
		}
		if shards := collect(t, r.src.Shards(r.ctx())); len(shards) != 1 || shards[0].Ref != board || shards[0].Name != "Renamed" {
			t.Errorf("shards %+v", shards)
		}
		found := collect(t, r.dst.Find(r.ctx(), item.Ref{}, time.Now().Add(-time.Hour)))
		if len(found) != 1 || found[0].Bundle.Item.Ref != board || found[0].Made.IsZero() {
			t.Errorf("found %+v", found)
		}
		if found := collect(t, r.dst.Find(r.ctx(), item.Ref{}, time.Now().Add(3*time.Hour))); len(found) != 0 {
			t.Errorf("found a board from before: %+v", found)
		}
		never := func(item.Bundle) bool { return false }
		if removed, err := r.dst.Delete(r.ctx(), board, board, never); removed || err != nil {
			t.Errorf("removed %v, %v", removed, err)
		}
		if removed, err := r.dst.Delete(r.ctx(), board, board, same1(t, stored)); !removed || err != nil {
			t.Errorf("removed %v, %v", removed, err)
		}
		if removed, err := r.dst.Delete(r.ctx(), board, board, never); !removed || err != nil {
			t.Errorf("what is gone counts as removed: %v, %v", removed, err)
		}
		if got := r.fetch(board, board); len(got) != 0 {
			t.Errorf("fetched what was deleted")
		}
	})
}

// same1 accepts a bundle with the print of another.
func same1(t *testing.T, want item.Bundle) func(item.Bundle) bool {
	return func(got item.Bundle) bool {
		if print(got) != print(want) {
			t.Errorf("it is\n%+v\n%+v\nand was stored as\n%+v\n%+v", got.Item, got.Children, want.Item, want.Children)
			return false
		}
		return true
	}
}

func TestLabels(t *testing.T) {
	modes(t, func(t *testing.T, r *rig) {
		board := r.board("B")
		label := func(name, color string) connector.Change {
			it := item.Item{Ref: item.Ref{Kind: item.Label}, Parent: board}
			item.Name.Set(&it, name)
			item.Color.Set(&it, color)
			return connector.Change{Op: connector.Create, Item: it}
		}
		stored := r.write(label("Urgent", "red"), label("急", "dark gray"), label("Urgent", "teal"), label("", "plum"))
		for i, b := range stored {
			if got := r.fetchOne(board, b.Item.Ref); print(got) != print(b) {
				t.Errorf("label %d: fetched %+v, stored %+v", i, got.Item, b.Item)
			}
		}
		up := label("Later", "red")
		up.Op, up.Item.ID, up.Prev, up.Dirty = connector.Update, stored[0].Item.ID, &stored[0], []string{"name"}
		if got := r.write(up)[0]; item.Name.Get(got.Item) != "Later" || item.Color.Get(got.Item) != "red" {
			t.Errorf("after the update %+v", got.Item)
		}
		if err := r.failing(label("Other", "red"))[0]; connector.ClassOf(err) != connector.Conflict {
			t.Errorf("a slot that has a name was named anew: %v", err)
		}
		if err := r.failing(label("Other", "mauve"))[0]; connector.ClassOf(err) != connector.Permanent {
			t.Errorf("a colour that is none: %v", err)
		}
		listed := kindOf(bundles(r.list(board, "")), item.Label)
		if len(listed) != 3 { // the unnamed one is on no task
			t.Errorf("%d labels listed", len(listed))
		}
		if removed, err := r.dst.Delete(r.ctx(), board, stored[1].Item.Ref, same1(t, stored[1])); !removed || err != nil {
			t.Errorf("removed %v, %v", removed, err)
		}
		if listed := kindOf(bundles(r.list(board, "")), item.Label); len(listed) != 2 {
			t.Errorf("%d labels listed after one was deleted", len(listed))
		}
	})
}

func TestListsKeepTheirOrder(t *testing.T) {
	modes(t, func(t *testing.T, r *rig) {
		board := r.board("B")
		var names []string
		for i := range 20 {
			names = append(names, fmt.Sprintf("L%02d", i))
		}
		refs := r.lists(board, names...)
		order := func() (out []string) {
			for _, b := range kindOf(bundles(r.list(board, "")), item.List) {
				out = append(out, item.Name.Get(b.Item))
			}
			return out
		}
		if got := order(); !slices.Equal(got, names) {
			t.Fatalf("order %v", got)
		}
		// A new one behind the third, and the last one to the front.
		it := item.Item{Ref: item.Ref{Kind: item.List}, Parent: board}
		item.Name.Set(&it, "new")
		made := r.write(connector.Change{Op: connector.Create, Item: it, After: refs[2].ID})[0]
		last := r.fetchOne(board, refs[19])
		moved := r.write(connector.Change{Op: connector.Update, Item: last.Item, Prev: &last, Dirty: []string{"position"}})[0]
		want := slices.Concat([]string{"L19", "L00", "L01", "L02", "new"}, names[3:19])
		if got := order(); !slices.Equal(got, want) {
			t.Errorf("order %v, want %v", got, want)
		}
		for _, b := range []item.Bundle{made, moved} {
			if got := r.fetchOne(board, b.Item.Ref); print(got) != print(b) {
				t.Errorf("fetched %+v, stored %+v", got.Item, b.Item)
			}
		}
		r.write(newTask(board, refs[5], "holds it", "https://x.test/1"))
		all := func(item.Bundle) bool { return true }
		if removed, err := r.dst.Delete(r.ctx(), board, refs[5], all); removed || err != nil {
			t.Errorf("a bucket with a task in it was deleted: %v, %v", removed, err)
		}
		if removed, err := r.dst.Delete(r.ctx(), board, board, all); removed || err != nil {
			t.Errorf("a plan with a task in it was deleted: %v, %v", removed, err)
		}
		if removed, err := r.dst.Delete(r.ctx(), board, refs[6], all); !removed || err != nil {
			t.Errorf("an empty bucket was not deleted: %v, %v", removed, err)
		}
	})
}

// richTask has everything that a task can have.
func richTask(r *rig, board, list item.Ref, n int) connector.Change {
	ch := newTask(board, list, fmt.Sprintf("Task %d 課題", n), fmt.Sprintf("https://trello.com/c/card%d/%d-a-b", n, n))
	it := &ch.Item
	item.Description.Set(it, "Line one\nline two: https://a.b/c?d=e")
	item.Start.Set(it, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	item.Due.Set(it, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	item.Progress.Set(it, 50)
	item.Priority.Set(it, []string{"", "urgent", "important", "medium", "low"}[n%5])
	item.Labels.Set(it, []item.Ref{{Kind: item.Label, ID: labelID(board.ID, "category3")}, {Kind: item.Label, ID: labelID(board.ID, "category12")}})
	item.Assignees.Set(it, slices.Sorted(slices.Values(r.people[1:])))
	ch.Children = []item.Item{
		checks(item.Check{ID: "c1", Title: "first"}, item.Check{ID: "c2", Title: "second", Done: true}, item.Check{ID: "c3", Title: "third"}),
		link("A page", "https://example.test/a.b?q=100%25#top"),
		file("Plan: α/β.txt", fmt.Sprint("att", n), "the bytes of "+fmt.Sprint(n)),
		link("The same page", "https://example.test/a.b?q=100%25#top"),
		link("Its own card", fmt.Sprintf("https://trello.com/c/card%d/%d-a-b", n, n)),
		link("", "http://last.test"),
	}
	return ch
}

// sent compares what was sent with what is there, but for what the cloud gives
// itself.
func sent(t *testing.T, ch connector.Change, got item.Bundle) {
	t.Helper()
	for name, want := range ch.Item.Fields {
		if name != item.Position.Name && !same(want, got.Item.Fields[name]) {
			t.Errorf("%s is %v, want %v", name, got.Item.Fields[name], want)
		}
	}
	for name, has := range got.Item.Fields {
		switch name {
		case item.Position.Name, item.Created.Name, item.Author.Name:
		default:
			if !same(ch.Item.Fields[name], has) {
				t.Errorf("%s is %v, and %v was sent", name, has, ch.Item.Fields[name])
			}
		}
	}
	if len(got.Children) != len(ch.Children) {
		t.Fatalf("%d children, want %d: %+v", len(got.Children), len(ch.Children), got.Children)
	}
	for i, want := range ch.Children {
		has := got.Children[i]
		if has.Kind != want.Kind || item.Name.Get(has) != item.Name.Get(want) || item.Address.Get(has) != item.Address.Get(want) || (has.Blob == nil) != (want.Blob == nil) {
			t.Errorf("child %d is %+v, want %+v", i, has, want)
		}
		a, b := item.Entries.Get(has), item.Entries.Get(want)
		if len(a) != len(b) {
			t.Fatalf("%d entries, want %d", len(a), len(b))
		}
		for j := range a {
			if a[j].Title != b[j].Title || a[j].Done != b[j].Done {
				t.Errorf("entry %d is %+v, want %+v", j, a[j], b[j])
			}
		}
	}
}

func TestTasksComeBackAsTheyWereSent(t *testing.T) {
	modes(t, func(t *testing.T, r *rig) {
		board := r.board("B")
		list := r.lists(board, "Doing")[0]
		var changes []connector.Change
		for n := range 12 {
			ch := richTask(r, board, list, n)
			if n == 7 { // a bare one
				ch = newTask(board, list, "Task 7", "rialto:task:7")
			}
			if n == 8 {
				item.Progress.Set(&ch.Item, 0)
				item.Done.Set(&ch.Item, true)
			}
			ch.AfterPrevious = n > 0
			changes = append(changes, ch)
		}
		stored := r.write(changes...)
		var want []string
		for n, b := range stored {
			sent(t, changes[n], b)
			got := r.fetchOne(board, b.Item.Ref)
			if print(got) != print(b) {
				t.Errorf("task %d: fetched\n%+v\n%+v\nstored\n%+v\n%+v", n, got.Item, got.Children, b.Item, b.Children)
			}
			if got.Counts[item.Attachment] != len(got.Of(item.Attachment)) || got.CheckItems != 3 && n != 7 {
				t.Errorf("task %d: counts %v and %d", n, got.Counts, got.CheckItems)
			}
			if b.Counts[item.Attachment] != got.Counts[item.Attachment] || b.CheckItems != got.CheckItems {
				t.Errorf("task %d: stored counts %v %d, fetched %v %d", n, b.Counts, b.CheckItems, got.Counts, got.CheckItems)
			}
			for i, c := range got.Of(item.Attachment) {
				if c.Blob == nil {
					continue
				}
				body, err := r.src.Open(r.ctx(), *c.Blob, 4, 5)
				if err != nil {
					t.Fatal(err)
				}
				part, err := io.ReadAll(body)
				body.Close()
				if err != nil || string(part) != "bytes" {
					t.Errorf("task %d, attachment %d: read %q, %v", n, i, part, err)
				}
				stale := *c.Blob
				stale.Version = "old"
				if _, err := r.src.Open(r.ctx(), stale, 0, -1); connector.ClassOf(err) != connector.Conflict {
					t.Errorf("a changed blob: %v", err)
				}
			}
			want = append(want, item.Title.Get(b.Item))
		}
		listed := bundles(r.list(board, ""))
		if got := titles(kindOf(listed, item.Task)); !slices.Equal(got, want) {
			t.Errorf("order %v, want %v", got, want)
		}
		known := map[string]bool{}
		for _, b := range kindOf(listed, item.Member) {
			known[b.Item.ID] = true
		}
		for _, p := range r.people[1:] {
			if !known[p] {
				t.Errorf("no member for an assignee")
			}
		}
		found := slices.DeleteFunc(collect(t, r.dst.Find(r.ctx(), board, time.Time{})), func(f connector.Found) bool { return f.Bundle.Item.Kind != item.Task })
		if len(found) != len(changes) {
			t.Fatalf("found %d tasks", len(found))
		}
		for n, f := range found {
			if f.Mark != changes[n].Mark || print(f.Bundle) != print(stored[n]) || f.Made.IsZero() {
				t.Errorf("found %d with mark %q, want %q", n, f.Mark, changes[n].Mark)
			}
		}
		if strings.Contains(r.log.String(), "課題") || strings.Contains(r.log.String(), "card3") {
			t.Error("content is in the log")
		}
		for _, b := range stored {
			if removed, err := r.dst.Delete(r.ctx(), board, b.Item.Ref, same1(t, b)); !removed || err != nil {
				t.Fatalf("removed %v, %v", removed, err)
			}
		}
		if left := kindOf(bundles(r.list(board, "")), item.Task); len(left) != 0 {
			t.Errorf("%d tasks are left", len(left))
		}
	})
}

func TestUpdateWritesWhatIsDirty(t *testing.T) {
	modes(t, func(t *testing.T, r *rig) {
		board := r.board("B")
		lists := r.lists(board, "Doing", "Done")
		ch := richTask(r, board, lists[0], 1)
		prev := r.write(ch)[0]
		// Somebody else changes the title; our update of other fields goes through.
		if err := r.srv.Retitle(prev.Item.ID, "Theirs"); err != nil {
			t.Fatal(err)
		}
		up := ch
		up.Op, up.Item = connector.Update, ch.Item.Clone()
		up.Item.ID, up.Prev = prev.Item.ID, &prev
		item.InList.Set(&up.Item, lists[1])
		item.Description.Set(&up.Item, "new")
		item.Due.Set(&up.Item, time.Time{})
		item.Done.Set(&up.Item, true)
		item.Progress.Set(&up.Item, 0)
		item.Priority.Set(&up.Item, "")
		item.Labels.Set(&up.Item, []item.Ref{{Kind: item.Label, ID: labelID(board.ID, "category1")}})
		item.Assignees.Set(&up.Item, r.people[:1])
		up.Children = []item.Item{
			checks(item.Check{ID: "c3", Title: "third, renamed"}, item.Check{ID: "c4", Title: "new"}, item.Check{ID: "c1", Title: "first", Done: true}),
			link("last now first", "http://last.test"), link("New", "https://new.test"),
		}
		up.Dirty = []string{"list", "description", "due", "done", "progress", "priority", "labels", "assignees", "checklist", "attachment"}
		got := r.write(up)[0]
		up.Item.Fields[item.Title.Name] = "Theirs"
		sent(t, up, got)
		if again := r.fetchOne(board, got.Item.Ref); print(again) != print(got) {
			t.Errorf("fetched\n%+v\n%+v\nstored\n%+v\n%+v", again.Item, again.Children, got.Item, got.Children)
		}
		// The same again writes nothing.
		before := r.srv.Requests()
		up.Prev = &got
		if again := r.write(up)[0]; print(again) != print(got) {
			t.Error("writing it again changed it")
		}
		for shape, n := range r.srv.Requests() {
			if strings.HasPrefix(shape, "PATCH") && n > before[shape] {
				t.Errorf("%s was sent for what is as it should be", shape)
			}
		}
		// Everything, as after a write that was half done.
		up.Dirty, up.Prev = nil, nil
		up.Item.Fields[item.Title.Name] = "Ours"
		if again := r.write(up)[0]; item.Title.Get(again.Item) != "Ours" {
			t.Error("an update of everything left the title")
		}
		// A field that somebody else changed meanwhile is left to them.
		now := r.fetchOne(board, got.Item.Ref)
		if err := r.srv.Retitle(got.Item.ID, "Theirs again"); err != nil {
			t.Fatal(err)
		}
		up.Item.Fields[item.Title.Name] = "Ours again"
		up.Prev, up.Dirty = &now, []string{"title"}
		if err := r.failing(up)[0]; connector.ClassOf(err) != connector.Conflict {
			t.Errorf("got %v, want a conflict", err)
		}
	})
}

func TestTasksMove(t *testing.T) {
	modes(t, func(t *testing.T, r *rig) {
		board := r.board("B")
		lists := r.lists(board, "A", "B")
		var changes []connector.Change
		for n := range 6 {
			ch := newTask(board, lists[0], fmt.Sprint("t", n), fmt.Sprint("https://x.test/", n))
			ch.AfterPrevious = n > 0
			changes = append(changes, ch)
		}
		stored := r.write(changes...)
		more := newTask(board, lists[0], "t6", "https://x.test/6")
		more.After = stored[5].Item.ID
		r.write(more)
		between := newTask(board, lists[0], "t1.5", "https://x.test/1.5")
		between.After = stored[1].Item.ID
		r.write(between)
		move := func(n int, list item.Ref, after string, afterPrevious bool) connector.Change {
			it := stored[n].Item.Clone()
			item.InList.Set(&it, list)
			return connector.Change{Op: connector.Update, Item: it, Prev: &stored[n], After: after, AfterPrevious: afterPrevious, Dirty: []string{"list", "position"}}
		}
		r.write(move(4, lists[0], "", false), move(3, lists[0], "", true), move(0, lists[1], "", false), move(2, lists[1], "", true))
		want := []string{"t4", "t3", "t1", "t1.5", "t5", "t6", "t0", "t2"}
		if got := titles(kindOf(bundles(r.list(board, "")), item.Task)); !slices.Equal(got, want) {
			t.Errorf("order %v, want %v", got, want)
		}
		var shown []string
		for _, title := range want {
			for _, task := range r.srv.Tasks(board.ID) {
				if task.Title == title {
					_, f := r.srv.Do("", "GET", "planner/tasks/"+task.ID+"/bucketTaskBoardFormat", nil)
					hint, _ := f["orderHint"].(string)
					shown = append(shown, hint)
				}
			}
		}
		if len(shown) != 8 || !slices.IsSorted(shown[:6]) || shown[6] >= shown[7] {
			t.Errorf("the board shows another order: %q", shown)
		}
	})
}

func TestListingResumesAnywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tenant(t, standin.Options{}, false)
		board := r.board("B")
		lists := r.lists(board, "A", "B", "C")
		after := map[item.Ref]string{}
		for from := 0; from < 240; from += 20 {
			var changes []connector.Change
			for n := from; n < from+20; n++ {
				list := lists[n/80]
				ch := newTask(board, list, fmt.Sprintf("%03d", n), fmt.Sprint("https://x.test/", n))
				ch.AfterPrevious = n > from
				if n == from {
					ch.After = after[list]
				}
				changes = append(changes, ch)
			}
			for i, b := range r.write(changes...) {
				after[item.InList.Get(changes[i].Item)] = b.Item.ID
			}
		}
		pages := r.list(board, "")
		all := titles(kindOf(bundles(pages), item.Task))
		if len(all) != 240 || !slices.IsSorted(all) {
			t.Fatalf("%d tasks, in order: %v", len(all), slices.IsSorted(all))
		}
		if len(pages) != 3 || pages[2].Whole == nil || pages[0].Whole != nil {
			t.Errorf("%d pages", len(pages))
		}
		for i, p := range pages {
			rest := titles(kindOf(bundles(r.list(board, p.Next)), item.Task))
			var want []string
			for _, q := range pages[i+1:] {
				want = append(want, titles(kindOf(q.Bundles, item.Task))...)
			}
			if !slices.Equal(rest, want) {
				t.Errorf("after page %d come %d tasks, want %d", i, len(rest), len(want))
			}
		}
		some := []item.Ref{kindOf(pages[1].Bundles, item.Task)[3].Item.Ref, lists[1], board, {Kind: item.Task, ID: "gone"}}
		fetched := collect(t, r.src.Fetch(r.ctx(), connector.Shard{Ref: board}, some))
		if len(fetched) != 3 {
			t.Errorf("fetched %d of three", len(fetched))
		}
		if err := func() error {
			for _, err := range r.src.List(r.ctx(), connector.Shard{Ref: board}, "nonsense") {
				return err
			}
			return nil
		}(); connector.ClassOf(err) != connector.Permanent {
			t.Errorf("a cursor that is none: %v", err)
		}
	})
}

func TestPlaces(t *testing.T) {
	r := tenant(t, standin.Options{}, false)
	r.srv.AddGroup("Twice")
	r.srv.AddGroup("Twice")
	for place, want := range map[string]connector.Class{
		"Marketing": connector.Permanent, "plan:x": connector.Permanent, "group:": connector.Permanent, "group:Twice": connector.Permanent,
		"group:00000000-0000-4000-8000-000000000000": connector.Permanent, "group:" + r.group: "", "group:O'Brien & co": "",
	} {
		_, err := r.cloud.Target(r.ctx(), place)
		if want == "" && err != nil || want != "" && (err == nil || connector.ClassOf(err) != want) {
			t.Errorf("%s: %v", place, err)
		}
	}
}

func TestMembers(t *testing.T) {
	modes(t, func(t *testing.T, r *rig) {
		got := collect(t, r.dst.Members(r.ctx()))
		if len(got) != 3 {
			t.Fatalf("%d people", len(got))
		}
		for _, m := range got {
			if item.Name.Get(m) == "" || !strings.Contains(item.Email.Get(m), "@") {
				t.Errorf("member %+v", m)
			}
		}
	})
}

// TestStandings: what the directory tells of accounts, and what a connection
// learns that may read names and no more.
func TestStandings(t *testing.T) {
	users := []standin.User{{Name: "Ada", Mail: "ada@x.invalid"}, {Name: "Gil", Mail: "gil@x.invalid", Guest: true}, {Name: "Dan", Mail: "dan@x.invalid", Disabled: true},
		{Name: "Uma", Mail: "uma@x.invalid", Unlicensed: true}, {Name: "Both", Mail: "both@x.invalid", Guest: true, Disabled: true}}
	for _, basic := range []bool{false, true} {
		r := tenant(t, standin.Options{BasicUsers: basic}, false)
		for _, u := range users {
			r.srv.AddUser(u)
		}
		r.srv.AddGroup("Few", "ada@x.invalid", "dan@x.invalid")
		want := map[string][2]any{"Ada": {item.Active, false}, "Gil": {item.Guest, true}, "Dan": {item.Disabled, false},
			"Uma": {item.Unlicensed, true}, "Both": {item.Disabled, true}}
		dst, err := r.cloud.Target(r.ctx(), "group:Few")
		if err != nil {
			t.Fatal(err)
		}
		met := 0
		for _, m := range collect(t, dst.Members(r.ctx())) {
			w, ours := want[item.Name.Get(m)]
			if !ours {
				continue
			}
			met++
			if basic {
				w[0] = ""
			}
			if got := [2]any{item.Standing.Get(m), item.Outside.Get(m)}; got != w {
				t.Errorf("basic %v, %s: %v, want %v", basic, item.Name.Get(m), got, w)
			}
		}
		if met != len(want) {
			t.Errorf("basic %v: %d people, want %d", basic, met, len(want))
		}
		var ids []string
		for _, m := range collect(t, dst.Members(r.ctx())) {
			ids = append(ids, m.ID)
		}
		people, err := r.cloud.(*cloud).users(r.ctx(), append(ids, "00000000-0000-4000-8000-000000000000"))
		if err != nil || len(people) != len(ids) {
			t.Fatalf("basic %v: %d of %d people, %v", basic, len(people), len(ids), err)
		}
		for _, u := range people {
			if w, ours := want[u.Name]; ours && !basic && u.standing() != w[0] {
				t.Errorf("%s is %s by id, want %s", u.Name, u.standing(), w[0])
			}
		}
	}
	for name, c := range map[string]struct {
		u    user
		want string
	}{"nothing told": {user{}, ""}, "licences alone": {user{Licences: &[]struct{}{{}}}, ""}, "no licence": {user{Licences: &[]struct{}{}}, item.Unlicensed}} {
		if got := c.u.standing(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
