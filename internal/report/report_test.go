package report

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

func TestWhy(t *testing.T) {
	for _, c := range []struct {
		why, text string
		sources   []string
	}{
		{"", "", nil},
		{"Planner shows days: https://example.org/a", "Planner shows days", []string{"https://example.org/a"}},
		{"20 entries (https://example.org/a) of 100 characters", "20 entries of 100 characters", []string{"https://example.org/a"}},
		{"none in Graph: https://example.org/a: https://example.org/b", "none in Graph", []string{"https://example.org/a", "https://example.org/b"}},
		{"https://example.org/a", "", []string{"https://example.org/a"}},
		{"SharePoint tells it by the file's name", "SharePoint tells it by the file's name", nil},
	} {
		text, sources := Why(c.why)
		if text != c.text || !slices.Equal(sources, c.sources) {
			t.Errorf("Why(%q) = %q, %q", c.why, text, sources)
		}
	}
}

func TestPolicyWords(t *testing.T) {
	for _, name := range migrate.PolicyNames() {
		for _, choice := range migrate.PolicyChoices(name) {
			if slices.Contains([]string{"keep", "delete", "target", "source", "newest", "convert", "all", "last", "none"}, choice) {
				continue // these are no losses
			}
			if PolicyWords(choice) == choice {
				t.Errorf("policy %s: %q has no words", name, choice)
			}
		}
	}
	if PolicyWords("unheard of") != "unheard of" {
		t.Error("an unknown policy is not shown as it stands")
	}
}

func verdict(status string) *migrate.Verdict {
	return &migrate.Verdict{Status: status, Losses: 3,
		Kinds:    map[item.Kind]migrate.Compared{item.Task: {Source: 10, Target: 9, Differences: 1}},
		LossList: []migrate.Loss{{Kind: item.Task, Field: "due", Policy: "day", Count: 3, Why: "Planner shows days: https://example.org/a"}},
		Blobs:    migrate.BlobsCompared{Files: 2, Bytes: 3456},
	}
}

func TestRender(t *testing.T) {
	v := verdict("differs")
	v.Differences = []migrate.Difference{{Kind: item.Task, Source: "t<1>", Field: "title", Link: "https://example.org/t1"}}
	v.Widened = []migrate.Sighted{{Source: "board1", Class: "wider", Accepted: true, Why: []migrate.Widening{{Code: migrate.MorePeople, People: 3}, {Code: migrate.OpenToEverybody, People: -1}}}}
	var b bytes.Buffer
	d := migrate.Decisions{Choices: []migrate.Decision{{Name: "accept", Choice: "any", By: "the DPO, 2026-03-01"}, {Name: "deletions", Choice: "delete"}}, Containers: map[string]string{"b1": "Kari"}}
	v.Shards = []migrate.ShardVerdict{{Source: "b1", Wave: 1}, {Source: "b2", Wave: 2}}
	if err := Render(&b, `<b>"mine"`, v, d, time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"<td><code>board1</code></td><td class=\"why\">more-people: 3; open-to-everybody</td><td>yes</td><td class=\"why\">the DPO, 2026-03-01</td>", "<td>delete</td><td class=\"why\">not told</td>", "Kari<br>", "&lt;b&gt;", "t&lt;1&gt;", "differ in 1 places", "keeps its day", "Planner shows days", `href="https://example.org/a"`, ">source<", "3.5 kB", "4 March 2026, 05:06 UTC", "no content"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, not := range []string{"<script", "Planner shows days: https", "<no value>", "%!"} {
		if strings.Contains(page, not) {
			t.Errorf("the page holds %q", not)
		}
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if err := Write(dir, "m.yaml", verdict("equal-with-losses"), migrate.Decisions{}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"report.html": "Equal, but for the losses", "report.json": `"equal-with-losses"`} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Write(filepath.Join(dir, "report.json"), "m.yaml", verdict("equal"), migrate.Decisions{}); err == nil || !strings.Contains(err.Error(), "report cannot be written") {
		t.Errorf("a folder that is a file: %v", err)
	}
}
