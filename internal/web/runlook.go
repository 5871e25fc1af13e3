package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/runs"
	"github.com/rialto-migrate/rialto/internal/web/look"
	"github.com/rialto-migrate/rialto/item"
)

// regions are the parts of a run's page that change while it goes on, the same for
// whoever looks.
func (v *visit) regions(r runs.Run) ([]look.Region, error) {
	var tiles, failures []any
	if len(r.Counts.Shards) > 0 {
		tiles = []any{look.Section{Title: "Containers", Parts: []any{tilesOf(r)}}}
	}
	if len(r.Counts.Failures) > 0 {
		failures = []any{failuresOf(r.Counts)}
	}
	out, err := v.outcomeOf(r)
	return []look.Region{
		{ID: "state", Told: true, Parts: []any{look.Facts{{Term: "State", Value: badge(r), Note: waits(r)}}}},
		{ID: "outcome", Parts: out},
		{ID: "figures", Parts: figures(r)},
		{ID: "failed", Parts: failures},
		{ID: "rate", Parts: []any{v.chart(r)}},
		{ID: "containers", Parts: tiles},
	}, err
}

// waits says why nothing new is sent.
func waits(r runs.Run) string {
	switch {
	case r.State == runs.Paused:
		return "Nothing new is sent until somebody resumes it. What was under way is finished."
	case r.State.Over() || r.Counts.Waits == "" || r.Counts.Waits == job.Paused:
		if r.Counts.Again > 0 {
			return fmt.Sprintf("It went on by itself after the server had stopped, %s.", times(r.Counts.Again))
		}
		return ""
	case r.Counts.Until.IsZero():
		return "It waits: " + r.Counts.Waits + "."
	}
	return "It waits until " + r.Counts.Until.UTC().Format("15:04 UTC") + ": " + r.Counts.Waits + "."
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func figures(r runs.Run) []any {
	c := r.Counts
	sum := c.Written()
	var all look.Figures
	add := func(n int64, label string, tone look.Tone) {
		all = append(all, look.Figure{Value: look.Number(int(n)), Label: label, Tone: tone})
	}
	switch r.Verb {
	case job.Run, job.Cutover:
		add(sum["created"], "created", look.Good)
		add(sum["updated"], "updated", "")
		add(sum["skipped"], "unchanged", "")
		add(sum["deleted"], "deleted", "")
	case job.Undo:
		add(sum["deleted"], "removed", look.Good)
		add(sum["kept"], "kept", "")
	}
	if n := failed(c); n > 0 {
		add(n, map[bool]string{true: "differ", false: "failed"}[r.Verb == job.Verify], look.Bad)
	}
	add(c.Requests, "requests", "")
	if c.Refused > 0 {
		all = append(all, look.Figure{Value: look.Number(int(c.Refused)), Label: "refused for a while", Note: "by the clouds' limits; they are sent again"})
	}
	if c.Bytes > 0 {
		all = append(all, look.Figure{Value: bytesOf(c.Bytes), Label: "sent to the target"})
	}
	parts := []any{all}
	looked := c.Looked
	for _, s := range c.Shards {
		looked = max(looked, s.Done)
	}
	if c.Total > 0 && !r.State.Over() {
		parts = append([]any{look.Progress{Label: "Items looked at", Done: int(min(looked, c.Total)), Of: int(c.Total)}}, parts...)
	}
	return parts
}

// bytesOf says bytes for people.
func bytesOf(n int64) string {
	f, unit := float64(n), "bytes"
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if f < 1000 {
			return fmt.Sprintf("%.4g %s", f, unit)
		}
		f, unit = f/1000, u
	}
	return fmt.Sprintf("%.4g %s", f, unit)
}

// chart is the throughput of the last minutes against the quota of the cloud that
// allows least.
func (v *visit) chart(r runs.Run) look.Chart {
	c := look.Chart{ID: "throughput", Label: "Throughput of both clouds", Unit: "requests a second", Quota: r.Counts.Quota}
	if s := r.Counts.Share; s > 0 && s < 1 {
		c.Quota *= s
	}
	for _, p := range r.Counts.Rates {
		c.Points = append(c.Points, look.Point{At: time.Unix(p.At, 0).UTC(), Rate: float64(p.Requests)})
	}
	return c
}

func tilesOf(r runs.Run) look.Tiles {
	all := look.Tiles{Label: "Containers"}
	for _, s := range r.Counts.Shards {
		t := look.Tile{Name: look.Name(s.ID), State: look.Moving, Text: count(s.Done, "item")}
		switch {
		case s.Ended && s.Failed > 0:
			t.State = look.Partly
		case s.Ended || r.State == runs.Done:
			t.State = look.Done
		case r.State == runs.Paused || r.State == runs.Stopped:
			t.State = look.Paused
		case r.State == runs.Failed:
			t.State = look.Failed
		case r.State == runs.Queued:
			t.State = look.Waiting
		}
		if s.Failed > 0 {
			t.Text += fmt.Sprintf(", %s failed", look.Number(int(s.Failed)))
		}
		all.Tiles = append(all.Tiles, t)
	}
	return all
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return look.Number(int(n)) + " " + what + "s"
}

// failuresOf lists what failed by its reason, with what to do.
func failuresOf(c runs.Counts) look.Section {
	t := look.Table{Caption: "What failed, by reason", Columns: []look.Column{{Title: "Reason", Wide: true}, {Title: "Kind"}, {Title: "How many", Number: true}, {Title: "What to do", Wide: true}}}
	for _, f := range slices.SortedFunc(slices.Values(c.Failures), func(a, b runs.Failures) int { return cmp.Compare(b.Count, a.Count) }) {
		why, do := remedy(f.Class)
		var first any = why
		if f.Reason != "" {
			first = look.Stacked{Top: why, Below: look.Name(f.Reason)}
		}
		t.Rows = append(t.Rows, look.Row{Tone: look.Bad, Cells: []any{first, kindWord(f.Kind), int(f.Count), do}})
	}
	return look.Section{Title: "What failed", Text: "The second line is the newest of its kind, as the cloud said it.", Parts: []any{t}}
}

func kindWord(k item.Kind) string {
	if k == "" {
		return "any"
	}
	return string(k)
}

// remedy says what a class of failures means, and what to do about it.
func remedy(class string) (why, do string) {
	switch connector.Class(class) {
	case connector.Auth:
		return "The credentials were refused", "Renew the connection, then try again."
	case connector.Forbidden:
		return "The connection may not do this", "Give its account more rights in that cloud, then try again."
	case connector.Throttled:
		return "Too many requests", "Try again later, or give the migration a gentler pace."
	case connector.Full:
		return "The target holds no more of this kind", "Make room there, or spread the containers, then try again."
	case connector.Transient:
		return "The cloud did not answer as it should", "Try again: it may well pass."
	case connector.Permanent:
		return "The cloud refuses this item", "Change it at the source as the reason says, then try again. Otherwise it stays out."
	case connector.Unsupported:
		return "The target cannot hold this", "Choose a policy that leaves it out or turns it into text."
	case connector.Conflict:
		return "Somebody changed it meanwhile", "Try again: the newer state is read then."
	case connector.Gone:
		return "It is no longer there", "Try again: what is gone from the source is left out."
	case connector.Malformed:
		return "The cloud answered what it should not", "Try again, and tell whoever runs this service if it stays."
	}
	if class == "difference" {
		return "The two sides differ", "Run again to bring the target up to date, then verify."
	}
	return class, "Try again."
}

// outcomeOf tells what came of a run that is over.
func (v *visit) outcomeOf(r runs.Run) ([]any, error) {
	if !r.State.Over() {
		return nil, nil
	}
	out, err := v.Runs.Outcome(v.ctx(), r.Organisation, r.Num)
	if err != nil || out == nil {
		return nil, err
	}
	a := look.Alert{Tone: look.Good}
	switch {
	case out.Error != nil && out.Error.Stopped:
		a.Tone, a.Title, a.Text = look.Info, "Stopped", "What was under way is finished and remembered. The next run goes on from here."
	case out.Error != nil:
		why, do := remedy(string(out.Error.Class))
		a.Tone, a.Title, a.Text, a.More = look.Bad, why, do, look.Name(out.Error.Reason)
	case out.Forecast != nil:
		a.Title = "The forecast is made"
		a.Text = fmt.Sprintf("%s would be sent, in %s to %s. Nothing was written.", count(out.Forecast.Requests, "request"), spell(out.Forecast.Least), spell(out.Forecast.Most))
	case out.Run != nil && out.Run.Status == "complete":
		a.Title, a.Text = "Everything is moved", "Verify it, to have both sides read back and compared."
	case out.Run != nil:
		a.Tone, a.Title, a.Text = look.Warn, fmt.Sprintf("Moved, but for %s", count(int64(out.Run.Failed), "item")), "The reasons are below. What failed can be tried again; nothing is written twice."
	case out.Verdict != nil:
		a.Text = fmt.Sprintf("%s were read at both ends and hashed.", count(int64(out.Verdict.Blobs.Files), "file"))
		switch out.Verdict.Status {
		case "equal":
			a.Title = "Equal: every field and every file"
		case "equal-with-losses":
			a.Title = "Equal, but for the losses that the forecast named"
		default:
			a.Tone, a.Title = look.Warn, fmt.Sprintf("The two sides differ in %s", count(int64(len(out.Verdict.Differences)), "place"))
		}
		a.Actions = []look.Button{{Text: "Read the report", Href: "/o/" + r.Organisation + fmt.Sprintf("/runs/%d/report", r.Num)}, {Text: "The same as JSON", Href: "/o/" + r.Organisation + fmt.Sprintf("/runs/%d/report.json", r.Num)}}
	case out.Undo != nil:
		removed, kept := 0, 0
		for _, k := range out.Undo.Kinds {
			removed, kept = removed+k.Removed, kept+k.Kept
		}
		a.Title, a.Text = fmt.Sprintf("%s removed", count(int64(removed), "item")), fmt.Sprintf("%s stay, as people changed them or they hold what people added.", count(int64(kept), "item"))
		if out.Undo.Failed > 0 {
			a.Tone = look.Warn
		}
	case out.Cutover != nil:
		a.Title = "The cut-over ended: " + strings.ReplaceAll(out.Cutover.Status, "-", " ")
		if r.State != runs.Done {
			a.Tone = look.Warn
		}
	default:
		a.Title = "Done"
	}
	return []any{a}, nil
}

// lines tell an event in the log; some are no line at all.
func lines(e runs.Event) []look.LogLine {
	l := look.LogLine{At: e.At, Shard: look.Name(e.Shard)}
	what := strings.TrimSpace(string(e.Kind) + " " + cmp.Or(e.Source, e.Target))
	switch e.Event {
	case "item":
		l.Text = what + " " + e.Op
		if e.Op == "created" || e.Op == "found" {
			l.Tone = look.Good
		}
	case "failure":
		l.Tone, l.Text = look.Bad, what+" failed ("+e.Class+")"
		if e.Reason != "" {
			l.Text += ": " + e.Reason
		}
	case "difference":
		l.Tone, l.Text = look.Warn, what+" differs in "+e.Field
	case "conflict":
		l.Tone, l.Text = look.Warn, what+" changed at both ends; "+e.Field+" is the "+e.Op+"'s"
	case "kept":
		l.Tone, l.Text = look.Info, what+" stays: "+e.Reason
	case "shard":
		l.Tone, l.Text = look.Good, "container "+cmp.Or(e.Op, "done")
	case "resumed":
		l.Tone, l.Text = look.Info, what+" goes on: "+e.Reason
	case "cutover":
		l.Tone, l.Text = look.Info, "container is "+e.Op
	case job.Waiting:
		l.Tone, l.Text = look.Warn, "nothing new is sent: "+e.Reason
	case job.Pacing:
		l.Tone, l.Text = look.Info, fmt.Sprintf("calls are sent, at %.0f %% of the quotas", 100*e.Share)
	case runs.Told:
		l.Tone, l.Text = look.Info, "the run is "+e.Op
		if e.Reason != "" {
			l.Text += ": " + e.Reason
		}
		if runs.State(e.Op) == runs.Failed {
			l.Tone = look.Bad
		}
	default:
		return nil
	}
	return []look.LogLine{l}
}
