package redmine

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/item"
)

// A view turns Redmine's answers into items, with what must be known for that.
type view struct {
	cfg        config
	api        *api
	me         int // the owner of the key
	statuses   []apiStatus
	prios      []apiPriority
	ranks      map[string]int
	fields     []apiField
	mark       int      // the custom field with marks; 0 if there is none
	labelField apiField // zero if labels have none
	// target: the items are to be compared with what was written, so comments
	// tell whether their author was known.
	target bool
}

// view asks for what is not known yet.
func (c *cloud) view(ctx context.Context, target bool) (*view, error) {
	v := &view{cfg: c.cfg, api: c.api, target: target}
	me, err := c.facts.me(ctx)
	if err != nil {
		return nil, err
	}
	v.me = me.ID
	if v.statuses, err = c.facts.statuses(ctx); err != nil {
		return nil, err
	}
	if v.prios, err = c.facts.priorities(ctx); err != nil {
		return nil, err
	}
	if v.ranks = c.cfg.priorities; v.ranks == nil {
		v.ranks = rankPriorities(v.prios)
	}
	if v.fields, err = c.facts.fields(ctx); err != nil {
		return nil, err
	}
	if d, ok := findField(v.fields, markField); ok {
		v.mark = d.ID
	}
	if c.cfg.labels != 0 {
		v.labelField, _ = fieldByID(v.fields, c.cfg.labels)
	}
	return v, nil
}

func (v *view) board(p apiProject, members []string) item.Item {
	it := item.Item{Ref: boardRef(p.ID), URL: v.api.link("/projects/"+p.Identifier, nil, ""),
		Aliases: []string{projectAlias(itoa(p.ID)), projectAlias(p.Identifier)}}
	item.Name.Set(&it, p.Name)
	item.Description.Set(&it, plainText(p.Description))
	item.Closed.Set(&it, p.Status == projectClosed)
	item.Members.Set(&it, members)
	item.Created.Set(&it, p.CreatedOn.UTC())
	return it
}

func (v *view) member(project int, u apiUser) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Member, ID: itoa(u.ID)}, Parent: boardRef(project),
		URL: v.api.link("/users/"+itoa(u.ID), nil, ""), Aliases: []string{userAlias(u.ID)}}
	item.Name.Set(&it, u.name())
	item.UserName.Set(&it, u.Login)
	item.Email.Set(&it, u.Mail)
	item.Standing.Set(&it, u.standing())
	return it
}

func (v *view) list(project, id int, name string, closed bool) item.Item {
	it := item.Item{Ref: listRef(v.cfg.listsAs, project, id), Parent: boardRef(project)}
	item.Name.Set(&it, name)
	item.Closed.Set(&it, closed)
	return it
}

func (v *view) labels(project int) []item.Item {
	var out []item.Item
	for _, p := range v.labelField.Possible {
		it := item.Item{Ref: labelRef(project, v.labelField, p.Value), Parent: boardRef(project)}
		item.Name.Set(&it, p.Label)
		out = append(out, it)
	}
	return out
}

// inList returns what stands for an issue's list.
func (v *view) inList(is apiIssue) item.Ref {
	var at *named
	switch v.cfg.listsAs {
	case asVersion:
		at = is.Version
	case asStatus:
		at = &is.Status.named
	default:
		at = is.Category
	}
	if at == nil || at.ID == 0 {
		return item.Ref{}
	}
	return listRef(v.cfg.listsAs, is.Project.ID, at.ID)
}

func (v *view) closed(is apiIssue) bool {
	if is.Status.IsClosed != nil {
		return *is.Status.IsClosed
	}
	return slices.ContainsFunc(v.statuses, func(s apiStatus) bool { return s.ID == is.Status.ID && s.IsClosed })
}

// markOf returns the mark that an issue carries.
func (v *view) markOf(is apiIssue) string {
	for _, cf := range is.CustomFields {
		if v.mark != 0 && cf.ID == v.mark {
			if vals := cf.values(); len(vals) > 0 {
				return strings.TrimSpace(vals[0])
			}
		}
	}
	_, mark := cutTrailer(plainText(is.Description))
	return mark
}

// task turns an issue into a task, but for its custom values.
func (v *view) task(is apiIssue) item.Item {
	it := item.Item{Ref: taskRef(is.ID), Parent: boardRef(is.Project.ID), Changed: is.UpdatedOn.UTC(),
		URL: v.api.link("/issues/"+itoa(is.ID), nil, ""), Aliases: []string{issueAlias(is.ID)}}
	text, _ := cutTrailer(plainText(is.Description))
	item.Title.Set(&it, is.Subject)
	item.Description.Set(&it, text)
	if l := v.inList(is); !l.Zero() {
		item.InList.Set(&it, l)
	}
	item.Start.Set(&it, day(is.StartDate))
	item.Due.Set(&it, day(is.DueDate))
	done := v.closed(is)
	item.Done.Set(&it, done)
	if !done || is.DoneRatio != 100 {
		item.Progress.Set(&it, is.DoneRatio)
	}
	item.Priority.Set(&it, ourPriority(v.prios, v.ranks, is.Priority.ID))
	if is.AssignedTo != nil {
		item.Assignees.Set(&it, []string{itoa(is.AssignedTo.ID)})
	}
	if is.Parent != nil {
		item.ParentTask.Set(&it, taskRef(is.Parent.ID))
	}
	item.Watchers.Set(&it, people(is.Watchers))
	if v.labelField.ID != 0 {
		var refs []item.Ref
		for _, cf := range is.CustomFields {
			if cf.ID != v.labelField.ID {
				continue
			}
			for _, val := range cf.values() {
				refs = append(refs, labelRef(is.Project.ID, v.labelField, val))
			}
		}
		item.Labels.Set(&it, refs)
	}
	item.Created.Set(&it, is.CreatedOn.UTC())
	if is.Author != nil {
		item.Author.Set(&it, itoa(is.Author.ID))
	}
	return it
}

func (v *view) comment(is apiIssue, j apiJournal) item.Item {
	it := item.Item{Ref: commentRef(is.ID, j.ID), Parent: taskRef(is.ID),
		URL: v.api.link("/issues/"+itoa(is.ID), nil, "change-"+itoa(j.ID)), Aliases: []string{journalAlias(j.ID)}}
	text, author := plainText(j.Notes), ""
	if j.User != nil {
		author = itoa(j.User.ID)
	}
	if v.cfg.switchUser && j.User != nil && j.User.ID == v.me {
		// What people write may end in a line end too: where nothing is known to be
		// ours, the line at the head that names the author must be there besides.
		said, own := readOwnNote(text)
		if !own && (v.target || headed(said)) {
			author = ""
		}
		if v.target || own || author == "" {
			text = said
		}
	}
	item.Body.Set(&it, text)
	item.Author.Set(&it, author)
	item.Created.Set(&it, j.CreatedOn.UTC())
	return it
}

// comments returns the journals that say something, the oldest first. The
// server lists them newest first to people who wish it so.
func comments(is apiIssue) []apiJournal {
	out := slices.DeleteFunc(slices.Clone(is.Journals), func(j apiJournal) bool { return strings.TrimSpace(j.Notes) == "" })
	slices.SortFunc(out, func(a, b apiJournal) int { return a.ID - b.ID })
	return out
}

func (v *view) attachment(is apiIssue, a apiAttachment) item.Item {
	it := item.Item{Ref: attachmentRef(is.ID, a.ID), Parent: taskRef(is.ID),
		URL: v.api.link("/attachments/"+itoa(a.ID), nil, ""), Aliases: []string{attachmentAlias(a.ID)}}
	name, _ := storedName(a.Filename, a.Description)
	item.Name.Set(&it, name)
	item.MediaType.Set(&it, storedType(a.ContentType))
	item.Created.Set(&it, a.CreatedOn.UTC())
	if a.Author != nil {
		item.Author.Set(&it, itoa(a.Author.ID))
	}
	// The bytes of an attachment never change (app/models/attachment.rb), so its
	// number pins them.
	it.Blob = &item.Blob{Ref: it.Ref, Parent: it.Parent, Version: itoa(a.ID), Bytes: a.Filesize,
		URL: v.api.link("/attachments/download/"+itoa(a.ID), nil, "")}
	return it
}

func people(who []named) []string {
	var out []string
	for _, w := range who {
		out = append(out, itoa(w.ID))
	}
	return out
}

// day reads a date; the zero time for none.
func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// dayText writes a date; "" for none.
func dayText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}
