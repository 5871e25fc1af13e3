package trello

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// join makes those people members of their board to whom the changes assign a
// card or an entry of a checklist: Trello takes no others ("invalid value for
// idMembers"). It is safe to repeat.
func (t *target) join(ctx context.Context, changes []connector.Change) error {
	for _, c := range changes {
		var who []string
		board := ""
		switch {
		case c.Item.Kind == item.Task && dirty(c, item.Assignees.Field):
			who, board = item.Assignees.Get(c.Item), c.Item.Parent.ID
		case c.Item.Kind == item.Checklist:
			for _, e := range item.Entries.Get(c.Item) {
				if e.Assignee != "" {
					who = append(who, e.Assignee)
				}
			}
		}
		if len(who) == 0 {
			continue
		}
		if board == "" {
			var err error
			if board, err = t.boardOf(ctx, c.Item.Parent.ID); err != nil {
				return err
			}
		}
		if err := t.joinBoard(ctx, board, who); err != nil {
			return err
		}
	}
	return nil
}

func (t *target) joinBoard(ctx context.Context, board string, who []string) error {
	t.mu.Lock()
	have, known := t.joined[board]
	t.mu.Unlock()
	missing := func(m string) bool { return !slices.Contains(have, m) }
	if known && !slices.ContainsFunc(who, missing) {
		return nil
	}
	head, err := t.api.boardHead(ctx, board)
	if err != nil {
		return err
	}
	have = people(&head)
	for _, m := range who {
		if !missing(m) {
			continue
		}
		path := "/boards/" + url.PathEscape(board) + "/members/" + url.PathEscape(m)
		if err := t.api.send(ctx, http.MethodPut, path, params{"type": "normal"}, nil); err != nil {
			return err
		}
		have = append(have, m)
	}
	t.mu.Lock()
	t.joined[board] = have
	t.mu.Unlock()
	return nil
}

// boardOf returns the board of a card.
func (t *target) boardOf(ctx context.Context, cardID string) (string, error) {
	t.mu.Lock()
	board := t.boards[cardID]
	t.mu.Unlock()
	if board != "" {
		return board, nil
	}
	c, err := t.api.card(ctx, cardID)
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	t.boards[cardID] = string(c.Board)
	t.mu.Unlock()
	return string(c.Board), nil
}
