package box_test

import (
	"bytes"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/box/standin"
	"github.com/rialto-migrate/rialto/item"
)

// As everybody, each person's files are a container of their own, read in their name;
// what others let them at comes with its owner alone.
func TestEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{})
		ben := s.AddUser("Ben", "ben@example.org")
		s.Put(standin.Ann, "Ann's/plan", []byte("ann"))
		s.Put(ben, "Ben's/plan", []byte("ben"))
		s.Share("folder", s.Put(standin.Ann, "Ann's/", nil), ben, "editor")
		// What somebody of another enterprise let them at would come with nobody.
		agency := s.AddStranger("Agency", "mail@agency.example")
		s.Put(agency, "Agency's/draft", []byte("agency"))
		s.Share("folder", s.Put(agency, "Agency's/", nil), ben, "editor")
		b := at(t, s, connector.Settings{"as": "everybody"})
		want := map[string][]string{standin.Ann: {"ann"}, ben: {"agency", "ben"}, standin.Service: nil}
		shards := b.shards()
		if len(shards) != 3 {
			t.Errorf("%d containers, want one of each person", len(shards))
		}
		for _, shard := range shards {
			var got []string
			user, _, _ := bytes.Cut([]byte(shard.Ref.ID), []byte("-"))
			all := b.list(shard)
			for _, x := range all {
				if x.Item.Kind == item.Drive && item.Name.Get(x.Item) == "" {
					t.Error("a person's container has no name, so that all would go into one folder")
				}
				if x.Item.Blob == nil {
					continue
				}
				in, err := b.source.Open(t.Context(), *x.Item.Blob, 0, -1)
				b.no(err)
				text, _ := io.ReadAll(in)
				in.Close()
				got = append(got, string(text))
			}
			slices.Sort(got)
			if !slices.Equal(got, want[string(user)]) {
				t.Errorf("the files of %s are %q, want %q", user, got, want[string(user)])
			}
		}
		// As one person, what others let them at is there, and tells whose it is.
		b = at(t, s, connector.Settings{"as": ben})
		theirs, ok := b.list(b.shards()[0])["Ann's"]
		if !ok || !slices.Contains(item.Permissions.Get(theirs.Item), item.Grant{To: standin.Ann, Role: item.Owns}) {
			t.Errorf("a folder of somebody else's: %v, %v", ok, theirs.Item.Fields)
		}
	})
}

// Each role is told as the nearest that gives no more, a link by whom it lets in, and
// what has no counterpart is named.
func TestRolesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{})
		ben, sales := s.AddUser("Ben", "ben@example.org"), s.AddGroup("Sales")
		b := at(t, s, connector.Settings{"as": standin.Ann})
		for role, want := range map[string]string{"viewer": item.Reads, "viewer uploader": item.Reads, "editor": item.Writes, "co-owner": item.Writes, "previewer": "", "uploader": "", "previewer uploader": ""} {
			s.Put(standin.Ann, "as "+role+"/inside", nil)
			s.Put(standin.Ann, "as "+role+"/below/", nil)
			folder := s.Put(standin.Ann, "as "+role+"/", nil)
			s.Share("folder", folder, ben, role)
			s.Share("folder", folder, sales, role)
			all := b.list(b.shards()[0])
			var given []item.Grant
			if want != "" {
				given = []item.Grant{{To: ben, Role: want}, {To: "group-" + sales, Role: want}}
			}
			got := all["as "+role]
			if !slices.Equal(item.Permissions.Get(got.Item), given) || (want == "") != slices.Contains(got.Unknown, "folder.role") {
				t.Errorf("%s is told as %v, unknown %v", role, item.Permissions.Get(got.Item), got.Unknown)
			}
			for _, name := range []string{"inside", "below"} {
				if p := item.Permissions.Get(all[name].Item); len(p) > 0 {
					t.Errorf("what is inherited is told again of what is %s: %v", name, p)
				}
			}
			if want != "" && (item.Standing.Get(all["member group-"+sales].Item) != item.Group || item.Email.Get(all["member "+ben].Item) != "ben@example.org") {
				t.Error("a member whom a folder names is not told")
			}
			s.Delete("folder", folder)
		}
		for what, l := range map[string]struct {
			access, permission string
			password           bool
			want               []item.Grant
			unknown            bool
		}{
			"everybody":    {"open", "can_download", false, []item.Grant{{Link: "everybody", Role: item.Reads}}, false},
			"the company":  {"company", "can_edit", false, []item.Grant{{Link: "organisation", Role: item.Writes}}, false},
			"those inside": {"collaborators", "can_download", false, nil, false},
			"a look":       {"open", "can_preview", false, nil, true},
			"a password":   {"open", "can_download", true, nil, true},
		} {
			s.Link("file", s.Put(standin.Ann, what, nil), l.access, l.permission, l.password)
			got := b.list(b.shards()[0])[what]
			if !slices.Equal(item.Permissions.Get(got.Item), l.want) || l.unknown != slices.Contains(got.Unknown, "file.link") {
				t.Errorf("a link for %s: %v, unknown %v", what, item.Permissions.Get(got.Item), got.Unknown)
			}
		}
	})
}

// What is not carried is named: comments, older versions.
func TestUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{})
		id := s.Put(standin.Ann, "report", []byte("one"))
		s.Put(standin.Ann, "report", []byte("two"))
		s.Note(id, "", 3, "b", "a", "tag=a")
		b := at(t, s, connector.Settings{"as": standin.Ann})
		got := b.list(b.shards()[0])["report"]
		if !slices.Contains(got.Unknown, "file.comments") || !slices.Contains(got.Unknown, "file.versions") {
			t.Errorf("unknown are %v", got.Unknown)
		}
		if m := item.Metadata.Get(got.Item); !slices.Equal(m, []string{"tag=a", "tag=b"}) {
			t.Errorf("the tags are %v", m)
		}
	})
}

// A file that changed after it was listed is read as it was then; one whose version is
// gone is a conflict.
func TestVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{Limits: standin.Limits{Unready: 2}})
		s.Put(standin.Ann, "report", []byte("one"))
		b := at(t, s, connector.Settings{"as": standin.Ann})
		blob := *b.list(b.shards()[0])["report"].Item.Blob
		s.Put(standin.Ann, "report", []byte("two and more"))
		began := time.Now()
		in, err := b.source.Open(t.Context(), blob, 0, -1)
		b.no(err)
		text, err := io.ReadAll(in)
		in.Close()
		if string(text) != "one" || err != nil {
			t.Errorf("%q, %v: want the version that was listed", text, err)
		}
		if time.Since(began) < 4*time.Second {
			t.Error("a file that is not ready yet was asked for before Box said")
		}
		blob.Version += "0"
		_, err = b.source.Open(t.Context(), blob, 0, -1)
		b.wants(err, connector.Conflict)
	})
}

// One folder is a container by itself.
func TestFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{})
		s.Put(standin.Ann, "beside", []byte("x"))
		s.Put(standin.Ann, "in/deep/er", []byte("y"))
		b := at(t, s, connector.Settings{"as": standin.Ann, "folder": s.Put(standin.Ann, "in/", nil)})
		all := b.list(b.shards()[0])
		if _, ok := all["beside"]; ok || all["er"].Item.Blob == nil || all["deep"].Item.Parent != b.shards()[0].Ref {
			t.Errorf("a folder by itself holds %d items", len(all))
		}
	})
}

func TestLocate(t *testing.T) {
	b := at(t, standin.New(standin.Options{}), connector.Settings{"url": "https://api.box.com"})
	for address, want := range map[string]string{
		"https://app.box.com/file/123":           "file-123",
		"https://example.app.box.com/folder/45":  "folder-45",
		"https://example.ent.box.com/file/9?s=x": "file-9",
		"https://app.box.com/s/abcdef":           "",
		"https://app.box.com/file/abc":           "",
		"https://box.com.example.org/file/1":     "",
		"https://example.org/file/1":             "",
		"\x00":                                   "",
	} {
		got, ok := b.source.Locate(address)
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", address, got, ok)
		}
	}
	file := item.Ref{Kind: item.File, ID: "123"}
	if got, _ := b.source.Locate(b.target.Link(file, item.Ref{})); got != "file-123" {
		t.Errorf("Link and Locate do not agree: %q", got)
	}
}
