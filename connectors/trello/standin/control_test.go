package standin_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	shared "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/trello/standin"
)

var (
	_ shared.Cloud = (*standin.Server)(nil)
	_ shared.Shown = (*standin.Server)(nil)
)

func mustGet(t *testing.T, c *client, path string) string {
	t.Helper()
	resp, err := c.http.Get("http://trello.test" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestBuilder(t *testing.T) {
	s, b := sample(t, standin.Options{})
	c := newClient(t, s, nil)
	whole := c.one("GET", "/boards/"+b, url.Values{"cards": {"all"}, "card_attachments": {"true"}, "card_customFieldItems": {"true"}, "checklists": {"all"}, "actions": {"all"}, "actions_limit": {"1000"}})
	var card, second object
	for _, x := range whole["cards"].([]any) {
		if m := x.(object); m["name"] == "First" {
			card = m
		} else {
			second = m
		}
	}
	link := second["shortUrl"].(string)
	if card["desc"] != "see "+link || card["attachments"].([]any)[0].(object)["url"] != link {
		t.Errorf("links between cards: %v", card["desc"])
	}
	if second["closed"] != true || len(card["customFieldItems"].([]any)) != 2 {
		t.Error("the board does not hold what was built")
	}
	types := map[string]int{}
	for _, x := range whole["actions"].([]any) {
		m := x.(object)
		types[m["type"].(string)]++
		if m["type"] == "createCard" && m["data"].(object)["card"].(object)["name"] == "First" && m["memberCreator"].(object)["username"] != "mira" {
			t.Error("the card's author is lost")
		}
	}
	if types["createCard"] != 2 || types["commentCard"] != 2 || types["addAttachmentToCard"] != 3 {
		t.Errorf("actions %v", types)
	}
	page := strings.ReplaceAll(mustGet(t, c, "/"), "<wbr>", "") // names may be broken there
	for _, want := range []string{"Launch", "First", "c-red", "1/2", "hello", "plan v1.pdf", "#" + second["shortLink"].(string)} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if got := mustGet(t, c, "/c/"+second["id"].(string)); !strings.Contains(got, "Launch") {
		t.Error("a card's address does not lead to the page")
	}
	for _, bad := range []standin.Board{
		{Name: "x", Members: []string{"nobody"}}, {Name: "x", Workspace: "none"}, {Name: "x", Fields: []standin.Field{{Name: "f", Type: "colour"}}},
		{Name: "x", Lists: []standin.List{{Cards: []standin.Card{{Labels: []string{"none"}}}}}},
	} {
		if _, err := s.AddBoard(bad); err == nil {
			t.Errorf("built %v", bad)
		}
	}
	if len(s.Boards()) != 1 {
		t.Error("a board that could not be built was left behind")
	}
}

func ptr[T any](v T) *T { return &v }

func TestControl(t *testing.T) {
	s, b := sample(t, standin.Options{})
	c := newClient(t, s, nil)
	v := s.Boards()[0]
	card, old := v.Lists[0].Cards[0], v.Lists[1].ID
	before := c.one("GET", "/cards/"+card.ID, nil)["dateLastActivity"]
	time.Sleep(2 * time.Millisecond)
	steps := []error{
		s.EditCard(card.ID, standin.CardEdit{By: "mira", Name: ptr("Renamed"), Done: ptr(true), Due: ptr(time.Time{}), List: &old, Labels: &[]string{"plain"}, Members: &[]string{}}),
		s.EditComment(card.CommentIDs[0], "changed"),
		s.DeleteComment(card.CommentIDs[1]),
		s.Tick(card.ItemID[1], true),
		s.DeleteAttachment(card.ID, card.AttachmentIDs[2]),
		s.EditList(old, ptr("Older"), nil),
	}
	for i, err := range steps {
		if err != nil {
			t.Errorf("step %d: %v", i, err)
		}
	}
	list, err := s.AddList(b, "New")
	if err != nil {
		t.Fatal(err)
	}
	third, err := s.AddCard(list, standin.Card{Name: "Third", Desc: "{card:Renamed}"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddAttachment(third, standin.Attachment{Name: "a.txt", Data: []byte("a")}); err != nil {
		t.Fatal(err)
	}
	got := c.one("GET", "/cards/"+card.ID, url.Values{"actions": {"all"}})
	if got["name"] != "Renamed" || got["dueComplete"] != true || got["due"] != nil || got["idList"] != old || len(got["idMembers"].([]any)) != 0 || got["dateLastActivity"] == before {
		t.Errorf("the edited card: %v", got)
	}
	if n := got["badges"].(object); n["comments"] != 1.0 || n["attachments"] != 2.0 || n["checkItemsChecked"] != 2.0 {
		t.Errorf("badges %v", n)
	}
	kinds := map[string]bool{}
	for _, x := range got["actions"].([]any) {
		m := x.(object)
		if oldValue, ok := m["data"].(object)["old"].(object); ok {
			for k := range oldValue {
				kinds[k] = true
			}
			if m["memberCreator"].(object)["username"] != "mira" {
				t.Errorf("who changed it: %v", m["memberCreator"])
			}
		}
	}
	if !kinds["name"] || !kinds["idList"] || !kinds["due"] || !kinds["dueComplete"] {
		t.Errorf("actions tell of %v", kinds)
	}
	if desc := c.one("GET", "/cards/"+third, nil)["desc"]; desc != "https://trello.com/c/"+card.ShortLink {
		t.Errorf("the third card's link: %v", desc)
	}
	if err := s.DeleteCard(third); err != nil {
		t.Fatal(err)
	}
	if status, _ := c.try("GET", "/cards/"+third, nil); status != 404 {
		t.Errorf("a deleted card: %d", status)
	}
	if err := s.EditCard(third, standin.CardEdit{}); err == nil {
		t.Error("a deleted card was edited")
	}
	if err := s.DeleteBoard(b); err != nil || len(s.Boards()) != 0 {
		t.Errorf("deleting the board: %v", err)
	}
}

// Cards keep the order that positions give, wherever they are put.
func TestPositions(t *testing.T) {
	s, b := sample(t, standin.Options{})
	c := newClient(t, s, nil)
	list := id(c.one("POST", "/lists", object{"name": "order", "idBoard": b, "pos": "bottom"}))
	add := func(name string, pos any) object {
		return c.one("POST", "/cards", object{"idList": list, "name": name, "pos": pos})
	}
	add("b", "bottom")
	last := add("d", "bottom")
	add("a", "top")
	add("c", last["pos"].(float64)-1)
	move := add("e", "top")
	c.one("PUT", "/cards/"+id(move), object{"pos": "bottom"})
	var names string
	for _, x := range c.get("/lists/"+list+"/cards", nil).([]any) {
		names += x.(object)["name"].(string)
	}
	if names != "abcde" {
		t.Errorf("the order is %s", names)
	}
}

func TestMoveToAnotherBoard(t *testing.T) {
	s, _ := sample(t, standin.Options{})
	c := newClient(t, s, nil)
	other, err := s.AddBoard(standin.Board{Name: "Other", Lists: []standin.List{{Name: "closed", Closed: true}, {Name: "in"}}})
	if err != nil {
		t.Fatal(err)
	}
	card := s.Boards()[0].Lists[0].Cards[0].ID
	got := c.one("PUT", "/cards/"+card+"/idBoard", object{"value": other})
	if got["idBoard"] != other || got["idList"] != s.Boards()[1].Lists[1].ID || len(got["idLabels"].([]any)) != 0 {
		t.Errorf("moved to %v %v with labels %v", got["idBoard"], got["idList"], got["idLabels"])
	}
	if n := len(c.get("/boards/"+other+"/cards/all", nil).([]any)); n != 1 {
		t.Errorf("%d cards on the other board", n)
	}
}

func TestConcurrently(t *testing.T) {
	s, b := sample(t, standin.Options{Rates: ptr(standin.DocumentedRates())})
	s.Rates().SetToken(0)
	s.Rates().SetKey(0)
	list := s.Boards()[0].Lists[0].ID
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			c := newClient(t, s, nil)
			for i := range 20 {
				status, _ := c.try("POST", "/cards", object{"idList": list, "name": fmt.Sprint(w, i), "pos": "bottom"})
				if status != http.StatusOK && status != http.StatusTooManyRequests {
					t.Errorf("status %d", status)
				}
				c.try("GET", "/boards/"+b, url.Values{"cards": {"all"}, "fields": {"all"}})
				s.PageBoards()
			}
		})
	}
	wg.Wait()
}
