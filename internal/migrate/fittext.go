package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/richtext"
	"github.com/rialto-migrate/rialto/item"
)

// lineEnds makes all ends of lines alike, as clouds read them back in their own
// way.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// text rewrites links and mentions of a long text, converts it and cuts it.
func (w *fitting) text(from item.Item, field item.Field, limits connector.FieldCaps, s string) string {
	out := strings.TrimRight(w.rewrite(lineEnds.Replace(s)), " \t\n") // says nothing, and few clouds keep it
	if w.spec.Policies.Formatting == "convert" {
		converted, changed := richtext.Convert(out, w.from.Format, w.to.Format)
		if changed {
			w.loseFor(from.Kind, field.Name, "converted", from.ID, fmt.Sprintf("the source writes %s, the target %s", w.from.Format, w.to.Format))
		}
		out = converted
	}
	if from.Kind == item.Task && field.Name == item.Description.Name {
		return out // cut by describe, with what is folded into it
	}
	head, rest := cut(out, limits.MaxChars)
	if rest != "" {
		w.loseEnd(from.Kind, field.Name, from.ID)
	}
	return head
}

func (w *fitting) rewrite(s string) string {
	return richtext.ReplaceLinks(w.mentions(s, func(string) {}), w.address)
}

// mentions puts names in place of the user names that a text mentions, as far as
// they are of the container's people, and tells of each.
func (f *fitter) mentions(s string, tell func(name string)) string {
	if f.from.Mention == "" {
		return s
	}
	return richtext.Mentions(s, f.from.Mention, func(user string) (string, bool) {
		name, known := f.people.mentioned(f.container, user)
		if known {
			tell(name)
		}
		return name, known
	})
}

func (w *fitting) address(url string) string {
	to, alias, ours, moved := w.link(url)
	switch {
	case moved:
		return to
	case ours:
		w.wants(alias)
	}
	return url
}

// leadsInside leaves out an item whose address would lead to nothing of the target's.
// A forecast counts on what may move.
func (w *fitting) leadsInside(from item.Item, url string) {
	if _, _, ours, moved := w.link(url); !moved && (!ours || !w.ahead) {
		w.u.ownKind = false
		w.loseFor(from.Kind, "*", asDropped, from.ID, "what it leads to has not moved")
	}
}

// wants notes what a unit points at and has not moved.
func (w *fitting) wants(alias string) {
	if !slices.Contains(w.u.wanted, alias) {
		w.u.wanted = append(w.u.wanted, alias)
	}
}

// commentLine puts the uniform line at the head of a comment whose author or
// time the target cannot hold.
func (w *fitting) commentLine(from item.Item) {
	var parts []string
	authorKept := false
	if w.to.Keeps(item.Comment, item.Author.Name) {
		_, authorKept = w.u.item.Fields[item.Author.Name]
	}
	if id := item.Author.Get(from); id != "" && !authorKept {
		why := w.because(item.Comment, item.Author.Name)
		if w.to.Keeps(item.Comment, item.Author.Name) {
			why = noCounterpart
		}
		w.loseFor(item.Comment, item.Author.Name, asLine, from.ID, why)
		parts = append(parts, w.people.name(id))
	}
	if t := item.Created.Get(from); !t.IsZero() && !w.to.Keeps(item.Comment, item.Created.Name) {
		w.lose(item.Comment, item.Created.Name, asLine, from.ID)
		parts = append(parts, w.when(t))
	}
	if t := item.Edited.Get(from); !t.IsZero() && !w.to.Keeps(item.Comment, item.Edited.Name) {
		w.lose(item.Comment, item.Edited.Name, asLine, from.ID)
		parts = append(parts, "edited "+w.when(t))
	}
	if len(parts) == 0 {
		return
	}
	body := strings.Join(parts, ", ") + ":\n" + item.Body.Get(w.u.item)
	max := w.to.Kinds[item.Comment].Fields[item.Body.Name].MaxChars
	head, rest := cut(body, max)
	if rest != "" {
		w.loseEnd(item.Comment, item.Body.Name, from.ID)
	}
	item.Body.Set(&w.u.item, head)
}

// describe ends the text of a task with what had no other place.
func (w *fitting) describe(from item.Item) {
	if from.Kind != item.Task || !w.to.Keeps(item.Task, item.Description.Name) {
		return
	}
	text := item.Description.Get(w.u.item)
	if len(w.lines)+len(w.tail) > 0 {
		var b strings.Builder
		if text != "" {
			b.WriteString(strings.TrimRight(text, "\n"))
			b.WriteString("\n\n")
		}
		fmt.Fprintf(&b, "— From %s —", w.source)
		for _, l := range w.lines {
			b.WriteString("\n" + l)
		}
		for _, s := range w.tail {
			b.WriteString("\n\n" + s)
		}
		text = b.String()
	}
	head, rest := cut(text, w.to.Kinds[item.Task].Fields[item.Description.Name].MaxChars)
	if rest != "" {
		w.loseEnd(item.Task, item.Description.Name, from.ID)
	}
	if head != "" {
		item.Description.Set(&w.u.item, head)
	}
}
