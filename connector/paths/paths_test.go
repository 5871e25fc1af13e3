package paths_test

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/item"
)

func TestTree(t *testing.T) {
	tests := []struct {
		name             string
		container, place string
		id               string
		want, parent     item.Ref
		called           string
	}{
		{"the place itself", "/srv", "/srv", "/srv", paths.Drive("/srv"), item.Ref{}, ""},
		{"a folder in the place", "/srv/team", "/srv", "/srv/team", paths.Drive("/srv/team"), item.Ref{}, "team"},
		{"right in a container", "/srv/team", "/srv", "/srv/team/a", item.Ref{Kind: item.Folder, ID: "/srv/team/a"}, paths.Drive("/srv/team"), "a"},
		{"further in", "/srv/team", "/srv", "/srv/team/a/b", item.Ref{Kind: item.Folder, ID: "/srv/team/a/b"}, item.Ref{Kind: item.Folder, ID: "/srv/team/a"}, "b"},
		{"the root of all", "/", "/", "/", paths.Drive("/"), item.Ref{}, ""},
		{"right in the root", "/", "/", "/a", item.Ref{Kind: item.Folder, ID: "/a"}, paths.Drive("/"), "a"},
		{"further in the root", "/", "/", "/a/b", item.Ref{Kind: item.Folder, ID: "/a/b"}, item.Ref{Kind: item.Folder, ID: "/a"}, "b"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := paths.Of(paths.Drive(test.container), test.place).Folder(test.id)
			if got.Ref != test.want || got.Parent != test.parent || item.Name.Get(got) != test.called {
				t.Errorf("got %v in %v, called %q; want %v in %v, called %q", got.Ref, got.Parent, item.Name.Get(got), test.want, test.parent, test.called)
			}
		})
	}
}

func TestPlace(t *testing.T) {
	tests := []struct {
		root, place, want string // "" is a refusal
	}{
		{"/srv", "", "/srv"},
		{"/srv", "/", "/srv"},
		{"/srv", "a", "/srv/a"},
		{"/srv", "/a/b/", "/srv/a/b"},
		{"/", "a/b", "/a/b"},
		{"/srv", "a//b", ""},
		{"/srv", "../b", ""},
		{"/srv", "a/./b", ""},
		{"/srv", "a\x00", ""},
	}
	for _, test := range tests {
		got, err := paths.Place(test.root, test.place)
		if got != test.want || (err == nil) == (test.want == "") || err != nil && connector.ClassOf(err) != connector.Permanent {
			t.Errorf("%q below %q: got %q, %v; want %q", test.place, test.root, got, err, test.want)
		}
	}
}

func TestWhereChangesGo(t *testing.T) {
	named := func(kind item.Kind, id, name string) item.Item {
		it := item.Item{Ref: item.Ref{Kind: kind, ID: id}, Parent: paths.Drive("/srv")}
		item.Name.Set(&it, name)
		return it
	}
	drives := []struct {
		name   string
		change connector.Change
		want   string
		class  connector.Class
	}{
		{"without a name", connector.Change{Op: connector.Create, Item: named(item.Drive, "", "")}, "/srv", ""},
		{"with a name", connector.Change{Op: connector.Create, Item: named(item.Drive, "", "team")}, "/srv/team", ""},
		{"again", connector.Change{Op: connector.Update, Item: named(item.Drive, "/srv/team", "team")}, "/srv/team", ""},
		{"renamed", connector.Change{Op: connector.Update, Item: named(item.Drive, "/srv/crew", "team")}, "", connector.Unsupported},
	}
	for _, test := range drives {
		t.Run("a drive "+test.name, func(t *testing.T) {
			got, err := paths.DriveAt(test.change, "/srv")
			if got != test.want || err != nil != (test.class != "") || err != nil && connector.ClassOf(err) != test.class {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
		})
	}
	folders := []struct {
		op       connector.Op
		id, want string
	}{
		{connector.Create, "", "/srv/a"},
		{connector.Update, "/srv/a", "/srv/a"},
	}
	for _, test := range folders {
		got := paths.FolderAt(connector.Change{Op: test.op, Item: named(item.Folder, test.id, "a")})
		if got.ID != test.want || got.Kind != item.Folder || got.Parent != paths.Drive("/srv") || item.Name.Get(got) != "a" {
			t.Errorf("a folder by %v: got %v in %v, want %s", test.op, got.Ref, got.Parent, test.want)
		}
	}
	names := []struct {
		kind item.Kind
		name string
		ok   bool
	}{
		{item.Drive, "", true}, {item.Drive, "team", true}, {item.Drive, "..", false},
		{item.File, "", false}, {item.File, ".", false}, {item.File, "a/b", false}, {item.File, "a\x00", false}, {item.File, "..a", true}, {item.Folder, "ä %", true},
	}
	for _, test := range names {
		if err := paths.Named(connector.Change{Item: named(test.kind, "", test.name)}); (err == nil) != test.ok {
			t.Errorf("a %s called %q: %v", test.kind, test.name, err)
		}
	}
}

func TestBeside(t *testing.T) {
	at := paths.Beside("/srv/team/a")
	switch {
	case path.Dir(at) != "/srv/team" || !paths.Ours(path.Base(at)):
		t.Errorf("%s is not ours, in the file's folder", at)
	case at != paths.Beside("/srv/team/a"):
		t.Error("a second run writes elsewhere")
	case at == paths.Beside("/srv/team/b"):
		t.Error("two files are written to one path")
	}
	for _, theirs := range []string{"", ".rialto-", ".rialto-1", ".rialto-" + strings.Repeat("g", 24), ".rialto-" + strings.Repeat("0", 25), "a.rialto-" + strings.Repeat("0", 24)} {
		if paths.Ours(theirs) {
			t.Errorf("%q is no name of ours", theirs)
		}
	}
}

func TestFetch(t *testing.T) {
	refs := func(ids ...string) (all []item.Ref) {
		for _, id := range ids {
			all = append(all, item.Ref{Kind: item.File, ID: id})
		}
		return all
	}
	tests := []struct {
		name  string
		asked []item.Ref
		want  []string
		class connector.Class
	}{
		{"in order", refs("c", "a", "b"), []string{"c", "a", "b"}, ""},
		{"one is gone", refs("a", "gone", "b"), []string{"a", "b"}, ""},
		{"one fails", refs("a", "broken", "b"), []string{"a"}, connector.Forbidden},
		{"nothing", nil, nil, ""},
	}
	get := func(_ context.Context, of paths.Tree, ref item.Ref) (item.Item, error) {
		switch {
		case of.Drive != "/srv":
			return item.Item{}, errors.New("another container")
		case ref.ID == "gone":
			return item.Item{}, connector.Errorf(connector.Gone, "gone")
		case ref.ID == "broken":
			return item.Item{}, connector.Errorf(connector.Forbidden, "broken")
		}
		return item.Item{Ref: ref}, nil
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			var failed error
			for b, err := range paths.Fetch(t.Context(), paths.Of(paths.Drive("/srv"), "/srv"), test.asked, 2, get) {
				if err != nil {
					failed = err
					continue
				}
				got = append(got, b.Item.ID)
			}
			if !slices.Equal(got, test.want) || (failed != nil) != (test.class != "") || failed != nil && connector.ClassOf(failed) != test.class {
				t.Errorf("got %v, %v; want %v", got, failed, test.want)
			}
		})
	}
}

func TestFound(t *testing.T) {
	file := item.Bundle{Item: item.Item{Ref: item.Ref{Kind: item.File, ID: "/srv/a"}}}
	drive := item.Bundle{Item: item.Item{Ref: paths.Drive("/srv")}}
	tests := []struct {
		name  string
		pages []connector.Page
		err   error
		want  int
		fails bool
	}{
		{"without the container", []connector.Page{{Bundles: []item.Bundle{drive, file}}, {Bundles: []item.Bundle{file}}}, nil, 2, false},
		{"a container that is gone", nil, connector.Errorf(connector.Gone, "gone"), 0, false},
		{"a listing that fails", []connector.Page{{Bundles: []item.Bundle{file}}}, connector.Errorf(connector.Forbidden, "no"), 1, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pages := func(yield func(connector.Page, error) bool) {
				for _, p := range test.pages {
					if !yield(p, nil) {
						return
					}
				}
				if test.err != nil {
					yield(connector.Page{}, test.err)
				}
			}
			found, fails := 0, false
			for _, err := range paths.Found(pages) {
				if err != nil {
					fails = true
					continue
				}
				found++
			}
			if found != test.want || fails != test.fails {
				t.Errorf("got %d, failed %t; want %d, %t", found, fails, test.want, test.fails)
			}
		})
	}
	var got []string
	for f := range paths.FoundDrives("/srv", []string{"a", "b"}) {
		got = append(got, f.Bundle.Item.ID+" "+item.Name.Get(f.Bundle.Item))
	}
	if want := []string{"/srv ", "/srv/a a", "/srv/b b"}; !slices.Equal(got, want) {
		t.Errorf("drives: got %q, want %q", got, want)
	}
}

func TestSpecial(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{fs.ModeSymlink: "symlink", fs.ModeSocket: "socket", fs.ModeNamedPipe: "pipe", fs.ModeDevice: "device", fs.ModeIrregular: "device"} {
		if got := paths.Special(mode | 0o644); got != want {
			t.Errorf("%v: got %s, want %s", mode, got, want)
		}
	}
}
