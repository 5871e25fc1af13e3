package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/item"
)

// table prints aligned columns.
func (s *shell) table(rows [][]string) {
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, r := range rows {
		fmt.Fprintf(w, "  %s\t\n", strings.Join(r, "\t"))
	}
	w.Flush()
}

// kinds lists the kinds that a map has, in the order of all kinds.
func kinds[V any](m map[item.Kind]V) []item.Kind {
	var out []item.Kind
	for _, info := range item.Kinds() {
		if _, ok := m[info.Kind]; ok {
			out = append(out, info.Kind)
		}
	}
	return out
}

func num(n int) string {
	if n == 0 {
		return "·"
	}
	return fmt.Sprint(n)
}

// size says bytes for people.
func size(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	f := float64(n)
	i := 0
	for f >= 1000 && i < len(units)-1 {
		f /= 1000
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

func countsLine(counts map[item.Kind]int, bytes int64) string {
	var parts []string
	for _, k := range kinds(counts) {
		info, _ := item.Info(k)
		parts = append(parts, fmt.Sprintf("%d %s", counts[k], info.Plural))
	}
	if bytes > 0 {
		parts = append(parts, size(bytes))
	}
	return strings.Join(parts, ", ")
}

func (s *shell) showForecast(f *migrate.Forecast) {
	rows := [][]string{{"kind", "items", "create", "update", "skip", "delete", "size"}}
	for _, k := range kinds(f.Kinds) {
		c := f.Kinds[k]
		bytes := "·"
		if c.Bytes > 0 {
			bytes = size(c.Bytes)
		}
		rows = append(rows, []string{string(k), num(c.Items), num(c.Create), num(c.Update), num(c.Skip), num(c.Delete), bytes})
	}
	s.table(rows)
	if len(f.Losses) > 0 {
		s.say("\nWhat the target cannot hold as the source has it:\n")
		s.showLosses(f.Losses)
	}
	if len(f.Limits) > 0 {
		s.say("\nLimits that are exceeded:\n")
		for _, l := range f.Limits {
			s.say("  %s: the target takes %d, %d more are there. %s", strings.TrimSuffix(string(l.Kind)+" "+l.Field, " "), l.Limit, l.Over, l.Why)
		}
	}
	nobody := 0
	for _, p := range f.People {
		if p.Target == "" {
			nobody++
		}
	}
	if len(f.People) > 0 {
		s.say("\nPeople: %d met, %d with a counterpart, %d without.", len(f.People), len(f.People)-nobody, nobody)
	}
	s.say("\nUndo:")
	byUndo := map[string][]string{}
	why := map[string]string{}
	for _, k := range kinds(f.Undo) {
		info, _ := item.Info(k)
		u := string(f.Undo[k].Undo)
		byUndo[u] = append(byUndo[u], info.Plural)
		why[u] = cmp.Or(why[u], f.Undo[k].Why)
	}
	for _, u := range slices.Sorted(maps.Keys(byUndo)) {
		s.say("  %s for %s%s", u, strings.Join(byUndo[u], ", "), because(why[u]))
	}
	for _, n := range f.Notices {
		s.say("\n%s", n)
	}
	if f.Status == "nothing-to-do" {
		s.say("\nNothing to do: the target has it all.")
		return
	}
	s.say("\nA run takes about %d calls: %s.", f.Requests, span(f.Least, f.Most))
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " — " + why
}

func span(least, most time.Duration) string {
	a, b := round(least), round(most)
	if a == b {
		return "about " + a
	}
	return a + " to " + b
}

func round(d time.Duration) string {
	switch {
	case d < time.Second:
		return "a second"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d seconds", int(d.Seconds()+0.5))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", int(d.Minutes()+0.5))
	}
	return fmt.Sprintf("%.1f hours", d.Hours())
}

// policyWords say what becomes of a loss.
func policyWords(policy string) string {
	words := map[string]string{
		"text": "goes into the text", "line": "goes into the line of who and when", "nearest": "becomes the nearest there is",
		"day": "keeps its day; the clock goes into the text", "cut": "is cut; the whole goes into the text", "drop": "is left out",
		"append": "is appended to the first one", "link": "becomes a link", "missing": "was not given by the source", "not-read": "is not carried",
		"converted": "is converted", "cleaned": "loses control characters", "name-in-text": "is named in the text",
		"plan": "goes to a board of its own", "bucket": "goes to a list of its own", "skip": "is left out", "task": "becomes a task",
	}
	return cmp.Or(words[policy], policy)
}

func (s *shell) showLosses(losses []migrate.Loss) {
	wide := 0
	for _, l := range losses {
		wide = max(wide, len(lossName(l)))
	}
	for _, l := range losses {
		s.say("  %6d  %-*s  %s", l.Count, wide, lossName(l), policyWords(l.Policy))
	}
}

func lossName(l migrate.Loss) string {
	if l.Field == "*" {
		return "whole " + string(l.Kind)
	}
	return string(l.Kind) + " " + l.Field
}

func (s *shell) showRun(r *migrate.Report) {
	if r.Resumed {
		s.say("Went on with a pass that was cut off.")
	}
	rows := [][]string{{"kind", "created", "updated", "skipped", "deleted", "failed"}}
	for _, k := range kinds(r.Kinds) {
		t := r.Kinds[k]
		rows = append(rows, []string{string(k), num(t.Created), num(t.Updated), num(t.Skipped), num(t.Deleted), num(t.Failed)})
	}
	s.table(rows)
	s.say("\n  %d calls, %d refused, %s sent.", r.Requests, r.Refused, size(r.Bytes))
	for _, sh := range r.Shards {
		if sh.Link != "" {
			s.say("  %s → %s", sh.Source, sh.Link)
		}
		for i, f := range sh.Failures {
			if i == 10 {
				s.say("    and %d more", len(sh.Failures)-i)
				break
			}
			s.say("    not moved: %s — %s", f.Key, f.Reason)
		}
	}
	switch r.Status {
	case "complete":
		s.say("\nComplete.")
	case "partial":
		s.say("\nComplete but for %d items. A further run tries them again.", r.Failed)
	default:
		s.say("\nThe pass was cut off; a further run goes on from here.")
	}
}

func (s *shell) showVerdict(v *migrate.Verdict) {
	rows := [][]string{{"kind", "source", "target", "differences"}}
	for _, k := range kinds(v.Kinds) {
		c := v.Kinds[k]
		rows = append(rows, []string{string(k), num(c.Source), num(c.Target), num(c.Differences)})
	}
	s.table(rows)
	if v.Blobs.Files > 0 {
		s.say("\n  %d files (%s) were read at both ends and hashed; %d differ.", v.Blobs.Files, size(v.Blobs.Bytes), v.Blobs.Differences)
	}
	if n := v.Counters; len(n) > 0 {
		s.say("\n  The clouds' own counters:")
		for _, k := range slices.Sorted(maps.Keys(n)) {
			s.say("    %-12s source says %d, read %d · target says %d, read %d", k, n[k].SourceSays, n[k].SourceRead, n[k].TargetSays, n[k].TargetRead)
		}
	}
	switch v.Status {
	case "equal":
		s.say("\nEqual: every field and every file.")
	case "equal-with-losses":
		s.say("\nEqual, but for the %d losses that the forecast names.", v.Losses)
	default:
		s.say("\nThe two sides differ in %d places:", len(v.Differences))
		for i, d := range v.Differences {
			if i == 20 {
				s.say("  and %d more; --report lists them", len(v.Differences)-i)
				break
			}
			s.say("  %s %s %s %s %s", d.Kind, d.Source, d.Field, d.Reason, d.Link)
		}
	}
}

func (s *shell) showUndo(u *migrate.UndoReport) {
	rows := [][]string{{"kind", "removed", "kept"}}
	for _, k := range kinds(u.Kinds) {
		rows = append(rows, []string{string(k), num(u.Kinds[k].Removed), num(u.Kinds[k].Kept)})
	}
	if len(rows) > 1 {
		s.table(rows)
	}
	for i, k := range u.Kept {
		if i == 20 {
			s.say("  and %d more", len(u.Kept)-i)
			break
		}
		s.say("  kept %s %s — %s %s", k.Kind, k.Target, k.Reason, k.Link)
	}
	switch {
	case u.DryRun:
		s.say("\nA dry run: nothing was removed.")
	case u.Status == "undone":
		s.say("\nUndone: nothing of the migration is left.")
	case u.Status == "partly":
		s.say("\nWhat people changed or added stays.")
	default:
		s.say("Nothing to undo.")
	}
}

func (s *shell) showLedger(sum store.Summary) {
	s.say("%d containers", sum.Shards)
	for _, k := range kinds(sum.Items) {
		var parts []string
		for _, state := range slices.Sorted(maps.Keys(sum.Items[k])) {
			parts = append(parts, fmt.Sprintf("%d %s", sum.Items[k][state], state))
		}
		s.say("  %-12s %s", k, strings.Join(parts, ", "))
	}
	for _, k := range kinds(sum.Failures) {
		for class, n := range sum.Failures[k] {
			s.say("  %-12s %d failed: %s", k, n, class)
		}
	}
	s.say("%d writes in doubt, %d links waiting for what they point at", sum.InDoubt, sum.Links)
	for _, p := range sum.Passes {
		s.say("  pass %d  began %s  %s", p.Num, p.Began.Format(time.DateTime), cmp.Or(p.Outcome, "not ended"))
	}
}

func (s *shell) showRebuild(r *migrate.RebuildReport) {
	rows := [][]string{{"kind", "found", "missing"}}
	for _, k := range kinds(r.Kinds) {
		rows = append(rows, []string{string(k), num(r.Kinds[k].Found), num(r.Kinds[k].Missing)})
	}
	s.table(rows)
	s.say("\nThe next run compares what was found, and makes what is missing.")
}
