package report

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

// TestTables reads back what Write puts beside the page.
func TestTables(t *testing.T) {
	v := verdict("differs")
	v.Shards = []migrate.ShardVerdict{{Source: "b1", Target: "p1", Wave: 1, Items: 5, Link: "https://x/p1"}, {Source: "b2", Wave: 2, Items: 7, Differences: 1}, {Source: "b3", Wave: 2, Items: 1}}
	v.Differences = []migrate.Difference{{Kind: item.Task, Source: "c1", Target: "t1", Field: "title", Reason: "a, \"b\""}}
	v.OutlivedList = []migrate.Outlived{{Kind: item.Task, Source: "c2", Target: "t2"}}
	dir := t.TempDir()
	d := migrate.Decisions{Choices: []migrate.Decision{{Name: "deletions", Choice: "keep", By: migrate.ByDefault}, {Name: "map", Choice: "3 containers move"}},
		Containers: map[string]string{"b2": "Kari", "b3": "Kari"}}
	if err := Write(dir, "all.yaml", v, d); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"containers.csv": 4, "losses.csv": 2, "differences.csv": 3, "decisions.csv": 3} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(f).ReadAll()
		f.Close()
		if err != nil || len(rows) != want {
			t.Errorf("%s: %d lines, want %d: %v", name, len(rows), want, err)
		}
		if name == "containers.csv" && (rows[1][6] != "" || rows[2][6] != "Kari") {
			t.Errorf("who decided on the containers: %q", rows)
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil || !strings.Contains(string(raw), `"by": "default of the program"`) || !strings.Contains(string(raw), `"kinds"`) {
		t.Errorf("report.json: %s %v", raw, err)
	}
	w := waves(v, d)
	if len(w) != 2 || len(w[0].By) != 0 || len(w[1].By) != 1 || w[1].By[0] != "Kari" || w[0].Wave != "1" || w[1].Containers != 2 || w[1].Items != 8 || w[1].Differences != 1 || w[1].Width != 1000 {
		t.Errorf("waves: %+v", w)
	}
	v.Shards = []migrate.ShardVerdict{{Source: "b1"}, {Source: "b2"}}
	if w := waves(v, d); w != nil {
		t.Errorf("waves of a migration without any: %+v", w)
	}
}

// TestRecord writes the record of a migration and looks for what a data protection
// officer asks.
func TestRecord(t *testing.T) {
	v := verdict("equal")
	v.People = 11
	v.Outlived, v.OutlivedList = 1, []migrate.Outlived{{Kind: item.Task, Source: "c9", Target: "t9", Link: "https://x/t9"}}
	r := &Record{Migration: "all", Made: time.Date(2026, 5, 1, 2, 30, 0, 0, time.UTC), Program: "rialto dev",
		From:    Party{Connection: "old", Cloud: "Trello", Account: "5f", Hosts: []string{"api.trello.com"}},
		To:      Party{Connection: "new", Cloud: "Planner", Hosts: []string{"graph.microsoft.com"}, Place: "group:A"},
		Decided: []migrate.Decision{{Name: "deletions", Choice: "keep", By: "Kari <2026>"}, {Name: "conflict", Choice: "source"}}, Keeps: []Keep{{"the ledger", "below <here>", "an undo"}}, Confined: "the kernel refuses it"}
	r.Describe(v)
	dir := filepath.Join(t.TempDir(), "made")
	if err := WriteRecord(dir, r); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "record.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"api.trello.com", "graph.microsoft.com", "11 people", "tasks", "assignees", "deletions", "below &lt;here&gt;", "<td>keep</td><td>Kari &lt;2026&gt;</td>", "<td>source</td><td>not told</td>", "c9", "https://x/t9", "1 May 2026, 02:30 UTC", "the kernel refuses it"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(string(page), "<script") {
		t.Error("the page runs something")
	}
	var back Record
	raw, err := os.ReadFile(filepath.Join(dir, "record.json"))
	if err == nil {
		err = json.Unmarshal(raw, &back)
	}
	if err != nil || back.People != 11 || len(back.Data) != 1 || back.Data[0].Items != 10 {
		t.Errorf("record.json: %+v %v", back, err)
	}
}
