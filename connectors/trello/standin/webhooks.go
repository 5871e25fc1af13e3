package standin

import (
	"net/url"
	"slices"
)

// A webhook is an address that an application wants told of each change to a
// model. It belongs to the token that made it. This server keeps it as it was
// set and calls nobody: neither the HEAD by which Trello tries the address when
// a webhook is made, nor the POST of each change
// (https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks). So
// its failures stay at 0.
type webhook struct {
	id, token, description string
	model                  string // the id of what is watched
	callback               string
	active                 bool
}

func showWebhook(h *webhook) map[string]any {
	return map[string]any{"id": h.id, "description": h.description, "idModel": h.model, "callbackURL": h.callback, "active": h.active,
		"consecutiveFailures": 0, "firstConsecutiveFailDate": nil}
}

func (s *Server) webhooksOf(token string) []any {
	out := []any{}
	for _, h := range s.webhooks {
		if h.token == token {
			out = append(out, showWebhook(h))
		}
	}
	return out
}

func (s *Server) tokenWebhooks(q *call) (any, error) {
	token := q.r.PathValue("token")
	if s.tokens[token] != s.me {
		return nil, missing()
	}
	return s.webhooksOf(token), nil
}

// webhook finds one of the token's own. The words of the refusal are the
// contract's; its status is not documented.
func (s *Server) webhook(q *call) (*webhook, error) {
	h, err := find[*webhook](s, q.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if h.token != s.carried {
		return nil, denied("webhook does not belong to token")
	}
	return h, nil
}

func (s *Server) getWebhook(q *call) (any, error) {
	h, err := s.webhook(q)
	if err != nil {
		return nil, err
	}
	return showWebhook(h), nil
}

func (s *Server) createWebhook(q *call) (any, error) {
	h := &webhook{token: s.carried, active: true}
	if err := s.setWebhook(q, h); err != nil {
		return nil, err
	}
	h.id = s.newID(q.at)
	s.putWebhook(h)
	return showWebhook(h), nil
}

func (s *Server) putWebhook(h *webhook) {
	s.webhooks = append(s.webhooks, h)
	s.ids[h.id] = h
}

func (s *Server) updateWebhook(q *call) (any, error) {
	h, err := s.webhook(q)
	if err != nil {
		return nil, err
	}
	if err := s.setWebhook(q, h); err != nil {
		return nil, err
	}
	return showWebhook(h), nil
}

func (s *Server) deleteWebhook(q *call) (any, error) {
	h, err := s.webhook(q)
	if err != nil {
		return nil, err
	}
	s.webhooks = remove(s.webhooks, h)
	delete(s.ids, h.id)
	return none(), nil
}

// setWebhook reads what a write says of a webhook. A new one, with no address or
// model yet, must be given both; a refused one stays as it was.
func (s *Server) setWebhook(q *call, h *webhook) error {
	next := *h
	if err := q.text("description", &next.description, false, s.limits.TextChars); err != nil {
		return err
	}
	if err := q.flag("active", &next.active); err != nil {
		return err
	}
	if v, sent := q.get("callbackURL"); sent || h.callback == "" {
		u, err := url.Parse(v)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return invalid("callbackURL")
		}
		next.callback = v
	}
	if v, sent := q.get("idModel"); sent || h.model == "" {
		if !s.canWatch(v) {
			return invalid("idModel")
		}
		next.model = v
	}
	if slices.ContainsFunc(s.webhooks, func(x *webhook) bool {
		return x != h && x.token == next.token && x.model == next.model && x.callback == next.callback
	}) {
		// The words and the status: https://github.com/18F/trello-webhook-server/pull/8
		return bad("A webhook with that callback, model, and token already exists")
	}
	*h = next
	return nil
}

// canWatch reports whether the id names something that actions are about and
// that the token's member sees: webhooks "can only monitor objects that the
// token can access" (the guide above).
func (s *Server) canWatch(id string) bool {
	switch x := s.ids[id].(type) {
	case *member:
		return true
	case *org:
		return x.active(s.me)
	case *board, *list, *card, *checklist, *label, *field:
		return s.canSee(home(x))
	}
	return false
}
