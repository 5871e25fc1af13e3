package connector

import (
	"slices"
	"testing"
)

func TestFolders(t *testing.T) {
	for _, f := range []Folders{
		{},
		{Waiting: []string{"/a"}},
		{Waiting: []string{"/a b/?c", "/\xff\xfe", "/100%25", "/日本"}, After: "last name ?\n"},
	} {
		got, ok := ReadFolders(f.Cursor())
		if !ok || !slices.Equal(got.Waiting, f.Waiting) || got.After != f.After {
			t.Errorf("%+v came back as %+v, %v", f, got, ok)
		}
	}
	if _, ok := ReadFolders("/a %zz"); ok {
		t.Error("a cursor that nobody wrote is read")
	}
}

func FuzzReadFolders(f *testing.F) {
	f.Add("/a /b%20c ?name")
	f.Fuzz(func(t *testing.T, s string) {
		read, ok := ReadFolders(Cursor(s))
		if !ok {
			return
		}
		again, ok := ReadFolders(read.Cursor())
		if !ok || !slices.Equal(again.Waiting, read.Waiting) || again.After != read.After {
			t.Errorf("%q: %+v, then %+v", s, read, again)
		}
	})
}
