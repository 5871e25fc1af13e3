package standin_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	shared "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/trello/standin"
)

// sample is a server with one board that holds one of everything.
func sample(t *testing.T, o standin.Options) (s *standin.Server, boardID string) {
	t.Helper()
	if o.Rates == nil {
		o.Rates = &standin.Rates{}
	}
	if o.Seed == 0 {
		o.Seed = 11
	}
	s = standin.New(o)
	s.AddMember(standin.Member{Username: "mira", FullName: "Mira Mikkelsen", Email: "mira@example.org"})
	s.AddMember(standin.Member{Username: "stranger", FullName: "Some Stranger"})
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	boardID, err := s.AddBoard(standin.Board{Name: "Launch", Members: []string{"mira"}, Made: at,
		Labels: []standin.Label{{Name: "urgent", Color: "red"}, {Name: "plain"}},
		Fields: []standin.Field{{Name: "Effort", Type: "number"}, {Name: "Size", Type: "list", Options: []string{"S", "L"}}},
		Lists: []standin.List{{Name: "To do", Cards: []standin.Card{
			{Name: "First", Desc: "see {card:Second}", Author: "mira", Made: at, Labels: []string{"urgent"}, Members: []string{"mira"}, Voters: []string{"mira"}, Stickers: []string{"heart"},
				Fields: map[string]string{"Effort": "3", "Size": "L"}, Cover: "blue", Due: at.AddDate(0, 1, 0),
				Checklists:  []standin.Checklist{{Name: "Steps", Items: []standin.Item{{Name: "one", Done: true}, {Name: "two", Member: "mira"}}}},
				Comments:    []standin.Comment{{Author: "mira", Text: "hello", At: at.Add(time.Hour)}, {Text: "again", At: at.Add(2 * time.Hour)}},
				Attachments: []standin.Attachment{{URL: "{card:Second}"}, {Name: "plan v1.pdf", Data: []byte("the plan")}, {Name: "big.bin", Size: 1 << 20}}},
			{Name: "Second", Closed: true, Made: at},
		}}, {Name: "Old", Closed: true}}})
	if err != nil {
		t.Fatal(err)
	}
	return s, boardID
}

func TestCredentials(t *testing.T) {
	s, b := sample(t, standin.Options{})
	c := newClient(t, s, nil)
	path := "/boards/" + b
	try := func(change func()) string {
		change()
		status, body := c.try("GET", path, nil)
		return fmt.Sprint(status, " ", string(body))
	}
	key, token := c.key, c.token
	for _, x := range []struct {
		name, want string
		change     func()
	}{
		{"good", "200 {", func() {}},
		{"wrong key", "401 invalid key", func() { c.key = "nonsense" }},
		{"no token", "401 unauthorized permission requested", func() { c.key, c.token = key, "" }},
		{"wrong token", "401 invalid token", func() { c.token = "nonsense" }},
		{"expired", "401 expired token", func() { c.token = token; s.ExpireToken() }},
		{"revoked", "401 invalid token", func() { s.RevokeToken() }},
		{"good again", "200 {", func() { s.RestoreToken() }},
	} {
		if got := try(x.change); !strings.HasPrefix(got, x.want) {
			t.Errorf("%s: %.60s, want %s", x.name, got, x.want)
		}
	}
	s.SetReadOnly(true)
	if status, body := c.try("POST", "/lists", object{"name": "x", "idBoard": b}); status != 401 || string(body) != "unauthorized permission requested" {
		t.Errorf("a write without the right: %d %s", status, body)
	}
	resp, err := c.http.Get(c.base + path + "?key=" + key + "&token=" + token)
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("credentials in the query: %v %v", resp.StatusCode, err)
	}
}

func TestRefusals(t *testing.T) {
	small := standin.DocumentedLimits()
	small.LabelsPerBoard, small.CheckItemsPerChecklist, small.ChecklistsPerCard, small.AttachmentsPerCard = 2, 2, 1, 3
	small.StickersPerCard, small.OpenCardsPerBoard, small.CustomFieldsPerBoard, small.OptionsPerCustomField, small.OpenListsPerBoard, small.UploadBytes = 1, 1, 2, 2, 1, 100
	s, b := sample(t, standin.Options{Limits: &small})
	c := newClient(t, s, nil)
	v := s.Boards()[0]
	list, card := v.Lists[0].ID, v.Lists[0].Cards[0]
	whole := c.one("GET", "/boards/"+b, url.Values{"customFields": {"true"}, "checklists": {"all"}, "labels": {"all"}, "cards": {"all"}, "actions": {"commentCard"}})
	first := func(name string) string { return id(whole[name].([]any)[0].(object)) }
	number, choice := first("customFields"), id(whole["customFields"].([]any)[1].(object))
	checklist, label := first("checklists"), first("labels")
	long := strings.Repeat("ß", 16385)
	stranger := memberID(c, "stranger")
	cp := "/cards/" + card.ID
	const nowhere = "0123456789abcdef01234567"
	for _, x := range []struct {
		method, path string
		params       any
		status       int
		says         string
	}{
		{"GET", "/cards/" + nowhere, nil, 404, "The requested resource was not found."},
		{"GET", "/cards/nonsense-id", nil, 400, "invalid id"},
		{"GET", "/boards/Zz345678", nil, 404, "The requested resource was not found."},
		{"GET", "/members/nobody", nil, 404, "The requested resource was not found."},
		{"GET", "/no/such/path", nil, 404, "Cannot GET"},
		{"POST", "/cards", object{"name": "x"}, 400, "invalid value for idList"},
		{"POST", "/cards", object{"name": "x", "idList": nowhere}, 400, "invalid value for idList"},
		{"POST", "/cards", object{"name": long, "idList": list}, 400, "invalid value for name"},
		{"POST", "/cards", object{"name": "x", "desc": long, "idList": list}, 400, "invalid value for desc"},
		{"POST", "/cards", object{"name": "x", "idList": list, "pos": -1}, 400, "invalid value for pos"},
		{"POST", "/cards", object{"name": "x", "idList": list, "pos": "middle"}, 400, "invalid value for pos"},
		{"POST", "/cards", object{"name": "x", "idList": list, "due": "soon"}, 400, "invalid value for due"},
		{"POST", "/cards", object{"name": "x", "idList": list, "idMembers": stranger}, 400, "invalid value for idMembers"},
		{"POST", "/cards", object{"name": "x", "idList": list, "idLabels": nowhere}, 400, "invalid value for idLabels"},
		{"POST", "/cards", object{"name": "x", "idList": list, "coordinates": "far away"}, 400, "invalid value for coordinates"},
		{"POST", "/cards", object{"name": "x", "idList": list}, 403, "BOARD_TOO_MANY_OPEN_CARDS"},
		{"PUT", cp, object{"name": " "}, 400, "invalid value for name"},
		{"PUT", cp, object{"closed": "maybe"}, 400, "invalid value for closed"},
		{"PUT", cp, object{"idAttachmentCover": nowhere}, 400, "invalid value for idAttachmentCover"},
		{"PUT", cp, object{"cover": object{"color": "beige"}}, 400, "invalid value for cover"},
		{"POST", "/lists", object{"name": "", "idBoard": b}, 400, "invalid value for name"},
		{"POST", "/lists", object{"name": "x", "idBoard": nowhere}, 400, "invalid value for idBoard"},
		{"POST", "/lists", object{"name": "x", "idBoard": b}, 403, "BOARD_TOO_MANY_OPEN_LISTS"},
		{"POST", "/labels", object{"name": "x", "color": "beige", "idBoard": b}, 400, "invalid value for color"},
		{"POST", "/labels", object{"name": "x", "color": "sky_dark", "idBoard": b}, 403, "BOARD_TOO_MANY_LABELS"},
		{"PUT", "/labels/" + label, object{"color": "nothing"}, 400, "invalid value for color"},
		{"POST", cp + "/idLabels", object{"value": label}, 400, "that label is already on the card"},
		{"POST", cp + "/idMembers", object{"value": stranger}, 400, "invalid value for value"},
		{"POST", cp + "/membersVoted", object{"value": memberID(c, "mira")}, 401, "unauthorized permission requested"},
		{"POST", cp + "/checklists", object{"name": "x"}, 403, "CARD_TOO_MANY_CHECKLISTS"},
		{"POST", "/checklists/" + checklist + "/checkItems", object{"name": "x"}, 403, "CHECKLIST_TOO_MANY_CHECKITEMS"},
		{"POST", "/checklists/" + checklist + "/checkItems", object{"name": ""}, 400, "invalid value for name"},
		{"POST", "/checklists/" + checklist + "/checkItems", object{"name": "x", "idMember": stranger}, 400, "invalid value for idMember"},
		{"POST", cp + "/attachments", object{"url": "ftp://x"}, 400, "invalid value for url"},
		{"POST", cp + "/attachments", object{"url": "https://x.example", "name": strings.Repeat("x", 257)}, 400, "invalid value for name"},
		{"POST", cp + "/attachments", object{"url": "https://x.example"}, 403, "CARD_TOO_MANY_ATTACHMENTS"},
		{"POST", cp + "/stickers", object{"image": "heart", "top": 1, "left": 1}, 400, "invalid value for zIndex"},
		{"POST", cp + "/stickers", object{"image": "heart", "top": 1, "left": 1, "zIndex": 1}, 403, "CARD_TOO_MANY_STICKERS"},
		{"POST", cp + "/actions/comments", object{"text": ""}, 400, "invalid value for text"},
		{"POST", cp + "/actions/comments", object{"text": long}, 400, "invalid value for text"},
		{"POST", "/customFields", object{"idModel": b, "modelType": "board", "name": "x", "type": "color", "pos": "top"}, 400, "invalid value for type"},
		{"POST", "/customFields", object{"idModel": b, "modelType": "board", "name": "x", "type": "text", "pos": "top"}, 403, "BOARD_TOO_MANY_CUSTOM_FIELDS"},
		{"POST", "/customFields/" + choice + "/options", object{"value": object{"text": "XL"}}, 403, "CUSTOM_FIELD_TOO_MANY_OPTIONS"},
		{"PUT", cp + "/customField/" + number + "/item", object{"value": object{"number": "many"}}, 400, "Invalid custom field item value."},
		{"PUT", cp + "/customField/" + number + "/item", object{"value": object{"text": "3"}}, 400, "Invalid custom field item value."},
		{"PUT", cp + "/customField/" + choice + "/item", object{"idValue": nowhere}, 400, "invalid value for idValue"},
		{"GET", "/boards/" + b + "/actions", url.Values{"limit": {"1001"}}, 400, "invalid value for limit"},
		{"GET", "/boards/" + b + "/actions", url.Values{"before": {"yesterday"}}, 400, "invalid value for before"},
		{"GET", "/batch", url.Values{"urls": {strings.Repeat("/members/me,", 10) + "/members/me"}}, 400, "invalid value for urls"},
		{"GET", "/batch", nil, 400, "invalid value for urls"},
		{"PUT", "/boards/" + b, object{"prefs/voting": "sometimes"}, 400, "invalid value for prefs/voting"},
		{"POST", "/boards", object{"name": "  "}, 400, "invalid value for name"},
		{"POST", "/boards", object{"name": "x", "idOrganization": nowhere}, 400, "invalid value for idOrganization"},
		{"DELETE", cp + "/membersVoted/" + stranger, nil, 400, "member has not voted on the card"},
	} {
		before := fmt.Sprint(s.Boards())
		status, body := c.try(x.method, x.path, x.params)
		if status != x.status || !strings.Contains(string(body), x.says) {
			t.Errorf("%s %s %.80v: %d %.80s, want %d %s", x.method, x.path, x.params, status, body, x.status, x.says)
		}
		if fmt.Sprint(s.Boards()) != before {
			t.Errorf("%s %s was refused and yet changed something", x.method, x.path)
		}
	}
	r, _ := http.NewRequest("POST", c.base+cp, strings.NewReader("{"))
	r.Method = "PUT"
	r.Header.Set("Content-Type", "application/json")
	if status, body := c.send(r); status != 400 || !strings.Contains(string(body), "invalid JSON") {
		t.Errorf("a broken body: %d %s", status, body)
	}
}

func TestUploadTooLarge(t *testing.T) {
	small := standin.DocumentedLimits()
	small.UploadBytes = 100
	s, _ := sample(t, standin.Options{Limits: &small})
	c := newClient(t, s, nil)
	body := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n" + strings.Repeat("x", 101) + "\r\n--b--\r\n"
	r, _ := http.NewRequest("POST", c.base+"/cards/"+s.Boards()[0].Lists[0].Cards[0].ID+"/attachments", strings.NewReader(body))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	if status, _ := c.send(r); status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", status)
	}
}

// The documented limits hold, tell what is left, and never when a window ends.
func TestRateLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := standin.DocumentedRates()
		r.Token.Kind, r.Token.Phase, r.Key.Kind, r.Key.Phase = shared.Fixed, 0, shared.Fixed, 0
		s, b := sample(t, standin.Options{Rates: &r})
		c := newClient(t, s, nil)
		get := func() (int, string, http.Header) {
			q, _ := http.NewRequest("GET", c.base+"/boards/"+b+"?fields=name", nil)
			c.header(q)
			resp, err := c.http.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			buf := make([]byte, 200)
			n, _ := resp.Body.Read(buf)
			return resp.StatusCode, string(buf[:n]), resp.Header
		}
		for i := range 100 {
			status, _, h := get()
			if left := h.Get("X-Rate-Limit-Api-Token-Remaining"); status != 200 || left != fmt.Sprint(99-i) {
				t.Fatalf("request %d: %d, %s left", i, status, left)
			}
		}
		status, body, h := get()
		if status != 429 || body != `{"error":"API_TOKEN_LIMIT_EXCEEDED","message":"Rate limit exceeded"}` {
			t.Errorf("request 101: %d %s", status, body)
		}
		if h.Get("Retry-After") != "" || h.Get("X-Rate-Limit-Api-Token-Max") != "100" || h.Get("X-Rate-Limit-Api-Token-Interval-Ms") != "10000" || h.Get("X-Rate-Limit-Api-Key-Max") != "300" {
			t.Errorf("headers %v", h)
		}
		for range 200 { // with the one before: more than 200 refusals
			get()
		}
		if _, body, _ := get(); !strings.Contains(body, "API_KEY_LIMIT_EXCEEDED") {
			t.Errorf("after 201 refusals: %s", body)
		}
		time.Sleep(10 * time.Second)
		s.Rates().HalveToken()
		passed := 0
		for range 80 {
			if status, _, _ := get(); status == 200 {
				passed++
			}
		}
		if passed != 50 {
			t.Errorf("%d passed after halving, want 50", passed)
		}
	})
}

// GET /members/{id} has a limit of its own; what lies under it has not.
func TestMembersLimit(t *testing.T) {
	r := standin.Rates{Members: shared.Window{Kind: shared.Fixed, Max: 2, Per: time.Hour}}
	s, _ := sample(t, standin.Options{Rates: &r})
	c := newClient(t, s, nil)
	for i, want := range []int{200, 200, 429} {
		if status, body := c.try("GET", "/members/me", nil); status != want || status == 429 && !strings.Contains(string(body), "Exceeded rate limit to /1/member") {
			t.Errorf("request %d: %d %s", i, status, body)
		}
	}
	if status, _ := c.try("GET", "/members/me/boards", nil); status != 200 {
		t.Errorf("boards of a member: %d", status)
	}
}

func TestFaultsInTrellosWords(t *testing.T) {
	for spec, want := range map[string]string{
		"429:1": `429 {"error":"API_TOKEN_LIMIT_EXCEEDED","message":"Rate limit exceeded"}`,
		"503:1": "503 Service Unavailable", "html:1": "200 <!doctype html>",
	} {
		f, err := shared.ParseFaults(spec)
		if err != nil {
			t.Fatal(err)
		}
		s, b := sample(t, standin.Options{Faults: f})
		c := newClient(t, s, nil)
		status, body := c.try("GET", "/boards/"+b, nil)
		if got := fmt.Sprint(status, " ", string(body)); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %.100s, want %s", spec, got, want)
		}
	}
	f, _ := shared.ParseFaults("expire:1")
	s, b := sample(t, standin.Options{Faults: f})
	c := newClient(t, s, nil)
	c.get("/boards/"+b, nil)
	if status, body := c.try("GET", "/boards/"+b, nil); status != 401 || string(body) != "expired token" {
		t.Errorf("an expired token: %d %s", status, body)
	}
}

func TestPagingOfActions(t *testing.T) {
	s, b := sample(t, standin.Options{})
	c := newClient(t, s, nil)
	card := s.Boards()[0].Lists[0].Cards[0].ID
	for i := range 120 {
		if _, err := s.AddComment(card, standin.Comment{Author: "mira", Text: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(c.get("/cards/"+card+"/actions", nil).([]any)); n != 50 {
		t.Errorf("without a limit: %d actions, want 50", n)
	}
	var texts []string
	seen := map[string]bool{}
	q := url.Values{"filter": {"commentCard"}, "limit": {"50"}}
	for {
		page := c.get("/boards/"+b+"/actions", q).([]any)
		if len(page) == 0 {
			break
		}
		for _, x := range page {
			m := x.(object)
			if seen[id(m)] {
				t.Fatalf("%s comes twice", id(m))
			}
			seen[id(m)] = true
			texts = append(texts, m["data"].(object)["text"].(string))
		}
		q.Set("before", id(page[len(page)-1].(object)))
	}
	if len(texts) != 122 || texts[0] != "119" {
		t.Errorf("%d comments, the newest %q", len(texts), texts[0])
	}
	since := c.get("/boards/"+b+"/actions", url.Values{"since": {"2100-01-01T00:00:00.000Z"}}).([]any)
	if len(since) != 0 {
		t.Errorf("%d actions since 2100", len(since))
	}
	if n := len(c.get("/cards/"+card+"/actions", url.Values{"filter": {"createCard,addAttachmentToCard"}}).([]any)); n != 4 {
		t.Errorf("%d actions of two types, want 4", n)
	}
	cards := c.get("/boards/"+b+"/cards/all", url.Values{"limit": {"1"}}).([]any)
	if len(cards) != 1 || cards[0].(object)["name"] != "Second" {
		t.Errorf("the newest card: %v", cards)
	}
	older := c.get("/boards/"+b+"/cards/all", url.Values{"limit": {"1000"}, "before": {id(cards[0].(object))}}).([]any)
	if len(older) != 1 || older[0].(object)["name"] != "First" {
		t.Errorf("older cards: %v", older)
	}
}

func TestDownloads(t *testing.T) {
	s, _ := sample(t, standin.Options{})
	c := newClient(t, s, nil)
	card := s.Boards()[0].Lists[0].Cards[0]
	all := c.get("/cards/"+card.ID+"/attachments", nil).([]any)
	address := func(i int) string { return all[i].(object)["url"].(string) }
	if got := address(0); !strings.HasPrefix(got, "https://trello.com/c/") {
		t.Errorf("the link to a card: %s", got)
	}
	if got := download(c, address(1)); got != "the plan" || !strings.HasSuffix(address(1), "/download/plan_v1.pdf") {
		t.Errorf("%s: %q", address(1), got)
	}
	big := download(c, address(2))
	if len(big) != 1<<20 || strings.Count(big, "\x00") > 1<<14 {
		t.Errorf("a made file has %d bytes", len(big))
	}
	r, _ := http.NewRequest("GET", address(2), nil)
	r.Header.Set("Range", "bytes=1000003-1000099")
	status, part := c.send(r)
	if status != http.StatusPartialContent || string(part) != big[1000003:1000100] {
		t.Errorf("a range: %d, %d bytes", status, len(part))
	}
	resp, err := c.http.Get(address(1) + "?key=" + c.key + "&token=" + c.token)
	if err != nil || resp.StatusCode != 401 {
		t.Errorf("credentials in the query of a download: %v %v", resp.StatusCode, err)
	}
	if err := s.AddBlob(card.AttachmentIDs[2], []byte("small now")); err != nil {
		t.Fatal(err)
	}
	if got := download(c, address(2)); got != "small now" {
		t.Errorf("after AddBlob: %q", got)
	}
	if err := s.AddBlob("0123456789abcdef01234567", nil); err == nil {
		t.Error("bytes for an attachment that is not there were taken")
	}
}

func TestIDs(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	s := standin.New(standin.Options{Seed: 5, Rates: &standin.Rates{}, Now: func() time.Time { return at }})
	var ids []string
	for range 300 {
		b, err := s.AddBoard(standin.Board{Name: "x"})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, b)
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != 300 {
		t.Error("ids do not sort by creation, or repeat")
	}
	if want := fmt.Sprintf("%08x", at.Unix()); ids[0][:8] != want || len(ids[0]) != 24 {
		t.Errorf("id %s does not begin with %s", ids[0], want)
	}
	again := standin.New(standin.Options{Seed: 5, Now: func() time.Time { return at }})
	if a, b := s.Settings("x"), again.Settings("x"); a["key"] != b["key"] || a["token"] != b["token"] {
		t.Error("the same seed drew other credentials")
	}
}
