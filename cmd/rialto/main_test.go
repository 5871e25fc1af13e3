package main

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rialto-migrate/rialto"
	"github.com/rialto-migrate/rialto/connectors"
	"github.com/rialto-migrate/rialto/connectors/demo"
	"github.com/rialto-migrate/rialto/internal/mover"
)

// The tests of this package run the program as the processes that it really
// is: this test binary is the program when one of these says so. A mover gets a
// clean environment, so that its argument alone has to do.
const (
	asProgram   = "RIALTO_TEST_PROGRAM"   // any value
	atFailpoint = "RIALTO_TEST_FAILPOINT" // where the mover dies: see package job
	asLeaky     = "RIALTO_TEST_LEAKY"     // any value: with the connectors that write what they read to a file, and to their source
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" || len(os.Args) > 1 && os.Args[1] == mover.Argument {
		os.Exit(program())
	}
	// Mostly these tests wait, for late answers and between attempts: more of them
	// at once than there are processors. A -parallel of the user's own wins.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"rialto": func() { os.Exit(program()) }})
}

// program is main with what only tests choose. The careless connectors are always
// known to a mover: a connection names one or does not.
func program() int {
	all := connectors.All()
	if os.Getenv(asLeaky) != "" || len(os.Args) > 1 && os.Args[1] == mover.Argument {
		all = append(all, leaky{disguised{"leaky"}}, scribbler{disguised{"scribbler"}})
	}
	return rialto.Program{Connectors: all, StandIns: connectors.StandIns(), Demo: demo.New, Failpoint: os.Getenv(atFailpoint)}.Main()
}
