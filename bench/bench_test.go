//go:build linux

package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// The board loads into the stand-in, and has what it is said to have.
func TestBoard(t *testing.T) {
	l := load{cards: 90, mib: 12}
	made, err := makeBoard(l)
	if err != nil {
		t.Fatal(err)
	}
	var bytes int64
	for _, f := range made.files {
		bytes += f.bytes
	}
	if bytes != l.mib<<20 {
		t.Errorf("the files hold %d bytes, %d MiB were asked for", bytes, l.mib)
	}
	s, err := newTrello(l)
	if err != nil {
		t.Fatal(err)
	}
	boards := s.PageBoards()
	cards := 0
	for _, col := range boards[0].Columns {
		cards += len(col.Cards)
	}
	if cards != l.cards {
		t.Errorf("the stand-in shows %d cards, want %d", cards, l.cards)
	}
}

// A made file is the same whichever way it is read, and another one differs.
func TestMadeFiles(t *testing.T) {
	files := []file{{id: "a", url: "https://example.org/a", bytes: 200_001}, {id: "b", url: "https://example.org/b", bytes: 200_001}}
	v := newVault(files)
	var all [][]byte
	for dir := range v.files {
		entries, err := fs.ReadDir(v, dir)
		if err != nil || len(entries) != 1 {
			t.Fatalf("the folder holds %d files: %v", len(entries), err)
		}
		f, err := v.Open(dir + "/" + entries[0].Name())
		if err != nil {
			t.Fatal(err)
		}
		whole, err := io.ReadAll(f)
		if err != nil || len(whole) != 200_001 {
			t.Fatalf("%d bytes: %v", len(whole), err)
		}
		section := io.NewSectionReader(f.(io.ReaderAt), 0, 200_001)
		if err := iotest.TestReader(section, whole); err != nil {
			t.Error(err)
		}
		all = append(all, whole)
	}
	if bytes.Equal(all[0], all[1]) {
		t.Error("two files are the same")
	}
	if _, err := v.Open("nowhere/x"); err == nil {
		t.Error("a folder that is not there opens")
	}
}

// A page takes tables between their marks and keeps the rest.
func TestUpdate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	page := "# Before\n\n<!-- bench start -->\nold\n<!-- end start -->\n\nAfter\n"
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	one := table{name: "start", head: []string{"", "ms"}, rows: [][]string{{"help", "8"}}}
	for range 2 {
		if err := update(path, "a machine", []table{one}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Before", "| help | 8 |", "*a machine*", "After"} {
		if strings.Count(string(got), want) != 1 {
			t.Errorf("%q stands %d times in\n%s", want, strings.Count(string(got), want), got)
		}
	}
	if strings.Contains(string(got), "old") {
		t.Error("the old table is still there")
	}
	if err := update(path, "a machine", []table{{name: "board"}}); err == nil {
		t.Error("a table without a place was taken")
	}
}

func TestCaseName(t *testing.T) {
	got := caseName("TestClientFillsTheQuota", "sliding_neighbour_20%_seed_3")
	if got != "client: sliding neighbour 20%" {
		t.Errorf("%q", got)
	}
	if got := caseName("TestRunFillsTheQuota", "one_list/fixed"); got != "run: one list, fixed" {
		t.Errorf("%q", got)
	}
}
