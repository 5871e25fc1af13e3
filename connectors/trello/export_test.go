package trello

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/item"
)

// exported opens an export as a source.
func exported(t testing.TB, settings connector.Settings) connector.Source {
	t.Helper()
	c, err := New().Open(context.Background(), connector.Env{Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	src, err := c.Source(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// all lists a source's only shard from a cursor on.
func all(t testing.TB, src connector.Source, from connector.Cursor) (out []item.Bundle, cursors []connector.Cursor, whole []item.Kind) {
	t.Helper()
	for shard, err := range src.Shards(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		for page, err := range src.List(context.Background(), shard, from) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, page.Bundles...)
			cursors = append(cursors, page.Next)
			whole = append(whole, page.Whole...)
		}
	}
	return out, cursors, whole
}

// tally counts what a listing holds.
func tally(bundles []item.Bundle) map[string]int {
	n := map[string]int{}
	for _, b := range bundles {
		n[string(b.Item.Kind)]++
		if b.Item.Kind == item.Task && item.Closed.Get(b.Item) {
			n["task.closed"]++
		}
		if b.Item.Kind == item.List && item.Closed.Get(b.Item) {
			n["list.closed"]++
		}
		if b.Item.Kind == item.Task && item.Author.Get(b.Item) != "" {
			n["task.author"]++
		}
		n["badge.comments"] += b.Counts[item.Comment]
		n["badge.attachments"] += b.Counts[item.Attachment]
		n["badge.entries"] += max(b.CheckItems, 0)
		for _, c := range b.Children {
			n[string(c.Kind)]++
			n["entries"] += len(item.Entries.Get(c))
			if c.Blob != nil {
				n["files"]++
				n["bytes"] += int(c.Blob.Bytes)
			}
		}
		for _, u := range b.Unknown {
			n["unknown "+u]++
		}
	}
	maps.DeleteFunc(n, func(_ string, v int) bool { return v == 0 })
	return n
}

func TestRealExports(t *testing.T) {
	gocd := connectortest.Shared(t, "data", "trello", "gocd-test-drive.json")
	dir := filepath.Dir(gocd)
	for name, tc := range map[string]struct {
		settings connector.Settings
		want     map[string]int
		whole    bool // of comments too
	}{
		"gocd alone": {
			settings: connector.Settings{"export": gocd},
			want: map[string]int{"board": 1, "list": 18, "list.closed": 12, "label": 8, "member": 11, "task": 122, "task.closed": 78, "task.author": 73,
				"comment": 93, "attachment": 59, "checklist": 14, "entries": 62, "badge.comments": 133, "badge.attachments": 59, "badge.entries": 62,
				"unknown attachment.content": 13, "unknown board.history": 1, "unknown board.memberships.memberType": 1, "unknown board.pluginData": 1, "unknown board.prefs": 1},
		},
		"gocd with comments and attachments": {
			settings: connector.Settings{"export": gocd, "comments": filepath.Join(dir, "gocd-test-drive.comments-api.json"), "attachments": filepath.Join(dir, "gocd-test-drive.attachments")},
			want: map[string]int{"board": 1, "list": 18, "list.closed": 12, "label": 8, "member": 11, "task": 122, "task.closed": 78, "task.author": 73,
				"comment": 133, "attachment": 59, "files": 19, "bytes": 4406358, "checklist": 14, "entries": 62, "badge.comments": 133, "badge.attachments": 59, "badge.entries": 62,
				"unknown board.history": 1, "unknown board.memberships.memberType": 1, "unknown board.pluginData": 1, "unknown board.prefs": 1},
			whole: true,
		},
		"pacs-spark of 2015": {
			settings: connector.Settings{"export": filepath.Join(dir, "pacs-spark-2015.json")},
			want: map[string]int{"board": 1, "list": 12, "label": 7, "member": 6, "task": 45, "task.closed": 12, "task.author": 45,
				"comment": 24, "checklist": 6, "entries": 26, "badge.comments": 24, "badge.entries": 26,
				"unknown board.history": 1, "unknown board.memberships.memberType": 1, "unknown board.prefs": 1},
			whole: true,
		},
		"clipkit of 2015, without labels": {
			settings: connector.Settings{"export": filepath.Join(dir, "clipkit-japanese-2015.json")},
			want: map[string]int{"board": 1, "list": 5, "list.closed": 1, "label": 3, "member": 3, "task": 67, "task.closed": 1, "task.author": 67,
				"comment": 4, "badge.comments": 4, "unknown board.history": 1, "unknown board.memberships.memberType": 1, "unknown board.prefs": 1},
			whole: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			src := exported(t, tc.settings)
			got, _, whole := all(t, src, "")
			if n := tally(got); !maps.Equal(n, tc.want) {
				t.Errorf("got  %v\nwant %v", n, tc.want)
			}
			if slices.Contains(whole, item.Comment) != tc.whole || !slices.Contains(whole, item.Task) {
				t.Errorf("whole: %v", whole)
			}
			checkReferences(t, got)
		})
	}
}

// checkReferences sees to it that everything that is referred to is listed, that
// ids are unique, and that levels ascend.
func checkReferences(t *testing.T, bundles []item.Bundle) {
	t.Helper()
	seen := map[item.Ref]bool{}
	level := item.Container
	for _, b := range bundles {
		for _, it := range append([]item.Item{b.Item}, b.Children...) {
			if it.ID == "" || seen[it.Ref] {
				t.Errorf("%s is there twice, or has no id", it.Ref)
			}
			seen[it.Ref] = true
		}
		info, _ := item.Info(b.Item.Kind)
		if info.Level < level {
			t.Errorf("%s comes too late", b.Item.Ref)
		}
		level = info.Level
	}
	need := func(r item.Ref, by item.Ref) {
		if !r.Zero() && r.ID != "" && !seen[r] {
			t.Errorf("%s refers to %s, which is not listed", by, r)
		}
	}
	for _, b := range bundles {
		for _, it := range append([]item.Item{b.Item}, b.Children...) {
			need(it.Parent, it.Ref)
			need(item.InList.Get(it), it.Ref)
			need(item.Ref{Kind: item.Member, ID: item.Author.Get(it)}, it.Ref)
			for _, l := range item.Labels.Get(it) {
				need(l, it.Ref)
			}
			for _, m := range slices.Concat(item.Assignees.Get(it), item.Members.Get(it), item.Votes.Get(it)) {
				need(item.Ref{Kind: item.Member, ID: m}, it.Ref)
			}
		}
	}
}

func TestListingResumesFromEveryCursor(t *testing.T) {
	src := exported(t, connector.Settings{"export": connectortest.Shared(t, "data", "trello", "gocd-test-drive.json")})
	whole, cursors, _ := all(t, src, "")
	if len(cursors) != 2 {
		t.Fatalf("%d pages", len(cursors))
	}
	ids := func(bs []item.Bundle) (out []string) {
		for _, b := range bs {
			out = append(out, b.Item.Ref.String())
		}
		return out
	}
	snap, err := src.(*exportSource).read()
	if err != nil {
		t.Fatal(err)
	}
	frame := len(snap.frame())
	for i, c := range snap.cards {
		rest, _, kinds := all(t, src, snap.key(c).cursor())
		if want := ids(whole)[frame+i+1:]; !slices.Equal(ids(rest), want) {
			t.Fatalf("after card %d: %d bundles, want %d", i, len(rest), len(want))
		}
		if len(kinds) > 0 {
			t.Fatal("a resumed listing is not whole")
		}
	}
	rest, _, _ := all(t, src, sortKey{}.cursor())
	if len(rest) != len(whole)-frame {
		t.Errorf("after the frame: %d bundles", len(rest))
	}
}

func TestSiblingsComeInOrder(t *testing.T) {
	src := exported(t, connector.Settings{"export": connectortest.Shared(t, "data", "trello", "gocd-test-drive.json")})
	bundles, _, _ := all(t, src, "")
	last := map[string]string{}
	for _, b := range bundles {
		if b.Item.Kind != item.Task && b.Item.Kind != item.List {
			continue
		}
		in := string(b.Item.Kind) + item.InList.Get(b.Item).ID
		if at := item.Position.Get(b.Item); at < last[in] {
			t.Errorf("%s stands before its predecessor", b.Item.Ref)
		} else {
			last[in] = at
		}
		var said []string
		for _, c := range b.Of(item.Comment) {
			said = append(said, item.Created.Get(c).Format("2006-01-02T15:04:05.000"))
		}
		if !slices.IsSorted(said) {
			t.Errorf("comments of %s are not in the order of time", b.Item.Ref)
		}
	}
}

func TestAttachmentFolderServesBytes(t *testing.T) {
	gocd := connectortest.Shared(t, "data", "trello", "gocd-test-drive.json")
	src := exported(t, connector.Settings{"export": gocd, "attachments": filepath.Join(filepath.Dir(gocd), "gocd-test-drive.attachments")})
	bundles, _, _ := all(t, src, "")
	read := 0
	for _, b := range bundles {
		for _, a := range b.Of(item.Attachment) {
			if a.Blob == nil {
				continue
			}
			whole := readBlob(t, src, *a.Blob, 0, -1)
			if int64(len(whole)) != a.Blob.Bytes {
				t.Errorf("%s: %d bytes, want %d", a.Ref, len(whole), a.Blob.Bytes)
			}
			if got := readBlob(t, src, *a.Blob, 100, 50); !bytes.Equal(got, whole[100:150]) {
				t.Errorf("%s: a part of it differs", a.Ref)
			}
			read++
		}
	}
	if read != 19 {
		t.Errorf("%d files", read)
	}
}

func readBlob(t *testing.T, src connector.Source, b item.Blob, offset, n int64) []byte {
	t.Helper()
	r, err := src.Open(context.Background(), b, offset, n)
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

const smallBoard = `{"id":"5ca3d99a0378a65090e676ca","name":"B","lists":[{"id":"5ca3d99a0378a65090e676cb","name":"L","pos":1}],"cards":[%s]}`

func exportOf(cards string) string { return strings.Replace(smallBoard, "%s", cards, 1) }

func TestBadExports(t *testing.T) {
	whole := exportOf(`{"id":"5ca3d99a0378a65090e676cc","name":"C","idList":"5ca3d99a0378a65090e676cb"}`)
	for name, tc := range map[string]struct{ export, want string }{
		"empty":              {"", "the export ends in the middle; download it again"},
		"cut in a card":      {whole[:len(whole)-20], "the export ends in the middle; download it again"},
		"cut at the end":     {whole[:len(whole)-1], "the export ends in the middle; download it again"},
		"a list":             {`[1,2]`, "not the JSON export of a Trello board"},
		"another program's":  {`{"version":1,"projects":[]}`, "not the JSON export of a Trello board"},
		"a web page":         {`<!doctype html><html>`, "not the JSON export of a Trello board"},
		"ids that differ":    {exportOf(`{"id":"5ca3d99a0378a65090e676cc","name":"C"},{"id":"5ca3d99a0378a65090e676cc","name":"D"}`), "holds the id 5ca3d99a0378a65090e676cc twice"},
		"a number for cards": {`{"id":"x","name":"n","cards":7}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decodeExport(strings.NewReader(tc.export))
			if tc.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) || connector.ClassOf(err) != connector.Malformed {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestLiberalReading(t *testing.T) {
	cards := `{"id":"5ca3d99a0378a65090e676cc","name":7,"idList":"5ca3d99a0378a65090e676cb","pos":"16384.5","labels":null,"idMembers":null,
		"attachments":{"not":"a list"},"badges":null,"due":"","closed":"true","checklists":null,"idLabels":[null,"L1"],"cover":"none",
		"customFieldItems":[null,{"idCustomField":"F","value":{"number":12.50}}],"coordinates":{"latitude":45.4380,"longitude":12.33},
		"email":"secret+post@boards.trello.com","subscribed":true,"mirrorSourceId":"5ca3d99a0378a65090e676ff","brandNew":{"a":1},"emptyNew":[],"dueReminder":-1},
		{"id":"5ca3d99a0378a65090e676cd","name":"twin"},{"name":"twin","id":"5ca3d99a0378a65090e676cd"},
		{"name":"without an id"}, null, "odd"`
	b, err := decodeExport(strings.NewReader("\ufeff" + exportOf(cards)))
	if err != nil {
		t.Fatal(err)
	}
	s := newSnapshot(b, noFolder{})
	if len(s.cards) != 2 {
		t.Fatalf("%d cards", len(s.cards))
	}
	got := s.task(s.byID["5ca3d99a0378a65090e676cc"])
	it := got.Item
	if item.Title.Get(it) != "7" || !item.Closed.Get(it) || item.Position.Get(it) != rank(16384.5) || item.Location.Get(it) != "45.438,12.33" {
		t.Errorf("%+v", it.Fields)
	}
	if v := item.FieldValues.Get(it); !slices.Equal(v, []item.FieldValue{{Field: "F", Value: "12.5"}}) {
		t.Errorf("%v", v)
	}
	if !slices.Equal(got.Unknown, []string{"task.brandNew", "task.mirrorSourceId"}) {
		t.Errorf("%v", got.Unknown)
	}
	for _, want := range []string{"board.cards.repeated", "task.id"} {
		if !slices.Contains(s.frame()[0].Unknown, want) {
			t.Errorf("%v lacks %s", s.frame()[0].Unknown, want)
		}
	}
	raw, err := json.Marshal(got)
	if err != nil || strings.Contains(string(raw), "boards.trello.com") {
		t.Errorf("the card's posting address is carried (%v)", err)
	}
}

func TestFolderMatching(t *testing.T) {
	dir := t.TempDir()
	write := func(path, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("5ca3d99a0378a65090e676d1/anything.bin", "by id")
	write("plan%20b.txt", "by url name")
	write("same/twice.txt", "aaaa")
	write("other/twice.txt", "bbbb")
	write("plain.txt", "plain")
	outside := filepath.Join(t.TempDir(), "secret.txt")
	if err := os.WriteFile(outside, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	f, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, tc := range map[string]struct {
		a             attachment
		want, problem string
	}{
		"by id":                   {attachment{ID: "5ca3d99a0378a65090e676d1", Name: "x"}, "by id", ""},
		"by the url's last part":  {attachment{ID: "a", Name: "Plan B", URL: "https://h/p/plan%20b.txt", Bytes: count{11, true}}, "by url name", ""},
		"by name":                 {attachment{ID: "a", Name: "plain.txt"}, "plain", ""},
		"by name, another size":   {attachment{ID: "a", Name: "plain.txt", Bytes: count{99, true}}, "", noContent},
		"two of the name":         {attachment{ID: "a", Name: "twice.txt", Bytes: count{4, true}}, "", noContent},
		"a link out":              {attachment{ID: "a", Name: "link.txt"}, "", noContent},
		"a path in the name":      {attachment{ID: "a", Name: "../../etc/passwd"}, "", noContent},
		"by id, the size differs": {attachment{ID: "5ca3d99a0378a65090e676d1", Bytes: count{99, true}}, "by id", "attachment.bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			b, problem := f.blob("card", tc.a)
			if problem != tc.problem {
				t.Errorf("problem %q, want %q", problem, tc.problem)
			}
			if b == nil {
				if tc.want != "" {
					t.Error("not found")
				}
				return
			}
			r, err := f.open(*b, 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if got, _ := io.ReadAll(r); string(got) != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
	t.Run("changed since", func(t *testing.T) {
		b, _ := f.blob("card", attachment{ID: "a", Name: "plain.txt"})
		write("plain.txt", "changed")
		if _, err := f.open(*b, 0, -1); connector.ClassOf(err) != connector.Conflict {
			t.Error(err)
		}
	})
}

func TestCommentsFiles(t *testing.T) {
	one := `{"id":"5cf5a7e7862c361810293b46","type":"commentCard","date":"2019-06-03T23:06:15.084Z","data":{"text":"a","card":{"id":"c"}}}`
	edited := strings.Replace(one, `"text":"a"`, `"text":"b","dateLastEdited":"2019-06-04T00:00:00.000Z"`, 1)
	for name, tc := range map[string]struct {
		file string
		n    int
		bad  string
	}{
		"an array":       {"[" + one + "]", 1, ""},
		"an object":      {`{"actions":[` + one + `]}`, 1, ""},
		"none":           {"[]", 0, ""},
		"cut off":        {"[" + one, 0, "ends in the middle"},
		"something else": {`[{"id":"x","type":"updateCard"}]`, 0, "holds no comments"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeComments(strings.NewReader(tc.file))
			if tc.bad != "" {
				if err == nil || !strings.Contains(err.Error(), tc.bad) {
					t.Error(err)
				}
				return
			}
			if err != nil || len(got) != tc.n {
				t.Errorf("%d, %v", len(got), err)
			}
		})
	}
	have, _ := decodeComments(strings.NewReader("[" + one + "]"))
	more, _ := decodeComments(strings.NewReader("[" + edited + "]"))
	if got := joinActions(have, more); len(got) != 1 || got[0].Data.v.Text != "b" {
		t.Errorf("%+v", got)
	}
	if got := joinActions(more, have); len(got) != 1 || got[0].Data.v.Text != "b" {
		t.Errorf("the later edit does not hold: %+v", got)
	}
}

func TestMissingFiles(t *testing.T) {
	dir := t.TempDir()
	board := filepath.Join(dir, "b.json")
	if err := os.WriteFile(board, []byte(exportOf("")), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]connector.Settings{
		"export":      {"export": filepath.Join(dir, "none.json")},
		"comments":    {"export": board, "comments": filepath.Join(dir, "none.json")},
		"attachments": {"export": board, "attachments": filepath.Join(dir, "none")},
	} {
		c, err := New().Open(context.Background(), connector.Env{Settings: s})
		if err != nil {
			t.Fatal(name, err)
		}
		_, err = c.Source(context.Background())
		if err == nil || !strings.Contains(err.Error(), "is not there") || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzExport(f *testing.F) {
	f.Add([]byte(exportOf(`{"id":"5ca3d99a0378a65090e676cc","idList":"5ca3d99a0378a65090e676cb","labels":[{"color":"red"}],"attachments":[{"id":"a","url":"#rialto"}]}`)))
	f.Add([]byte(`{"id":"1","cards":{"a":[{}]},"actions":[{"type":"commentCard","data":{"card":{"id":"1"}}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := decodeExport(bytes.NewReader(data))
		if err != nil {
			var e *connector.Error
			if !errors.As(err, &e) || e.Hint == "" {
				t.Fatalf("an error that does not say what to do: %v", err)
			}
			return
		}
		s := newSnapshot(b, noFolder{})
		n := 0
		from := connector.Cursor("")
		for {
			pages := 0
			for page, err := range s.pages(from) {
				if err != nil {
					t.Fatal(err)
				}
				for _, b := range page.Bundles {
					if b.Item.Kind == item.Task {
						n++
					}
				}
				pages++
				from = page.Next
				break
			}
			if _, started, _ := readCursor(from); !started || pages == 0 {
				t.Fatal("the cursor does not advance")
			}
			if n >= len(s.cards) {
				break
			}
		}
		if n != len(s.cards) {
			t.Fatalf("%d of %d cards", n, len(s.cards))
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add("1|a|b|c|d")
	f.Add("")
	f.Add("1|%zz|||")
	f.Fuzz(func(t *testing.T, s string) {
		k, started, err := readCursor(connector.Cursor(s))
		if err != nil || !started {
			return
		}
		again, _, err := readCursor(k.cursor())
		if err != nil || !reflect.DeepEqual(again, k) {
			t.Fatalf("%q: %+v, %v", s, again, err)
		}
	})
}
