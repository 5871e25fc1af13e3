package cli

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rialto-migrate/rialto/connector/standin"
)

func (s *shell) standin() *cobra.Command {
	var listen, faults, generate string
	var load []string
	var seed uint64
	cmd := &cobra.Command{
		Use:   "standin CLOUD",
		Short: "Run a cloud's stand-in: a local server with state that speaks its API",
		Long: `Runs a server that speaks a cloud's API and refuses what the cloud refuses. Its
first line of output is JSON: where it is, and the settings that connect takes.
Its state is a web page at its address.`,
		Example: `  rialto standin trello --listen 127.0.0.1:7001 --load board.json
  rialto standin trello --generate boards=300,people=400,cards=60000,seed=7
  rialto standin planner --fault 429:0.05,500:0.01,cut:0.01,slow:200ms,late:5s`,
		Args:      args(1, "the name of a cloud"),
		ValidArgs: s.standInNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			i := slices.IndexFunc(s.StandIns, func(in standin.Maker) bool { return in.Name == args[0] })
			if i < 0 {
				return usage{fmt.Errorf("there is no stand-in of %q; there are %s", args[0], strings.Join(s.standInNames(), ", "))}
			}
			f, err := standin.ParseFaults(faults)
			if err != nil {
				return usage{err}
			}
			maker := s.StandIns[i]
			cloud := maker.New(seed)
			if cmd.Flags().Changed("generate") {
				if err := fill(maker, cloud, generate, seed); err != nil {
					return usage{fmt.Errorf("--generate: %w", err)}
				}
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return s.serveStandIn(ctx, cloud, f, seed, listen, load)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "the `address` to listen on")
	cmd.Flags().StringVar(&faults, "fault", "", "faults on demand, such as 429:0.05,500:0.01,cut:0.01,slow:200ms,late:5s")
	cmd.Flags().StringArrayVar(&load, "load", nil, "a data `file` to begin with, such as a Trello export")
	cmd.Flags().StringVar(&generate, "generate", "", "an organisation to begin with, of these `sizes`: boards=300,people=400,left=30,cards=60000,seed=7")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "what chance begins with")
	return cmd
}

// fill generates an organisation in a cloud.
func fill(m standin.Maker, cloud standin.Cloud, sizes string, seed uint64) error {
	if m.Generate == nil {
		return fmt.Errorf("the stand-in of %s generates no organisation", m.Name)
	}
	z, err := standin.ParseSizes(sizes, m.Sizes)
	if err != nil {
		return err
	}
	return m.Generate(cloud, z, seed)
}

func (s *shell) standInNames() []string {
	var names []string
	for _, in := range s.StandIns {
		names = append(names, in.Name)
	}
	return names
}

func (s *shell) serveStandIn(ctx context.Context, cloud standin.Cloud, f standin.Faults, seed uint64, listen string, load []string) error {
	for _, path := range load {
		if err := loadFile(cloud, path); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("the stand-in cannot listen on %s: %w", listen, err)
	}
	base := "http://" + l.Addr().String()
	s.line(map[string]any{"cloud": cloud.Name(), "url": base, "set": cloud.Settings(base)})
	return standin.Serve(ctx, l, f.Wrap(cloud, seed))
}

func loadFile(cloud standin.Cloud, path string) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := cloud.Load(path, r); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
