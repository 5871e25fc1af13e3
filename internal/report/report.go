// Package report writes what verify found as a page for people and as JSON.
// Reports hold ids, fields, counts and links, and who decided what in the user's
// own words; names of what moved only if the verdict has them, at the user's wish.
package report

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

//go:embed report.html
var pageText string

// Write puts report.html, report.json and the tables into a folder, made if it is
// missing. The decisions name those whom the user named in their own files.
func Write(dir, title string, v *migrate.Verdict, d migrate.Decisions) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("the report cannot be written: %w", err)
	}
	b, err := json.MarshalIndent(struct {
		*migrate.Verdict
		Decided migrate.Decisions `json:"decided"`
	}{v, d}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "report.json"), append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("the report cannot be written: %w", err)
	}
	if err := writeTables(dir, v, d); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "report.html"))
	if err != nil {
		return fmt.Errorf("the report cannot be written: %w", err)
	}
	err = Render(f, title, v, d, time.Now())
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// Render writes the page: one file, no script, nothing fetched.
func Render(w io.Writer, title string, v *migrate.Verdict, d migrate.Decisions, now time.Time) error {
	t, err := template.New("report").Parse(pageText)
	if err != nil {
		return err
	}
	return t.Execute(w, newPage(title, v, d, now))
}

// A page is what the template shows.
type page struct {
	Title, When       string
	Verdict           *migrate.Verdict
	Headline, Tone    string
	Kinds             []kindRow
	Waves             []waveRow
	Decided           migrate.Decisions
	Losses            []lossRow
	Counters          []counterRow
	Names             bool
	Items, MaxDiff    int
	BlobSize          string
	ShownDifferences  []difference
	HiddenDifferences int
}

type kindRow struct {
	Kind           string
	C              migrate.Compared
	SourceW, SameW int // widths of the bars, per mille of the longest
}

type lossRow struct {
	migrate.Loss
	Words, Reason string
	Sources       []string
	Width         int
}

type counterRow struct {
	Kind string
	migrate.Countered
}

type difference struct {
	migrate.Difference
	Names migrate.NamedPair
}

func newPage(title string, v *migrate.Verdict, d migrate.Decisions, now time.Time) page {
	p := page{Title: title, When: now.UTC().Format("2 January 2006, 15:04 UTC"), Verdict: v, Names: v.Names != nil, Waves: waves(v, d), Decided: d, BlobSize: size(v.Blobs.Bytes)}
	switch v.Status {
	case "equal":
		p.Headline, p.Tone = "Equal: every field and every file", "good"
	case "equal-with-losses":
		p.Headline, p.Tone = "Equal, but for the losses that the forecast named", "good"
	default:
		p.Headline, p.Tone = fmt.Sprintf("The two sides differ in %d places", len(v.Differences)), "bad"
		if v.Edited == len(v.Differences) {
			p.Headline = fmt.Sprintf("Equal, but for %d edits that people made at the target since", v.Edited)
			p.Tone = "good"
		}
	}
	longest := 1
	for _, c := range v.Kinds {
		longest = max(longest, c.Source)
		p.Items += c.Source
	}
	for _, info := range item.Kinds() {
		if c, ok := v.Kinds[info.Kind]; ok {
			p.Kinds = append(p.Kinds, kindRow{Kind: info.Plural, C: c, SourceW: bar(c.Source, longest), SameW: bar(max(c.Target-c.Differences, 0), longest)})
		}
	}
	most := 1
	for _, l := range v.LossList {
		most = max(most, l.Count)
	}
	for _, l := range v.LossList {
		row := lossRow{Loss: l, Words: PolicyWords(l.Policy), Width: bar(l.Count, most)}
		row.Reason, row.Sources = Why(l.Why)
		p.Losses = append(p.Losses, row)
	}
	slices.SortStableFunc(p.Losses, func(a, b lossRow) int { return cmp.Compare(b.Count, a.Count) })
	for _, k := range slices.Sorted(maps.Keys(v.Counters)) {
		p.Counters = append(p.Counters, counterRow{string(k), v.Counters[k]})
	}
	for i, d := range v.Differences {
		if i == 200 {
			p.HiddenDifferences = len(v.Differences) - i
			break
		}
		p.ShownDifferences = append(p.ShownDifferences, difference{d, v.Names[d.Source]})
	}
	return p
}

// bar is n's share of most in per mille; something is always seen.
func bar(n, most int) int {
	if n == 0 {
		return 0
	}
	return max(n*1000/most, 6)
}

// size says bytes for people.
func size(n int64) string {
	f, unit := float64(n), "bytes"
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if f < 1000 {
			break
		}
		f, unit = f/1000, u
	}
	if unit == "bytes" {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", f, unit)
}
