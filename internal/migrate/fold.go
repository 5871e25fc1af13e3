package migrate

import (
	"fmt"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/richtext"
	"github.com/rialto-migrate/rialto/item"
)

// unkept handles a field that the target does not keep, by its policy.
func (w *fitting) unkept(from item.Item, field item.Field, v any) {
	policy := lostPolicy(from.Kind, field.Name)
	switch {
	case from.Kind == item.Board && field.Name == item.Description.Name:
		w.lose(from.Kind, field.Name, w.spec.Policies.BoardDescription, from.ID)
		return
	case field.Name == item.Closed.Name && (from.Kind == item.Task || from.Kind == item.List):
		w.lose(from.Kind, field.Name, w.spec.Policies.Archived, from.ID)
		return
	case from.Kind == item.Comment, from.Kind == item.Checklist, from.Kind == item.Attachment && field.Told:
		return // folded by commentLine, children and attached, which count them
	}
	if field.Name == item.Progress.Name && item.Done.Get(from) {
		return // done says it
	}
	w.lose(from.Kind, field.Name, policy, from.ID)
	if from.Kind != item.Task || policy == asDropped {
		return
	}
	if field.Name == item.Author.Name || field.Name == item.Created.Name {
		w.createdLine(from)
		return
	}
	w.lines = append(w.lines, w.inWords(field, v)...)
}

// createdLine is the uniform line: who made the task and when. The two fields
// share it.
func (w *fitting) createdLine(from item.Item) {
	line := "Created"
	if id := item.Author.Get(from); id != "" {
		line += " by " + w.people.name(id)
	}
	if t := item.Created.Get(from); !t.IsZero() {
		line += " on " + w.when(t)
	}
	if len(w.lines) > 0 && w.lines[0] == line {
		return
	}
	w.lines = append([]string{line}, w.lines...)
}

// inWords says a field's value as lines of text.
func (w *fitting) inWords(field item.Field, v any) []string {
	name := label(field.Name)
	switch v := v.(type) {
	case string:
		if field.Type == item.Person {
			return []string{name + ": " + w.people.name(v)}
		}
		if field.Type == item.Text {
			return []string{name + ":", w.converted(v)}
		}
		s, _ := richtext.Clean(v)
		return []string{name + ": " + s}
	case bool:
		return []string{name + ": yes"}
	case float64:
		return []string{fmt.Sprintf("%s: %g", name, v)}
	case time.Time:
		return []string{name + ": " + w.when(v)}
	case item.Ref:
		if v.Kind == item.Task {
			return []string{name + ": " + w.taskName(v)}
		}
		return []string{name + ": " + w.refName(v)}
	case []item.Ref:
		var names []string
		for _, r := range v {
			names = append(names, w.refName(r))
		}
		return []string{name + ": " + strings.Join(names, ", ")}
	case []string:
		if field.Type == item.People {
			return []string{name + ": " + w.nameAll(v)}
		}
		return []string{name + ": " + strings.Join(v, ", ")}
	case []item.FieldValue:
		var lines []string
		for _, fv := range v {
			lines = append(lines, w.refName(item.Ref{Kind: item.CustomField, ID: fv.Field})+": "+fv.Value)
		}
		return lines
	}
	return nil
}

// taskName is how a text names a task: by its address at the target, once it is
// there.
func (w *fitting) taskName(r item.Ref) string {
	if _, address, moved := w.task(r); moved && address != "" {
		return address
	}
	w.wants(taskAlias(r))
	return r.ID
}

func (w *fitting) refName(r item.Ref) string {
	if n := w.names[r]; n != "" {
		return n
	}
	return r.ID
}

func (w *fitting) converted(s string) string {
	s = w.rewrite(s)
	if w.spec.Policies.Formatting == "convert" {
		s, _ = richtext.Convert(s, w.from.Format, w.to.Format)
	}
	return s
}

// children fits those that go with their parent: into it, or into its text.
func (w *fitting) children(with []item.Item) {
	var lists, comments, files []item.Item
	for _, c := range with {
		switch c.Kind {
		case item.Checklist:
			lists = append(lists, c)
		case item.Comment:
			comments = append(comments, c)
		case item.Attachment:
			files = append(files, c)
		}
	}
	w.checklists(lists)
	w.attachments(files)
	w.comments(comments)
}

// checklists embeds as many as the target holds and folds the rest.
func (w *fitting) checklists(lists []item.Item) {
	caps, kept := w.to.Kinds[item.Checklist]
	nameKept := kept && w.to.Keeps(item.Checklist, item.Name.Name)
	var embedded *item.Item
	for i, c := range lists {
		switch {
		case !kept:
			w.lose(item.Checklist, "*", asText, c.ID)
			w.fold(c)
		case caps.Max == 0 || i < caps.Max:
			fitted := item.Item{Ref: item.Ref{Kind: item.Checklist}, Fields: item.Fields{}}
			w.fields(c, &fitted, false)
			w.u.children = append(w.u.children, fitted)
			w.u.from = append(w.u.from, c.Ref)
			embedded = &w.u.children[len(w.u.children)-1]
		case w.spec.Policies.SecondChecklist == asMerged:
			w.lose(item.Checklist, "*", asMerged, c.ID)
			have := item.Entries.Get(*embedded)
			limits := caps.Fields[item.Entries.Name]
			if limits.MaxCount > 0 {
				if limits.MaxCount -= len(have); limits.MaxCount <= 0 {
					limits.MaxCount = full
				}
			}
			if more, ok := w.checks(c, limits, item.Entries.Get(c)).([]item.Check); ok {
				item.Entries.Set(embedded, append(have, more...))
			}
			w.u.folded = append(w.u.folded, c.Ref)
		case w.spec.Policies.SecondChecklist == asText:
			w.lose(item.Checklist, "*", asText, c.ID)
			w.fold(c)
		default:
			w.lose(item.Checklist, "*", asDropped, c.ID)
			w.u.dropped = append(w.u.dropped, c.Ref)
		}
	}
	if kept && !nameKept {
		var names []string
		for _, c := range lists {
			if n := item.Name.Get(c); n != "" {
				w.lose(item.Checklist, item.Name.Name, asText, c.ID)
				names = append(names, fmt.Sprintf("%s (%d)", n, len(item.Entries.Get(c))))
			}
		}
		if len(names) > 0 {
			w.lines = append(w.lines, "Checklists: "+strings.Join(names, ", "))
		}
	}
}

// full is a MaxCount that nothing more fits in.
const full = -1

// checks fits the entries of a checklist. What is beyond the limit goes to the
// text.
func (w *fitting) checks(from item.Item, limits connector.FieldCaps, entries []item.Check) any {
	_, dues := w.to.Kinds[item.Checklist].Fields[item.EntryDue.Name]
	_, people := w.to.Kinds[item.Checklist].Fields[item.EntryAssignee.Name]
	var out, rest []item.Check
	var long []string
	for _, c := range entries {
		title, changed := richtext.Clean(richtext.ReplaceLinks(c.Title, w.address))
		if changed {
			w.loseMarks(item.Checklist, item.Entries.Name, from.ID)
		}
		if limits.Needed && strings.TrimSpace(title) == "" {
			w.lose(item.Checklist, item.Entries.Name, asFilled, from.ID)
			title = untitled
		}
		fitted := item.Check{Done: c.Done}
		if !c.Due.IsZero() {
			if dues {
				fitted.Due = c.Due.UTC().Truncate(time.Second)
			} else {
				w.lose(item.Checklist, item.EntryDue.Name, asText, from.ID)
				title += " (due " + w.when(c.Due) + ")"
			}
		}
		if c.Assignee != "" {
			to, ok := w.people.target(c.Assignee)
			if people && ok {
				fitted.Assignee = to
			} else {
				w.lose(item.Checklist, item.EntryAssignee.Name, asText, from.ID)
				title += " (" + w.people.name(c.Assignee) + ")"
			}
		}
		head, tail := cut(title, limits.MaxChars)
		if tail != "" {
			w.loseEnd(item.Checklist, item.Entries.Name, from.ID)
			long = append(long, tick(c.Done)+" "+title)
		}
		fitted.Title = head
		if limits.MaxCount == full || limits.MaxCount > 0 && len(out) >= limits.MaxCount {
			fitted.Title = title
			rest = append(rest, fitted)
			w.hit(item.Checklist, item.Entries.Name, w.to.Kinds[item.Checklist].Fields[item.Entries.Name].MaxCount)
			w.lose(item.Checklist, item.Entries.Name, asText, from.ID)
			continue
		}
		out = append(out, fitted)
	}
	if len(long) > 0 {
		w.tail = append(w.tail, "In full:\n"+strings.Join(long, "\n"))
	}
	if len(rest) > 0 {
		w.tail = append(w.tail, w.checklistText(item.Name.Get(from)+", continued", rest))
	}
	return out
}

func tick(done bool) string {
	if done {
		return "[x]"
	}
	return "[ ]"
}

// fold makes a checklist a section of the text.
func (w *fitting) fold(c item.Item) {
	entries := item.Entries.Get(c)
	lines := make([]item.Check, 0, len(entries))
	for _, e := range entries {
		title, _ := richtext.Clean(richtext.ReplaceLinks(e.Title, w.address))
		if !e.Due.IsZero() {
			title += " (due " + w.when(e.Due) + ")"
		}
		if e.Assignee != "" {
			title += " (" + w.people.name(e.Assignee) + ")"
		}
		lines = append(lines, item.Check{Title: title, Done: e.Done})
	}
	w.tail = append(w.tail, w.checklistText(item.Name.Get(c), lines))
	w.u.folded = append(w.u.folded, c.Ref)
}

func (w *fitting) checklistText(name string, entries []item.Check) string {
	lines := []string{strings.TrimSuffix("Checklist "+name, " ") + ":"}
	for _, e := range entries {
		lines = append(lines, tick(e.Done)+" "+e.Title)
	}
	return strings.Join(lines, "\n")
}

// attachments embeds as many as the target holds; what is beyond becomes text.
// Who attached each and when goes to the text for all.
func (w *fitting) attachments(files []item.Item) {
	caps, kept := w.to.Kinds[item.Attachment]
	var lines []string
	embedded := 0
	for _, a := range files {
		if w.tooLarge(a) && w.spec.Policies.LargeAttachment == asDropped {
			w.lose(item.Attachment, item.Content.Name, asDropped, a.ID)
			w.u.dropped = append(w.u.dropped, a.Ref)
			continue
		}
		own := kept && caps.Embedded == "" && !w.asText(a)
		here := own || kept && caps.Embedded != "" && !w.asText(a) && (caps.Max == 0 || embedded < caps.Max)
		if here && !own {
			embedded++
			fitted := item.Item{Ref: item.Ref{Kind: item.Attachment}, URL: a.URL, Blob: a.Blob, Fields: item.Fields{}}
			w.fields(a, &fitted, false)
			w.u.children = append(w.u.children, fitted)
			w.u.from = append(w.u.from, a.Ref)
		}
		line := "- " + w.address(item.Name.Get(a)) // Trello calls a link by its address
		if !here {
			w.attachmentText(a, caps, kept)
			if address := addressOf(a); address != "" && address != item.Name.Get(a) {
				line += " (" + w.address(address) + ")"
			}
		}
		told := w.toldOf(a)
		if told != "" {
			line += ", " + told
		}
		if told != "" || !here {
			lines = append(lines, line)
		}
	}
	if len(lines) > 0 {
		w.tail = append(w.tail, "Attachments:\n"+strings.Join(lines, "\n"))
	}
}

// attachmentText counts an attachment that becomes text, for the reason that
// holds.
func (w *fitting) attachmentText(a item.Item, caps connector.KindCaps, kept bool) {
	w.u.folded = append(w.u.folded, a.Ref)
	switch {
	case kept && w.tooLarge(a):
		w.lose(item.Attachment, item.Content.Name, asText, a.ID)
	case kept && w.asText(a):
		w.loseFor(item.Attachment, "*", asText, a.ID, w.because(item.Attachment, item.Address.Name))
	default:
		if kept {
			w.hit(item.Attachment, "", caps.Max)
		}
		w.lose(item.Attachment, "*", asText, a.ID)
	}
}

// toldOf says who made an item and when, where the target cannot hold it.
func (w *fitting) toldOf(it item.Item) string {
	var parts []string
	if id := item.Author.Get(it); id != "" && !w.to.Keeps(it.Kind, item.Author.Name) {
		w.lose(it.Kind, item.Author.Name, asLine, it.ID)
		parts = append(parts, w.people.name(id))
	}
	if t := item.Created.Get(it); !t.IsZero() && !w.to.Keeps(it.Kind, item.Created.Name) {
		w.lose(it.Kind, item.Created.Name, asLine, it.ID)
		parts = append(parts, w.when(t))
	}
	return strings.Join(parts, ", ")
}

// comments folds the comments that the target has no place for into the text.
func (w *fitting) comments(comments []item.Item) {
	var parts []string
	for _, c := range comments {
		w.lose(item.Comment, "*", asText, c.ID)
		w.u.folded = append(w.u.folded, c.Ref)
		var head []string
		if id := item.Author.Get(c); id != "" {
			head = append(head, w.people.name(id))
		}
		if t := item.Created.Get(c); !t.IsZero() {
			head = append(head, w.when(t))
		}
		if t := item.Edited.Get(c); !t.IsZero() {
			head = append(head, "edited "+w.when(t))
		}
		parts = append(parts, strings.Join(head, ", ")+":\n"+w.converted(item.Body.Get(c)))
	}
	if len(parts) > 0 {
		w.tail = append(w.tail, "Comments:\n"+strings.Join(parts, "\n\n"))
	}
}
