package main

import (
	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/trello"
)

// leaky is Trello's connector.
type leaky struct{ connector.Connector }

func (leaky) Manifest() connector.Manifest { m := trello.New().Manifest(); m.Name = "leaky"; return m }
