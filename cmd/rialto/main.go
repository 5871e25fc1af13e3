// Command rialto moves what an organisation keeps in one cloud into another.
package main

import (
	"os"

	"github.com/rialto-migrate/rialto"
	"github.com/rialto-migrate/rialto/connectors"
	"github.com/rialto-migrate/rialto/connectors/demo"
)

func main() {
	os.Exit(rialto.Program{Connectors: connectors.All(), StandIns: connectors.StandIns(), Demo: demo.New}.Main())
}
