package trello

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// writeBoard makes a board without Trello's default lists and labels, private
// to its members, and adds these. It is closed in Finish, after it was filled.
func (t *target) writeBoard(ctx context.Context, c connector.Change) (item.Item, error) {
	p := params{}
	if dirty(c, item.Name.Field) {
		p["name"] = item.Name.Get(c.Item)
	}
	if dirty(c, item.Description.Field) {
		p["desc"] = item.Description.Get(c.Item)
	}
	closed := item.Closed.Get(c.Item)
	var made board
	if c.Op == connector.Create {
		home, err := t.home(ctx)
		if err != nil {
			return item.Item{}, err
		}
		p["defaultLists"], p["defaultLabels"], p["prefs_permissionLevel"] = false, false, "private"
		if home != "" {
			p["idOrganization"] = home
		}
		if err := t.api.send(ctx, http.MethodPost, "/boards", p, &made); err != nil {
			return item.Item{}, err
		}
		if closed {
			t.closeLater(string(made.ID))
		}
	} else {
		if dirty(c, item.Closed.Field) {
			if closed {
				t.closeLater(c.Item.ID)
			} else {
				t.keepOpen(c.Item.ID)
				p["closed"] = false
			}
		}
		made.ID = text(c.Item.ID)
		if len(p) > 0 {
			if err := t.api.send(ctx, http.MethodPut, "/boards/"+url.PathEscape(c.Item.ID), p, nil); err != nil {
				return item.Item{}, err
			}
		}
	}
	head, err := t.boardMembers(ctx, string(made.ID), c)
	if err != nil {
		if c.Op == connector.Create {
			err = half(err)
		}
		return item.Item{}, err
	}
	return boardItem(&head), nil
}

func (t *target) closeLater(id string) {
	t.mu.Lock()
	t.closing[id] = true
	t.mu.Unlock()
}

func (t *target) keepOpen(id string) {
	t.mu.Lock()
	delete(t.closing, id)
	t.mu.Unlock()
}

// boardMembers adds the members that are missing and, in an update, removes
// those that the update drops. The member who writes always belongs to the
// board. It returns the board as it is then.
func (t *target) boardMembers(ctx context.Context, id string, c connector.Change) (board, error) {
	head, err := t.api.boardHead(ctx, id)
	if err != nil {
		return board{}, err
	}
	path := "/boards/" + url.PathEscape(id) + "/members/"
	changed := false
	if dirty(c, item.Members.Field) {
		want, have := item.Members.Get(c.Item), people(&head)
		for _, m := range want {
			if !slices.Contains(have, m) {
				if err := t.api.send(ctx, http.MethodPut, path+url.PathEscape(m), params{"type": "normal"}, nil); err != nil {
					return board{}, err
				}
				changed = true
			}
		}
		if c.Op == connector.Update && c.Prev != nil {
			me, err := t.self(ctx)
			if err != nil {
				return board{}, err
			}
			for _, m := range item.Members.Get(c.Prev.Item) {
				if m != me && slices.Contains(have, m) && !slices.Contains(want, m) {
					if err := t.api.remove(ctx, path+url.PathEscape(m)); err != nil {
						return board{}, err
					}
					changed = true
				}
			}
		}
	}
	if changed {
		if head, err = t.api.boardHead(ctx, id); err != nil {
			return board{}, err
		}
	}
	head.Closed = head.Closed || flag(t.closes(id))
	return head, nil
}

func (t *target) writeLabel(ctx context.Context, c connector.Change) (item.Item, error) {
	p := params{}
	if dirty(c, item.Name.Field) {
		p["name"] = item.Name.Get(c.Item)
	}
	if dirty(c, item.Color.Field) {
		p["color"] = wireColor(item.Color.Get(c.Item))
	}
	var l label
	var err error
	if c.Op == connector.Create {
		p["idBoard"] = c.Item.Parent.ID
		err = t.api.send(ctx, http.MethodPost, "/labels", p, &l)
	} else {
		err = t.api.send(ctx, http.MethodPut, "/labels/"+url.PathEscape(c.Item.ID), p, &l)
	}
	if err != nil {
		return item.Item{}, err
	}
	return labelItem(l), nil
}

func (t *target) writeList(ctx context.Context, c connector.Change, pos number) (item.Item, error) {
	p := params{}
	if dirty(c, item.Name.Field) {
		p["name"] = item.Name.Get(c.Item)
	}
	if pos > 0 {
		p["pos"] = float64(pos)
	}
	var l column
	closed := item.Closed.Get(c.Item)
	if c.Op == connector.Create {
		p["idBoard"] = c.Item.Parent.ID
		if err := t.api.send(ctx, http.MethodPost, "/lists", p, &l); err != nil {
			return item.Item{}, err
		}
		if closed {
			// POST /lists makes open lists only.
			if err := t.api.send(ctx, http.MethodPut, "/lists/"+url.PathEscape(string(l.ID)), params{"closed": true}, &l); err != nil {
				return item.Item{}, half(err)
			}
		}
		return listItem(l), nil
	}
	if dirty(c, item.Closed.Field) {
		p["closed"] = closed
	}
	if err := t.api.send(ctx, http.MethodPut, "/lists/"+url.PathEscape(c.Item.ID), p, &l); err != nil {
		return item.Item{}, err
	}
	return listItem(l), nil
}

// writeField makes a custom field and its options. Options are added one by
// one and found again by their text, so that a field half written can be
// completed; one that is no longer wanted is deleted.
func (t *target) writeField(ctx context.Context, c connector.Change, pos number) (item.Item, error) {
	p := params{}
	if dirty(c, item.Name.Field) {
		p["name"] = item.Name.Get(c.Item)
	}
	if pos > 0 {
		p["pos"] = float64(pos)
	}
	boardID := c.Item.Parent.ID
	defer func() {
		t.mu.Lock()
		delete(t.fields, boardID)
		t.mu.Unlock()
	}()
	var f customField
	id := c.Item.ID
	if c.Op == connector.Create {
		p["idModel"], p["modelType"], p["type"], p["display_cardFront"] = boardID, "board", item.FieldType.Get(c.Item), true
		if err := t.api.send(ctx, http.MethodPost, "/customFields", p, &f); err != nil {
			return item.Item{}, err
		}
		id = string(f.ID)
	} else {
		if len(p) > 0 {
			if err := t.api.send(ctx, http.MethodPut, "/customFields/"+url.PathEscape(id), p, nil); err != nil {
				return item.Item{}, err
			}
		}
		if err := t.api.one(ctx, "/customFields/"+url.PathEscape(id), &f); err != nil {
			return item.Item{}, err
		}
	}
	if err := t.writeOptions(ctx, id, c, &f); err != nil {
		if c.Op == connector.Create {
			err = half(err)
		}
		return item.Item{}, err
	}
	f.Board = text(boardID)
	return fieldItem(f), nil
}

func (t *target) writeOptions(ctx context.Context, id string, c connector.Change, f *customField) error {
	if !dirty(c, item.FieldOptions.Field) {
		return nil
	}
	want := item.FieldOptions.Get(c.Item)
	path := "/customFields/" + url.PathEscape(id) + "/options"
	kept := list[option]{}
	for i, s := range want {
		at := slices.IndexFunc(f.Options, func(o option) bool { return string(o.Value.v.Text) == s })
		if at >= 0 {
			kept = append(kept, f.Options[at])
			f.Options = slices.Delete(f.Options, at, at+1)
			continue
		}
		// Between the option before it and the one that follows.
		pos := float64(step * (i + 1))
		if i > 0 {
			pos = float64(kept[i-1].Pos) + step
			if len(f.Options) > 0 && slices.Contains(want[i+1:], string(f.Options[0].Value.v.Text)) {
				pos = (float64(kept[i-1].Pos) + float64(f.Options[0].Pos)) / 2
			}
		}
		var o option
		if err := t.api.send(ctx, http.MethodPost, path, params{"value": map[string]string{"text": s}, "pos": pos}, &o); err != nil {
			return err
		}
		kept = append(kept, o)
	}
	for _, o := range f.Options {
		if err := t.api.remove(ctx, path+"/"+url.PathEscape(string(o.ID))); err != nil {
			return err
		}
	}
	slices.SortStableFunc(kept, func(a, b option) int { return byPos(a.Pos, b.Pos, a.ID, b.ID) })
	f.Options = kept
	return nil
}
