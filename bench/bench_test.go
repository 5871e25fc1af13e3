//go:build linux

package main

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"
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

// A median is the middle one, and what it is of does not change.
func TestMedian(t *testing.T) {
	took := func(o outcome) time.Duration { return o.took }
	for _, c := range []struct {
		of   []time.Duration
		want time.Duration
	}{{nil, 0}, {[]time.Duration{3}, 3}, {[]time.Duration{9, 1, 5}, 5}, {[]time.Duration{4, 2}, 2}} {
		var of []outcome
		for _, d := range c.of {
			of = append(of, outcome{took: d})
		}
		if got := median(of, took); got != c.want {
			t.Errorf("the median of %v is %d, want %d", c.of, got, c.want)
		}
	}
}

// A delayed server is as far away as it is said to be, and says the same.
func TestDelayed(t *testing.T) {
	err := withServers(func(h *hosted) error {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 100_000)) }))
		defer s.Close()
		asked := &atomic.Int64{}
		address, err := counted(h, s.Listener.Addr().String(), asked)
		if err != nil {
			return err
		}
		if address, err = delayed(h, address, 40*time.Millisecond); err != nil {
			return err
		}
		for _, least := range []time.Duration{80, 40} { // the first opens a connection
			began := time.Now()
			resp, err := http.Get("http://" + address)
			if err != nil {
				return err
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if took := time.Since(began); took < least*time.Millisecond || len(body) != 100_000 || err != nil {
				t.Errorf("%d bytes came after %v, want at least %d ms: %v", len(body), took, least, err)
			}
		}
		if asked.Load() != 2 {
			t.Errorf("%d requests were counted, want 2", asked.Load())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A tree that came damaged or not whole is told from one that came whole.
func TestTree(t *testing.T) {
	a, err := makeTree(t.TempDir(), 3, 1000)
	if err != nil {
		t.Fatal(err)
	}
	b, err := makeTree(t.TempDir(), 3, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.equals(b.dir, true); err != nil {
		t.Error(err)
	}
	names, err := namesIn(b.dir)
	if err != nil || len(names) != 3 {
		t.Fatal(names, err)
	}
	if err := os.WriteFile(filepath.Join(b.dir, names[0]), make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if a.equals(b.dir, true) == nil || a.equals(b.dir, false) != nil {
		t.Error("a file with other bytes of the same number is not told from it, or by its size alone")
	}
	if err := os.Remove(filepath.Join(b.dir, names[0])); err != nil {
		t.Fatal(err)
	}
	if a.equals(b.dir, false) == nil {
		t.Error("a file that is missing is not noticed")
	}
}
