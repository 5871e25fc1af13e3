package standin

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	shared "github.com/rialto-migrate/rialto/connector/standin"
)

// categoryColors are the fixed colours of the 25 categories
// (docs: plannercategorydescriptions).
func categoryColors() []string {
	return []string{"pink", "red", "yellow", "green", "blue", "purple", "bronze", "lime", "cyan", "gray", "silver", "brown", "cranberry",
		"orange", "peach", "marigold", "light green", "dark green", "teal", "light blue", "dark blue", "lavender", "plum", "light gray", "dark gray"}
}

func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	shared.RenderBoards(w, "Microsoft Planner (stand-in)", s.PageBoards())
}

// serveWeb redirects the address of a plan or task, as people follow it, to its
// place on the page: /webui/plan/PLAN/view/board/task/TASK.
func (s *Server) serveWeb(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	slices.Reverse(parts)
	s.mu.Lock()
	at := slices.IndexFunc(parts, func(id string) bool { return s.tasks[id] != nil || s.plans[id] != nil })
	s.mu.Unlock()
	if at < 0 {
		http.NotFound(w, r)
		return
	}
	http.Redirect(w, r, "/#"+parts[at], http.StatusFound)
}

// PageBoards implements standin.Shown: every plan, with its buckets side by
// side as Planner's own board shows them.
func (s *Server) PageBoards() []shared.PageBoard {
	s.mu.Lock()
	defer s.mu.Unlock()
	var plans []*plan
	for _, p := range s.plans {
		plans = append(plans, p)
	}
	slices.SortFunc(plans, func(a, b *plan) int {
		return cmp.Or(a.created.Compare(b.created), strings.Compare(a.id, b.id))
	})
	out := make([]shared.PageBoard, 0, len(plans))
	for _, p := range plans {
		out = append(out, s.pageBoard(p))
	}
	return out
}

func (s *Server) pageBoard(p *plan) shared.PageBoard {
	b := shared.PageBoard{ID: p.id, Cloud: "Planner", Name: p.title}
	g := s.groups[p.group]
	if g != nil {
		b.Description = "Group: " + g.name
		if g.description != "" {
			b.Description += "\n" + g.description
		}
		for _, id := range g.members {
			b.Members = append(b.Members, s.userName(id))
		}
	}
	for i, name := range categoryNames() {
		if text := p.categories[name]; text != "" {
			b.Labels = append(b.Labels, shared.PageLabel{Name: text, Color: categoryColors()[i]})
		}
	}
	files := s.filesOf(g)
	for _, col := range s.columns(p.id) {
		c := shared.PageColumn{Name: col.name}
		for _, t := range col.tasks {
			c.Cards = append(c.Cards, s.pageCard(p, g, t, files))
		}
		b.Columns = append(b.Columns, c)
	}
	return b
}

func (s *Server) userName(id string) string {
	if u := s.users[id]; u != nil {
		return u.name
	}
	return "somebody"
}

type column struct {
	name  string
	tasks []*task
}

// columns are a plan's buckets in their order, each with its tasks in the
// order of the bucket board; tasks without a bucket come last.
func (s *Server) columns(planID string) []column {
	var buckets []*bucket
	for _, b := range s.buckets {
		if b.plan == planID {
			buckets = append(buckets, b)
		}
	}
	slices.SortFunc(buckets, func(a, b *bucket) int {
		return cmp.Or(strings.Compare(a.hint, b.hint), strings.Compare(a.id, b.id))
	})
	held := map[string][]*task{}
	for _, t := range s.tasks {
		if t.plan == planID {
			held[t.bucket] = append(held[t.bucket], t)
		}
	}
	for _, tasks := range held {
		slices.SortFunc(tasks, func(a, b *task) int {
			return cmp.Or(strings.Compare(a.bucketHint, b.bucketHint), strings.Compare(a.id, b.id))
		})
	}
	var out []column
	for _, b := range buckets {
		out = append(out, column{b.name, held[b.id]})
	}
	if loose := held[""]; len(loose) > 0 {
		out = append(out, column{"No bucket", loose})
	}
	return out
}

// checks are a task's checklist in its order.
func (t *task) checks() []*check {
	ids := sortedIDs(t.checklist)
	slices.SortStableFunc(ids, func(a, b string) int { return strings.Compare(t.checklist[a].hint, t.checklist[b].hint) })
	out := make([]*check, len(ids))
	for i, id := range ids {
		out[i] = t.checklist[id]
	}
	return out
}

// address is what a reference points at.
func address(key string) string {
	plain, err := decodeKey(key)
	if err != nil {
		return key
	}
	return plain
}

func (s *Server) pageCard(p *plan, g *group, t *task, files map[string]*driveItem) shared.PageCard {
	c := shared.PageCard{ID: t.id, Title: t.title, Description: t.description, Done: t.percent == 100, Start: dayOf(t.start), Due: dayOf(t.due)}
	for i, name := range categoryNames() {
		if t.categories[name] {
			c.Labels = append(c.Labels, shared.PageLabel{Name: cmp.Or(p.categories[name], name), Color: categoryColors()[i]})
		}
	}
	for _, id := range sortedIDs(t.assigned) {
		c.Members = append(c.Members, s.userName(id))
	}
	if len(t.checklist) > 0 {
		list := shared.PageChecklist{Name: "Checklist"}
		for _, e := range t.checks() {
			list.Items = append(list.Items, shared.PageCheck{Title: e.title, Done: e.done})
		}
		c.Checklists = []shared.PageChecklist{list}
	}
	keys := sortedIDs(t.references)
	slices.SortStableFunc(keys, func(a, b string) int { return strings.Compare(t.references[a].hint, t.references[b].hint) })
	for _, k := range keys {
		a := shared.PageAttachment{Name: t.references[k].alias, URL: address(k), Bytes: -1}
		if g != nil {
			if _, below, ok := strings.Cut(a.URL, "/sites/"+g.nickname); ok && files[below] != nil {
				a.Bytes = files[below].data.size
			}
		}
		c.Attachments = append(c.Attachments, a)
	}
	if g != nil && g.threads[t.thread] != nil {
		for _, p := range g.threads[t.thread].posts {
			c.Comments = append(c.Comments, shared.PageComment{Author: p.fromName, At: p.at, Text: textOf(p.content)})
		}
	}
	if t.percent > 0 && t.percent < 100 {
		c.Notes = append(c.Notes, fmt.Sprintf("%d %% done", t.percent))
	}
	switch {
	case t.priority <= 1:
		c.Notes = append(c.Notes, "urgent")
	case t.priority <= 4:
		c.Notes = append(c.Notes, "important")
	case t.priority >= 8:
		c.Notes = append(c.Notes, "low priority")
	}
	return c
}

// dayOf is a time as Planner shows it: the day alone.
func dayOf(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(24 * time.Hour)
}

// filesOf are a group's files by their web address below the group's site.
func (s *Server) filesOf(g *group) map[string]*driveItem {
	out := map[string]*driveItem{}
	if g == nil || s.drives[g.drive] == nil {
		return out
	}
	d := s.drives[g.drive]
	for _, it := range d.items {
		if !it.folder {
			out[webURL("", d.pathOf(it))] = it
		}
	}
	return out
}
