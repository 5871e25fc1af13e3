package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/sheet"
	"github.com/rialto-migrate/rialto/item"
)

func shard(id, name string, items int) job.Shard {
	return job.Shard{Kind: item.Board, ID: id, Name: name, Counts: map[item.Kind]int{item.Task: items, item.Member: 3}, People: 3,
		Active: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
}

// TestMapIsKept scans twice: what people wrote into the table between the two
// stays, what is new comes in, what is gone says so, and the engine reads it.
func TestMapIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "boards.csv")
	closed := shard("d", "Old", 1)
	closed.Closed = true
	sum, err := WriteMap(path, []job.Shard{shard("a", "Plan", 10), shard("b", "plan", 20), shard("c", "Third", 5), closed}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if sum.New != 4 || sum.Containers != 4 {
		t.Errorf("the first scan: %+v", sum)
	}
	rows, err := migrate.ReadMap(path)
	if err != nil {
		t.Fatal(err)
	}
	if rows[1].Target != "plan (2)" || rows[0].Target != "" || !rows[3].Out || rows[0].Items != 10 {
		t.Errorf("what was suggested: %+v", rows)
	}
	// Somebody plans, in a spreadsheet that adds a column of theirs.
	err = sheet.Write(path, []string{"id", "name", "place", "target", "wave", "owner asked"}, [][]string{
		{"b", "plan", "group:B", "Plan B", "2", "yes"}, {"a", "Plan", "", "", "1", ""}, {"c", "Third", "", "", "-", "no"}, {"d", "Old", "", "", "1", ""}})
	if err != nil {
		t.Fatal(err)
	}
	if sum, err = WriteMap(path, []job.Shard{shard("a", "Plan", 11), shard("b", "plan", 20), closed, shard("e", "Fifth", 2)}, 0); err != nil {
		t.Fatal(err)
	}
	if sum.New != 1 || sum.Known != 3 || sum.Gone != 1 || sum.Containers != 5 {
		t.Errorf("the second scan: %+v", sum)
	}
	if rows, err = migrate.ReadMap(path); err != nil {
		t.Fatal(err)
	}
	by := map[string]migrate.MapRow{}
	for _, r := range rows {
		by[r.Source] = r
	}
	if b := by["b"]; b.Place != "group:B" || b.Target != "Plan B" || b.Wave != 2 {
		t.Errorf("b: %+v", b)
	}
	if by["a"].Wave != 1 || by["a"].Items != 11 || !by["c"].Out || by["d"].Wave != 1 || by["e"].Wave != 0 {
		t.Errorf("%+v", by)
	}
	s, err := sheet.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Rows {
		if r.Get("id") == "b" && r.Get("owner asked") != "yes" || r.Get("id") == "c" && r.Get("state") != "gone" {
			t.Errorf("line %d lost something", r.Line)
		}
	}
}

// TestWhatASpreadsheetDoesToAMap: lines whose ids were spoilt are known by their
// links, and keep what people planned; lines that were sorted, cut short or deleted
// do no harm; a line that stands there twice is refused.
func TestWhatASpreadsheetDoesToAMap(t *testing.T) {
	board := func(id, name string) job.Shard {
		s := shard(id, name, 3)
		s.Link = "https://example.test/b/" + name
		return s
	}
	scanned := []job.Shard{board("0042", "zeros"), board("610000000000000000000001", "digits"), board("5f3a", "plain"), board("5f3b", "cut"), board("5f3c", "deleted")}
	for name, c := range map[string]struct {
		text string
		want string // of an error
	}{
		"spoilt ids": {"id;name;wave;link;decided by;last activity\r\n5f3b;cut;2\r\n42;zeros;1;https://example.test/b/zeros;Kari;46085\r\n" +
			"6.1E+23;digits;2,00;https://example.test/b/digits;;46085\r\n5f3a;plain;-;https://example.test/b/plain;;46085\r\n", ""},
		"doubled":           {"id,wave\n5f3a,1\n5f3b,1\n5f3a,2\n", "boards.csv:4: 5f3a stands in line 2 already"},
		"doubled, by links": {"id,wave,link\n5f3a,1,https://example.test/b/plain\n5,1,https://example.test/b/plain\n", "boards.csv:3: 5f3a stands in line 2 already"},
		"no id":             {"id,wave\n5f3a,1\n,2\n", "boards.csv:3: the id is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "boards.csv")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			sum, err := WriteMap(path, scanned, 0)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want %s", err, c.want)
				}
				if text, _ := os.ReadFile(path); string(text) != c.text {
					t.Errorf("the file was written all the same: %s", text)
				}
				return
			}
			if err != nil || sum.Known != 4 || sum.New != 1 || sum.Gone != 0 {
				t.Fatalf("%+v %v", sum, err)
			}
			rows, err := migrate.ReadMap(path)
			if err != nil || len(rows) != 5 {
				t.Fatalf("%+v %v", rows, err)
			}
			for i, want := range []struct {
				id   string
				wave int
				out  bool
				by   string
			}{{"0042", 1, false, "Kari"}, {"610000000000000000000001", 2, false, ""}, {"5f3a", 0, true, ""}, {"5f3b", 2, false, ""}, {"5f3c", 0, false, ""}} {
				if r := rows[i]; r.Source != want.id || r.Wave != want.wave || r.Out != want.out || r.By != want.by {
					t.Errorf("line %d: %+v, want %+v", i+2, r, want)
				}
			}
		})
	}
}

// TestWavesAreAlike spreads boards of very different sizes over waves.
func TestWavesAreAlike(t *testing.T) {
	path := filepath.Join(t.TempDir(), "boards.csv")
	var shards []job.Shard
	for i := range 40 {
		shards = append(shards, shard(string(rune('A'+i)), string(rune('A'+i)), 1+i*i))
	}
	if _, err := WriteMap(path, shards, 4); err != nil {
		t.Fatal(err)
	}
	rows, err := migrate.ReadMap(path)
	if err != nil {
		t.Fatal(err)
	}
	load := map[int]int{}
	for _, r := range rows {
		load[r.Wave] += r.Items
	}
	if len(load) != 4 {
		t.Fatalf("waves: %v", load)
	}
	for w, n := range load {
		if mean := (load[1] + load[2] + load[3] + load[4]) / 4; n < mean*8/10 || n > mean*12/10 {
			t.Errorf("wave %d has %d of %v", w, n, load)
		}
	}
}
