package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/report"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/item"
)

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
		bytes := nothing
		if c.Bytes > 0 {
			bytes = size(c.Bytes)
		}
		rows = append(rows, []string{string(k), num(c.Items), num(c.Create), num(c.Update), num(c.Skip), num(c.Delete), bytes})
	}
	s.table(rows)
	if len(f.Losses) > 0 {
		s.heading("What the target cannot hold as the source has it")
		s.showLosses(f.Losses)
	}
	if len(f.Limits) > 0 {
		s.heading("Limits that are exceeded")
		for _, l := range f.Limits {
			what := strings.TrimSuffix(string(l.Kind)+" "+l.Field, " ")
			why, _ := report.Why(l.Why)
			takes := strconv.Itoa(l.Limit)
			if l.Field == item.Content.Name {
				takes = size(int64(l.Limit))
			}
			text := fmt.Sprintf("%s: the target takes %s, %d are beyond that", what, takes, l.Over)
			s.say("  %s  %s", text, s.paint(dim, cut(why, max(columns-4-cells(text), 12))))
		}
	}
	nobody := 0
	for _, p := range f.People {
		if p.Target == "" {
			nobody++
		}
	}
	if len(f.People) > 0 {
		s.say("\n%s  %d met, %d with a counterpart, %d without.", s.paint(bold, "People"), len(f.People), len(f.People)-nobody, nobody)
	}
	s.showAudience(f.Audience)
	s.showLinks(f.Links)
	s.showUndoForecast(f)
	for _, n := range f.Notices {
		s.say("\n%s", wrap(n, ""))
	}
	if f.Status == "nothing-to-do" {
		s.say("\n%s", s.paint(good, nothingToDo(f.Messages)))
		s.showMessages(f.Messages)
		return
	}
	s.say("%s    A run takes about %d calls: %s.", s.paint(bold, "Time"), f.Requests, report.Span(f.Least, f.Most))
	s.showPace(f.Pace)
	s.showMessages(f.Messages)
}

// showUndoForecast says how far an undo could go, and why not further.
func (s *shell) showUndoForecast(f *migrate.Forecast) {
	byUndo := map[connector.Undo][]string{}
	why := map[connector.Undo]string{}
	wide := 0
	for _, k := range kinds(f.Undo) {
		info, _ := item.Info(k)
		u := f.Undo[k].Undo
		byUndo[u] = append(byUndo[u], info.Plural)
		why[u] = cmp.Or(why[u], f.Undo[k].Why)
		wide = max(wide, cells(strings.Join(byUndo[u], ", ")))
	}
	head := s.paint(bold, "Undo")
	for _, u := range []connector.Undo{connector.UndoExact, connector.UndoPartial, connector.UndoImpossible} {
		if byUndo[u] == nil {
			continue
		}
		text, _ := report.Why(why[u])
		line := fmt.Sprintf("%s    %-10s  %s", head, u, strings.Join(byUndo[u], ", "))
		if used := 8 + 10 + 2 + wide + 2; text != "" && used+12 < columns {
			line = fmt.Sprintf("%s    %-10s  %s  %s", head, u, pad(strings.Join(byUndo[u], ", "), wide), s.paint(dim, cut(text, columns-used)))
		}
		s.say("%s", line)
		head = "    "
	}
}

// showLosses lists what is lost, kind by kind: how often, what becomes of it
// and, as far as there is room, why.
func (s *shell) showLosses(losses []migrate.Loss) {
	const fieldMost, whyLeast = 18, 12
	var wide [3]int
	rows := make([][3]string, len(losses))
	for i, l := range losses {
		rows[i] = [3]string{fmt.Sprint(l.Count), cut(lossField(l), fieldMost), report.PolicyWords(l.Policy)}
		for c, text := range rows[i] {
			wide[c] = max(wide[c], cells(text))
		}
	}
	room := columns - (4 + wide[0] + 2 + wide[1] + 2 + wide[2] + 2)
	for i, row := range rows {
		if i == 0 || losses[i-1].Kind != losses[i].Kind {
			info, _ := item.Info(losses[i].Kind)
			s.say("  %s", cmp.Or(info.Plural, string(losses[i].Kind)))
		}
		why, _ := report.Why(losses[i].Why)
		if room < whyLeast || why == "" {
			s.say("    %*s  %s  %s", wide[0], row[0], pad(row[1], wide[1]), s.paint(warn, row[2]))
			continue
		}
		s.say("    %*s  %s  %s  %s", wide[0], row[0], pad(row[1], wide[1]), s.paint(warn, pad(row[2], wide[2])), s.paint(dim, cut(why, room)))
	}
}

func lossField(l migrate.Loss) string {
	if l.Field == "*" {
		return "all of it"
	}
	return l.Field
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
	s.say("\n  %s", s.paint(dim, fmt.Sprintf("%d calls, %d refused, %s sent", r.Requests, r.Refused, size(r.Bytes))))
	const few = 20
	for _, sh := range r.Shards {
		if sh.Link != "" && (len(r.Shards) <= few || len(sh.Failures) > 0) {
			s.say("  %s", s.paint(dim, sh.Source+" →"))
			s.say("    %s", sh.Link)
		}
		for i, f := range sh.Failures {
			if i == 10 {
				s.say("    and %d more", sh.Failed-i)
				break
			}
			s.say("    %s %s", s.paint(bad, "not moved"), wrap(f.Key.String()+" — "+f.Reason, "      "))
		}
	}
	if len(r.Shards) > few {
		s.say("  %s", s.paint(dim, fmt.Sprintf("%d containers; rialto status lists them.", len(r.Shards))))
	}
	if r.Conflicts > 0 {
		s.say("\n%s", s.paint(warn, fmt.Sprintf("%d items changed at both ends since the last pass; the lines above say who won.", r.Conflicts)))
	}
	s.showWidened(r.Widened)
	switch r.Status {
	case "complete":
		s.say("\n%s", s.paint(good, "Complete."))
		if r.PutOff > 0 {
			s.say("%s", wrap(fmt.Sprintf("%d items have assignments, members or comments that tell people. rialto run FILE --notify writes them.", r.PutOff), ""))
		}
	case "partial":
		s.say("\n%s", s.paint(warn, fmt.Sprintf("Complete but for %d items. A further run tries them again.", r.Failed)))
	default:
		s.say("\n%s", s.paint(warn, "The pass was cut off; a further run goes on from here."))
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
		how := "were read at both ends and hashed"
		if v.Blobs.Told > 0 {
			how = fmt.Sprintf("were compared, %d of them by hashes that both clouds tell and the others read at both ends", v.Blobs.Told)
		}
		s.say("\n  %d files (%s) %s; %d differ.", v.Blobs.Files, size(v.Blobs.Bytes), how, v.Blobs.Differences)
	}
	if n := v.Counters; len(n) > 0 {
		s.say("\n  The clouds' own counters, beside what was read:\n")
		rows := [][]string{{"kind", "source says", "read", "target says", "read"}}
		for _, k := range slices.Sorted(maps.Keys(n)) {
			rows = append(rows, []string{string(k), num(n[k].SourceSays), num(n[k].SourceRead), num(n[k].TargetSays), num(n[k].TargetRead)})
		}
		s.table(rows)
	}
	s.showToCome(v.ToCome)
	s.showWidened(v.Widened)
	switch v.Status {
	case "equal":
		s.say("\n%s", s.paint(good, "Equal: every field and every file."))
	case "equal-with-losses":
		s.say("\n%s", s.paint(good, fmt.Sprintf("Equal, but for the %d losses that the forecast names.", v.Losses)))
	default:
		s.say("\n%s", s.paint(bad, fmt.Sprintf("The two sides differ in %d places:", len(v.Differences))))
		for i, d := range v.Differences {
			if i == 20 {
				s.say("  and %d more; --report lists them", len(v.Differences)-i)
				break
			}
			s.say("  %s", strings.Join(slices.DeleteFunc([]string{string(d.Kind), d.Source, d.Field, d.Reason, s.paint(dim, d.Link)}, func(t string) bool { return t == "" }), " "))
		}
	}
	if v.Edited > 0 {
		s.say("%s", s.paint(dim, fmt.Sprintf("%d of these are edits that people made at the target since.", v.Edited)))
	}
	if v.Kept > 0 {
		s.say("%s", s.paint(dim, fmt.Sprintf("%d fields or items stand as the target's people made them: decided conflicts.", v.Kept)))
	}
	if v.Outlived > 0 {
		s.say("%s", s.paint(warn, fmt.Sprintf("%d items were deleted at the source and still stand: deletions: keep.", v.Outlived)))
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
