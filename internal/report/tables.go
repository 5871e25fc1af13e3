package report

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/rialto-migrate/rialto/internal/migrate"
)

// writeTables puts what the page shows into tables for whoever goes on with it:
// containers.csv, losses.csv, differences.csv and decisions.csv. They hold ids,
// counts and links, and who decided.
func writeTables(dir string, v *migrate.Verdict, d migrate.Decisions) error {
	containers := [][]string{{"source", "target", "wave", "items", "differences", "link", "decided by"}}
	for _, s := range v.Shards {
		containers = append(containers, []string{s.Source, s.Target, wave(s.Wave), strconv.Itoa(s.Items), strconv.Itoa(s.Differences), s.Link, d.Containers[s.Source]})
	}
	losses := [][]string{{"kind", "field", "policy", "items", "why", "examples"}}
	for _, l := range v.LossList {
		losses = append(losses, []string{string(l.Kind), l.Field, l.Policy, strconv.Itoa(l.Count), l.Why, fmt.Sprint(l.Examples)})
	}
	differences := [][]string{{"kind", "field", "source", "target", "reason", "link"}}
	for _, d := range v.Differences {
		differences = append(differences, []string{string(d.Kind), d.Field, d.Source, d.Target, d.Reason, d.Link})
	}
	for _, o := range v.OutlivedList {
		differences = append(differences, []string{string(o.Kind), "*", o.Source, o.Target, "deleted at the source; policies.deletions is keep", o.Link})
	}
	decisions := [][]string{{"decision", "choice", "decided by"}}
	for _, c := range d.Choices {
		decisions = append(decisions, []string{c.Name, c.Choice, c.By})
	}
	for name, rows := range map[string][][]string{"containers.csv": containers, "losses.csv": losses, "differences.csv": differences, "decisions.csv": decisions} {
		if err := writeTable(filepath.Join(dir, name), rows); err != nil {
			return err
		}
	}
	return nil
}

func wave(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func writeTable(path string, rows [][]string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("the report cannot be written: %w", err)
	}
	c := csv.NewWriter(f)
	err = c.WriteAll(rows)
	return cmp.Or(err, f.Close())
}

// A waveRow sums the containers of one wave.
type waveRow struct {
	Wave                           string
	Containers, Items, Differences int
	Width                          int // of its bar, per mille
	By                             []string
}

// waves sums the containers by their waves; nil where there are none.
func waves(v *migrate.Verdict, d migrate.Decisions) []waveRow {
	by := map[int]*waveRow{}
	most := 1
	for _, s := range v.Shards {
		w := by[s.Wave]
		if w == nil {
			w = &waveRow{Wave: cmp.Or(wave(s.Wave), "none")}
			by[s.Wave] = w
		}
		w.Containers++
		w.Items += s.Items
		w.Differences += s.Differences
		if by := d.Containers[s.Source]; by != "" && !slices.Contains(w.By, by) {
			w.By = append(w.By, by)
		}
		most = max(most, w.Items)
	}
	if len(by) < 2 && by[0] != nil {
		return nil
	}
	var numbers []int
	for n := range by {
		numbers = append(numbers, n)
	}
	slices.SortFunc(numbers, func(a, b int) int { return cmp.Compare(cmp.Or(a, 1<<30), cmp.Or(b, 1<<30)) }) // none comes last
	var out []waveRow
	for _, n := range numbers {
		by[n].Width = bar(by[n].Items, most)
		out = append(out, *by[n])
	}
	return out
}
