package pairs_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	trellocloud "github.com/rialto-migrate/rialto/connectors/trello/standin"
)

// A moment of the boards that these tests make: none is made by a clock, so
// that what becomes of times is the same in every run.
func at(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 30, 0, 0, time.UTC) }

// fillTrello puts a board there that has some of everything that Trello keeps,
// and returns its id.
func (e *end) fillTrello() string {
	e.t.Helper()
	e.trello.AddMember(trellocloud.Member{Username: gone().user, FullName: gone().name(), Email: gone().mail()})
	id, err := e.trello.AddBoard(trellocloud.Board{
		Name: "Marketing", Desc: "What we sell, **to whom**, and why.", Made: at(1, 8),
		Members: []string{"annlee", "bobost", "sakura", gone().user},
		Labels:  trelloLabels(),
		Fields: []trellocloud.Field{{Name: "Budget", Type: "number"}, {Name: "Stage", Type: "list", Options: []string{"Idea", "Draft", "Out"}},
			{Name: "Signed", Type: "checkbox"}, {Name: "Launch", Type: "date"}, {Name: "Owner's note", Type: "text"}},
		Lists: []trellocloud.List{
			{Name: "Ideas", Cards: ideas()},
			{Name: "Doing", Cards: doing()},
			{Name: "Ideas", Cards: []trellocloud.Card{{Name: "In the other list of that name", Author: "annlee", Made: at(2, 9)}}},
			{Name: "Old", Closed: true, Cards: []trellocloud.Card{{Name: "Forgotten", Made: at(2, 10), Desc: "In a list that was archived"},
				{Name: "Forgotten for good", Made: at(2, 11), Closed: true, Labels: []string{"urgent"}}}},
		},
	})
	if err != nil {
		e.t.Fatal(err)
	}
	for _, p := range []struct {
		card string
		body map[string]any
	}{
		{"Summer campaign", map[string]any{"locationName": "Town hall", "address": "1 Main St", "coordinates": "59.9,10.7"}},
		{"Summer campaign", map[string]any{"dueReminder": 1440}},
	} {
		e.callTrello(http.MethodPut, "/cards/"+e.card("Marketing", p.card).ID, p.body)
	}
	return id
}

// trelloLabels are more than a Planner has: two of one name, two of one colour,
// one without a name and one without a colour.
func trelloLabels() []trellocloud.Label {
	labels := []trellocloud.Label{{Name: "urgent", Color: "red"}, {Name: "urgent", Color: "pink"}, {Name: "design", Color: "red_dark"},
		{Name: "", Color: "green"}, {Name: "日本", Color: "sky"}, {Name: "pale", Color: ""}}
	for i := range 22 {
		labels = append(labels, trellocloud.Label{Name: fmt.Sprintf("topic %d", i), Color: "blue_light"})
	}
	return labels
}

func ideas() []trellocloud.Card {
	var many []trellocloud.Item
	for i := range 23 {
		many = append(many, trellocloud.Item{Name: fmt.Sprintf("Step %d", i), Done: i%3 == 0})
	}
	many[4].Name = "A step that says more than a short line can hold, and goes on to say it " + strings.Repeat("again and ", 5) + "again"
	many[5].Due, many[5].Member = at(9, 12), "bobost"
	cards := []trellocloud.Card{{
		Name: "Summer campaign", Made: at(1, 9), Author: "annlee", Start: at(3, 8), Due: at(20, 16),
		Desc:   "Ask @bobost and see {card:Poster}.\n\n- one\n- two\n\n[site](https://example.test/a_b)",
		Labels: []string{"urgent", "design", "green", "topic 21"}, Members: []string{"annlee", "bobost", gone().user}, Voters: []string{"annlee", "sakura"},
		Stickers: []string{"heart", "thumbsup"}, Cover: "purple",
		Fields: map[string]string{"Budget": "1200.5", "Stage": "Draft", "Signed": "true", "Launch": "2026-06-01T10:00:00.000Z", "Owner's note": "mind the gap"},
		Checklists: []trellocloud.Checklist{{Name: "Steps", Items: many}, {Name: "Second", Items: []trellocloud.Item{{Name: "see {card:Poster}"}, {Name: "x", Done: true}}},
			{Name: "Empty"}},
		Comments: []trellocloud.Comment{
			{Author: "annlee", Text: "First. @sakura, what do you think of {card:Poster}?", At: at(4, 9)},
			{Author: "sakura", Text: "いいですね", At: at(4, 10)},
			{Author: gone().user, Text: "I was **here**", At: at(4, 11)},
			{Author: "bobost", Text: "same", At: at(4, 12)}, {Author: "bobost", Text: "same", At: at(4, 12)}},
		Attachments: []trellocloud.Attachment{
			{Name: "plan.txt", Data: []byte("the plan"), Author: "annlee", At: at(5, 9)},
			{Name: "空.bin", Data: []byte{}, Author: "bobost", At: at(5, 10)},
			{URL: "{card:Poster}", Author: "bobost", At: at(5, 11)},
			{Name: "Our site", URL: "https://example.test/a?b=c#d", At: at(5, 12)}},
	}, {
		Name: "Poster", Made: at(1, 10), Desc: "Goes with {card:Summer campaign}", Due: at(10, 9), Done: true, Members: []string{"sakura"}, Author: "sakura",
	}}
	full := trellocloud.Card{Name: "Full of links", Made: at(1, 11)}
	for i := range 13 {
		full.Attachments = append(full.Attachments, trellocloud.Attachment{Name: fmt.Sprintf("Link %d", i), URL: fmt.Sprintf("https://example.test/%d", i), At: at(6, i)})
	}
	return append(cards, full,
		trellocloud.Card{Name: strings.Repeat("A very long title, of which no end is in sight. ", 7) + "End", Made: at(1, 12)},
		trellocloud.Card{Name: "Much to read", Made: at(1, 13), Desc: strings.Repeat("0123456789abcde\n", 1000), Comments: []trellocloud.Comment{
			{Text: strings.Repeat("lorem ipsum ", 1000), At: at(7, 9), Author: "annlee"}, {Text: strings.Repeat("dolor sit ", 1200), At: at(7, 10), Author: "bobost"}}},
		trellocloud.Card{Name: "bidi \u202eevil\u202c and \u0007bell", Made: at(1, 14), Desc: "plain"},
		trellocloud.Card{Name: "Archived idea", Made: at(1, 15), Closed: true, Labels: []string{"日本"}, Fields: map[string]string{"Budget": "3"},
			Comments: []trellocloud.Comment{{Text: "gone with it", At: at(8, 9), Author: "annlee"}}})
}

func doing() []trellocloud.Card {
	var out []trellocloud.Card
	for i := range 12 {
		out = append(out, trellocloud.Card{Name: fmt.Sprintf("Task %d", i), Made: at(2, 12).Add(time.Duration(i) * time.Minute), Done: i%4 == 3,
			Desc: fmt.Sprintf("See {card:Task %d}", (i+5)%12), Labels: []string{"pale"}, Members: []string{"annlee"}})
	}
	return append(out, trellocloud.Card{Name: "Task 3", Made: at(2, 13), Desc: "A second one of that name"})
}

// callTrello calls the API as the token's owner, past the connector.
func (e *end) callTrello(method, path string, body any) map[string]any {
	e.t.Helper()
	return call(e.t, e.bare, method, trelloBase+"/1"+path, body, map[string]string{
		"Authorization": fmt.Sprintf(`OAuth oauth_consumer_key=%q, oauth_token=%q`, e.set["key"], e.set["token"])})
}

// card finds a card by the names of its board and its own.
func (e *end) card(board, name string) trellocloud.CardView {
	e.t.Helper()
	for _, b := range e.trello.Boards() {
		for _, l := range b.Lists {
			for _, c := range l.Cards {
				if b.Name == board && c.Name == name {
					return c
				}
			}
		}
	}
	e.t.Fatalf("no card of that name: %s", name)
	return trellocloud.CardView{}
}

// list finds a list of the board Marketing.
func (e *end) list(name string) trellocloud.ListView {
	e.t.Helper()
	for _, b := range e.trello.Boards() {
		for _, l := range b.Lists {
			if b.Name == "Marketing" && l.Name == name {
				return l
			}
		}
	}
	e.t.Fatalf("no list of that name: %s", name)
	return trellocloud.ListView{}
}

// editTrello changes the board as people do in a day: something of each kind.
func (e *end) editTrello() {
	e.t.Helper()
	ok := func(err error) {
		e.t.Helper()
		if err != nil {
			e.t.Fatal(err)
		}
	}
	board := "Marketing"
	summer := e.card(board, "Summer campaign")
	title, desc, due, yes, old := "Task 1, renamed", "Now with words", at(25, 9), true, e.list("Doing").ID
	ok(e.trello.EditCard(e.card(board, "Task 1").ID, trellocloud.CardEdit{Name: &title, Desc: &desc, Due: &due}))
	ok(e.trello.EditCard(e.card(board, "Task 2").ID, trellocloud.CardEdit{Closed: &yes}))
	ok(e.trello.EditCard(e.card(board, "Full of links").ID, trellocloud.CardEdit{List: &old}))
	first := 0.5
	ok(e.trello.EditCard(e.card(board, "Task 9").ID, trellocloud.CardEdit{Pos: &first}))
	no := false
	ok(e.trello.EditCard(e.card(board, "Archived idea").ID, trellocloud.CardEdit{Closed: &no}))
	ok(e.trello.Tick(summer.ItemID[1], true))
	_, err := e.trello.AddComment(summer.ID, trellocloud.Comment{Author: "annlee", Text: "One more thing", At: at(28, 9)})
	ok(err)
	_, err = e.trello.AddAttachment(summer.ID, trellocloud.Attachment{Name: "late.txt", Data: []byte("late"), At: at(28, 10)})
	ok(err)
	_, err = e.trello.AddCard(e.list("Doing").ID, trellocloud.Card{Name: "New today", Made: at(28, 11), Desc: "See {card:Poster}"})
	ok(err)
	_, err = e.trello.AddList(e.trelloBoard(), "New list")
	ok(err)
	ok(e.trello.DeleteAttachment(summer.ID, summer.AttachmentIDs[3]))
	ok(e.trello.EditComment(summer.CommentIDs[1], "いいですね。とても"))
	ok(e.trello.DeleteComment(summer.CommentIDs[3]))
	for _, change := range []struct {
		path string
		body map[string]any
	}{
		{"/labels/" + e.label("design"), map[string]any{"name": "Design", "color": "orange"}},
		{"/labels/" + e.label("topic 3"), map[string]any{"name": "topic three"}},
		{"/cards/" + e.card(board, "Task 5").ID, map[string]any{"due": nil, "idMembers": "", "idLabels": e.label("topic 1")}},
		{"/cards/" + e.card(board, "Task 6").ID, map[string]any{"dueComplete": true, "cover": map[string]any{"color": "lime"}}},
		{"/boards/" + e.trelloBoard(), map[string]any{"desc": "Another text", "name": "Marketing"}},
	} {
		e.callTrello(http.MethodPut, change.path, change.body)
	}
	e.callTrello(http.MethodDelete, "/labels/"+e.label("topic 2"), nil)
	e.callTrello(http.MethodPost, "/labels", map[string]any{"idBoard": e.trelloBoard(), "name": "fresh", "color": "yellow"})
	name := "Doing now"
	ok(e.trello.EditList(e.list("Doing").ID, &name, nil))
	ok(e.trello.DeleteCard(e.card(board, "Task 4").ID))
}

// label finds a label of the board Marketing.
func (e *end) label(name string) string {
	e.t.Helper()
	for _, l := range e.labels() {
		if l.Name == name {
			return l.ID
		}
	}
	e.t.Fatalf("no label of that name: %s", name)
	return ""
}

func (e *end) labels() []struct{ ID, Name string } {
	e.t.Helper()
	var board struct{ Labels []struct{ ID, Name string } }
	raw, err := json.Marshal(e.callTrello(http.MethodGet, "/boards/"+e.trelloBoard()+"?labels=all&labels_limit=1000", nil))
	if err == nil {
		err = json.Unmarshal(raw, &board)
	}
	if err != nil {
		e.t.Fatal(err)
	}
	return board.Labels
}

func (e *end) trelloBoard() string {
	e.t.Helper()
	for _, b := range e.trello.Boards() {
		if b.Name == "Marketing" {
			return b.ID
		}
	}
	e.t.Fatal("no board Marketing")
	return ""
}

// attach adds a made-up file to a card.
func (e *end) attach(card, name string, bytes int64) {
	e.t.Helper()
	if _, err := e.trello.AddAttachment(card, trellocloud.Attachment{Name: name, Size: bytes, At: at(27, 9)}); err != nil {
		e.t.Fatal(err)
	}
}
