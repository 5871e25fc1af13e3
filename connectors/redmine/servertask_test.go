package redmine

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

func taskItem(board item.Ref, title string) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Task}, Parent: board}
	item.Title.Set(&it, title)
	return it
}

func date(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

// fullTask is a task with every field that Redmine keeps.
func fullTask(w *world, board, list item.Ref) item.Item {
	it := taskItem(board, "Full — 全部 🎏 <b>&amp;</b>")
	item.Description.Set(&it, "First\n\n* one\n* two\n\nЭто *важно* и 日本語\n\n\n")
	item.InList.Set(&it, list)
	item.Start.Set(&it, date(2019, 2, 28))
	item.Due.Set(&it, date(2031, 12, 31))
	item.Done.Set(&it, true)
	item.Priority.Set(&it, "urgent")
	item.Assignees.Set(&it, []string{itoa(w.ann.ID)})
	item.Watchers.Set(&it, []string{itoa(w.ann.ID), itoa(w.bob.ID)})
	return it
}

func testTasks(t *testing.T, w *world) {
	tg, board := at(t, w.cloud, ""), w.project(t, w.ann, w.bob)
	list := w.must(t, tg, create(listItem(board, "進行中"), ""))[0].Item.Ref
	parent := w.must(t, tg, create(taskItem(board, "parent"), "https://trello.com/c/parent"))[0].Item.Ref

	var changes []connector.Change
	add := func(f func(*item.Item)) {
		it := taskItem(board, "task "+strconv.Itoa(len(changes)))
		f(&it)
		changes = append(changes, create(it, "https://trello.com/c/"+strconv.Itoa(len(changes))))
	}
	full := fullTask(w, board, list)
	add(func(it *item.Item) { *it = full.Clone() })
	add(func(*item.Item) {})
	add(func(it *item.Item) { item.Title.Set(it, "  spaces \u202eand bidi  ") })
	add(func(it *item.Item) { item.Title.Set(it, strings.Repeat("字", 255)) })
	add(func(it *item.Item) { item.Description.Set(it, strings.Repeat("長い文 ", 30000)) })
	add(func(it *item.Item) { item.Progress.Set(it, 33) })
	add(func(it *item.Item) { item.Progress.Set(it, 100) })
	add(func(it *item.Item) { item.Progress.Set(it, 80); item.Done.Set(it, true) })
	add(func(it *item.Item) { item.Priority.Set(it, "important") })
	add(func(it *item.Item) { item.Priority.Set(it, "low") })
	add(func(it *item.Item) { item.ParentTask.Set(it, parent) })
	add(func(it *item.Item) { item.Watchers.Set(it, []string{"1"}) })
	add(func(it *item.Item) { item.Done.Set(it, true) })
	add(func(it *item.Item) { item.Due.Set(it, date(2024, 2, 29)) })

	stored := w.must(t, tg, changes...)
	var refs []item.Ref
	last := 0
	for i, b := range stored {
		id, ok := number(b.Item.ID)
		if !ok || id <= last {
			t.Errorf("task %d became issue %q after %d: numbers must ascend", i, b.Item.ID, last)
		}
		last = id
		refs = append(refs, b.Item.Ref)
	}
	for i, back := range fetch(t, tg, board, refs...) {
		same(t, w.caps(), changes[i].Item, back)
	}

	t.Run("as the server says itself", func(t *testing.T) {
		var got struct {
			Issue struct {
				Status, Tracker, Category struct{ Name string }
				DoneRatio                 int                `json:"done_ratio"`
				Journals                  []struct{ ID int } `json:"journals"`
				CustomFields              []struct {
					Name  string
					Value any
				} `json:"custom_fields"`
				Description string
			}
		}
		w.srv.Call(t, http.MethodGet, "/issues/"+refs[0].ID+".json", nil, &got)
		is := got.Issue
		if is.Status.Name != "Closed" || is.DoneRatio != 100 || is.Tracker.Name != "Feature" || is.Category.Name != "進行中" {
			t.Errorf("the full task is %+v", is)
		}
		if is.CustomFields[0].Name != "Rialto" || is.CustomFields[0].Value != "https://trello.com/c/0" {
			t.Errorf("custom fields %+v, want the mark in Rialto", is.CustomFields)
		}
		if strings.Contains(is.Description, "trello.com") {
			t.Error("the mark stands in the description too")
		}
	})
	t.Run("found by mark", func(t *testing.T) {
		marks := map[string]string{}
		for _, f := range all(t, tg.Find(t.Context(), board, time.Now().Add(-time.Minute))) {
			if f.Bundle.Item.Kind == item.Task {
				marks[f.Mark] = f.Bundle.Item.ID
				if f.Made.IsZero() {
					t.Error("a found task has no time")
				}
			}
		}
		for i, ch := range changes {
			if marks[ch.Mark] != refs[i].ID {
				t.Errorf("mark %s is on issue %q, want %s", ch.Mark, marks[ch.Mark], refs[i].ID)
			}
		}
		for _, f := range all(t, tg.Find(t.Context(), board, time.Now().Add(3*time.Hour))) {
			if f.Bundle.Item.Kind == item.Task {
				t.Errorf("found %s in the future", f.Bundle.Item.ID)
			}
		}
	})
	t.Run("one that is gone is left out", func(t *testing.T) {
		got := all(t, tg.Fetch(t.Context(), board, []item.Ref{refs[1], {Kind: item.Task, ID: "999999"}, refs[2]}))
		if len(got) != 2 || got[0].Item.Ref != refs[1] || got[1].Item.Ref != refs[2] {
			t.Errorf("fetched %d", len(got))
		}
	})
}

func testTaskUpdates(t *testing.T, w *world) {
	tg, board := at(t, w.cloud, ""), w.project(t, w.ann, w.bob)
	list := w.must(t, tg, create(listItem(board, "A"), ""))[0].Item.Ref
	other := w.must(t, tg, create(listItem(board, "B"), ""))[0].Item.Ref
	parent := w.must(t, tg, create(taskItem(board, "parent"), "https://trello.com/c/p"))[0].Item.Ref
	it := fullTask(w, board, list)
	it.Ref = w.must(t, tg, create(it, "https://trello.com/c/u"))[0].Item.Ref

	for _, step := range []struct {
		name  string
		dirty []string
		set   func()
	}{
		{"title", []string{"title"}, func() { item.Title.Set(&it, "次") }},
		{"reopened", []string{"done"}, func() { item.Done.Set(&it, false) }},
		{"half done", []string{"progress"}, func() { item.Progress.Set(&it, 50) }},
		{"moved", []string{"list"}, func() { item.InList.Set(&it, other) }},
		{"no list", []string{"list"}, func() { item.InList.Set(&it, item.Ref{}) }},
		{"days", []string{"start", "due"}, func() { item.Start.Set(&it, time.Time{}); item.Due.Set(&it, date(2020, 1, 1)) }},
		{"people", []string{"assignees", "watchers"}, func() {
			item.Assignees.Set(&it, []string{itoa(w.bob.ID)})
			item.Watchers.Set(&it, []string{"1"})
		}},
		{"priority", []string{"priority"}, func() { item.Priority.Set(&it, "") }},
		{"sub-issue", []string{"parent"}, func() { item.ParentTask.Set(&it, parent) }},
		{"text", []string{"description"}, func() { item.Description.Set(&it, "") }},
		{"everything, emptied", nil, func() {
			it.Fields = nil
			item.Title.Set(&it, "bare")
		}},
		{"everything, filled", nil, func() {
			ref := it.Ref
			it = fullTask(w, board, list)
			it.Ref = ref
		}},
	} {
		t.Run(step.name, func(t *testing.T) {
			step.set()
			w.must(t, tg, connector.Change{Op: connector.Update, Item: it, Dirty: step.dirty})
			same(t, w.caps(), it, fetch(t, tg, board, it.Ref)[0])
		})
	}
	t.Run("the mark stays", func(t *testing.T) {
		for _, f := range all(t, tg.Find(t.Context(), board, time.Time{})) {
			if f.Bundle.Item.Ref == it.Ref && f.Mark != "https://trello.com/c/u" {
				t.Errorf("mark %q", f.Mark)
			}
		}
	})
	t.Run("people's own status stays", func(t *testing.T) {
		w.srv.Call(t, http.MethodPut, "/issues/"+it.ID+".json", map[string]any{"issue": map[string]any{"status_id": 6}}, nil)
		item.Title.Set(&it, "rejected by people")
		w.must(t, tg, connector.Change{Op: connector.Update, Item: it})
		var got struct {
			Issue struct{ Status struct{ Name string } }
		}
		w.srv.Call(t, http.MethodGet, "/issues/"+it.ID+".json", nil, &got)
		if got.Issue.Status.Name != "Rejected" {
			t.Errorf("status %s, want Rejected, which people chose", got.Issue.Status.Name)
		}
	})
	t.Run("gone", func(t *testing.T) {
		lost := taskItem(board, "lost")
		lost.ID = "999999"
		refused(t, write(t, tg, nil, connector.Change{Op: connector.Update, Item: lost})[0].Err, connector.Gone, "404")
	})
}

func testTasksRefused(t *testing.T, w *world) {
	tg, board := at(t, w.cloud, ""), w.project(t)
	list := w.must(t, tg, create(listItem(board, "short-lived"), ""))[0].Item.Ref
	if ok, err := tg.Delete(t.Context(), board, list, yes); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for _, c := range []struct {
		name   string
		class  connector.Class
		reason string
		set    func(*item.Item)
	}{
		{"a title too long", connector.Permanent, "subject:too-long", func(it *item.Item) { item.Title.Set(it, strings.Repeat("Geheim", 60)) }},
		{"no title", connector.Permanent, "subject:blank", func(it *item.Item) { item.Title.Set(it, " ") }},
		{"due before start", connector.Permanent, "due_date:before-start", func(it *item.Item) {
			item.Start.Set(it, date(2024, 2, 2))
			item.Due.Set(it, date(2024, 2, 1))
		}},
		{"a category deleted meanwhile", connector.Conflict, "category:not-in-list", func(it *item.Item) { item.InList.Set(it, list) }},
		{"an assignee who is no member", connector.Permanent, "assignee:invalid", func(it *item.Item) { item.Assignees.Set(it, []string{itoa(w.ann.ID)}) }},
		{"a parent that is not there", connector.Permanent, "parent:invalid", func(it *item.Item) { item.ParentTask.Set(it, item.Ref{Kind: item.Task, ID: "999999"}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			it := taskItem(board, "Geheim")
			c.set(&it)
			ok := taskItem(board, "the next one")
			got := write(t, tg, nil, create(it, "https://trello.com/c/r"), create(ok, "https://trello.com/c/ok"))
			refused(t, got[0].Err, c.class, c.reason, "Geheim", w.srv.Key)
			if connector.InDoubt(got[0].Err) {
				t.Error("what was refused is not in doubt")
			}
			if got[1].Err != nil {
				t.Errorf("the next change failed with it: %v", got[1].Err)
			}
		})
	}
	t.Run("a project that is gone", func(t *testing.T) {
		it := taskItem(item.Ref{Kind: item.Board, ID: "99999"}, "x")
		refused(t, write(t, tg, nil, create(it, ""))[0].Err, connector.Gone, "404")
	})
}

// testTrailer works with the key of a manager, who sees no custom fields.
func testTrailer(t *testing.T, w *world) {
	board := w.project(t, w.ann)
	if status := w.srv.Call(t, http.MethodPost, "/projects/"+board.ID+"/memberships.json",
		map[string]any{"membership": map[string]any{"user_id": w.cara.ID, "role_ids": []int{3}}}, nil); status != http.StatusCreated {
		t.Fatal("no manager:", status)
	}
	s := w.learn(t, connector.Settings{"url": w.srv.URL, "key": w.cara.Key, "text": "markdown"})
	c := open(t, s, nil)
	tg := at(t, c, "")
	caps := New().Capabilities(s)
	for i, text := range []string{"", "one line", "ends in lines\n\n", "a\n\nrialto: not a mark"} {
		it := taskItem(board, "trailer")
		item.Description.Set(&it, text)
		item.Done.Set(&it, i%2 == 1)
		mark := "https://trello.com/c/trailer" + itoa(i)
		r := write(t, tg, nil, create(it, mark))[0]
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		same(t, caps, it, r.Stored.Item)
		it.Ref = r.Stored.Item.Ref
		for _, next := range []string{text, "changed"} {
			item.Description.Set(&it, next)
			r := write(t, tg, nil, connector.Change{Op: connector.Update, Item: it, Dirty: []string{"description"}})[0]
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			same(t, caps, it, fetch(t, tg, board, it.Ref)[0])
			found := all(t, tg.Find(t.Context(), board, time.Time{}))
			if !slices.ContainsFunc(found, func(f connector.Found) bool { return f.Bundle.Item.Ref == it.Ref && f.Mark == mark }) {
				t.Errorf("text %q: the mark is not found", next)
			}
		}
		var raw struct{ Issue struct{ Description string } }
		w.srv.Call(t, http.MethodGet, "/issues/"+it.ID+".json", nil, &raw)
		if raw.Issue.Description != "changed\r\n\r\nrialto: "+mark {
			t.Errorf("the server holds %q", raw.Issue.Description)
		}
	}
	t.Run("comments are the owner's", func(t *testing.T) {
		it := taskItem(board, "commented")
		parent := write(t, tg, nil, create(it, ""))[0].Stored.Item.Ref
		com := commentItem(parent, "**Ann**, 2024-02-03:\n\nHello", "")
		r := write(t, tg, nil, create(com, ""))[0]
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		same(t, caps, com, r.Stored.Item)
		if got := item.Author.Get(r.Stored.Item); got != itoa(w.cara.ID) {
			t.Errorf("author %s, want the owner of the key", got)
		}
	})
}
