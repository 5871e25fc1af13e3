package demo

import (
	"fmt"

	"github.com/rialto-migrate/rialto/connector/standin"
	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/item"
)

// deeds are what people do while their board is under way.
func (s sample) deeds(from *trello.Server) []standin.Deed {
	edit := func(name string, e trello.CardEdit) func() error {
		return func() error {
			c, err := card(from, name)
			if err != nil {
				return err
			}
			return from.EditCard(c.ID, e)
		}
	}
	yes := true
	renamed, due := "Photos of number 001, Thursday 08:00", s.at(4, 8, 0)
	return []standin.Deed{
		{Who: "Ελένη Παππά", What: "renames a card, and it is due a day earlier", Do: edit("Photos of the first bike", trello.CardEdit{By: "eleni", Name: &renamed, Due: &due})},
		{Who: "Jonas Weber", What: "moves “Carbon belts, 118 teeth” to the workshop: they are here", Do: func() error {
			c, err := card(from, "Carbon belts, 118 teeth")
			if err != nil {
				return err
			}
			list, err := listID(from, "In the workshop")
			if err != nil {
				return err
			}
			top := 1.0
			return from.EditCard(c.ID, trello.CardEdit{By: "jonas", List: &list, Pos: &top})
		}},
		{Who: "Jonas Weber", What: "ticks “front lip” on “Weld the front box (mk 3)”", Do: func() error {
			c, err := card(from, "Weld the front box (mk 3)")
			if err != nil {
				return err
			}
			return from.Tick(c.ItemID[3], true)
		}},
		{Who: "سمير حداد", What: "comments on “Brakes for 180 kg”", Do: func() error {
			c, err := card(from, "Brakes for 180 kg")
			if err != nil {
				return err
			}
			_, err = from.AddComment(c.ID, trello.Comment{Author: "samir", Text: "Wet: 4.4 m. @mira we pass! 🎉"})
			return err
		}},
		{Who: "Mira Halvorsen", What: "archives “Teach the tax office what a cargo bike is”", Do: edit("Teach the tax office what a cargo bike is", trello.CardEdit{By: "mira", Closed: &yes, Done: &yes})},
		{Who: "田中 愛子", What: "adds a card with a checklist and a picture", Do: func() error {
			list, err := listID(from, "Ready")
			if err != nil {
				return err
			}
			_, err = from.AddCard(list, trello.Card{Name: "東京でのお披露目 — launch in Tokyo", Author: "aiko", Labels: []string{"日本"}, Members: []string{"aiko", "mira"}, Due: s.at(50, 3, 0),
				Desc:        "場所は{card:日本向けの小さいモデル}と同じ通りです。",
				Checklists:  []trello.Checklist{checklist("準備", "会場", "+ 招待状", "通訳")},
				Attachments: []trello.Attachment{{Name: "会場.png", Data: picture(6), Author: "aiko"}}})
			return err
		}},
	}
}

func listID(from *trello.Server, name string) (string, error) {
	for _, b := range from.Boards() {
		for _, l := range b.Lists {
			if l.Name == name {
				return l.ID, nil
			}
		}
	}
	return "", fmt.Errorf("the sample has no list %q", name)
}

// namer tells what is called how on the board at this moment.
func namer(from *trello.Server) func(item.Kind, string) string {
	return func(kind item.Kind, id string) string {
		for _, b := range from.Boards() {
			if b.ID == id {
				return b.Name
			}
			for _, l := range b.Lists {
				if l.ID == id {
					return l.Name
				}
				for _, c := range l.Cards {
					if c.ID == id {
						return c.Name
					}
					for _, own := range c.CommentIDs {
						if own == id {
							return c.Name
						}
					}
				}
			}
		}
		return ""
	}
}
