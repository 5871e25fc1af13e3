package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

// A Brief is a forecast as a manager reads it, on a page or on paper: what moves,
// what will be lost, how long it takes, who will be told.
type Brief struct {
	Figures  [][2]string // a number and what it counts
	Tables   []BriefTable
	Sentence string // how long, and who is told
	Notices  []string
}

// A BriefTable is one table of it. The first column is the widest.
type BriefTable struct {
	Title   string
	Columns []string
	Rows    [][]string
}

// mostContainers is how many containers a brief lists.
const mostContainers = 500

// Briefly tells a forecast in short. named says what a container is called; it
// returns the id where nobody may know.
func Briefly(f *migrate.Forecast, named func(id string) string) Brief {
	var b Brief
	items, written, size, lost, without := 0, 0, int64(0), 0, 0
	kinds := BriefTable{Title: "What moves", Columns: []string{"Kind", "Items", "New", "Changed", "As before", "Deleted", "Size"}}
	for _, k := range slices.Sorted(maps.Keys(f.Kinds)) {
		c := f.Kinds[k]
		items, written, size = items+c.Items, written+c.Create+c.Update, size+c.Bytes
		kinds.Rows = append(kinds.Rows, []string{plural(k), count(c.Items), count(c.Create), count(c.Update), count(c.Skip), count(c.Delete), bytesOf(c.Bytes)})
	}
	losses := BriefTable{Title: "What will not be as it was", Columns: []string{"What", "How many", "What becomes of it", "Why"}}
	for _, l := range f.Losses {
		lost += l.Count
		field := l.Field
		if field == "*" {
			field = "all of it"
		}
		why, _ := Why(l.Why)
		losses.Rows = append(losses.Rows, []string{plural(l.Kind) + ": " + field, count(l.Count), PolicyWords(l.Policy), why})
	}
	limits := BriefTable{Title: "Limits of the target that are exceeded", Columns: []string{"What", "It takes", "Beyond that", "Why"}}
	for _, l := range f.Limits {
		why, _ := Why(l.Why)
		takes := count(l.Limit)
		if l.Field == item.Content.Name {
			takes = bytesOf(int64(l.Limit))
		}
		limits.Rows = append(limits.Rows, []string{strings.TrimSpace(plural(l.Kind) + " " + l.Field), takes, count(l.Over), why})
	}
	places := BriefTable{Title: "Where it comes from", Columns: []string{"Container", "Wave", "Items", "Size"}}
	for i, s := range f.Shards {
		if i == mostContainers {
			break
		}
		wave := ""
		if s.Wave > 0 {
			wave = fmt.Sprint(s.Wave)
		}
		places.Rows = append(places.Rows, []string{named(s.Source), wave, count(s.Items), bytesOf(s.Bytes)})
	}
	for _, p := range f.People {
		if p.Target == "" {
			without++
		}
	}
	undo := BriefTable{Title: "What can be taken back", Columns: []string{"What", "How far", "Why"}}
	for _, k := range slices.Sorted(maps.Keys(f.Undo)) {
		why, _ := Why(f.Undo[k].Why)
		undo.Rows = append(undo.Rows, []string{plural(k), string(f.Undo[k].Undo), why})
	}
	people := BriefTable{Title: "People", Columns: []string{"What", "How many"}, Rows: [][]string{
		{"appear in what moves", count(len(f.People))}, {"have no counterpart at the target", count(without)}}}
	if a := f.Audience; a != nil {
		people.Rows = append(people.Rows, []string{"containers that the same people will see", count(a.Same)}, []string{"containers that fewer people will see", count(a.Narrower)},
			[]string{"containers that more people will see", count(a.Wider)})
		if a.Untold > 0 {
			people.Rows = append(people.Rows, []string{"containers of which the target does not tell who will see them", count(a.Untold)})
		}
	}
	told := BriefTable{Title: "Who will be told", Columns: []string{"When", "Messages", "People", "Most to one person"}}
	for _, s := range []struct {
		when string
		step *migrate.Step
	}{{"while it runs", &f.Messages.Step}, {"in the last step", f.Messages.Last}} {
		if s.step != nil {
			told.Rows = append(told.Rows, []string{s.when, count(s.step.All), count(len(s.step.People)), count(s.step.Most)})
			for _, u := range s.step.Uncounted {
				why, _ := Why(u.Why)
				b.Notices = append(b.Notices, fmt.Sprintf("Not counted: %s writes of %s may tell others (%s). %s", count(u.Writes), plural(u.Kind), u.To, why))
			}
		}
	}
	b.Figures = [][2]string{{count(items), "items"}, {bytesOf(size), "of files"}, {count(written), "to write"}, {count(lost), "not as they were"}, {Span(f.Least, f.Most), "a run takes"}}
	if f.Status == "nothing-to-do" {
		b.Sentence = "There is nothing to do: the target has all of it."
	} else {
		b.Sentence = fmt.Sprintf("A run takes %s and about %s calls of the clouds.", Span(f.Least, f.Most), count(int(f.Requests)))
	}
	for _, t := range []BriefTable{kinds, losses, limits, places, people, told, undo} {
		if len(t.Rows) > 0 {
			b.Tables = append(b.Tables, t)
		}
	}
	b.Notices = append(b.Notices, f.Notices...)
	if f.Messages.Quiet != "" {
		b.Notices = append(b.Notices, f.Messages.Quiet)
	}
	return b
}

// plural is what several of a kind are called.
func plural(k item.Kind) string {
	info, _ := item.Info(k)
	return cmp.Or(info.Plural, string(k))
}

// count writes a number with a comma between thousands.
func count(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func bytesOf(n int64) string {
	for _, u := range []struct {
		of   float64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if float64(n) >= u.of {
			return fmt.Sprintf("%.1f %s", float64(n)/u.of, u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
