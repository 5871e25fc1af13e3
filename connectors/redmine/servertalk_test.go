package redmine

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

func commentItem(task item.Ref, text, author string) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Comment}, Parent: task}
	item.Body.Set(&it, text)
	item.Author.Set(&it, author)
	return it
}

func testComments(t *testing.T, w *world) {
	tg, board := at(t, w.cloud, ""), w.project(t, w.ann)
	watched := taskItem(board, "talk")
	item.Watchers.Set(&watched, []string{itoa(w.ann.ID)})
	task := w.must(t, tg, create(watched, "https://trello.com/c/t"))[0].Item.Ref
	second := w.must(t, tg, create(taskItem(board, "other talk"), "https://trello.com/c/t2"))[0].Item.Ref

	var changes []connector.Change
	for _, c := range []item.Item{
		commentItem(task, "by a member", itoa(w.ann.ID)),
		commentItem(second, "elsewhere", itoa(w.ann.ID)),
		commentItem(task, "by somebody who left: Привет\n\nвторой абзац", itoa(w.bob.ID)),
		commentItem(task, "by the owner of the key", "1"),
		commentItem(task, "**Zoë**, 2021-02-03 04:05:\n\nby nobody of this server", ""),
		commentItem(task, "ends in lines\n\n", ""),
		commentItem(task, "ends in lines\n\n", "1"),
		commentItem(task, "twice the same", itoa(w.ann.ID)),
		commentItem(task, "twice the same", itoa(w.ann.ID)),
		commentItem(second, strings.Repeat("長い ", 20000), ""),
	} {
		changes = append(changes, create(c, ""))
	}
	var refs []item.Ref
	for _, b := range w.must(t, tg, changes...) {
		refs = append(refs, b.Item.Ref)
	}
	for i, back := range fetch(t, tg, board, refs...) {
		same(t, w.caps(), changes[i].Item, back)
	}
	if sorted := slices.Clone(refs); len(slices.Compact(sorted)) != len(refs) {
		t.Errorf("two comments became one: %v", refs)
	}

	t.Run("the server agrees", func(t *testing.T) {
		var got struct {
			Issue struct {
				Journals []struct {
					User  struct{ ID int }
					Notes string
				}
				Watchers []struct{ ID int }
			}
		}
		w.srv.Call(t, http.MethodGet, "/issues/"+task.ID+".json?include=journals,watchers", nil, &got)
		var authors []int
		for _, j := range got.Issue.Journals {
			authors = append(authors, j.User.ID)
		}
		if want := []int{w.ann.ID, w.bob.ID, 1, 1, 1, 1, w.ann.ID, w.ann.ID}; !slices.Equal(authors, want) {
			t.Errorf("authors %v, want %v in the order of the changes", authors, want)
		}
		if len(got.Issue.Watchers) != 1 || got.Issue.Watchers[0].ID != w.ann.ID {
			t.Errorf("watchers %v: writing comments must not change them", got.Issue.Watchers)
		}
		var members struct {
			Memberships []struct{ User struct{ ID int } }
		}
		w.srv.Call(t, http.MethodGet, "/projects/"+board.ID+"/memberships.json", nil, &members)
		if len(members.Memberships) != 1 {
			t.Errorf("members %v: the one who left is still in", members.Memberships)
		}
	})
	t.Run("update", func(t *testing.T) {
		for i, ch := range changes {
			next := ch.Item.Clone()
			next.Ref = refs[i]
			item.Body.Set(&next, "edited "+item.Body.Get(ch.Item))
			w.must(t, tg, connector.Change{Op: connector.Update, Item: next, Dirty: []string{"text"}})
			changes[i].Item = next
		}
		for i, back := range fetch(t, tg, board, refs...) {
			same(t, w.caps(), changes[i].Item, back)
		}
	})
	t.Run("found by shape", func(t *testing.T) {
		var texts []string
		for _, f := range all(t, tg.Find(t.Context(), board, time.Now().Add(-time.Minute))) {
			if f.Bundle.Item.Kind == item.Comment {
				texts = append(texts, item.Body.Get(f.Bundle.Item))
			}
		}
		if len(texts) != len(changes) {
			t.Errorf("found %d comments, want %d", len(texts), len(changes))
		}
	})
	t.Run("refused", func(t *testing.T) {
		got := write(t, tg, nil, create(commentItem(task, " \n ", "1"), ""),
			create(commentItem(item.Ref{Kind: item.Task, ID: "999999"}, "x", ""), ""),
			create(commentItem(task, "Geheim", "99999"), ""))
		gone := w.srv.AddUser(t, "gone", "Gone", "Person", "gone@example.net")
		w.srv.Call(t, http.MethodPut, "/users/"+itoa(gone.ID)+".json", map[string]any{"user": map[string]any{"status": 3}}, nil)
		locked := write(t, at(t, open(t, w.settings, nil), ""), nil, create(commentItem(task, "Geheim", itoa(gone.ID)), ""))
		refused(t, locked[0].Err, connector.Permanent, "locked or gone", "Geheim")
		refused(t, got[0].Err, connector.Permanent, "no empty comment")
		refused(t, got[1].Err, connector.Gone, "404")
		refused(t, got[2].Err, connector.Permanent, "person 99999", "Geheim")
	})
	t.Run("delete", func(t *testing.T) {
		for i, ref := range refs {
			removed, err := tg.Delete(t.Context(), board, ref, func(b item.Bundle) bool { return i%2 == 0 })
			if err != nil || removed != (i%2 == 0) {
				t.Errorf("comment %d: removed %v, %v", i, removed, err)
			}
		}
		if left := all(t, tg.Fetch(t.Context(), board, refs)); len(left) != len(refs)/2 {
			t.Errorf("%d comments are left, want %d", len(left), len(refs)/2)
		}
		var got struct {
			Issue struct{ Journals []struct{ ID int } }
		}
		w.srv.Call(t, http.MethodGet, "/issues/"+second.ID+".json?include=journals", nil, &got)
		if len(got.Issue.Journals) != 2 {
			t.Errorf("%d journals are left of the second issue, want both (they have odd places)", len(got.Issue.Journals))
		}
		if removed, err := tg.Delete(t.Context(), board, refs[0], yes); !removed || err != nil {
			t.Errorf("one that is gone already: %v, %v", removed, err)
		}
	})
}

// testCommentInDoubt loses the answer to a comment: it must not be sent again.
func testCommentInDoubt(t *testing.T, w *world) {
	board := w.project(t, w.ann)
	task := w.must(t, at(t, w.cloud, ""), create(taskItem(board, "doubt"), ""))[0].Item.Ref
	isNote := func(r *http.Request) bool { return r.Method == http.MethodPut }
	tg := at(t, open(t, w.settings, &cutting{match: isNote, n: 2}), "")
	got := write(t, tg, nil, create(commentItem(task, "first", itoa(w.ann.ID)), ""),
		create(commentItem(task, "second", itoa(w.ann.ID)), ""), create(commentItem(task, "third", itoa(w.ann.ID)), ""))
	if got[0].Err != nil {
		t.Errorf("the first: %v", got[0].Err)
	}
	if !connector.InDoubt(got[1].Err) {
		t.Errorf("the second is not in doubt: %v", got[1].Err)
	}
	refused(t, got[2].Err, connector.Transient, "not sent")
	if connector.InDoubt(got[2].Err) {
		t.Error("what was not sent is in doubt")
	}
	var texts []string
	for _, f := range all(t, tg.Find(t.Context(), board, time.Now().Add(-time.Minute))) {
		if f.Bundle.Item.Kind == item.Comment {
			texts = append(texts, item.Body.Get(f.Bundle.Item))
		}
	}
	if !slices.Equal(texts, []string{"first", "second"}) {
		t.Errorf("found %q, want the first two, once each", texts)
	}
}

func fileItem(task item.Ref, name, media string, data []byte, said int64) (item.Item, map[item.Ref][]byte) {
	it := item.Item{Ref: item.Ref{Kind: item.Attachment}, Parent: task}
	item.Name.Set(&it, name)
	item.MediaType.Set(&it, media)
	ref := item.Ref{Kind: item.Attachment, ID: "source:" + name}
	it.Blob = &item.Blob{Ref: ref, Bytes: said}
	return it, map[item.Ref][]byte{ref: data}
}

func testAttachments(t *testing.T, w *world) {
	tg, board := at(t, w.cloud, ""), w.project(t)
	task := w.must(t, tg, create(taskItem(board, "files"), ""))[0].Item.Ref
	second := w.must(t, tg, create(taskItem(board, "more files"), ""))[0].Item.Ref
	big := make([]byte, 5<<20)
	_, _ = rand.Read(big)
	blobs := map[item.Ref][]byte{}
	var changes []connector.Change
	add := func(task item.Ref, name, media string, data []byte, said int64) {
		it, b := fileItem(task, name, media, data, said)
		for k, v := range b {
			blobs[k] = v
		}
		changes = append(changes, create(it, ""))
	}
	add(task, "big.bin", "application/octet-stream", big, int64(len(big)))
	add(second, "what? 100%: \"a|b\".png", "image/png", []byte("odd name"), 8)
	add(task, "報告書 2024.pdf", "", []byte("no type"), -1)
	add(task, "C:\\Temp\\x/y.txt", "text/plain; charset=utf-8", []byte("path"), 4)
	got := write(t, tg, opener(blobs), changes...)
	var refs []item.Ref
	for i, r := range got {
		if r.Err != nil {
			t.Fatalf("file %d: %v", i, r.Err)
		}
		same(t, w.caps(), changes[i].Item, r.Stored.Item)
		refs = append(refs, r.Stored.Item.Ref)
	}
	for i, back := range fetch(t, tg, board, refs...) {
		same(t, w.caps(), changes[i].Item, back)
		want := blobs[changes[i].Item.Blob.Ref]
		if back.Blob.Bytes != int64(len(want)) || sha256.Sum256(drain(t, w.cloud, *back.Blob, 0, -1)) != sha256.Sum256(want) {
			t.Errorf("file %d came back with other bytes", i)
		}
	}
	t.Run("a part of it", func(t *testing.T) {
		b := *got[0].Stored.Item.Blob
		if !bytes.Equal(drain(t, w.cloud, b, 1<<20, 1000), big[1<<20:1<<20+1000]) {
			t.Error("other bytes from the middle")
		}
		if !bytes.Equal(drain(t, w.cloud, b, 5<<20-3, -1), big[5<<20-3:]) {
			t.Error("other bytes from the end")
		}
		if len(drain(t, w.cloud, b, 0, 0)) != 0 {
			t.Error("no bytes were asked for")
		}
		b.Version = "0"
		_, err := (&source{cloud: w.cloud, size: 10}).Open(t.Context(), b, 0, -1)
		refused(t, err, connector.Conflict, "no longer those")
	})
	t.Run("writing files leaves the watchers alone", func(t *testing.T) {
		for _, it := range fetch(t, tg, board, task, second) {
			if len(item.Watchers.Get(it)) != 0 {
				t.Errorf("issue %s is watched by %v", it.ID, item.Watchers.Get(it))
			}
		}
	})
	t.Run("update", func(t *testing.T) {
		for _, name := range []string{"plain.png", "odd: again?.png"} {
			next := changes[1].Item.Clone()
			next.Ref = refs[1]
			item.Name.Set(&next, name)
			w.must(t, tg, connector.Change{Op: connector.Update, Item: next, Dirty: []string{"name"}})
		}
	})
	t.Run("found", func(t *testing.T) {
		n := 0
		for _, f := range all(t, tg.Find(t.Context(), board, time.Time{})) {
			if f.Bundle.Item.Kind == item.Attachment {
				n++
			}
		}
		if n != len(changes) {
			t.Errorf("found %d files, want %d", n, len(changes))
		}
	})
	t.Run("delete", func(t *testing.T) {
		for _, ref := range refs[:2] {
			if ok, err := tg.Delete(t.Context(), board, ref, yes); !ok || err != nil {
				t.Errorf("deleting: %v, %v", ok, err)
			}
		}
		if left := all(t, tg.Fetch(t.Context(), board, refs)); len(left) != 2 {
			t.Errorf("%d are left, want 2", len(left))
		}
		for _, it := range fetch(t, tg, board, task, second) {
			if len(item.Watchers.Get(it)) != 0 {
				t.Errorf("issue %s is watched by %v", it.ID, item.Watchers.Get(it))
			}
		}
	})
}

func testAttachmentsRefused(t *testing.T, w *world) {
	tg, board := at(t, w.cloud, ""), w.project(t)
	task := w.must(t, tg, create(taskItem(board, "files"), ""))[0].Item.Ref
	for _, c := range []struct {
		name   string
		bytes  int
		said   int64
		class  connector.Class
		reason string
	}{
		{"longer than said", 100, 40, connector.Conflict, "40 bytes"},
		{"shorter than said", 40, 100, connector.Conflict, "100 bytes, and sent 40"},
		{"said to be empty", 40, 0, connector.Conflict, "0 bytes"},
		{"too large", 5<<20 + 1, 5<<20 + 1, connector.Permanent, "file:too-large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			it, blobs := fileItem(task, "Geheim.txt", "text/plain", make([]byte, c.bytes), c.said)
			ok, more := fileItem(task, "ok.txt", "text/plain", []byte("ok"), 2)
			for k, v := range more {
				blobs[k] = v
			}
			got := write(t, tg, opener(blobs), create(it, ""), create(ok, ""))
			refused(t, got[0].Err, c.class, c.reason, "Geheim")
			if got[1].Err != nil {
				t.Errorf("the next file failed with it: %v", got[1].Err)
			}
		})
	}
	t.Run("an empty file", func(t *testing.T) {
		it, blobs := fileItem(task, "empty.txt", "text/plain", nil, 0)
		got := write(t, tg, opener(blobs), create(it, ""))[0]
		if got.Err != nil {
			t.Fatal(got.Err)
		}
		if b := drain(t, w.cloud, *got.Stored.Item.Blob, 0, -1); len(b) != 0 {
			t.Errorf("it came back with %d bytes", len(b))
		}
	})
	t.Run("a link", func(t *testing.T) {
		it := item.Item{Ref: item.Ref{Kind: item.Attachment}, Parent: task}
		item.Address.Set(&it, "https://example.org")
		refused(t, write(t, tg, nil, create(it, ""))[0].Err, connector.Unsupported, "not links")
	})
}

// testAttachmentAnswerLost loses the answer to the attaching request: sent
// again, it is refused because the upload is used up, and all is well.
func testAttachmentAnswerLost(t *testing.T, w *world) {
	board := w.project(t)
	task := w.must(t, at(t, w.cloud, ""), create(taskItem(board, "files"), ""))[0].Item.Ref
	for _, c := range []struct {
		name  string
		match func(*http.Request) bool
	}{
		{"attaching", func(r *http.Request) bool { return r.Method == http.MethodPut }},
		{"uploading", func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/uploads.json") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			tg := at(t, open(t, w.settings, &cutting{match: c.match, n: 1}), "")
			it, blobs := fileItem(task, c.name+".txt", "text/plain", []byte(c.name), int64(len(c.name)))
			got := write(t, tg, opener(blobs), create(it, ""))[0]
			if got.Err != nil {
				t.Fatal(got.Err)
			}
			same(t, w.caps(), it, got.Stored.Item)
		})
	}
	n := 0
	for _, f := range all(t, at(t, w.cloud, "").Find(t.Context(), board, time.Time{})) {
		if f.Bundle.Item.Kind == item.Attachment {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d files, want each once", n)
	}
}
