package demo

import (
	"strings"
	"testing"
	"time"

	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/item"
)

var now = time.Date(2026, 3, 4, 15, 30, 0, 0, time.UTC)

// The sample has what a board in real use has, so that the demonstration shows
// what becomes of it.
func TestSample(t *testing.T) {
	stage, err := New(now, 0)
	if err != nil {
		t.Fatal(err)
	}
	board := stage.From.(*trello.Server).Boards()[0]
	var cards, archived, checklists, comments, files, linked int
	closed := false
	for _, l := range board.Lists {
		closed = closed || l.Closed
		for _, c := range l.Cards {
			cards++
			checklists += c.Checklists
			comments += c.Comments
			files += c.Attachments
			if c.Closed {
				archived++
			}
			if strings.Contains(c.Desc, "https://trello.com/c/") {
				linked++
			}
			if strings.Contains(c.Desc, "{card:") {
				t.Errorf("%q points at a card that is not there", c.Name)
			}
		}
	}
	if cards < 60 || archived < 3 || checklists < 8 || comments < 25 || files < 20 || linked < 5 || !closed || len(board.Lists) < 6 {
		t.Errorf("%d cards, %d archived, %d checklists, %d comments, %d attachments, %d with links in the text, %d lists", cards, archived, checklists, comments, files, linked, len(board.Lists))
	}
	both, long, namesakes := false, false, 0
	for _, b := range stage.From.PageBoards() {
		for _, l := range b.Labels {
			if l.Name == "Urgent" {
				namesakes++
			}
		}
		for _, col := range b.Columns {
			for _, c := range col.Cards {
				both = both || len(c.Checklists) == 2
				for _, l := range c.Checklists {
					long = long || len(l.Items) > 20
				}
				for _, a := range c.Attachments {
					if strings.Contains(a.URL, "{card:") || strings.Contains(a.Name, "{card:") {
						t.Errorf("%q has an attachment that leads nowhere", c.Title)
					}
				}
			}
		}
	}
	if !both || !long || namesakes != 2 {
		t.Errorf("two checklists: %v, a long one: %v, labels of one name: %d", both, long, namesakes)
	}
}

// Every deed can be done, and changes what it says.
func TestDeeds(t *testing.T) {
	stage, err := New(now, 0)
	if err != nil {
		t.Fatal(err)
	}
	from := stage.From.(*trello.Server)
	before, err := card(from, "Photos of the first bike")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range stage.Deeds {
		if err := d.Do(); err != nil {
			t.Errorf("%s %s: %v", d.Who, d.What, err)
		}
	}
	if got := stage.Named(item.Task, before.ID); !strings.HasPrefix(got, "Photos of number 001") {
		t.Errorf("the renamed card is called %q", got)
	}
	added, err := card(from, "東京でのお披露目 — launch in Tokyo")
	if err != nil || added.CheckItems != 3 || added.Attachments != 1 {
		t.Errorf("the new card: %v, %v", added, err)
	}
	gone, err := card(from, "Teach the tax office what a cargo bike is")
	if err != nil || !gone.Closed {
		t.Errorf("the archived card: %v, %v", gone.Closed, err)
	}
	if stage.Named(item.Task, "000000000000000000000000") != "" {
		t.Error("a card that is not there has a name")
	}
}

// The same sample has the same ids: what is shown can be compared.
func TestSameIDs(t *testing.T) {
	a, err := New(now, 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(now, 0)
	if err != nil {
		t.Fatal(err)
	}
	if a.Scope != b.Scope {
		t.Errorf("%s, then %s", a.Scope, b.Scope)
	}
}
