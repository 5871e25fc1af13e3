package connectors

import (
	"github.com/rialto-migrate/rialto/connector/standin"
	box "github.com/rialto-migrate/rialto/connectors/box/standin"
	dropbox "github.com/rialto-migrate/rialto/connectors/dropbox/standin"
	googledrive "github.com/rialto-migrate/rialto/connectors/googledrive/standin"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
)

// StandIns returns the stand-in of every cloud that has one.
func StandIns() []standin.Maker {
	return []standin.Maker{
		{Name: "trello", New: func(seed uint64) standin.Cloud { return trello.New(trello.Options{Seed: seed}) },
			Generate: generateTrello, Sizes: []string{"boards", "people", "left", "cards", "seed"}},
		{Name: "planner", New: func(seed uint64) standin.Cloud { return microsoft.New(microsoft.Options{Seed: seed}) }},
		{Name: "box", New: func(seed uint64) standin.Cloud { return box.New(box.Options{Seed: seed}) }},
		{Name: "dropbox", New: func(seed uint64) standin.Cloud { return dropbox.New(dropbox.Options{Seed: seed}) }},
		{Name: "googledrive", New: func(seed uint64) standin.Cloud { return googledrive.New(googledrive.Options{Seed: seed}) }},
		{Name: "onedrive", New: func(seed uint64) standin.Cloud {
			return microsoft.New(microsoft.Options{Seed: seed, Connector: "onedrive"})
		}},
		{Name: "outlook", New: func(seed uint64) standin.Cloud {
			return microsoft.New(microsoft.Options{Seed: seed, Connector: "outlook", ClearsDrafts: true})
		}},
	}
}

// generateTrello makes 200 cards and four thirds of a person for a board unless
// it is told otherwise; one in thirteen has left.
func generateTrello(c standin.Cloud, z standin.Sizes, seed uint64) error {
	boards := z.Get("boards", 300)
	people := z.Get("people", max(2, boards*4/3))
	_, err := c.(*trello.Server).Generate(trello.Organisation{Boards: boards, People: people, Cards: z.Get("cards", 200*boards),
		Left: z.Get("left", people*3/40), Seed: uint64(z.Get("seed", int(seed)))})
	return err
}
