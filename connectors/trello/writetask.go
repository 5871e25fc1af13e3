package trello

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// writeTask makes or changes a card. All that POST /cards takes goes in the
// first request, the mark included; archiving and the values of custom fields
// need one more each.
func (t *target) writeTask(ctx context.Context, c connector.Change, at spot) (item.Item, error) {
	if c.Op == connector.Create {
		return t.createTask(ctx, c, at)
	}
	return t.updateTask(ctx, c, at.pos)
}

// taskParams are the parameters that POST and PUT /cards share.
func taskParams(c connector.Change, pos number) params {
	it, p := c.Item, params{}
	set := func(f item.Field, name string, v any) {
		if dirty(c, f) {
			p[name] = v
		}
	}
	set(item.Title.Field, "name", item.Title.Get(it))
	set(item.Description.Field, "desc", item.Description.Get(it))
	set(item.InList.Field, "idList", item.InList.Get(it).ID)
	set(item.Start.Field, "start", when(item.Start.Get(it)))
	set(item.Due.Field, "due", when(item.Due.Get(it)))
	set(item.Done.Field, "dueComplete", item.Done.Get(it))
	var labels []string
	for _, l := range item.Labels.Get(it) {
		labels = append(labels, l.ID)
	}
	set(item.Labels.Field, "idLabels", strings.Join(labels, ","))
	set(item.Assignees.Field, "idMembers", strings.Join(item.Assignees.Get(it), ","))
	if dirty(c, item.Location.Field) {
		name, at := splitLocation(item.Location.Get(it))
		p["locationName"], p["address"], p["coordinates"] = name, "", at
	}
	if pos > 0 {
		p["pos"] = float64(pos)
	}
	return p
}

// when is a time as Trello takes it; nil, which clears it, for none.
func when(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return stamp(at)
}

// splitLocation is the inverse of location: what stands behind the last
// semicolon are the coordinates, if they look like such.
func splitLocation(s string) (name, at string) {
	head, tail := "", s
	if i := strings.LastIndex(s, "; "); i >= 0 {
		head, tail = s[:i], s[i+2:]
	}
	if tail != "" && coordinates(tail) == tail {
		return head, tail
	}
	return s, ""
}

func (t *target) createTask(ctx context.Context, c connector.Change, at spot) (item.Item, error) {
	p := taskParams(c, at.pos)
	for k, v := range p {
		if v == nil || v == "" && k != "name" {
			delete(p, k)
		}
	}
	if c.Mark != "" {
		p["urlSource"] = c.Mark
	}
	var made card
	if err := t.api.send(ctx, http.MethodPost, "/cards", p, &made); err != nil {
		return item.Item{}, err
	}
	if at.last {
		t.remember(string(made.List), &made)
	}
	t.mu.Lock()
	t.boards[string(made.ID)] = c.Item.Parent.ID
	t.mu.Unlock()
	var err error
	if err = t.completeTask(ctx, c, &made); err != nil {
		return item.Item{}, half(err)
	}
	if made.FieldItems, err = t.putValues(ctx, &made, item.FieldValues.Get(c.Item)); err != nil {
		return item.Item{}, half(err)
	}
	it, err := t.taskItem(ctx, &made)
	return it, half(err)
}

// completeTask sets what POST /cards does not take (contract): it makes open
// cards without a cover.
func (t *target) completeTask(ctx context.Context, c connector.Change, made *card) error {
	more := params{}
	if item.Closed.Get(c.Item) {
		more["closed"] = true
	}
	if color := item.Cover.Get(c.Item); color != "" {
		more["cover"] = coverParam(color)
	}
	if len(more) == 0 {
		return nil
	}
	var now card
	if err := t.api.send(ctx, http.MethodPut, "/cards/"+url.PathEscape(string(made.ID)), more, &now); err != nil {
		return err
	}
	made.Closed, made.Cover = now.Closed, now.Cover
	return nil
}

// coverParam is a cover of one colour; "" takes it away.
func coverParam(color string) any {
	if color == "" {
		return ""
	}
	return map[string]any{"color": color}
}

func (t *target) updateTask(ctx context.Context, c connector.Change, pos number) (item.Item, error) {
	p := taskParams(c, pos)
	if dirty(c, item.Closed.Field) {
		p["closed"] = item.Closed.Get(c.Item)
	}
	if dirty(c, item.Cover.Field) {
		p["cover"] = coverParam(item.Cover.Get(c.Item))
	}
	path := "/cards/" + url.PathEscape(c.Item.ID)
	if len(p) > 0 {
		if err := t.api.send(ctx, http.MethodPut, path, p, nil); err != nil {
			return item.Item{}, err
		}
	}
	now, err := t.api.card(ctx, c.Item.ID)
	if err != nil {
		return item.Item{}, err
	}
	if c.Mark != "" && len(c.Dirty) == 0 && markOf(&now) == "" {
		if err := t.api.send(ctx, http.MethodPost, path+"/attachments", params{"url": c.Mark}, nil); err != nil {
			return item.Item{}, err
		}
	}
	if dirty(c, item.FieldValues.Field) {
		want := item.FieldValues.Get(c.Item)
		for _, have := range now.FieldItems {
			if !slices.ContainsFunc(want, func(v item.FieldValue) bool { return v.Field == string(have.Field) }) {
				want = append(slices.Clone(want), item.FieldValue{Field: string(have.Field)})
			}
		}
		if now.FieldItems, err = t.putValues(ctx, &now, want); err != nil {
			return item.Item{}, err
		}
	}
	return t.taskItem(ctx, &now)
}

// putValues sets a card's values of custom fields, one request each; "" clears
// one. It returns the values that are set.
func (t *target) putValues(ctx context.Context, c *card, values []item.FieldValue) ([]customFieldItem, error) {
	var out []customFieldItem
	for _, v := range values {
		body, err := t.valueBody(ctx, string(c.Board), v)
		if err != nil {
			return nil, err
		}
		path := "/cards/" + url.PathEscape(string(c.ID)) + "/customField/" + url.PathEscape(v.Field) + "/item"
		var got customFieldItem
		if err := t.api.send(ctx, http.MethodPut, path, body, &got); err != nil {
			return nil, err
		}
		got.Field = text(v.Field)
		out = append(out, got)
	}
	return out, nil
}

// valueBody is the body of PUT /cards/{id}/customField/{id}/item: an object
// whose key goes with the field's type, or the id of an option.
func (t *target) valueBody(ctx context.Context, boardID string, v item.FieldValue) (params, error) {
	f, err := t.field(ctx, boardID, func(f customField) bool { return string(f.ID) == v.Field })
	if err != nil {
		return nil, err
	}
	if v.Value == "" {
		if f.Type == "list" {
			return params{"idValue": ""}, nil
		}
		return params{"value": ""}, nil
	}
	value := params{}
	switch f.Type {
	case "list":
		f, err = t.field(ctx, boardID, func(f customField) bool {
			return string(f.ID) == v.Field && slices.ContainsFunc(f.Options, func(o option) bool { return string(o.Value.v.Text) == v.Value })
		})
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(f.Options, func(o option) bool { return string(o.Value.v.Text) == v.Value })
		return params{"idValue": string(f.Options[i].ID)}, nil
	case "number":
		n := numberText(v.Value)
		if _, err := strconv.ParseFloat(n, 64); err != nil {
			return nil, connector.Errorf(connector.Permanent, "the value of number field %s is no number", v.Field)
		}
		value["number"] = json.Number(n)
	case "date":
		at, ok := readTime(v.Value)
		if !ok {
			return nil, connector.Errorf(connector.Permanent, "the value of date field %s is no date", v.Field)
		}
		value["date"] = stamp(at)
	case "checkbox":
		value["checked"] = v.Value == "true"
	default:
		value["text"] = v.Value
	}
	return params{"value": value}, nil
}

// field finds a custom field of a board, and asks Trello again before it says
// that there is none.
func (t *target) field(ctx context.Context, boardID string, is func(customField) bool) (customField, error) {
	for _, afresh := range []bool{false, true} {
		fields, err := t.fieldsOf(ctx, boardID, afresh)
		if err != nil {
			return customField{}, err
		}
		if i := slices.IndexFunc(fields, is); i >= 0 {
			return fields[i], nil
		}
	}
	return customField{}, connector.Errorf(connector.Gone, "the board has no such custom field, or the field no such option")
}
