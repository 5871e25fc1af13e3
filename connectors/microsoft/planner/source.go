package planner

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"iter"
	"net/url"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// pageTasks is how many tasks a page of a listing holds.
const pageTasks = 100

type source struct{ *cloud }

func (s *source) groups(ctx context.Context) ([]group, error) {
	if only := s.settings[settingGroup]; only != "" {
		g, err := s.findGroup(ctx, only)
		if err == nil && g.ID == "" {
			err = connector.Errorf(connector.Permanent, "there is no group with the name that the setting group gives").
				WithHint("check the setting, or leave it away")
		}
		return []group{g}, err
	}
	return microsoft.All(microsoft.List[group](ctx, s.graph, "/groups",
		url.Values{"$filter": {"groupTypes/any(c:c eq 'Unified')"}, "$select": {groupFields}, "$top": {"999"}}))
}

// A place is how far a listing came: behind the task with these hints and id.
// It stays right when tasks come and go meanwhile.
type place struct {
	Bucket string `json:"b"` // the bucket's hint; "" before the tasks without a bucket
	Hint   string `json:"h"`
	Task   string `json:"t"`
}

func (p place) cursor() connector.Cursor {
	b, err := json.Marshal(p)
	if err != nil { // three strings
		panic(err)
	}
	return connector.Cursor(base64.RawURLEncoding.EncodeToString(b))
}

func parsePlace(c connector.Cursor) (p place, err error) {
	b, err := base64.RawURLEncoding.DecodeString(string(c))
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil || p.Task == "" {
		return place{}, connector.Errorf(connector.Permanent, "the place to go on from cannot be read").
			WithHint("it is from another version: start the pass anew")
	}
	return p, nil
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.Bucket, q.Bucket), cmp.Compare(p.Hint, q.Hint), cmp.Compare(p.Task, q.Task))
}

// whole are the kinds that a full listing shows.
func whole() []item.Kind {
	return []item.Kind{item.Board, item.Label, item.List, item.Task, item.Checklist, item.Attachment, item.Comment}
}

// List implements connector.Source.
func (s *source) List(ctx context.Context, shard connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		f, err := s.frame(ctx, shard.Ref.ID)
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		hints := map[string]string{}
		for _, b := range f.buckets {
			hints[b.ID] = b.Hint
		}
		placeOf := func(t task) place { return place{hints[t.Bucket], t.Hint, t.ID} }
		slices.SortFunc(f.tasks, func(a, b task) int { return placeOf(a).compare(placeOf(b)) })
		known := map[string]bool{}
		first := from == ""
		tasks := f.tasks
		if !first {
			after, err := parsePlace(from)
			if err != nil {
				yield(connector.Page{}, err)
				return
			}
			i, found := slices.BinarySearchFunc(tasks, after, func(t task, p place) int { return placeOf(t).compare(p) })
			if found {
				i++
			}
			tasks = tasks[i:]
		}
		members, err := s.members(ctx, f.plan.group())
		if err != nil && !microsoft.IsForbidden(err) && !microsoft.IsGone(err) {
			yield(connector.Page{}, err)
			return
		}
		people := s.people(members)
		for {
			var page connector.Page
			if first {
				if page.Bundles, err = s.head(ctx, f, people, known); err != nil {
					yield(connector.Page{}, err)
					return
				}
				first = false
			}
			n := min(pageTasks, len(tasks))
			bundles, err := s.bundles(ctx, f.plan, tasks[:n], people, known)
			if err != nil {
				yield(connector.Page{}, err)
				return
			}
			page.Bundles = append(page.Bundles, bundles...)
			if n > 0 {
				page.Next = placeOf(tasks[n-1]).cursor()
			} else {
				page.Next = from
			}
			tasks = tasks[n:]
			if len(tasks) == 0 {
				page.Whole = whole()
			}
			if !yield(page, nil) || len(tasks) == 0 {
				return
			}
		}
	}
}

// people are those of whom more than an id is known, by id and by address.
type people struct {
	byID, byMail map[string]user
}

func (s *source) people(members []user) *people {
	p := &people{map[string]user{}, map[string]user{}}
	p.add(members)
	return p
}

func (p *people) add(users []user) {
	for _, u := range users {
		p.byID[u.ID] = u
		for _, m := range []string{u.Mail, u.UPN} {
			if m != "" {
				p.byMail[lower(m)] = u
			}
		}
	}
}

// head is what frames the tasks: board, members, labels, lists.
func (s *source) head(ctx context.Context, f frame, p *people, known map[string]bool) ([]item.Bundle, error) {
	members := f.details.SharedWith.set()
	if len(members) == 0 {
		for id := range p.byID {
			members = append(members, id)
		}
	}
	board := s.boardItem(f.plan, members)
	out := []item.Bundle{{Item: board, CheckItems: -1}}
	ids := slices.Clone(item.Members.Get(board))
	for _, t := range f.tasks {
		ids = append(append(ids, t.Assigned.set()...), t.CreatedBy.id())
	}
	people, err := s.newPeople(ctx, f.plan.ID, ids, p, known)
	if err != nil {
		return nil, err
	}
	out = append(out, people...)
	for _, slot := range slots(f.details, f.tasks) {
		out = append(out, item.Bundle{Item: labelItem(f.plan.ID, slot, f.details.Categories.text(slot)), CheckItems: -1})
	}
	for _, b := range f.buckets {
		b.Plan = f.plan.ID
		out = append(out, item.Bundle{Item: listItem(b), CheckItems: -1})
	}
	return out, nil
}

// newPeople makes a member of everybody who is not known yet. Who is no longer
// in the directory is a member with an id alone.
func (s *source) newPeople(ctx context.Context, planID string, ids []string, p *people, known map[string]bool) ([]item.Bundle, error) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var ask []string
	for _, id := range ids {
		if _, ok := p.byID[id]; !ok && id != "" && !known[id] {
			ask = append(ask, id)
		}
	}
	users, err := s.users(ctx, ask)
	if err != nil {
		return nil, err
	}
	p.add(users)
	var out []item.Bundle
	for _, id := range ids {
		if id == "" || known[id] {
			continue
		}
		known[id] = true
		u, ok := p.byID[id]
		if !ok {
			u = user{ID: id}
		}
		out = append(out, item.Bundle{Item: memberItem(u, planID), CheckItems: -1})
	}
	return out, nil
}

// bundles completes tasks; members whom only they name come before them.
func (s *source) bundles(ctx context.Context, p plan, tasks []task, who *people, known map[string]bool) ([]item.Bundle, error) {
	readings, err := s.readDetails(ctx, tasks)
	if err != nil {
		return nil, err
	}
	f, err := s.filesOf(ctx, p.group(), readings, false)
	if err != nil {
		return nil, err
	}
	posts, err := s.posts(ctx, p.group(), readings)
	if err != nil {
		return nil, err
	}
	var ids []string
	var mailers, out []item.Bundle
	for i, r := range readings {
		b, _ := s.bundle(r, f)
		ids = append(append(ids, r.task.Assigned.set()...), r.task.CreatedBy.id())
		for _, c := range b.Of(item.Attachment) {
			ids = append(ids, item.Author.Get(c))
		}
		if posts[i].hidden {
			b.Unknown = append(b.Unknown, "comment.text")
		}
		for _, c := range posts[i].posts {
			it := commentItem(r.task.ID, c)
			author := c.author()
			if u, ok := who.byMail[lower(author.Address.Address)]; ok {
				item.Author.Set(&it, u.ID)
				ids = append(ids, u.ID)
			} else if author.Address.Address != "" || author.Address.Name != "" {
				id := memberByMail(cmp.Or(author.Address.Address, author.Address.Name))
				item.Author.Set(&it, id)
				if !known[id] {
					known[id] = true
					mailers = append(mailers, item.Bundle{CheckItems: -1,
						Item: memberItem(user{ID: id, Name: author.Address.Name, Mail: author.Address.Address}, p.ID)})
				}
			}
			b.Children = append(b.Children, it)
		}
		out = append(out, b)
	}
	members, err := s.newPeople(ctx, p.ID, ids, who, known)
	if err != nil {
		return nil, err
	}
	return slices.Concat(members, mailers, out), nil
}

// Fetch implements connector.Source.
func (s *source) Fetch(ctx context.Context, shard connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		f, err := s.frame(ctx, shard.Ref.ID)
		if microsoft.IsGone(err) {
			return
		}
		if err != nil {
			yield(item.Bundle{}, err)
			return
		}
		members, err := s.members(ctx, f.plan.group())
		if err != nil && !microsoft.IsForbidden(err) && !microsoft.IsGone(err) {
			yield(item.Bundle{}, err)
			return
		}
		wanted := map[item.Ref]bool{}
		for _, r := range refs {
			wanted[r] = true
		}
		who := s.people(members)
		bundles, err := s.head(ctx, f, who, map[string]bool{})
		if err != nil {
			yield(item.Bundle{}, err)
			return
		}
		var tasks []task
		for _, t := range f.tasks {
			if wanted[item.Ref{Kind: item.Task, ID: t.ID}] {
				tasks = append(tasks, t)
			}
		}
		rest, err := s.bundles(ctx, f.plan, tasks, who, map[string]bool{})
		if err != nil {
			yield(item.Bundle{}, err)
			return
		}
		for _, b := range append(bundles, rest...) {
			if !wanted[b.Item.Ref] {
				continue
			}
			delete(wanted, b.Item.Ref)
			if !yield(b, nil) {
				return
			}
		}
	}
}

// Open implements connector.Source.
func (s *source) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	return s.openBlob(ctx, b, offset, n)
}

// Locate implements connector.Source.
func (s *source) Locate(address string) (string, bool) { return s.locate(address) }
