package redmine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/redmine/redminetest"
	"github.com/rialto-migrate/rialto/item"
)

// TestServer runs everything that needs the real Redmine on one server; each
// part works in a project of its own.
func TestServer(t *testing.T) {
	srv := redminetest.Start(t, redminetest.WithFields())
	w := &world{srv: srv}
	w.ann = srv.AddUser(t, "ann", "Ann", "Ångström", "ann@example.net")
	w.bob = srv.AddUser(t, "bob", "Боб", "Строитель", "bob@example.net")
	w.cara = srv.AddUser(t, "cara", "Cara", "Manager", "cara@example.net")
	w.dan = srv.AddUser(t, "dan", "Dan", "Outside", "dan@example.net")
	w.settings = w.learn(t, connector.Settings{"url": srv.URL, "key": srv.Key, "text": "markdown"})
	w.cloud = open(t, w.settings, nil)

	for _, part := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"Check", testCheck},
		{"Refused", testRefused},
		{"Boards", testBoards},
		{"Lists", testLists},
		{"ListsAsVersions", testVersions},
		{"ListsAsStatuses", testStatuses},
		{"Labels", testLabels},
		{"ListLabels", testListLabels},
		{"AnswersInGerman", testGerman},
		{"Tasks", testTasks},
		{"TaskUpdates", testTaskUpdates},
		{"TasksRefused", testTasksRefused},
		{"TrailerMarks", testTrailer},
		{"Comments", testComments},
		{"CommentInDoubt", testCommentInDoubt},
		{"Attachments", testAttachments},
		{"AttachmentsRefused", testAttachmentsRefused},
		{"AttachmentAnswerLost", testAttachmentAnswerLost},
		{"Source", testSource},
		{"SourceValues", testSourceValues},
		{"Sight", testSight},
		{"Audience", testAudience},
		{"Standings", testStandings},
		{"Undo", testUndo},
		{"MissingRights", testMissingRights},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, w) })
	}
}

type world struct {
	srv                 *redminetest.Server
	ann, bob, cara, dan redminetest.User
	settings            connector.Settings
	cloud               *cloud
}

// open opens a connection; through may be nil.
func open(t *testing.T, s connector.Settings, through http.RoundTripper) *cloud {
	t.Helper()
	c, err := New().Open(t.Context(), connector.Env{Settings: s, HTTP: connector.NewClient(connector.ClientOptions{Transport: through})})
	if err != nil {
		t.Fatal(err)
	}
	return c.(*cloud)
}

// learn adds what Check learns, as the connect command does.
func (w *world) learn(t *testing.T, s connector.Settings) connector.Settings {
	t.Helper()
	id, err := open(t, s, nil).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := maps.Clone(id.Settings)
	maps.Copy(all, s)
	return all
}

func (w *world) caps() connector.Capabilities { return New().Capabilities(w.settings) }

func at(t *testing.T, c *cloud, place string) *target {
	t.Helper()
	tg, err := c.Target(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	return tg.(*target)
}

// project makes an empty project and returns its board.
func (w *world) project(t *testing.T, members ...redminetest.User) item.Ref {
	t.Helper()
	it := item.Item{Ref: item.Ref{Kind: item.Board}}
	item.Name.Set(&it, t.Name())
	var ids []string
	for _, m := range members {
		ids = append(ids, itoa(m.ID))
	}
	item.Members.Set(&it, ids)
	return w.must(t, at(t, w.cloud, ""), create(it, "rialto:board:"+t.Name()))[0].Item.Ref
}

func create(it item.Item, mark string) connector.Change {
	return connector.Change{Op: connector.Create, Item: it, Mark: carrier(it.Kind, mark)}
}

// write writes changes and returns their results.
func write(t *testing.T, tg connector.Target, open item.Opener, changes ...connector.Change) []connector.Result {
	t.Helper()
	var out []connector.Result
	for r, err := range tg.Write(t.Context(), changes, open) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	if len(out) != len(changes) {
		t.Fatalf("%d results for %d changes", len(out), len(changes))
	}
	return out
}

// must writes changes, none of which may fail, and holds what is stored against
// what was given.
func (w *world) must(t *testing.T, tg *target, changes ...connector.Change) []item.Bundle {
	t.Helper()
	var out []item.Bundle
	caps := New().Capabilities(w.settings)
	for i, r := range write(t, tg, nil, changes...) {
		if r.Err != nil {
			t.Fatalf("change %d: %v", i, r.Err)
		}
		same(t, caps, changes[i].Item, r.Stored.Item)
		out = append(out, r.Stored)
	}
	return out
}

// same compares the fields that these capabilities keep, as the engine does.
func same(t *testing.T, caps connector.Capabilities, want, got item.Item) {
	t.Helper()
	d := item.NewDigester(bytes.Repeat([]byte{1}, 32))
	info, _ := item.Info(want.Kind)
	for _, f := range info.Fields {
		only := func(_ item.Kind, g item.Field) bool { return g.Name == f.Name }
		if f.Name == item.Content.Name || !caps.Keeps(want.Kind, f.Name) {
			continue
		}
		strip := func(it item.Item) item.Item { it.Blob = nil; return it }
		if d.Items(only, strip(want)) != d.Items(only, strip(got)) {
			t.Errorf("%s %s: field %s is %#v, want %#v", got.Kind, got.ID, f.Name, got.Fields[f.Name], want.Fields[f.Name])
		}
	}
}

// fetch reads items back from the target, which must all be there.
func fetch(t *testing.T, tg connector.Target, container item.Ref, refs ...item.Ref) []item.Item {
	t.Helper()
	var out []item.Item
	for _, b := range all(t, tg.Fetch(t.Context(), container, refs)) {
		out = append(out, b.Item)
	}
	if len(out) != len(refs) {
		t.Fatalf("fetched %d items of %d", len(out), len(refs))
	}
	return out
}

func all[T any](t *testing.T, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var out []T
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// refused checks class and reason of an error, and that it tells none of these
// secrets or texts.
func refused(t *testing.T, err error, class connector.Class, reason string, hidden ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s (%s)", class, reason)
	}
	if connector.ClassOf(err) != class || !strings.Contains(err.Error(), reason) {
		t.Errorf("error %q of class %s, want %s with %q", err, connector.ClassOf(err), class, reason)
	}
	for _, h := range hidden {
		if strings.Contains(err.Error(), h) {
			t.Errorf("the error tells %q", h)
		}
	}
}

func testCheck(t *testing.T, w *world) {
	id, err := w.cloud.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if id.ID != "1" || id.Name != "Redmine Admin" || !strings.HasPrefix("http://"+id.Account, w.srv.URL) {
		t.Errorf("identity %+v", id)
	}
	want := map[string]string{"admin": "yes", "labels-field": "2", "priorities": "urgent=4,important=3,low=1"}
	if !maps.Equal(id.Settings, want) {
		t.Errorf("learned %v, want %v", id.Settings, want)
	}
	if len(id.Missing) != 0 {
		t.Errorf("an administrator of a prepared server misses %q", id.Missing)
	}
	id, err = open(t, connector.Settings{"url": w.srv.URL + "/", "key": w.ann.Key}, nil).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if id.Settings["admin"] != "no" || len(id.Missing) != 4 {
		t.Errorf("somebody who is no administrator learned %v and misses %q", id.Settings, id.Missing)
	}
}

func testRefused(t *testing.T, w *world) {
	bad := open(t, connector.Settings{"url": w.srv.URL, "key": "0123456789abcdef0123"}, nil)
	_, err := bad.Check(t.Context())
	refused(t, err, connector.Auth, "401", "0123456789abcdef0123")
	for _, err := range (&source{cloud: bad, size: 10}).Shards(t.Context()) {
		refused(t, err, connector.Auth, "401")
	}
	_, err = w.cloud.Target(t.Context(), "project:nowhere")
	refused(t, err, connector.Permanent, "the place's project is not there", "nowhere")
	_, err = w.cloud.Target(t.Context(), "group:x")
	refused(t, err, connector.Permanent, "kind of place")
	moved := httptest.NewServer(http.RedirectHandler(w.srv.URL+"/issue_statuses.json", http.StatusMovedPermanently))
	defer moved.Close()
	_, err = open(t, connector.Settings{"url": moved.URL, "key": w.srv.Key}, nil).Check(t.Context())
	refused(t, err, connector.Permanent, "redirects to another address", w.srv.Key)
	html := open(t, connector.Settings{"url": w.srv.URL + "/login?", "key": "x"}, nil)
	if _, err = html.Check(t.Context()); err == nil {
		t.Error("a wrong path of the server passed for Redmine")
	}
}

func testBoards(t *testing.T, w *world) {
	tg := at(t, w.cloud, "")
	board := func(name, text string, members ...string) item.Item {
		it := item.Item{Ref: item.Ref{Kind: item.Board}}
		item.Name.Set(&it, name)
		item.Description.Set(&it, text)
		item.Members.Set(&it, members)
		return it
	}
	ann, bob := itoa(w.ann.ID), itoa(w.bob.ID)
	one := board("Überführung & Café", "Zeile 1\nZeile 2", ann)
	two := board("看板：春の計画 🌸", "", ann, bob)
	var got []item.Item
	for _, it := range []item.Item{one, two} {
		got = append(got, w.must(t, tg, create(it, "https://trello.com/b/"+item.Name.Get(it)))[0].Item)
	}
	for i, back := range fetch(t, tg, got[0].Ref, got[0].Ref, got[1].Ref) {
		same(t, w.caps(), []item.Item{one, two}[i], back)
	}
	if !strings.HasSuffix(got[0].URL, "/projects/uberfuhrung-cafe") {
		t.Errorf("address %s, want an identifier made of the name", got[0].URL)
	}

	t.Run("the same write again makes no second project", func(t *testing.T) {
		again := w.must(t, tg, create(one, "https://trello.com/b/"+item.Name.Get(one)))[0].Item
		if again.ID != got[0].ID {
			t.Errorf("project %s, want %s", again.ID, got[0].ID)
		}
	})
	t.Run("another board of that name gets an identifier of its own", func(t *testing.T) {
		other := w.must(t, tg, create(one, "https://trello.com/b/other"))[0].Item
		if other.ID == got[0].ID {
			t.Error("it went into the project of the other")
		}
		again := w.must(t, tg, create(one, "https://trello.com/b/other"))[0].Item
		if again.ID != other.ID {
			t.Errorf("written again it is project %s, want %s", again.ID, other.ID)
		}
	})
	t.Run("found by mark", func(t *testing.T) {
		marks := map[string]string{}
		for _, f := range all(t, tg.Find(t.Context(), item.Ref{}, time.Time{})) {
			marks[f.Mark] = f.Bundle.Item.ID
		}
		if marks[tg.Carrier(item.Board, "https://trello.com/b/"+item.Name.Get(two))] != got[1].ID {
			t.Errorf("marks %v", marks)
		}
		for f, err := range tg.Find(t.Context(), item.Ref{}, time.Now().Add(3*time.Hour)) {
			t.Errorf("found %v, %v in the future", f, err)
		}
	})
	t.Run("update", func(t *testing.T) {
		next := board("Nur der Name", "Zeile 1\nZeile 2", bob)
		next.Ref = got[0].Ref
		prev := item.Bundle{Item: got[0]}
		w.must(t, tg, connector.Change{Op: connector.Update, Item: next, Prev: &prev, Dirty: []string{"name", "members"}})
		same(t, w.caps(), next, fetch(t, tg, next.Ref, next.Ref)[0])
	})
	t.Run("in a place", func(t *testing.T) {
		sub := at(t, w.cloud, "project:uberfuhrung-cafe")
		made := w.must(t, sub, create(board("Unter", ""), "https://trello.com/b/sub"))[0].Item
		found := all(t, sub.Find(t.Context(), item.Ref{}, time.Time{}))
		if len(found) != 1 || found[0].Bundle.Item.ID != made.ID {
			t.Errorf("found %v in the place", found)
		}
	})
	t.Run("addresses", func(t *testing.T) {
		src := &source{cloud: w.cloud, size: 10}
		for _, url := range []string{got[0].URL, tg.Link(got[0].Ref, got[0].Ref)} {
			if alias, ok := src.Locate(url); !ok || !slices.Contains(got[0].Aliases, alias) {
				t.Errorf("%s is located as %q, want one of %q", url, alias, got[0].Aliases)
			}
		}
		if status := w.srv.Call(t, http.MethodGet, strings.TrimPrefix(tg.Link(got[0].Ref, got[0].Ref), w.srv.URL)+".json", nil, nil); status != http.StatusOK {
			t.Errorf("the link answers %d", status)
		}
	})
}

func listItem(board item.Ref, name string) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.List}, Parent: board}
	item.Name.Set(&it, name)
	return it
}

func testLists(t *testing.T, w *world) {
	tg, board := at(t, w.cloud, ""), w.project(t)
	names := []string{"To do", " Äußerst «wichtig»  ", "進行中", strings.Repeat("ж", 60)}
	var changes []connector.Change
	for _, n := range names {
		changes = append(changes, create(listItem(board, n), ""))
	}
	var refs []item.Ref
	for _, b := range w.must(t, tg, changes...) {
		refs = append(refs, b.Item.Ref)
	}
	for i, back := range fetch(t, tg, board, refs...) {
		same(t, w.caps(), changes[i].Item, back)
	}
	r := write(t, tg, nil, create(listItem(board, "To do"), ""))[0]
	if r.Err != nil || !r.Adopted || r.Stored.Item.Ref != refs[0] {
		t.Errorf("a second list of the name: %+v, want the first one adopted", r)
	}
	secret := strings.Repeat("Geheim ", 10)
	refused(t, write(t, tg, nil, create(listItem(board, secret), ""))[0].Err, connector.Permanent, "name:too-long", "Geheim")

	next := listItem(board, "Done — 完了")
	next.Ref = refs[1]
	w.must(t, tg, connector.Change{Op: connector.Update, Item: next})
	same(t, w.caps(), next, fetch(t, tg, board, next.Ref)[0])
	found := all(t, tg.Find(t.Context(), board, time.Now()))
	if len(found) != 4+3 { // the three entries of Labels too
		t.Errorf("found %d lists and labels, want 7", len(found))
	}
	gone := item.Ref{Kind: item.List, ID: "99999"}
	if left := all(t, tg.Fetch(t.Context(), board, []item.Ref{gone, refs[2]})); len(left) != 1 {
		t.Errorf("fetched %d, want the one that is there", len(left))
	}
}

func testVersions(t *testing.T, w *world) {
	s := maps.Clone(w.settings)
	s[setListsAs] = asVersion
	c := open(t, s, nil)
	tg, board := at(t, c, ""), w.project(t)
	made := w.must(t, tg, create(listItem(board, "Sprint 1"), ""))[0].Item
	again := write(t, tg, nil, create(listItem(board, "Sprint 1"), ""))[0]
	if again.Err != nil || !again.Adopted || again.Stored.Item.Ref != made.Ref {
		t.Errorf("a second version of the name: %+v", again)
	}
	task := taskItem(board, "in a version")
	item.InList.Set(&task, made.Ref)
	got := w.must(t, tg, create(task, "https://example.org/v1"))[0].Item
	if item.InList.Get(got) != made.Ref {
		t.Errorf("the issue is in %v, want %v", item.InList.Get(got), made.Ref)
	}
	next := listItem(board, "Sprint 2")
	next.Ref = made.Ref
	w.must(t, tg, connector.Change{Op: connector.Update, Item: next})
	if ok, err := tg.Delete(t.Context(), board, got.Ref, yes); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if ok, err := tg.Delete(t.Context(), board, made.Ref, yes); !ok || err != nil {
		t.Errorf("deleting a version: %v, %v", ok, err)
	}
}

func testStatuses(t *testing.T, w *world) {
	s := maps.Clone(w.settings)
	s[setListsAs] = asStatus
	c := open(t, s, nil)
	tg, board := at(t, c, ""), w.project(t)
	caps := New().Capabilities(s)
	refused(t, write(t, tg, nil, create(listItem(board, "Geheimliste"), ""))[0].Err, connector.Unsupported, "no issue status", "Geheimliste")
	var lists []item.Ref
	for _, n := range []string{"In Progress", "Rejected"} {
		r := write(t, tg, nil, create(listItem(board, n), ""))[0]
		if r.Err != nil || !r.Adopted {
			t.Fatalf("list %s: %+v", n, r)
		}
		lists = append(lists, r.Stored.Item.Ref)
	}
	for i, l := range lists {
		task := taskItem(board, "by status")
		item.InList.Set(&task, l)
		r := write(t, tg, nil, create(task, "https://example.org/s"+itoa(i)))[0]
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		same(t, caps, task, r.Stored.Item)
		if closed := item.Done.Get(r.Stored.Item); closed != (i == 1) {
			t.Errorf("status %s: done is %v", l.ID, closed)
		}
	}
}

func testLabels(t *testing.T, w *world) {
	labels(t, w, w.settings, "日本", "Éclair")
}

// testListLabels uses a field of the format list, whose entries have no numbers.
func testListLabels(t *testing.T, w *world) {
	s := maps.Clone(w.settings)
	s[setLabels] = "7"
	labels(t, w, s, "Red", "Blue")
}

func labels(t *testing.T, w *world, s connector.Settings, names ...string) {
	tg, board := at(t, open(t, s, nil), ""), w.project(t)
	label := func(name string) item.Item {
		it := item.Item{Ref: item.Ref{Kind: item.Label}, Parent: board}
		item.Name.Set(&it, name)
		return it
	}
	var refs []item.Ref
	for _, n := range names {
		r := write(t, tg, nil, create(label(n), ""))[0]
		if r.Err != nil || !r.Adopted {
			t.Fatalf("label %s: %+v", n, r)
		}
		refs = append(refs, r.Stored.Item.Ref)
	}
	refused(t, write(t, tg, nil, create(label("Fehlt"), ""))[0].Err, connector.Unsupported, "no entry", "Fehlt")
	task := taskItem(board, "labelled")
	item.Labels.Set(&task, refs)
	made := w.must(t, tg, create(task, "https://example.org/labelled"))[0].Item
	task.Ref = made.Ref
	for _, want := range [][]item.Ref{refs[:1], nil, refs} {
		item.Labels.Set(&task, want)
		w.must(t, tg, connector.Change{Op: connector.Update, Item: task, Dirty: []string{"labels"}})
		same(t, w.caps(), task, fetch(t, tg, board, task.Ref)[0])
	}
	lost := taskItem(board, "x")
	item.Labels.Set(&lost, []item.Ref{{Kind: item.Label, ID: board.ID + "/" + s[setLabels] + "/999"}})
	refused(t, write(t, tg, nil, create(lost, ""))[0].Err, connector.Conflict, "no longer there")
}

// testGerman: a server whose refusals cannot be read adopts what is there all
// the same, and refuses without telling what it was told.
func testGerman(t *testing.T, w *world) {
	lang := func(l string) {
		if status := w.srv.Call(t, http.MethodPut, "/users/1.json", map[string]any{"user": map[string]any{"language": l}}, nil); status != http.StatusNoContent {
			t.Fatal("status", status)
		}
	}
	lang("de")
	defer lang("en")
	tg := at(t, w.cloud, "")
	it := item.Item{Ref: item.Ref{Kind: item.Board}}
	item.Name.Set(&it, "Deutsche Tafel")
	item.Members.Set(&it, []string{itoa(w.ann.ID)})
	board := w.must(t, tg, create(it, "https://trello.com/b/de"))[0].Item.Ref
	if again := w.must(t, tg, create(it, "https://trello.com/b/de"))[0].Item.Ref; again != board {
		t.Errorf("written again it is project %s, want %s", again.ID, board.ID)
	}
	if other := w.must(t, tg, create(it, "https://trello.com/b/de2"))[0].Item.Ref; other == board {
		t.Error("another board went into the project of the first")
	}
	list := w.must(t, tg, create(listItem(board, "Liste"), ""))[0].Item.Ref
	if r := write(t, tg, nil, create(listItem(board, "Liste"), ""))[0]; !r.Adopted || r.Stored.Item.Ref != list {
		t.Errorf("a second list of the name: %+v", r)
	}
	refused(t, write(t, tg, nil, create(taskItem(board, strings.Repeat("Geheim", 60)), ""))[0].Err, connector.Permanent, "422", "Geheim")
}

func yes(item.Bundle) bool { return true }

// errCut is what a connection that breaks looks like.
var errCut = errors.New("cut")

// cutting lets requests through and loses the answer of the n-th that matches.
type cutting struct {
	match func(*http.Request) bool
	n     int
	seen  int
}

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || !c.match(r) {
		return resp, err
	}
	if c.seen++; c.seen != c.n {
		return resp, nil
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return nil, errCut
}

func opener(blobs map[item.Ref][]byte) item.Opener {
	return func(b item.Blob, offset, n int64) (io.ReadCloser, error) {
		data := blobs[b.Ref][offset:]
		if n >= 0 {
			data = data[:n]
		}
		return io.NopCloser(bytes.NewReader(data)), nil
	}
}

func drain(t *testing.T, c *cloud, b item.Blob, offset, n int64) []byte {
	t.Helper()
	r, err := (&source{cloud: c, size: 10}).Open(context.WithoutCancel(t.Context()), b, offset, n)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
