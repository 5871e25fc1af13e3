package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector/standin"
)

// What follows compares the two clouds by their own state, as their pages show
// it. It shares nothing with the engine or the connectors: neither how items
// are read nor how they are fitted.

// A pairing says what the target of a test holds otherwise than its source.
type pairing struct {
	archive bool // archived cards go to a board of their own
	posts   bool // comments are comments; else they stand in the description
	about   bool // a board's description becomes a task
	oneList bool // all checklists of a card become one
}

var (
	commentToken = regexp.MustCompile(`\bc-[0-9a-f]{10}\b`)
	textToken    = regexp.MustCompile(`\bd-[0-9a-f]{10}\b`)
)

// A column that the target has to hold.
type wantColumn struct {
	name   string
	closed bool
	cards  []standin.PageCard
	about  string // the title of the task that stands before the cards
}

// expect turns the boards of the source into those that the target has to hold.
func (p pairing) expect(source []standin.PageBoard) map[string][]wantColumn {
	out := map[string][]wantColumn{}
	for _, b := range source {
		var main, archive []wantColumn
		archived := false
		for _, col := range b.Columns {
			live := wantColumn{name: col.Name, closed: col.Closed}
			old := wantColumn{name: col.Name}
			archived = archived || p.archive && col.Closed
			for _, c := range col.Cards {
				if p.archive && (c.Closed || col.Closed) {
					old.cards, archived = append(old.cards, c), true
				} else {
					live.cards = append(live.cards, c)
				}
			}
			if !p.archive || !col.Closed {
				main = append(main, live)
			}
			archive = append(archive, old)
		}
		if p.about && b.Description != "" {
			main[0].about = "About " + b.Name
		}
		out[b.Name] = main
		if archived {
			out[b.Name+" (archive)"] = archive
		}
	}
	return out
}

// compare tells everything in which the target is not what the source asks for.
func (p pairing) compare(source, target []standin.PageBoard) []string {
	var bad []string
	say := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	want := p.expect(source)
	have := map[string]standin.PageBoard{}
	for _, b := range target {
		if _, twice := have[b.Name]; twice {
			say("the board %q is there twice", b.Name)
		}
		have[b.Name] = b
		if _, ok := want[b.Name]; !ok && (b.Cards() > 0 || !strings.HasSuffix(b.Name, " (archive)")) {
			say("the board %q is there and should not be", b.Name)
		}
	}
	marks := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		b, ok := have[name]
		if !ok {
			say("the board %q is missing", name)
			continue
		}
		p.columns(name, want[name], b, say)
		for _, col := range b.Columns {
			for _, c := range col.Cards {
				for _, m := range marksOf(c) {
					marks[m]++
				}
			}
		}
	}
	for m, n := range marks {
		if n > 1 {
			say("the mark %s is there %d times", m, n)
		}
	}
	return bad
}

// marksOf are the marks that a card carries.
func marksOf(c standin.PageCard) (out []string) {
	for _, a := range c.Attachments {
		if isMark(a) {
			out = append(out, a.URL)
		}
	}
	return out
}

func isMark(a standin.PageAttachment) bool {
	return a.Name == "Moved here by Rialto" || strings.HasSuffix(a.URL, "#rialto") || strings.HasSuffix(a.URL, "&rialto")
}

func (p pairing) columns(board string, want []wantColumn, have standin.PageBoard, say func(string, ...any)) {
	var names, is []string
	for _, w := range want {
		names = append(names, fmt.Sprint(w.name, " ", w.closed))
	}
	for _, h := range have.Columns {
		is = append(is, fmt.Sprint(h.Name, " ", h.Closed))
	}
	if !slices.Equal(names, is) {
		say("%s: the lists are %q, expected %q", board, is, names)
		return
	}
	for i, w := range want {
		var titles, got []string
		if w.about != "" {
			titles = append(titles, w.about)
		}
		for _, c := range w.cards {
			titles = append(titles, c.Title)
		}
		for _, c := range have.Columns[i].Cards {
			got = append(got, c.Title)
		}
		if !slices.Equal(titles, got) {
			say("%s, %s: the tasks are %q, expected %q", board, w.name, got, titles)
			continue
		}
		cards := have.Columns[i].Cards
		if w.about != "" {
			cards = cards[1:]
		}
		for j, c := range w.cards {
			p.card(fmt.Sprintf("%s, %s, %q", board, w.name, c.Title), c, cards[j], say)
		}
	}
}

func (p pairing) card(where string, want, have standin.PageCard, say func(string, ...any)) {
	same := func(what string, is, expected any) {
		if fmt.Sprint(is) != fmt.Sprint(expected) {
			say("%s: %s: %q, expected %q", where, what, fmt.Sprint(is), fmt.Sprint(expected))
		}
	}
	same("done", have.Done, want.Done)
	if !p.archive {
		same("archived", have.Closed, want.Closed)
	}
	same("labels", labelsOf(have), labelsOf(want))
	same("people", slices.Sorted(slices.Values(have.Members)), slices.Sorted(slices.Values(want.Members)))
	same("checklists", p.entries(have), p.entries(want))
	same("files", filesOf(have), filesOf(want))
	same("links", linksOf(have), linksOf(want))
	if n := len(marksOf(have)); n != 1 {
		say("%s: it carries %d marks", where, n)
	}
	same("tokens of the description", textToken.FindAllString(have.Description, -1), textToken.FindAllString(want.Description, -1))
	said := commentsOf(want)
	if p.posts {
		same("comments", commentsOf(have), said)
		if extra := commentToken.FindAllString(have.Description, -1); len(extra) > 0 {
			say("%s: comments stand in the description too: %q", where, extra)
		}
	} else {
		same("comments in the description", commentToken.FindAllString(have.Description, -1), said)
	}
}

func labelsOf(c standin.PageCard) (out []string) {
	for _, l := range c.Labels {
		out = append(out, l.Name)
	}
	slices.Sort(out)
	return out
}

func (p pairing) entries(c standin.PageCard) (out []string) {
	for _, l := range c.Checklists {
		if !p.oneList {
			out = append(out, "checklist "+l.Name)
		}
		for _, e := range l.Items {
			out = append(out, fmt.Sprint(e.Title, " ", e.Done))
		}
	}
	return out
}

func filesOf(c standin.PageCard) (out []string) {
	for _, a := range c.Attachments {
		if a.Bytes >= 0 {
			out = append(out, fmt.Sprint(a.Name, " ", a.Bytes))
		}
	}
	slices.Sort(out)
	return out
}

func linksOf(c standin.PageCard) (out []string) {
	for _, a := range c.Attachments {
		if a.Bytes < 0 && !isMark(a) {
			out = append(out, a.Name)
		}
	}
	slices.Sort(out)
	return out
}

// commentsOf are the tokens of a card's comments, the oldest first.
func commentsOf(c standin.PageCard) (out []string) {
	said := slices.SortedStableFunc(slices.Values(c.Comments), func(a, b standin.PageComment) int { return a.At.Compare(b.At) })
	for _, m := range said {
		out = append(out, commentToken.FindAllString(m.Text, -1)...)
	}
	return out
}
