package demo

import (
	"strings"
	"time"

	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
)

// board is the sample: how a workshop brings a cargo bike to its customers.
func (s sample) board(workspace string) trello.Board {
	return trello.Board{
		Name: boardName,
		Desc: "Everything until **launch day**. One card is one thing that somebody can finish.\n\n" +
			"- *Ready* means: parts are here and somebody said yes\n- who pulls a card puts their face on it\n\nΚαλή δουλειά · 頑張りましょう · بالتوفيق",
		Workspace: workspace,
		Made:      s.at(-60, 8, 0),
		Members:   usernames(),
		Labels: []trello.Label{
			{Name: "Frame", Color: "green"}, {Name: "Wheels & drive", Color: "blue"}, {Name: "Electric", Color: "yellow"},
			{Name: "Words & pictures", Color: "purple"}, {Name: "Supplier", Color: "sky"}, {Name: "日本", Color: "pink"},
			{Name: "Urgent", Color: "red"}, {Name: "Urgent", Color: "orange"}, // somebody made it twice
			{Color: "lime"},
		},
		Fields: []trello.Field{
			{Name: "Budget (NOK)", Type: "number"}, {Name: "Supplier", Type: "text"},
			{Name: "Stage", Type: "list", Options: []string{"Sketch", "Prototype", "Series"}},
			{Name: "Signed off", Type: "checkbox"}, {Name: "Ordered on", Type: "date"},
		},
		Lists: []trello.List{
			{Name: "Ideas", Cards: s.ideas()},
			{Name: "Ready", Cards: s.ready()},
			{Name: "In the workshop", Cards: s.making()},
			{Name: "Waiting for parts", Cards: s.waiting()},
			{Name: "Ride test", Cards: s.riding()},
			{Name: "Done", Cards: s.done()},
			{Name: "Last season", Closed: true, Cards: s.lastSeason()},
		},
	}
}

// plain are cards that are no more than a name, made one after the other.
func (s sample) plain(author string, day int, names ...string) []trello.Card {
	out := make([]trello.Card, len(names))
	for i, name := range names {
		out[i] = trello.Card{Name: name, Author: author, Made: s.at(day, 9, 5*i)}
	}
	return out
}

// said is a comment.
func said(by string, at time.Time, text string) trello.Comment {
	return trello.Comment{Author: by, At: at, Text: text}
}

// entries are those of a checklist; what begins with "+" is ticked.
func entries(names ...string) []trello.Item {
	out := make([]trello.Item, len(names))
	for i, name := range names {
		rest, done := strings.CutPrefix(name, "+")
		out[i] = trello.Item{Name: strings.TrimSpace(rest), Done: done}
	}
	return out
}

// checklist is one whose entries have neither people nor dates.
func checklist(name string, items ...string) trello.Checklist {
	return trello.Checklist{Name: name, Items: entries(items...)}
}

// toCard is an attachment that leads to another card of the board.
func toCard(name string) trello.Attachment {
	return trello.Attachment{URL: "{card:" + name + "}"}
}
