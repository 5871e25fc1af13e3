package trello

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

func (t *target) writeComment(ctx context.Context, c connector.Change) (item.Item, error) {
	p := params{"text": item.Body.Get(c.Item)}
	var a action
	var err error
	if c.Op == connector.Create {
		err = t.api.send(ctx, http.MethodPost, "/cards/"+url.PathEscape(c.Item.Parent.ID)+"/actions/comments", p, &a)
	} else {
		err = t.api.send(ctx, http.MethodPut, "/actions/"+url.PathEscape(c.Item.ID), p, &a)
	}
	if err != nil {
		return item.Item{}, err
	}
	if a.Data.v.Card.v.ID == "" {
		a.Data.v.Card.v.ID = text(c.Item.Parent.ID)
	}
	return commentItem(a), nil
}

// writeChecklist makes or changes a checklist and its entries. An entry takes a
// request of its own at a place that follows from its number, so that a
// checklist which was written in part is completed by an update.
func (t *target) writeChecklist(ctx context.Context, c connector.Change, pos number) (item.Item, error) {
	p := params{}
	if dirty(c, item.Name.Field) {
		p["name"] = item.Name.Get(c.Item)
	}
	if pos > 0 {
		p["pos"] = float64(pos)
	}
	var l checklist
	if c.Op == connector.Create {
		p["idCard"] = c.Item.Parent.ID
		if err := t.api.send(ctx, http.MethodPost, "/checklists", p, &l); err != nil {
			return item.Item{}, err
		}
	} else {
		if len(p) > 0 {
			if err := t.api.send(ctx, http.MethodPut, "/checklists/"+url.PathEscape(c.Item.ID), p, nil); err != nil {
				return item.Item{}, err
			}
		}
		var err error
		if l, err = t.api.checklist(ctx, c.Item.ID); err != nil {
			return item.Item{}, err
		}
	}
	l.Card = text(cmp.Or(c.Item.Parent.ID, string(l.Card)))
	if dirty(c, item.Entries.Field) || slices.Contains(c.Dirty, item.EntryDue.Name) || slices.Contains(c.Dirty, item.EntryAssignee.Name) {
		if err := t.writeEntries(ctx, &l, item.Entries.Get(c.Item)); err != nil {
			if c.Op == connector.Create {
				err = half(err)
			}
			return item.Item{}, err
		}
	}
	return checklistItem(l), nil
}

// writeEntries makes a checklist hold these entries. What is there is found by
// order and title; what is left over is deleted.
func (t *target) writeEntries(ctx context.Context, l *checklist, want []item.Check) error {
	have := sortedItems(*l)
	out := make([]checkItem, len(want))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lanes)
	path := "/checklists/" + url.PathEscape(string(l.ID)) + "/checkItems"
	for i, w := range want {
		pos := number(step / 4 * (i + 1))
		at := slices.IndexFunc(have, func(e checkItem) bool { return string(e.Name) == w.Title })
		if at < 0 {
			group.Go(func() error {
				p := params{"name": w.Title, "pos": float64(pos), "checked": w.Done}
				if !w.Due.IsZero() {
					p["due"] = stamp(w.Due)
				}
				if w.Assignee != "" {
					p["idMember"] = w.Assignee
				}
				return t.api.send(ctx, http.MethodPost, path, p, &out[i])
			})
			continue
		}
		was := have[at]
		have = slices.Delete(have, at, at+1)
		out[i] = was
		if p := entryChanges(was, w, pos); len(p) > 0 {
			group.Go(func() error {
				change := "/cards/" + url.PathEscape(string(l.Card)) + "/checkItem/" + url.PathEscape(string(was.ID))
				return t.api.send(ctx, http.MethodPut, change, p, &out[i])
			})
		}
	}
	for _, e := range have {
		group.Go(func() error { return t.api.remove(ctx, path+"/"+url.PathEscape(string(e.ID))) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	l.Items = out
	return nil
}

// entryChanges are the parameters that turn an entry into what is wanted.
func entryChanges(was checkItem, want item.Check, pos number) params {
	p := params{}
	if (was.State == "complete") != want.Done {
		p["state"] = map[bool]string{true: "complete", false: "incomplete"}[want.Done]
	}
	if !was.Due.Equal(want.Due) {
		p["due"] = when(want.Due)
	}
	if string(was.Member) != want.Assignee {
		p["idMember"] = any(want.Assignee)
		if want.Assignee == "" {
			p["idMember"] = nil
		}
	}
	if was.Pos != pos {
		p["pos"] = float64(pos)
	}
	return p
}
