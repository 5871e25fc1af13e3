// Package rialto is the program: it wires connectors, use cases and the command
// line together. A build of one's own is a main function with an import list:
//
//	func main() { os.Exit(rialto.Main(trello.New(), planner.New())) }
package rialto

import (
	"context"
	"os"
	"runtime/debug"

	_ "time/tzdata" // the mover reads no files, and a machine may have no zones

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/internal/cli"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/mover"
)

// Version is what the program calls itself.
const Version = "0.1.0"

// parentMemory is where the parent's garbage is collected more often rather than
// its memory grow, in bytes.
const parentMemory = 24 << 20

// Main runs the program with these connectors and returns its exit code.
func Main(connectors ...connector.Connector) int {
	return Program{Connectors: connectors}.Main()
}

// A Program is the program with everything that a build can choose.
type Program struct {
	Connectors []connector.Connector
	StandIns   []standin.Maker    // for `rialto standin`
	Demo       standin.StageMaker // for `rialto demo`; nil for none
	Failpoint  string             // for tests: the step of the engine at which the mover dies
}

// Main runs the program with the process's own arguments and returns its exit
// code.
func (p Program) Main() int {
	if len(os.Args) > 1 && os.Args[1] == mover.Argument {
		return job.Main(p.Connectors)
	}
	debug.SetMemoryLimit(parentMemory)
	return cli.Run(context.Background(), cli.Config{Connectors: p.Connectors, StandIns: p.StandIns, Demo: p.Demo, Version: Version, Failpoint: p.Failpoint,
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv}, os.Args[1:])
}
