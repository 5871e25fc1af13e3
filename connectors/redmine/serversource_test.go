package redmine

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// shard finds the shard of a board.
func shard(t *testing.T, src connector.Source, board item.Ref) connector.Shard {
	t.Helper()
	for _, sh := range all(t, src.Shards(t.Context())) {
		if sh.Ref == board {
			return sh
		}
	}
	t.Fatalf("no shard of board %s", board.ID)
	return connector.Shard{}
}

func testSource(t *testing.T, w *world) {
	tg, board := at(t, w.cloud, ""), w.project(t, w.ann)
	list := w.must(t, tg, create(listItem(board, "列"), ""))[0].Item.Ref
	const n = 13
	var changes []connector.Change
	for i := range n {
		it := taskItem(board, fmt.Sprintf("task %d", i))
		item.InList.Set(&it, list)
		changes = append(changes, create(it, fmt.Sprintf("https://trello.com/c/s%d", i)))
	}
	var tasks []item.Ref
	for part := range slices.Chunk(changes, taskBatch) {
		for _, b := range w.must(t, tg, part...) {
			tasks = append(tasks, b.Item.Ref)
		}
	}
	com := w.must(t, tg, create(commentItem(tasks[0], "first", itoa(w.bob.ID)), ""), create(commentItem(tasks[0], "second", itoa(w.ann.ID)), ""))
	file, blobs := fileItem(tasks[0], "a.txt", "text/plain", []byte("bytes"), 5)
	if r := write(t, tg, opener(blobs), create(file, ""))[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	// A sub-project's issues are its own.
	sub := at(t, w.cloud, "project:"+board.ID)
	below := item.Item{Ref: item.Ref{Kind: item.Board}}
	item.Name.Set(&below, "below")
	inner := w.must(t, sub, create(below, "https://trello.com/b/below"))[0].Item.Ref
	w.must(t, tg, create(taskItem(inner, "not of the board"), ""))

	src := &source{cloud: w.cloud, size: 10}
	sh := shard(t, src, board)
	if sh.Counts[item.Task] != n || sh.Name != t.Name() || sh.Closed {
		t.Errorf("shard %+v, want %d tasks", sh, n)
	}
	pages := all(t, src.List(t.Context(), sh, ""))
	if len(pages) != 3 {
		t.Fatalf("%d pages, want the frame and two of issues", len(pages))
	}
	var kinds []item.Kind
	var got []item.Ref
	for _, p := range pages {
		for _, b := range p.Bundles {
			kinds = append(kinds, b.Item.Kind)
			if b.Item.Kind == item.Task {
				got = append(got, b.Item.Ref)
			}
		}
	}
	if !slices.Equal(got, tasks) {
		t.Errorf("listed %d tasks, want %d in the order of their numbers", len(got), len(tasks))
	}
	if kinds[0] != item.Board || len(pages[0].Whole) != 0 || !slices.Contains(pages[2].Whole, item.Task) {
		t.Errorf("kinds %v, whole %v", kinds[:5], pages[2].Whole)
	}
	t.Run("resumes from every cursor", func(t *testing.T) {
		for i, p := range pages[:len(pages)-1] {
			rest := all(t, src.List(t.Context(), sh, p.Next))
			var want, got []item.Ref
			for _, p := range pages[i+1:] {
				want = append(want, taskRefs(p)...)
			}
			for _, p := range rest {
				got = append(got, taskRefs(p)...)
			}
			if !slices.Equal(got, want) {
				t.Errorf("from page %d on: %d tasks, want %d", i, len(got), len(want))
			}
		}
		for _, err := range src.List(t.Context(), sh, "after:-1") {
			refused(t, err, connector.Permanent, "cursor")
		}
	})
	t.Run("people who only commented are members", func(t *testing.T) {
		i := slices.IndexFunc(pages[1].Bundles, func(b item.Bundle) bool { return b.Item.Kind == item.Member && b.Item.ID == itoa(w.bob.ID) })
		if i < 0 {
			t.Fatal("bob is not there")
		}
		bob := pages[1].Bundles[i].Item
		if item.Name.Get(bob) != "Боб Строитель" || item.Email.Get(bob) != "bob@example.net" || item.UserName.Get(bob) != "bob" {
			t.Errorf("bob is %v", bob.Fields)
		}
		first := slices.IndexFunc(pages[1].Bundles, func(b item.Bundle) bool { return b.Item.Kind == item.Task })
		if i > first {
			t.Error("bob comes after the task that he commented")
		}
	})
	t.Run("a task comes with all that lies in it", func(t *testing.T) {
		b := task(pages[1], tasks[0])
		if cs := b.Of(item.Comment); len(cs) != 2 || cs[0].Ref != com[0].Item.Ref || item.Body.Get(cs[1]) != "second" || item.Author.Get(cs[0]) != itoa(w.bob.ID) {
			t.Errorf("comments %v", cs)
		}
		if as := b.Of(item.Attachment); len(as) != 1 || string(drain(t, w.cloud, *as[0].Blob, 0, -1)) != "bytes" {
			t.Errorf("attachments %v", as)
		}
		if !slices.Contains(b.Unknown, "task.history") {
			t.Errorf("unknown %v: the history was dropped in silence", b.Unknown)
		}
		fresh := all(t, src.Fetch(t.Context(), sh, []item.Ref{tasks[0], {Kind: item.Task, ID: "999999"}, board, list}))
		if len(fresh) != 3 || !reflect.DeepEqual(fresh[0], *b) {
			t.Errorf("fetched afresh it differs from the listing: %+v\n%+v", fresh[0], *b)
		}
	})
	t.Run("addresses", func(t *testing.T) {
		for _, it := range []item.Item{task(pages[1], tasks[0]).Item, com[0].Item} {
			alias, ok := src.Locate(it.URL)
			if !ok || !slices.Contains(it.Aliases, alias) {
				t.Errorf("%s is located as %q, want one of %q", it.URL, alias, it.Aliases)
			}
		}
	})
	t.Run("a deletion amid the listing shifts nothing", func(t *testing.T) {
		var got []item.Ref
		for p, err := range src.List(t.Context(), sh, "") {
			if err != nil {
				t.Fatal(err)
			}
			if len(got) == 0 && len(taskRefs(p)) > 0 {
				w.srv.Call(t, http.MethodDelete, "/issues/"+tasks[1].ID+".json", nil, nil)
			}
			got = append(got, taskRefs(p)...)
		}
		if !slices.Equal(got, tasks) {
			t.Errorf("listed %d tasks, want %d", len(got), len(tasks))
		}
	})
	t.Run("a project that vanishes", func(t *testing.T) {
		lost := sh
		lost.Ref.ID = "99999"
		for _, err := range src.List(t.Context(), lost, "") {
			refused(t, err, connector.Gone, "404")
		}
	})
	t.Run("a closed project", func(t *testing.T) {
		w.srv.Call(t, http.MethodPut, "/projects/"+board.ID+"/close.json", nil, nil)
		defer w.srv.Call(t, http.MethodPut, "/projects/"+board.ID+"/reopen.json", nil, nil)
		if !shard(t, src, board).Closed {
			t.Error("its shard is not closed")
		}
		refused(t, write(t, tg, nil, create(taskItem(board, "x"), ""))[0].Err, connector.Permanent, "422")
	})
}

func taskRefs(p connector.Page) []item.Ref {
	var out []item.Ref
	for _, b := range p.Bundles {
		if b.Item.Kind == item.Task {
			out = append(out, b.Item.Ref)
		}
	}
	return out
}

func task(p connector.Page, ref item.Ref) *item.Bundle {
	i := slices.IndexFunc(p.Bundles, func(b item.Bundle) bool { return b.Item.Ref == ref })
	return &p.Bundles[i]
}

// testSourceValues reads what people made, not this program.
func testSourceValues(t *testing.T, w *world) {
	board := w.project(t, w.ann)
	var made struct{ Issue struct{ ID int } }
	if status := w.srv.Call(t, http.MethodPost, "/issues.json", map[string]any{"issue": map[string]any{
		"project_id": board.ID, "tracker_id": 1, "subject": "by people", "description": "a\nb", "estimated_hours": 2.5, "is_private": true, "priority_id": 5,
		"custom_fields": []any{
			map[string]any{"id": 3, "value": "Major"}, map[string]any{"id": 4, "value": "1.5"}, map[string]any{"id": 5, "value": "1"},
			map[string]any{"id": 6, "value": "2024-02-29"}, map[string]any{"id": 7, "value": []string{"Red", "Blue"}}, map[string]any{"id": 2, "value": []string{"3"}},
		},
	}}, &made); status != http.StatusCreated {
		t.Fatal("status", status)
	}
	src := &source{cloud: w.cloud, size: 10}
	sh := shard(t, src, board)
	pages := all(t, src.List(t.Context(), sh, ""))
	names, types := map[string]string{}, map[string]string{}
	for _, p := range pages {
		for _, b := range p.Bundles {
			if b.Item.Kind == item.CustomField {
				names[b.Item.ID] = item.Name.Get(b.Item)
				types[item.Name.Get(b.Item)] = item.FieldType.Get(b.Item)
			}
		}
	}
	wantTypes := map[string]string{"Tracker": "list", "Status": "list", "Version": "list", "Estimated time (hours)": "number",
		"Severity": "list", "Effort": "number", "Checked": "checkbox", "Reviewed": "date", "Colours": "list"}
	if !maps.Equal(types, wantTypes) {
		t.Errorf("fields %v, want %v", types, wantTypes)
	}
	b := task(pages[len(pages)-1], taskRef(made.Issue.ID))
	var got []string
	for _, v := range item.FieldValues.Get(b.Item) {
		got = append(got, names[v.Field]+"="+v.Value)
	}
	slices.Sort(got)
	want := []string{"Checked=true", "Colours=Blue", "Colours=Red", "Effort=1.5", "Estimated time (hours)=2.5", "Reviewed=2024-02-29T00:00:00Z",
		"Severity=Major", "Status=New", "Tracker=Bug"}
	if !slices.Equal(got, want) {
		t.Errorf("values\n%q, want\n%q", got, want)
	}
	if item.Description.Get(b.Item) != "a\nb" || item.Priority.Get(b.Item) != "urgent" || len(item.Labels.Get(b.Item)) != 1 {
		t.Errorf("task %v", b.Item.Fields)
	}
	if !slices.Equal(b.Unknown, []string{"task.private"}) {
		t.Errorf("unknown %q, want what has no place: that it is private", b.Unknown)
	}
}

func testUndo(t *testing.T, w *world) {
	tg, board := at(t, w.cloud, ""), w.project(t)
	list := w.must(t, tg, create(listItem(board, "L"), ""))[0].Item.Ref
	one := taskItem(board, "one")
	item.InList.Set(&one, list)
	parent := w.must(t, tg, create(one, "https://trello.com/c/one"))[0].Item
	child := taskItem(board, "child")
	item.ParentTask.Set(&child, parent.Ref)
	inner := w.must(t, tg, create(child, "https://trello.com/c/child"))[0].Item

	no := func(item.Bundle) bool { return false }
	if removed, err := tg.Delete(t.Context(), board, parent.Ref, no); removed || err != nil {
		t.Errorf("refused, and yet %v, %v", removed, err)
	}
	_, err := tg.Delete(t.Context(), board, parent.Ref, yes)
	refused(t, err, connector.Conflict, "sub-issues")
	_, err = tg.Delete(t.Context(), board, board, yes)
	refused(t, err, connector.Conflict, "still holds 2 issues")
	_, err = tg.Delete(t.Context(), board, item.Ref{Kind: item.Label, ID: board.ID + "/2/1"}, yes)
	refused(t, err, connector.Unsupported, "label")
	for _, ref := range []item.Ref{inner.Ref, parent.Ref, list, board} {
		saw := false
		removed, err := tg.Delete(t.Context(), board, ref, func(b item.Bundle) bool {
			saw = b.Item.Ref == ref
			return true
		})
		if !removed || err != nil || !saw {
			t.Errorf("%v: removed %v, asked %v, %v", ref, removed, saw, err)
		}
	}
	if status := w.srv.Call(t, http.MethodGet, "/projects/"+board.ID+".json", nil, nil); status != http.StatusNotFound {
		t.Errorf("the project answers %d after it was deleted", status)
	}
	if removed, err := tg.Delete(t.Context(), board, board, yes); !removed || err != nil {
		t.Errorf("one that is gone already: %v, %v", removed, err)
	}
}

// testMissingRights works with keys that may read, or not even that.
func testMissingRights(t *testing.T, w *world) {
	board := w.project(t, w.ann)
	asDan := open(t, connector.Settings{"url": w.srv.URL, "key": w.dan.Key}, nil)
	refused(t, write(t, at(t, asDan, ""), nil, create(item.Item{Ref: item.Ref{Kind: item.Board}}, "rialto:board:x"))[0].Err, connector.Forbidden, "403", w.dan.Key)
	refused(t, write(t, at(t, asDan, ""), nil, create(taskItem(board, "x"), ""))[0].Err, connector.Forbidden, "403")
	for _, err := range (&source{cloud: asDan, size: 10}).List(t.Context(), connector.Shard{Ref: board}, "") {
		refused(t, err, connector.Forbidden, "403")
	}
	for _, sh := range all(t, (&source{cloud: asDan, size: 10}).Shards(t.Context())) {
		t.Errorf("somebody who is in no project sees %s", sh.Ref.ID)
	}
	asAnn := open(t, connector.Settings{"url": w.srv.URL, "key": w.ann.Key}, nil)
	if pages := all(t, (&source{cloud: asAnn, size: 10}).List(t.Context(), connector.Shard{Ref: board}, "")); len(pages) != 2 {
		t.Errorf("a member lists %d pages", len(pages))
	}
	_, err := at(t, asAnn, "").Delete(t.Context(), board, board, yes)
	refused(t, err, connector.Forbidden, "403")
	people := slices.DeleteFunc(all(t, at(t, w.cloud, "").Members(t.Context())), func(m item.Item) bool {
		return strings.HasPrefix(item.UserName.Get(m), "aud-") // of another part of this test
	})
	if len(people) != 5 {
		t.Errorf("an administrator sees %d people, want 5", len(people))
	}
	if people := all(t, at(t, asAnn, "project:"+board.ID).Members(t.Context())); len(people) != 1 || item.Email.Get(people[0]) != "ann@example.net" {
		t.Errorf("a member of the place sees %v", people)
	}
}
