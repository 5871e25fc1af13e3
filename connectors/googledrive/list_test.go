package googledrive_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	drive "github.com/rialto-migrate/rialto/connectors/googledrive/standin"
	"github.com/rialto-migrate/rialto/item"
)

// A My Drive holds what others put into folders that are open to them, and what lost its
// folder; not what is in the bin, what merely was shared, or what lies in the drives of
// others.
func TestMyDrive(t *testing.T) {
	s := world(drive.Options{})
	ben := s.AddFolder(s.AddPerson("dora@example.org", "Dora"), "of dora's")
	s.Share(ben, "ann@example.org", "writer")
	s.AddFile(ben, "shared with me", nil)
	s.AddFileOf("ann@example.org", ben, "mine in the folder of another", nil)
	open := s.AddFolder(s.Root(), "open")
	s.Share(open, "ben@example.org", "writer")
	s.AddFileOf("ben@example.org", open, "of ben's", nil)
	deep := s.AddFolderOf("ben@example.org", open, "folder of ben's")
	s.AddFileOf("ben@example.org", s.AddFolderOf("ben@example.org", deep, "deeper"), "deep of ben's", nil)
	s.AddFile(deep, "mine in it", nil)
	closed := s.AddFolder(s.Root(), "not open any more")
	s.AddFileOf("ben@example.org", closed, "left by ben", nil)
	s.Orphan(s.AddFile(open, "orphan", nil))
	s.Trash(s.AddFile(open, "in the bin", nil))
	bin := s.AddFolder(s.Root(), "folder in the bin")
	s.AddFile(bin, "below the bin", nil)
	s.Trash(bin)
	all, whole := join(t, s, nil).list(s.Root())
	if got := names(all, item.Folder); !slices.Equal(got, []string{"deeper", "folder of ben's", "not open any more", "open"}) {
		t.Errorf("the folders are %q", got)
	}
	if got := names(all, item.File); !slices.Equal(got, []string{"deep of ben's", "left by ben", "mine in it", "of ben's", "orphan"}) {
		t.Errorf("the files are %q", got)
	}
	if len(whole) != 4 {
		t.Errorf("whole of %v", whole)
	}
	if p := named(t, all, "orphan").Item.Parent; p != inDrive(s.Root()) {
		t.Errorf("an orphan lies in %s", p)
	}
	if g := item.Permissions.Get(named(t, all, "of ben's").Item); len(g) != 1 || g[0].Role != item.Owns || g[0].To != "ben@example.org" {
		t.Errorf("the file of another has the grants %v", g)
	}
}

// A folder below is a drive, too: one of few folders of many is looked into folder by
// folder, and the flat list is sieved for one of most.
func TestFoldersBelow(t *testing.T) {
	for name, others := range map[string]int{"few": 50, "most": 0} {
		s := world(drive.Options{})
		for i := range others {
			s.AddFile(s.AddFolder(s.Root(), fmt.Sprint("other ", i)), "other", nil)
		}
		top := s.AddFolder(s.Root(), "top")
		s.AddFile(s.AddFolder(top, "a"), "in a", nil)
		s.AddFile(top, "in top", nil)
		s.AddFile(s.Root(), "outside", nil)
		flat := 0
		l := join(t, s, func(r *http.Request) (*http.Response, error) {
			if q := r.URL.Query().Get("q"); strings.Contains(q, "!=") && !strings.Contains(q, "in parents") {
				flat++
			}
			return nil, nil
		})
		all, _ := l.list(top)
		if got := names(all, item.File, item.Folder); !slices.Equal(got, []string{"a", "in a", "in top"}) {
			t.Errorf("%s: there are %q", name, got)
		}
		if (flat > 0) != (name == "most") {
			t.Errorf("%s: %d flat lists", name, flat)
		}
	}
}

// A listing goes on from each of its cursors, and begins a query anew whose token Drive
// does not take any more.
func TestCursors(t *testing.T) {
	s := world(drive.Options{})
	in := s.AddFolder(s.Root(), "in")
	for i := range 2600 {
		s.AddFile(in, fmt.Sprintf("%04d", i), nil)
	}
	pages := collect(t, join(t, s, nil).source().List(t.Context(), connector.Shard{Ref: inDrive(s.Root())}, ""))
	if len(pages) < 3 {
		t.Fatalf("%d pages", len(pages))
	}
	rest := func(l *link, from connector.Cursor) map[string]bool {
		out := map[string]bool{}
		for _, p := range collect(t, l.source().List(t.Context(), connector.Shard{Ref: inDrive(s.Root())}, from)) {
			for _, b := range p.Bundles {
				out[b.Item.ID] = true
			}
		}
		return out
	}
	for i, p := range pages {
		if p.Next == "" {
			continue
		}
		want := 0
		for _, later := range pages[i+1:] {
			want += len(later.Bundles)
		}
		if got := rest(join(t, s, nil), p.Next); len(got) < want || len(got) > want+1 {
			t.Errorf("after page %d there are %d items, want %d", i, len(got), want)
		}
	}
	refused := 0
	l := join(t, s, func(r *http.Request) (*http.Response, error) {
		if r.URL.Query().Get("pageToken") != "" && refused == 0 {
			refused++
			return refusal(r, 400, "invalid"), nil
		}
		return nil, nil
	})
	i := slices.IndexFunc(pages, func(p connector.Page) bool { return p.Next != "" })
	if got := rest(l, pages[i].Next); len(got) < 2600 || refused != 1 {
		t.Errorf("with a token that is not taken there are %d items", len(got))
	}
	for _, err := range l.source().List(t.Context(), connector.Shard{Ref: inDrive(s.Root())}, "no cursor of ours at all") {
		wants(t, "a cursor that is none", err, connector.Permanent)
	}
}

// A list that Drive calls incomplete deletes nothing.
func TestIncomplete(t *testing.T) {
	s := world(drive.Options{})
	s.AddFile(s.Root(), "file", nil)
	l := join(t, s, nil)
	if _, whole := l.list(s.Root()); len(whole) == 0 {
		t.Error("a whole list is not whole")
	}
	l = join(t, s, func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Query().Get("q"), "!=") {
			resp := refusal(r, 200, "")
			resp.Body = http.NoBody
			resp.Body = readCloser(`{"incompleteSearch":true,"files":[]}`)
			return resp, nil
		}
		return nil, nil
	})
	if _, whole := l.list(s.Root()); len(whole) != 0 {
		t.Errorf("a list that Drive calls incomplete is whole of %v", whole)
	}
}

// Of permissions, those count that were given right there; links are told, and whoever
// owns the drive is not.
func TestGrants(t *testing.T) {
	for _, mute := range []bool{false, true} {
		s := world(drive.Options{Mute: mute})
		outer := s.AddFolder(s.Root(), "outer")
		inner := s.AddFolder(outer, "inner")
		file := s.AddFile(inner, "file", nil)
		s.Share(outer, "ben@example.org", "reader")
		s.Share(inner, "ben@example.org", "writer")
		s.Share(inner, "anyone", "reader")
		s.Share(file, "cleo@example.org", "commenter")
		s.Share(file, "@example.org", "reader")
		l := join(t, s, nil)
		all, _ := l.list(s.Root())
		for name, want := range map[string]string{"outer": "[{ben@example.org  reads}]", "inner": "[{ben@example.org  writes} { everybody reads}]", "file": "[{cleo@example.org  comments} { organisation reads}]"} {
			b := named(t, all, name)
			if got := fmt.Sprint(item.Permissions.Get(b.Item)); got != want {
				t.Errorf("mute %v: %s has the grants %s, want %s", mute, name, got, want)
			}
			for _, f := range collect(t, l.source().Fetch(t.Context(), connector.Shard{Ref: inDrive(s.Root())}, []item.Ref{b.Item.Ref})) {
				if got := fmt.Sprint(item.Permissions.Get(f.Item)); got != want {
					t.Errorf("mute %v: fetched, %s has the grants %s, want %s", mute, name, got, want)
				}
			}
		}
	}
}

// A shared drive tells its members, groups among them, and who was let at single files.
func TestSharedDrive(t *testing.T) {
	s := world(drive.Options{})
	s.AddGroup("team@example.org", "The team", "ann@example.org")
	sales := s.AddDrive("Sales", map[string]string{"team@example.org": "fileOrganizer", "ben@example.org": "organizer"})
	file := s.AddFile(sales, "file", nil)
	s.Share(file, "cleo@example.org", "reader")
	s.AddFile(sales, "other", nil)
	all, _ := join(t, s, nil).list(sales)
	if got := names(all, item.Member); !slices.Equal(got, []string{"Ben", "Cleo", "The team"}) {
		t.Errorf("the members are %q", got)
	}
	if m := named(t, all, "The team").Item; item.Standing.Get(m) != item.Group || item.Email.Get(m) != "team@example.org" {
		t.Errorf("a group is %+v", m.Fields)
	}
	if g := fmt.Sprint(item.Permissions.Get(all[0].Item)); !strings.Contains(g, "{team@example.org  writes}") || !strings.Contains(g, "{ben@example.org  writes}") {
		t.Errorf("the drive has the grants %s", g)
	}
	if g := fmt.Sprint(item.Permissions.Get(named(t, all, "file").Item)); g != "[{cleo@example.org  reads}]" {
		t.Errorf("a file has the grants %s", g)
	}
	if g := item.Permissions.Get(named(t, all, "other").Item); len(g) != 0 {
		t.Errorf("another file has the grants %v", g)
	}
}

const docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

// Documents are exported as the policy says, and what has no export is told.
func TestDocuments(t *testing.T) {
	s := world(drive.Options{})
	doc := s.AddDocument(s.Root(), "Minutes", "document", map[string][]byte{docx: []byte("a docx"), "application/pdf": []byte("a pdf"), "application/vnd.oasis.opendocument.text": []byte("an odt")})
	s.AddDocument(s.Root(), "Named.docx", "document", nil)
	s.AddDocument(s.Root(), "Survey", "form", nil)
	s.AddDocument(s.Root(), "Sketch", "drawing", nil)
	s.AddDocument(s.Root(), "App's", "drive-sdk.1234", nil)
	for policy, want := range map[string]struct{ name, text string }{"": {"Minutes.docx", "a docx"}, "odf": {"Minutes.odt", "an odt"}, "pdf": {"Minutes.pdf", "a pdf"}} {
		l := join(t, s, nil, "documents", policy)
		all, _ := l.list(s.Root())
		b := named(t, all, want.name)
		if text, err := l.read(*b.Item.Blob, 0, -1); text != want.text || err != nil || b.Item.Blob.Bytes != -1 {
			t.Errorf("%s: reads %q of %d bytes, %v", policy, text, b.Item.Blob.Bytes, err)
		}
		if text, err := l.read(*b.Item.Blob, 2, 3); text != want.text[2:5] || err != nil {
			t.Errorf("%s: a stretch reads %q, %v", policy, text, err)
		}
		var unknown []string
		for _, b := range all {
			unknown = append(unknown, b.Unknown...)
		}
		slices.Sort(unknown)
		if !slices.Equal(unknown, []string{"file.drive-sdk", "file.form"}) {
			t.Errorf("%s: not carried are %q", policy, unknown)
		}
		if policy == "" {
			named(t, all, "Named.docx")
			named(t, all, "Sketch.svg")
		}
	}
	all, _ := join(t, s, nil, "documents", "skip").list(s.Root())
	if n := len(names(all, item.File)); n != 0 {
		t.Errorf("with skip there are %d files", n)
	}
	l := join(t, s, nil)
	all, _ = l.list(s.Root())
	before := *named(t, all, "Minutes.docx").Item.Blob
	s.Edit(doc, time.Now().Add(time.Hour), map[string][]byte{docx: make([]byte, 11<<20)})
	_, err := l.read(before, 0, -1)
	wants(t, "a document that changed", err, connector.Conflict)
	all, _ = l.list(s.Root())
	_, err = l.read(*named(t, all, "Minutes.docx").Item.Blob, 0, -1)
	wants(t, "a document that is too large to export", err, connector.Permanent)
	if err == nil || !strings.Contains(err.Error(), "10 MB") {
		t.Errorf("it is not said why: %v", err)
	}
}

// What is read is what was listed, or fails.
func TestOpen(t *testing.T) {
	s := world(drive.Options{})
	content := strings.Repeat("0123456789", 20_000)
	file := s.AddFile(s.Root(), "file", []byte(content))
	damage := false
	l := join(t, s, func(r *http.Request) (*http.Response, error) {
		if damage && r.URL.Query().Get("alt") == "media" {
			resp := refusal(r, 200, "")
			resp.Body = readCloser("X" + content[1:])
			return resp, nil
		}
		return nil, nil
	})
	all, _ := l.list(s.Root())
	b := *named(t, all, "file").Item.Blob
	if text, err := l.read(b, 0, -1); text != content || err != nil {
		t.Errorf("reads %d bytes, %v", len(text), err)
	}
	requests := l.stats.Requests.Load()
	_, _ = l.read(b, 0, -1)
	if n := l.stats.Requests.Load() - requests; n != 1 {
		t.Errorf("a whole file takes %d requests", n)
	}
	damage = true
	_, err := l.read(b, 0, -1)
	wants(t, "bytes that were damaged", err, connector.Transient)
	_, err = l.read(b, 10, 5)
	wants(t, "a range that is none", err, connector.Malformed)
	damage = false
	s.Write(file, []byte(strings.Repeat("9876543210", 20_000)))
	for _, n := range []int64{-1, 5} {
		_, err = l.read(b, 0, n)
		wants(t, "a file that changed", err, connector.Conflict)
	}
	s.Write(file, []byte("short"))
	_, err = l.read(b, 10_000, 5)
	wants(t, "a file that has become short", err, connector.Conflict)
	s.Trash(file)
	_, err = l.read(b, 0, 5)
	wants(t, "a file in the bin", err, connector.Gone)
	if left := collect(t, l.source().Fetch(t.Context(), connector.Shard{Ref: inDrive(s.Root())}, []item.Ref{b.Ref, {Kind: item.File, ID: "nothing"}})); len(left) != 0 {
		t.Errorf("what is in the bin or nowhere is fetched: %v", left)
	}
}

func TestLocate(t *testing.T) {
	src := join(t, world(drive.Options{}), nil).source()
	for address, want := range map[string]string{
		"https://drive.google.com/file/d/1AbC_-9/view?usp=sharing":        "1AbC_-9",
		"https://drive.google.com/drive/folders/0AbC":                     "0AbC",
		"https://drive.google.com/drive/u/1/folders/0AbC?resourcekey=0-x": "0AbC",
		"https://drive.google.com/open?id=1AbC":                           "1AbC",
		"https://docs.google.com/document/d/1AbC/edit#heading=h.1":        "1AbC",
		"https://docs.google.com/spreadsheets/u/0/d/1AbC/edit":            "1AbC",
		"https://docs.google.com/document/d/e/2PACX-1v/pub":               "",
		"https://drive.google.com/drive/my-drive":                         "",
		"https://example.org/file/d/1AbC/view":                            "",
		"ftp://drive.google.com/file/d/1AbC/view":                         "",
		"https://drive.google.com.evil.example/file/d/1AbC/view":          "",
		"https://drive.google.com/drive/folders/":                         "",
	} {
		if got, ok := src.Locate(address); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", address, got, ok)
		}
	}
}
