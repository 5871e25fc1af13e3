package redmine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// source reads a Redmine.
type source struct {
	*cloud
	size int // how many issues a page holds
}

const afterIssue = "after:"

// parseCursor returns the number of the last issue that was listed; frame is
// true at the beginning, before the project itself was.
func parseCursor(c connector.Cursor) (after int, frame bool, err error) {
	if c == "" {
		return 0, true, nil
	}
	s, ok := strings.CutPrefix(string(c), afterIssue)
	if ok && s == "0" {
		return 0, false, nil
	}
	if n, num := number(s); ok && num {
		return n, false, nil
	}
	return 0, false, connector.Errorf(connector.Permanent, "the cursor is not one of this connector").
		WithHint("let the pass begin anew")
}

func cursorAfter(issue int) connector.Cursor {
	return connector.Cursor(afterIssue + itoa(issue))
}

// List yields the project with what frames it, then its issues by their
// numbers. A cursor names the last issue that was listed, so what is deleted
// meanwhile shifts nothing.
func (s *source) List(ctx context.Context, sh connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		project, ok := number(sh.Ref.ID)
		if !ok || sh.Ref.Kind != item.Board {
			yield(connector.Page{}, connector.Errorf(connector.Permanent, "a shard of Redmine is a board with a project's number"))
			return
		}
		after, frame, err := parseCursor(from)
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		v, err := s.view(ctx, false)
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		l := &listing{source: s, view: v, project: project, told: map[item.Ref]bool{}}
		if frame {
			page, err := l.frame(ctx)
			if !yield(page, err) || err != nil {
				return
			}
		}
		for {
			page, last, err := l.page(ctx, after)
			if err != nil {
				yield(connector.Page{}, err)
				return
			}
			if !yield(page, nil) || last {
				return
			}
			if after, _, err = parseCursor(page.Next); err != nil {
				yield(connector.Page{}, err)
				return
			}
		}
	}
}

// listing is one walk over a project.
type listing struct {
	*source
	view    *view
	project int
	told    map[item.Ref]bool // members and fields that were yielded
	// hidden is true where lists are out of sight but for those in which issues
	// stand: what is not listed may be there.
	// Redmine shows a closed project's categories to nobody: reading them takes the
	// permission to manage them (lib/redmine/preparation.rb: manage_categories).
	hidden bool
}

// frame reads the project, its members, labels, fields and lists.
func (l *listing) frame(ctx context.Context) (connector.Page, error) {
	p, err := l.api.project(ctx, itoa(l.project), "trackers,enabled_modules")
	if err != nil {
		return connector.Page{}, err
	}
	board := item.Bundle{CheckItems: -1}
	var ids []string
	var members []item.Bundle
	for m, err := range l.api.memberships(ctx, p.ID) {
		if err != nil {
			return connector.Page{}, err
		}
		if m.User == nil {
			board.Unknown = addUnknown(board.Unknown, "board.group")
			continue
		}
		if len(m.Roles) > 0 {
			board.Unknown = addUnknown(board.Unknown, "member.role")
		}
		ids = append(ids, itoa(m.User.ID))
		if members, err = l.tell(ctx, members, *m.User); err != nil {
			return connector.Page{}, err
		}
	}
	board.Item = l.view.board(p, ids)
	if p.Parent != nil {
		board.Unknown = addUnknown(board.Unknown, "board.parent")
	}
	for _, cf := range p.CustomFields {
		if len(cf.values()) > 0 {
			board.Unknown = addUnknown(board.Unknown, "board.custom-field")
		}
	}
	if err := l.others(ctx, p, &board); err != nil {
		return connector.Page{}, err
	}
	page := connector.Page{Bundles: append([]item.Bundle{board}, members...), Next: cursorAfter(0)}
	add := func(items ...item.Item) {
		for _, it := range items {
			page.Bundles = append(page.Bundles, item.Bundle{Item: it, CheckItems: -1})
		}
	}
	add(l.view.labels(p.ID)...)
	categories, err := l.api.categories(ctx, p.ID)
	if err != nil && !outOfSight(err) {
		return connector.Page{}, err
	}
	if l.hidden = err != nil; l.hidden {
		if categories, err = l.usedCategories(ctx); err != nil {
			return connector.Page{}, err
		}
	}
	versions, err := l.api.versions(ctx, p.ID)
	if err != nil && !outOfSight(err) {
		return connector.Page{}, err
	}
	l.hidden = l.hidden || err != nil
	add(l.view.builtIn(p, categories, versions)...)
	add(l.view.lists(p.ID, categories, versions)...)
	return page, nil
}

// usedCategories are the categories in which issues of the project stand, by
// name, as the server sorts them (app/models/project.rb: has_many
// :issue_categories).
func (l *listing) usedCategories(ctx context.Context) ([]named, error) {
	seen := map[int]named{}
	for after := 0; ; {
		heads, total, err := l.api.issues(ctx, l.project, url.Values{"limit": {itoa(maxLimit)}, "issue_id": {">=" + itoa(after+1)}})
		if outOfSight(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for _, h := range heads {
			after = max(after, h.ID)
			if h.Category != nil {
				seen[h.Category.ID] = *h.Category
			}
		}
		if total <= len(heads) || len(heads) == 0 {
			return slices.SortedFunc(maps.Values(seen), func(a, b named) int { return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) }), nil
		}
	}
}

// outOfSight: what the module issue_tracking brings is refused where it is
// switched off.
func outOfSight(err error) bool {
	c := connector.ClassOf(err)
	return c == connector.Forbidden || c == connector.Gone
}

// lists returns what stands for lists, in the server's order.
func (v *view) lists(project int, categories []named, versions []apiVersion) []item.Item {
	var out []item.Item
	switch v.cfg.listsAs {
	case asVersion:
		for _, ver := range versions {
			out = append(out, v.list(project, ver.ID, ver.Name, ver.Status == "closed"))
		}
	case asStatus:
		for _, s := range v.statuses {
			out = append(out, v.list(project, s.ID, s.Name, false))
		}
	default:
		for _, c := range categories {
			out = append(out, v.list(project, c.ID, c.Name, false))
		}
	}
	return out
}

// others reports what a project holds beside issues, where a module for it is
// switched on and there is some.
func (l *listing) others(ctx context.Context, p apiProject, board *item.Bundle) error {
	id := itoa(p.ID)
	for _, m := range []struct {
		module, path, key string
		query             url.Values
	}{
		{"wiki", "/projects/" + id + "/wiki/index.json", "wiki_pages", nil},
		{"news", "/projects/" + id + "/news.json", "news", url.Values{"limit": {"1"}}},
		{"files", "/projects/" + id + "/files.json", "files", nil},
	} {
		if !slices.ContainsFunc(p.Modules, func(n named) bool { return n.Name == m.module }) {
			continue
		}
		var out map[string]any
		if err := l.api.get(ctx, m.path, m.query, &out); err != nil {
			if outOfSight(err) {
				continue
			}
			return err
		}
		if all, _ := out[m.key].([]any); len(all) > 0 {
			board.Unknown = addUnknown(board.Unknown, "board."+m.module)
		}
	}
	return nil
}

// page reads the issues after a number, each by itself, because journals come
// with the single issue only. last is true if there are no more.
func (l *listing) page(ctx context.Context, after int) (connector.Page, bool, error) {
	heads, total, err := l.api.issues(ctx, l.project, url.Values{"limit": {itoa(l.size)}, "issue_id": {">=" + itoa(after+1)}})
	if err != nil && !(after == 0 && outOfSight(err)) {
		return connector.Page{}, false, err
	}
	page := connector.Page{Next: cursorAfter(after)}
	ids := make([]int, len(heads))
	for i, h := range heads {
		if h.ID <= after {
			return connector.Page{}, false, connector.Errorf(connector.Malformed, "GET /issues.json: the server does not filter by issue_id").
				WithHint("Redmine 5.0 or later is needed")
		}
		ids[i] = h.ID
		page.Next = cursorAfter(h.ID)
		after = h.ID
	}
	issues, err := l.details(ctx, ids)
	if err != nil {
		return connector.Page{}, false, err
	}
	var tasks []item.Bundle
	for _, is := range issues {
		if page.Bundles, err = l.refers(ctx, page.Bundles, is); err != nil {
			return connector.Page{}, false, err
		}
		b, err := l.bundle(ctx, l.view, is)
		if err != nil {
			return connector.Page{}, false, err
		}
		tasks = append(tasks, b)
	}
	page.Bundles = append(page.Bundles, tasks...)
	last := total <= len(heads)
	if last {
		page.Whole = []item.Kind{item.Board, item.Member, item.CustomField, item.Task, item.Comment, item.Attachment}
		if !l.hidden {
			page.Whole = append(page.Whole, item.List)
		}
		if l.view.labelField.ID != 0 {
			page.Whole = append(page.Whole, item.Label)
		}
	}
	return page, last, nil
}

// details reads issues whole, several side by side, in order; one that is gone
// is left out.
func (c *cloud) details(ctx context.Context, ids []int) ([]apiIssue, error) {
	got := make([]apiIssue, len(ids))
	errs := make([]error, len(ids))
	each(len(ids), func(i int) { got[i], errs[i] = c.api.issue(ctx, ids[i], withAll) })
	var out []apiIssue
	for i := range ids {
		switch {
		case errs[i] == nil:
			out = append(out, got[i])
		case !outOfSight(errs[i]):
			return nil, errs[i]
		}
	}
	return out, nil
}

// refers adds the members and fields that an issue refers to and that were not
// yielded yet.
func (l *listing) refers(ctx context.Context, out []item.Bundle, is apiIssue) ([]item.Bundle, error) {
	who := slices.Clone(is.Watchers)
	for _, p := range []*named{is.Author, is.AssignedTo} {
		if p != nil {
			who = append(who, *p)
		}
	}
	for _, j := range comments(is) {
		if j.User != nil {
			who = append(who, *j.User)
		}
	}
	for _, a := range is.Attachments {
		if a.Author != nil {
			who = append(who, *a.Author)
		}
	}
	out, err := l.tell(ctx, out, who...)
	if err != nil {
		return nil, err
	}
	for _, cf := range is.CustomFields {
		if !l.view.carried(cf) {
			continue
		}
		if it := l.view.custom(l.project, cf); !l.told[it.Ref] {
			l.told[it.Ref] = true
			out = append(out, item.Bundle{Item: it, CheckItems: -1})
		}
	}
	return out, nil
}

// tell adds those people that were not yielded yet.
func (l *listing) tell(ctx context.Context, out []item.Bundle, who ...named) ([]item.Bundle, error) {
	for _, p := range who {
		ref := item.Ref{Kind: item.Member, ID: itoa(p.ID)}
		if l.told[ref] {
			continue
		}
		u, err := l.facts.person(ctx, p)
		if err != nil {
			return nil, err
		}
		l.told[ref] = true
		out = append(out, item.Bundle{Item: l.view.member(l.project, u), CheckItems: -1})
	}
	return out, nil
}

// bundle is an issue with all that lies in it.
func (c *cloud) bundle(ctx context.Context, v *view, is apiIssue) (item.Bundle, error) {
	b := item.Bundle{Item: v.task(is), CheckItems: -1}
	values, file, err := c.values(ctx, v, is)
	if err != nil {
		return b, err
	}
	item.FieldValues.Set(&b.Item, values)
	for _, j := range comments(is) {
		b.Children = append(b.Children, v.comment(is, j))
	}
	for _, a := range is.Attachments {
		b.Children = append(b.Children, v.attachment(is, a))
	}
	note := func(there bool, path string) {
		if there {
			b.Unknown = addUnknown(b.Unknown, path)
		}
	}
	note(file, "task.custom-field-file")
	note(len(is.Relations) > 0, "task.relations")
	note(is.Private, "task.private")
	note(is.SpentHours > 0, "task.spent-hours")
	note(slices.ContainsFunc(is.Journals, func(j apiJournal) bool { return len(j.Details) > 0 }), "task.history")
	note(slices.ContainsFunc(is.Journals, func(j apiJournal) bool { return j.Private && strings.TrimSpace(j.Notes) != "" }), "comment.private")
	note(slices.ContainsFunc(is.Attachments, func(a apiAttachment) bool {
		_, ours := storedName(a.Filename, a.Description)
		return !ours
	}), "attachment.description")
	return b, nil
}

func addUnknown(all []string, path string) []string {
	if slices.Contains(all, path) {
		return all
	}
	return append(all, path)
}

// Fetch yields items afresh: issues with all that lies in them, and what frames
// a project as List does.
func (s *source) Fetch(ctx context.Context, sh connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		project, ok := number(sh.Ref.ID)
		if !ok {
			return
		}
		v, err := s.view(ctx, false)
		if err != nil {
			yield(item.Bundle{}, err)
			return
		}
		f := &fetching{cloud: s.cloud, view: v, project: project, whole: true}
		f.yield(ctx, refs, yield)
	}
}

// Open streams a part of an attachment.
func (s *source) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	_, id, ok := numbers(b.Ref.ID)
	if !ok || b.Ref.Kind != item.Attachment {
		return nil, connector.Errorf(connector.Permanent, "this blob is no attachment of Redmine")
	}
	if b.Version != "" && b.Version != itoa(id) {
		return nil, connector.Errorf(connector.Conflict, "attachment %d: its bytes are no longer those that were listed", id)
	}
	q := connector.Request{Method: http.MethodGet, URL: s.api.at("/attachments/download/"+itoa(id), nil), Header: http.Header{}}
	if offset > 0 || n >= 0 {
		last := ""
		if n >= 0 {
			last = fmt.Sprint(offset + max(n, 1) - 1)
		}
		q.Header.Set("Range", fmt.Sprintf("bytes=%d-%s", offset, last))
	}
	resp, err := s.api.http.Do(ctx, q)
	if err != nil {
		return nil, err
	}
	// Redmine itself sends the whole file; a web server in front may send the
	// part (X-Sendfile).
	if resp.StatusCode != http.StatusPartialContent && offset > 0 {
		if _, err := io.CopyN(io.Discard, resp.Body, offset); err != nil {
			resp.Body.Close()
			if errors.Is(err, io.EOF) {
				return nil, connector.Errorf(connector.Conflict, "attachment %d is shorter than it was said to be", id)
			}
			return nil, &connector.Error{Class: connector.Transient, Reason: fmt.Sprintf("attachment %d: the answer was cut off", id), Err: err}
		}
	}
	if n < 0 {
		return resp.Body, nil
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, n), resp.Body}, nil
}

// Locate tells which item a URL names.
func (s *source) Locate(raw string) (string, bool) { return locate(s.cfg.base, raw) }
