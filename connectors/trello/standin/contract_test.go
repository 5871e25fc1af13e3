package standin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"testing"

	shared "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/connectors/trello/standin/trellotest"
)

// A client talks to a stand-in in this process.
type client struct {
	t          *testing.T
	http       *http.Client
	s          *standin.Server
	base       string
	key, token string
}

func newClient(t *testing.T, s *standin.Server, wrap func(http.RoundTripper) http.RoundTripper) *client {
	t.Helper()
	set := s.Settings("http://trello.test")
	c := &client{t: t, s: s, base: set["url"], key: set["key"], token: set["token"]}
	var rt http.RoundTripper = shared.Transport{Handler: s}
	if wrap != nil {
		rt = wrap(rt)
	}
	c.http = &http.Client{Transport: rt}
	return c
}

func (c *client) header(r *http.Request) {
	r.Header.Set("Authorization", fmt.Sprintf(`OAuth oauth_consumer_key="%s", oauth_token="%s"`, c.key, c.token))
}

// try sends a request: params as a query for GET, else as JSON.
func (c *client) try(method, path string, params any) (int, []byte) {
	c.t.Helper()
	var body io.Reader
	u := c.base + path
	switch p := params.(type) {
	case nil:
	case url.Values:
		u += "?" + p.Encode()
	default:
		b, err := json.Marshal(p)
		if err != nil {
			c.t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, u, body)
	if err != nil {
		c.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return c.send(r)
}

func (c *client) send(r *http.Request) (int, []byte) {
	c.t.Helper()
	c.header(r)
	resp, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, b
}

type object = map[string]any

// do sends a request that must succeed, and returns its answer.
func (c *client) do(method, path string, params any) any {
	c.t.Helper()
	status, body := c.try(method, path, params)
	if status != http.StatusOK {
		c.t.Fatalf("%s %s: %d %s", method, path, status, body)
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return v
}

func (c *client) get(path string, params url.Values) any { return c.do("GET", path, params) }

func (c *client) one(method, path string, params any) object {
	c.t.Helper()
	m, ok := c.do(method, path, params).(object)
	if !ok {
		c.t.Fatalf("%s %s: not an object", method, path)
	}
	return m
}

func (c *client) upload(path, name string, data []byte, fields map[string]string) object {
	c.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k, v := range fields {
		if err := w.WriteField(k, v); err != nil {
			c.t.Fatal(err)
		}
	}
	f, err := w.CreateFormFile("file", name)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := f.Write(data); err != nil {
		c.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		c.t.Fatal(err)
	}
	r, err := http.NewRequest("POST", c.base+path, &b)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	status, body := c.send(r)
	if status != http.StatusOK {
		c.t.Fatalf("upload: %d %s", status, body)
	}
	var m object
	if err := json.Unmarshal(body, &m); err != nil {
		c.t.Fatal(err)
	}
	return m
}

func id(m object) string { return m["id"].(string) }

// TestContract goes once through everything that a migration reads and writes;
// each exchange is held against Trello's contract.
func TestContract(t *testing.T) {
	contract := trellotest.Contract(t)
	s := standin.New(standin.Options{Seed: 3, Rates: &standin.Rates{}})
	s.AddMember(standin.Member{Username: "mira", FullName: "Mira Mikkelsen", Email: "mira@example.org"})
	c := newClient(t, s, contract.Transport)

	me := c.one("GET", "/members/me", url.Values{"fields": {"id,username,fullName"}})
	org := c.one("POST", "/organizations", object{"displayName": "Acme Works"})
	b := c.one("POST", "/boards", object{"name": "Märkte 市場", "desc": "all of it", "idOrganization": id(org), "defaultLists": false, "defaultLabels": false})
	board := "/boards/" + id(b)
	c.one("PUT", board+"/members/"+memberID(c, "mira"), object{"type": "normal"})
	mira := memberID(c, "mira")
	l1 := c.one("POST", "/lists", object{"name": "To do", "idBoard": id(b), "pos": "bottom"})
	l2 := c.one("POST", "/lists", object{"name": "Done", "idBoard": id(b), "pos": "bottom"})
	green := c.one("POST", "/labels", object{"name": "grün", "color": "green", "idBoard": id(b)})
	plain := c.one("POST", "/labels", object{"name": "plain", "color": nil, "idBoard": id(b)})
	number := c.one("POST", "/customFields", object{"idModel": id(b), "modelType": "board", "name": "Effort", "type": "number", "pos": "bottom"})
	choice := c.one("POST", "/customFields", object{"idModel": id(b), "modelType": "board", "name": "Size", "type": "list", "pos": "bottom",
		"options": []object{{"value": object{"text": "small"}, "color": "none", "pos": 1024}}})
	opt := c.one("POST", "/customFields/"+id(choice)+"/options", object{"value": object{"text": "large"}, "pos": "bottom"})

	card := c.one("POST", "/cards", object{"idList": id(l1), "name": "Café ☕", "desc": "# Hello", "pos": "bottom", "due": "2026-12-24T18:00:00.000Z", "start": "2026-12-01T08:00:00.000Z",
		"dueComplete": false, "idLabels": id(green) + "," + id(plain), "idMembers": mira, "urlSource": "https://example.org/source/1"})
	path := "/cards/" + id(card)
	c.one("PUT", path, object{"name": "Café ☕ (closed)", "closed": true, "dueComplete": true, "idList": id(l2), "pos": 1234.5})
	c.one("PUT", path, object{"cover": object{"color": "blue", "size": "normal"}})
	c.do("PUT", path+"/customField/"+id(number)+"/item", object{"value": object{"number": "4.5"}})
	c.do("PUT", path+"/customField/"+id(choice)+"/item", object{"idValue": id(opt)})
	c.do("POST", path+"/membersVoted", object{"value": id(me)})
	c.do("POST", path+"/stickers", object{"image": "heart", "top": 1, "left": 2, "zIndex": 1})
	link := c.one("POST", path+"/attachments", object{"url": "https://trello.com/c/aaaaaaaa/1-x", "name": "a card"})
	file := c.upload(path+"/attachments", "naïve file.txt", []byte("hello, world"), map[string]string{"name": "naïve file.txt", "mimeType": "text/plain"})
	check := c.one("POST", "/checklists", object{"idCard": id(card), "name": "Steps", "pos": "bottom"})
	entry := c.one("POST", "/checklists/"+id(check)+"/checkItems", object{"name": "first", "checked": true, "pos": "bottom", "due": "2026-12-20T10:00:00.000Z", "idMember": mira})
	c.one("PUT", path+"/checkItem/"+id(entry), object{"state": "incomplete", "name": "first step"})
	c.one("PUT", path+"/checkItem/"+id(entry), object{"idMember": id(me)}) // by herself: no news
	c.one("PUT", path+"/checkItem/"+id(entry), object{"idMember": mira})
	told := 0
	for _, n := range s.Notices() {
		if n.Kind == "assignedToCheckItem" && n.To == mira && n.About == id(entry) {
			told++
		}
	}
	if told != 2 {
		t.Errorf("mira was told %d times that the entry is hers, want when it was made and when she got it back", told)
	}
	comment := c.one("POST", path+"/actions/comments", object{"text": "well done @mira"})
	c.one("PUT", "/actions/"+id(comment), object{"text": "well done"})

	whole := c.one("GET", board, url.Values{"fields": {"all"}, "cards": {"all"}, "card_attachments": {"true"}, "card_customFieldItems": {"true"}, "lists": {"all"},
		"labels": {"all"}, "labels_limit": {"1000"}, "members": {"all"}, "checklists": {"all"}, "customFields": {"true"}, "memberships": {"all"}, "card_stickers": {"true"}, "pluginData": {"true"}})
	for name, want := range map[string]int{"cards": 1, "lists": 2, "labels": 2, "members": 2, "checklists": 1, "customFields": 2, "memberships": 2} {
		if got := len(whole[name].([]any)); got != want {
			t.Errorf("board.%s: %d, want %d", name, got, want)
		}
	}
	got := whole["cards"].([]any)[0].(object)
	badges := got["badges"].(object)
	for name, want := range map[string]any{"comments": 1.0, "attachments": 3.0, "checkItems": 1.0, "checkItemsChecked": 0.0, "votes": 1.0, "description": true} {
		if badges[name] != want {
			t.Errorf("badges.%s: %v, want %v", name, badges[name], want)
		}
	}
	if by := badges["attachmentsByType"].(object)["trello"].(object); by["card"] != 1.0 {
		t.Errorf("attachmentsByType: %v, want one card", by)
	}
	if len(got["customFieldItems"].([]any)) != 2 || len(got["stickers"].([]any)) != 1 || got["closed"] != true || got["pos"] != 1234.5 || got["idList"] != id(l2) {
		t.Errorf("the card does not hold what was written")
	}
	for _, p := range []string{"/lists", "/lists/all", "/cards/all", "/labels", "/members", "/memberships", "/checklists", "/customFields", "/actions", "/pluginData"} {
		c.get(board+p, nil)
	}
	for _, p := range []string{"", "/attachments", "/checklists", "/customFieldItems", "/stickers", "/membersVoted", "/actions", "/members", "/list", "/board"} {
		c.get(path+p, nil)
	}
	c.get("/members/me/boards", url.Values{"fields": {"name,closed"}})
	c.get("/members/me/organizations", nil)
	c.get("/organizations/"+id(org)+"/members", nil)
	c.get("/organizations/"+id(org)+"/boards", nil)
	c.get("/actions/"+id(comment)+"/reactions", nil)
	c.get("/customFields/"+id(choice)+"/options", nil)
	c.get("/lists/"+id(l2)+"/cards", nil)
	c.get("/cards/"+card["shortLink"].(string), nil)
	batch := c.get("/batch", url.Values{"urls": {path + "," + board + "?fields=id,name,/cards/000000000000000000000000"}}).([]any)
	if len(batch) != 3 || batch[1].(object)["200"].(object)["name"] != "Märkte 市場" || batch[2].(object)["statusCode"] != 404.0 {
		t.Errorf("batch answered %v", batch)
	}
	if data := download(c, file["url"].(string)); data != "hello, world" {
		t.Errorf("downloaded %q", data)
	}

	c.do("DELETE", path+"/attachments/"+id(link), nil)
	c.do("DELETE", "/actions/"+id(comment), nil)
	c.do("DELETE", "/checklists/"+id(check), nil)
	c.do("DELETE", "/labels/"+id(plain), nil)
	c.do("DELETE", "/customFields/"+id(number), nil)
	c.do("DELETE", path, nil)
	if status, body := c.try("GET", path, nil); status != 404 || string(body) != "The requested resource was not found." {
		t.Errorf("a deleted card: %d %s", status, body)
	}
	c.do("PUT", "/lists/"+id(l1), object{"closed": true})
	c.do("DELETE", board, nil)
	if status, _ := c.try("GET", "/lists/"+id(l1), nil); status != 404 {
		t.Errorf("a list of a deleted board: %d", status)
	}
	for _, e := range contract.Unused() {
		t.Logf("exception not needed here: %s %s %s", e.Operation, e.Part, e.Pointer)
	}
}

func memberID(c *client, username string) string {
	return id(c.one("GET", "/members/"+username, url.Values{"fields": {"id"}}))
}

func download(c *client, address string) string {
	c.t.Helper()
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	status, b := c.send(r)
	if status != http.StatusOK {
		c.t.Fatalf("download: %d %s", status, b)
	}
	return string(b)
}
