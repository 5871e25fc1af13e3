package connectors

import (
	"github.com/rialto-migrate/rialto/connector/standin"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
)

// StandIns returns the stand-in of every cloud that has one.
func StandIns() []standin.Maker {
	return []standin.Maker{
		{Name: "trello", New: func(seed uint64) standin.Cloud { return trello.New(trello.Options{Seed: seed}) }},
		{Name: "planner", New: func(seed uint64) standin.Cloud { return microsoft.New(microsoft.Options{Seed: seed}) }},
	}
}
