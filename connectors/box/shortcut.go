package box

import (
	"context"
	"net/http"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// createLink makes a web link (https://developer.box.com/reference/post-web-links), or
// takes over the one that bears the name and leads to the same address.
func (t *target) createLink(ctx context.Context, c connector.Change) (item.Bundle, bool, error) {
	parent, err := folderOf(c.Item.Parent)
	if err != nil {
		return item.Bundle{}, false, err
	}
	in := struct {
		Name   string `json:"name"`
		URL    string `json:"url"`
		Parent idOf   `json:"parent"`
	}{item.FileName.Get(c.Item), item.LeadsTo.Get(c.Item), idOf{parent}}
	var e entry
	doubted := false
	for attempt := 1; ; attempt++ {
		_, err = t.api.json(ctx, t.api.request(t.cfg.as, http.MethodPost, "/web_links", nil, in), &e)
		if !connector.InDoubt(err) || attempt == tries || ctx.Err() != nil || connector.Pause(ctx, attempt, 0) != nil {
			break
		}
		doubted = true
	}
	there := standing(err)
	switch {
	case err == nil:
		return t.told(c, e, nil), false, nil
	case there == nil || there.Type != "web_link":
		return item.Bundle{}, false, err
	}
	refused := err
	if e, err = t.entry(ctx, t.cfg.as, item.Ref{Kind: item.Shortcut, ID: there.ID}); err != nil {
		return item.Bundle{}, false, err
	}
	if e.URL != in.URL {
		return item.Bundle{}, false, refused
	}
	return t.told(c, e, nil), !doubted, nil
}

func (t *target) updateLink(ctx context.Context, c connector.Change) (item.Bundle, error) {
	now, err := t.entry(ctx, t.cfg.as, c.Item.Ref)
	if err != nil {
		return item.Bundle{}, err
	}
	r, err := t.revision(c, now, false)
	if err != nil {
		return item.Bundle{}, err
	}
	if to := item.LeadsTo.Get(c.Item); dirty(c, item.LeadsTo.Name) && to != now.URL {
		r.URL = to
	}
	now.ETag = "" // the contract has no If-Match there
	now, err = t.revise(ctx, c.Item.Kind, now, r)
	return t.told(c, now, nil), err
}
