package trello

import (
	"context"
	"net/http"
	"net/url"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Delete removes an item. Trello has no etags: between the look and the
// deletion lies one request.
func (t *target) Delete(ctx context.Context, container, r item.Ref, accept func(item.Bundle) bool) (bool, error) {
	it, found, err := t.one(ctx, container, r)
	if err != nil || !found {
		return err == nil, err
	}
	if !accept(stored(it)) {
		return false, nil
	}
	t.written()
	id := url.PathEscape(r.ID)
	switch r.Kind {
	case item.Board:
		err = t.deleteBoard(ctx, r.ID)
	case item.List:
		err = t.deleteList(ctx, r.ID)
	case item.Label:
		err = t.api.remove(ctx, "/labels/"+id)
	case item.CustomField:
		t.mu.Lock()
		delete(t.fields, container.ID)
		t.mu.Unlock()
		err = t.api.remove(ctx, "/customFields/"+id)
	case item.Task:
		t.forget(item.InList.Get(it).ID)
		err = t.api.remove(ctx, "/cards/"+id)
	case item.Checklist:
		err = t.api.remove(ctx, "/checklists/"+id)
	case item.Comment:
		err = t.api.remove(ctx, "/actions/"+id)
	case item.Attachment:
		card, att, _ := splitAttachment(r.ID)
		err = t.api.remove(ctx, "/cards/"+url.PathEscape(card)+"/attachments/"+url.PathEscape(att))
	default:
		err = connector.Errorf(connector.Unsupported, "Trello deletes no %s", r.Kind)
	}
	return err == nil, err
}

// deleteBoard deletes a board that holds no cards any more: those that are
// left were made or changed by people.
func (t *target) deleteBoard(ctx context.Context, id string) error {
	path := "/boards/" + url.PathEscape(id)
	if err := t.empty(ctx, path+"/cards/all", "the board"); err != nil {
		return err
	}
	return t.api.remove(ctx, path)
}

// deleteList archives a list that holds no open cards: Trello's API has no call
// that deletes one.
func (t *target) deleteList(ctx context.Context, id string) error {
	path := "/lists/" + url.PathEscape(id)
	if err := t.empty(ctx, path+"/cards", "the list"); err != nil {
		return err
	}
	_, err := maybe(t.api.send(ctx, http.MethodPut, path, params{"closed": true}, nil))
	return err
}

func (t *target) empty(ctx context.Context, cards, what string) error {
	var left list[card]
	err := t.api.get(ctx, cards, url.Values{"fields": {"id"}, "filter": {"all"}, "limit": {"1000"}}, &left)
	if found, err := maybe(err); err != nil || !found {
		return err
	}
	if len(left) > 0 {
		return connector.Errorf(connector.Conflict, "%s still holds %d cards that this migration did not write, or that people changed", what, len(left)).
			WithHint("move or delete those cards first")
	}
	return nil
}
