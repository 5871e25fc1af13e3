// Package cli is the command line: one file a command. It asks package app to
// do the work and shows what comes back, for people or as JSON lines.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/internal/app"
)

// Exit codes of the program.
const (
	ExitDone    = 0
	ExitFailed  = 1
	ExitUsage   = 2
	ExitPartial = 3 // complete but for failed items
	ExitDiffers = 4 // verify found differences
)

// Config makes the command line.
type Config struct {
	Connectors []connector.Connector
	StandIns   []standin.Maker
	Demo       standin.StageMaker // nil for none
	Version    string
	Failpoint  string // for tests
	In         io.Reader
	Out, Err   io.Writer
	Getenv     func(string) string
}

// exit is an error that has said all it has to say: only its code counts.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usage marks an error of wrong use.
type usage struct{ error }

// NetworksVariable is the environment variable that may list private networks
// that may be reached, beside --allow-network.
const NetworksVariable = "RIALTO_ALLOW_NETWORKS"

// shell is what the commands share.
type shell struct {
	Config
	json       bool
	state      string
	unconfined bool
	networks   []string
}

// Run carries out a command line and returns the exit code.
func Run(ctx context.Context, c Config, args []string) int {
	s := &shell{Config: c}
	root := s.root()
	root.SetArgs(args)
	root.SetIn(c.In)
	root.SetOut(c.Out)
	root.SetErr(c.Err)
	err := root.ExecuteContext(ctx)
	var code exit
	var use usage
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &use):
		fmt.Fprintf(c.Err, "rialto: %v\n", err)
		return ExitUsage
	}
	if s.json {
		s.line(map[string]any{"event": "done", "status": "failed", "reason": err.Error()})
	}
	fmt.Fprintf(c.Err, "rialto: %v\n", err)
	return ExitFailed
}

func (s *shell) root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rialto",
		Short: "Move boards from one cloud to another, and prove it",
		Long: `Rialto moves what an organisation keeps in one cloud into another.

It forecasts what will be lost before it moves anything, runs at the speed the
clouds allow, verifies field by field, and can undo. What it moves never touches
the disk; it remembers only ids.

  rialto demo                                  see it work, on clouds of its own
  rialto connect trello --name acme-trello     seal a way into a cloud
  rialto people boards.yaml                    who is who in the other cloud
  rialto forecast boards.yaml                  what would move, what would be lost
  rialto run boards.yaml                       move; again: only what changed
  rialto verify boards.yaml                    read both sides back and compare
  rialto undo boards.yaml                      remove exactly what was written`,
		Version:       s.Version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.PersistentFlags().BoolVar(&s.json, "json", false, "print one JSON object a line; the last has \"event\":\"done\"")
	cmd.PersistentFlags().StringVar(&s.state, "state", "", "the `folder` that keeps connections and ledgers (default: $XDG_STATE_HOME/rialto)")
	cmd.PersistentFlags().BoolVar(&s.unconfined, "unconfined", false, "run on a system that cannot keep the mover from writing to disk; reports say so")
	cmd.PersistentFlags().StringSliceVar(&s.networks, "allow-network", nil, "a private `network` that may be reached, like 10.0.0.0/8; may be repeated (also: $"+NetworksVariable+")")
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage{err} })
	cmd.AddCommand(s.connect(), s.connections(), s.scan(), s.people(), s.forecast(), s.runCmd(), s.status(), s.verify(), s.cutover(), s.undo(), s.pause(), s.resume(), s.ledger(), s.keys(), s.audit(), s.certificate(), s.serve(), s.standin(), s.demo())
	return group(cmd)
}

// group readies a command that has others below it: what is none of them is
// wrong use, and nothing at all gets its help.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, got []string) error {
		if len(got) > 0 {
			return usage{fmt.Errorf("unknown command %q; see %s --help", got[0], cmd.CommandPath())}
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

// args refuses wrong numbers of arguments as wrong use.
func args(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, got []string) error {
		if len(got) != n {
			return usage{fmt.Errorf("%s needs %s; see rialto %s --help", cmd.Name(), what, cmd.Name())}
		}
		return nil
	}
}

// app opens the use cases. The caller closes it.
func (s *shell) app(ctx context.Context) (*app.App, error) {
	networks, err := app.ParseNetworks(append(s.networks, s.Getenv(NetworksVariable))...)
	if err != nil {
		return nil, usage{err}
	}
	return app.Open(ctx, app.Config{Connectors: s.Connectors, StateDir: s.state, Version: s.Version, Getenv: s.Getenv,
		Unconfined: s.unconfined, Networks: networks, Failpoint: s.Failpoint})
}

// line prints one JSON line.
func (s *shell) line(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		b = []byte(`{"event":"error"}`)
	}
	fmt.Fprintf(s.Out, "%s\n", b)
}

// done prints the last JSON line: a report with "event":"done".
func (s *shell) done(report any) {
	b, err := json.Marshal(report)
	if err != nil || len(b) < 2 || b[0] != '{' {
		b = []byte("{}")
	}
	rest := string(b[1:])
	if rest != "}" {
		rest = "," + rest
	}
	fmt.Fprintf(s.Out, `{"event":"done"%s`+"\n", rest)
}

func (s *shell) say(format string, args ...any) {
	if !s.json {
		fmt.Fprintf(s.Out, format+"\n", args...)
	}
}

// terminal reports whether people watch the output.
func (s *shell) terminal() bool {
	f, ok := s.Out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
