package standin_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

	shared "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/connectors/trello/standin/trellotest"
)

// A webhook is kept as it was set, for its token alone.
func TestWebhooks(t *testing.T) {
	contract := trellotest.Contract(t)
	s, b := sample(t, standin.Options{})
	c := newClient(t, s, contract.Transport)
	hook := c.one("POST", "/webhooks", object{"idModel": b, "callbackURL": "https://hooks.example/a?x=1", "description": "the board"})
	path := "/webhooks/" + id(hook)
	want := object{"id": id(hook), "idModel": b, "callbackURL": "https://hooks.example/a?x=1", "description": "the board", "active": true,
		"consecutiveFailures": 0.0, "firstConsecutiveFailDate": nil}
	if !reflect.DeepEqual(hook, want) {
		t.Errorf("made %v, want %v", hook, want)
	}
	card := s.Boards()[0].Lists[0].Cards[0].ID
	other := c.one("POST", "/webhooks", object{"idModel": card, "callbackURL": "https://hooks.example/a?x=1", "active": false})
	if other["active"] != false || other["description"] != "" {
		t.Errorf("the other: %v", other)
	}

	nowhere := "0123456789abcdef01234567"
	for _, x := range []struct {
		method, path string
		params       object
		status       int
		says         string
	}{
		{"POST", "/webhooks", object{"callbackURL": "https://hooks.example/b"}, 400, "invalid value for idModel"},
		{"POST", "/webhooks", object{"callbackURL": "https://hooks.example/b", "idModel": nowhere}, 400, "invalid value for idModel"},
		{"POST", "/webhooks", object{"idModel": b}, 400, "invalid value for callbackURL"},
		{"POST", "/webhooks", object{"idModel": b, "callbackURL": "hooks.example"}, 400, "invalid value for callbackURL"},
		{"POST", "/webhooks", object{"idModel": b, "callbackURL": "https://hooks.example/a?x=1"}, 400, "A webhook with that callback, model, and token already exists"},
		{"PUT", "/webhooks/" + id(other), object{"idModel": b}, 400, "A webhook with that callback, model, and token already exists"},
		{"PUT", path, object{"description": strings.Repeat("x", 16385)}, 400, "invalid value for description"},
		{"PUT", path, object{"active": "perhaps", "description": "refused"}, 400, "invalid value for active"},
		{"PUT", "/webhooks/" + nowhere, object{"active": true}, 404, "The requested resource was not found."},
		{"DELETE", "/webhooks/" + b, nil, 404, "The requested resource was not found."},
	} {
		// What is refused here breaks the contract too.
		if status, body := newClient(t, s, nil).try(x.method, x.path, x.params); status != x.status || string(body) != x.says {
			t.Errorf("%s %s %.80v: %d %s, want %d %s", x.method, x.path, x.params, status, body, x.status, x.says)
		}
	}
	if got := c.one("GET", path, nil); !reflect.DeepEqual(got, want) {
		t.Errorf("after refusals %v, want %v", got, want)
	}

	want["description"], want["active"] = "paused", false
	if got := c.one("PUT", path, object{"description": "paused", "active": false}); !reflect.DeepEqual(got, want) {
		t.Errorf("changed to %v, want %v", got, want)
	}
	tokens := "/tokens/" + c.token
	if got := c.get(tokens+"/webhooks", nil).([]any); !reflect.DeepEqual(got, []any{want, other}) {
		t.Errorf("the token has %v", got)
	}
	if got := c.one("GET", tokens, url.Values{"webhooks": {"true"}})["webhooks"]; !reflect.DeepEqual(got, []any{want, other}) {
		t.Errorf("the token tells %v", got)
	}

	theirs := newClient(t, s, contract.Transport)
	theirs.token = token(t, s, "mira")
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		if status, body := theirs.try(method, path, nil); status != 401 || string(body) != "webhook does not belong to token" {
			t.Errorf("%s with another token: %d %s", method, status, body)
		}
	}
	if status, _ := theirs.try("GET", tokens+"/webhooks", nil); status != 404 {
		t.Errorf("webhooks of another's token: %d", status)
	}
	if n := len(theirs.get("/tokens/"+theirs.token+"/webhooks", nil).([]any)); n != 0 {
		t.Errorf("the new token has %d webhooks", n)
	}
	theirs.one("POST", "/webhooks", object{"idModel": b, "callbackURL": "https://hooks.example/a?x=1"}) // the same, of another token
	theirs.token = token(t, s, "stranger")
	if status, body := theirs.try("POST", "/webhooks", object{"idModel": b, "callbackURL": "https://hooks.example/c"}); status != 400 || string(body) != "invalid value for idModel" {
		t.Errorf("a board out of sight: %d %s", status, body)
	}

	c.do("DELETE", path, nil)
	if status, _ := c.try("GET", path, nil); status != 404 {
		t.Errorf("a deleted webhook: %d", status)
	}
	if got := c.get(tokens+"/webhooks", nil).([]any); len(got) != 1 || id(got[0].(object)) != id(other) {
		t.Errorf("after the deletion the token has %v", got)
	}
}

func token(t *testing.T, s *standin.Server, username string) string {
	t.Helper()
	token, err := s.TokenOf(username)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Whom the real cloud would tell finds it in their inbox, and nobody else does.
func TestNotifications(t *testing.T) {
	contract := trellotest.Contract(t)
	s, b := sample(t, standin.Options{})
	s.ForgetNotices()
	c, mira := newClient(t, s, contract.Transport), newClient(t, s, contract.Transport)
	mira.token = token(t, s, "mira")
	inbox := func(q url.Values) []object {
		t.Helper()
		var out []object
		for _, x := range mira.get("/members/me/notifications", q).([]any) {
			out = append(out, x.(object))
		}
		return out
	}
	before := len(inbox(nil))

	first, second := s.Boards()[0].Lists[0].Cards[0].ID, s.Boards()[0].Lists[0].Cards[1].ID
	comment := c.one("POST", "/cards/"+first+"/actions/comments", object{"text": "well done @mira"})
	c.do("POST", "/cards/"+second+"/idMembers", object{"value": memberID(c, "mira")})
	c.do("PUT", "/cards/"+second, object{"due": "2026-12-24T18:00:00.000Z"})
	mira.do("POST", "/cards/"+first+"/actions/comments", object{"text": "thanks"}) // no news to mira

	all := inbox(nil)
	var notices []shared.Notice
	for i := len(all) - 1 - before; i >= 0; i-- {
		data := all[i]["data"].(object)
		notices = append(notices, shared.Notice{Kind: all[i]["type"].(string), To: memberID(c, "mira"), About: id(data["card"].(object))})
		if id(data["board"].(object)) != b {
			t.Errorf("%s is of the board %v", all[i]["type"], data["board"])
		}
	}
	if want := s.Notices(); !reflect.DeepEqual(notices, want) || len(want) != 4 {
		t.Fatalf("the inbox tells %v, Notices %v", notices, want)
	}
	mentioned := all[3]
	if mentioned["type"] != "mentionedOnCard" || mentioned["idAction"] != id(comment) || mentioned["data"].(object)["text"] != "well done @mira" || mentioned["date"] != comment["date"] ||
		mentioned["unread"] != true || mentioned["dateRead"] != nil || mentioned["memberCreator"].(object)["username"] != "rialto_owner" {
		t.Errorf("the mention reads %v", mentioned)
	}
	path := "/notifications/" + id(mentioned)
	if got := mira.one("GET", path, nil); !reflect.DeepEqual(got, mentioned) {
		t.Errorf("by itself it reads %v, in the list %v", got, mentioned)
	}
	if got := mira.one("PUT", path, object{"unread": false}); got["unread"] != false || got["dateRead"] == nil {
		t.Errorf("marked as read: %v", got)
	}

	for _, x := range []struct {
		name string
		q    url.Values
		want []object // but for what was read
	}{
		{"read", url.Values{"read_filter": {"read"}}, all[3:4]},
		{"unread", url.Values{"read_filter": {"unread"}, "limit": {"3"}}, all[:3]},
		{"one type", url.Values{"filter": {"addedToCard"}, "limit": {"1"}}, all[1:2]},
		{"two types", url.Values{"filter": {"changeCard,addedToCard"}, "limit": {"2"}}, all[:2]},
		{"a page", url.Values{"limit": {"2"}, "page": {"1"}}, all[2:4]},
		{"before", url.Values{"before": {id(all[0])}, "limit": {"2"}}, all[1:3]},
		{"since", url.Values{"since": {id(all[3])}}, all[:3]},
		{"a page since", url.Values{"since": {id(all[3])}, "limit": {"2"}, "page": {"1"}}, all[2:3]},
		{"no page", url.Values{"since": {id(all[3])}, "limit": {"2"}, "page": {"2"}}, nil},
	} {
		var got, want []string
		for _, n := range inbox(x.q) {
			got = append(got, id(n))
		}
		for _, n := range x.want {
			want = append(want, id(n))
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", x.name, got, want)
		}
	}
	if got := inbox(url.Values{"fields": {"type"}, "memberCreator": {"false"}, "limit": {"1"}}); !reflect.DeepEqual(got, []object{{"id": id(all[0]), "type": "changeCard"}}) {
		t.Errorf("of one field: %v", got)
	}

	plain := newClient(t, s, nil)
	plain.token = mira.token
	for _, x := range []struct {
		c      *client
		path   string
		q      url.Values
		status int
		says   string
	}{
		{c, "/members/mira/notifications", nil, 401, "unauthorized permission requested"},
		{c, path, nil, 401, "unauthorized permission requested"},
		{mira, "/notifications/0123456789abcdef01234567", nil, 404, "The requested resource was not found."},
		{plain, "/members/me/notifications", url.Values{"read_filter": {"some"}}, 400, "invalid value for read_filter"},
		{plain, "/members/me/notifications", url.Values{"limit": {"1001"}}, 400, "invalid value for limit"},
		{plain, "/members/me/notifications", url.Values{"page": {"101"}}, 400, "invalid value for page"},
	} {
		if status, body := x.c.try("GET", x.path, x.q); status != x.status || string(body) != x.says {
			t.Errorf("%s %v: %d %s, want %d %s", x.path, x.q, status, body, x.status, x.says)
		}
	}
	s.ForgetNotices()
	if n := len(inbox(nil)); n != len(all) {
		t.Errorf("with the notices forgotten, the inbox has %d messages of %d", n, len(all))
	}
}
