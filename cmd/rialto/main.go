// Command rialto moves what an organisation keeps in one cloud into another.
package main

import (
	"os"

	"github.com/rialto-migrate/rialto"
	"github.com/rialto-migrate/rialto/connectors"
)

func main() {
	os.Exit(rialto.Program{Connectors: connectors.All(), StandIns: connectors.StandIns()}.Main())
}
