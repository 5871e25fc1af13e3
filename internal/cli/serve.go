package cli

import (
	"context"
	"log/slog"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/serve"
)

// serveMemory is where the server's garbage is collected more often rather than its
// memory grow, in bytes.
const serveMemory = 128 << 20

func (s *shell) serve() *cobra.Command {
	var path, listen, address, database string
	var show bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve pages on which organisations sign in and migrate",
		Long: `Serve pages on which organisations sign in, connect their clouds, and watch
their migrations.

Without any configuration it serves on this machine alone, keeps everything in
encrypted files in the state folder, and shows letters on this terminal. A file
(--config), environment variables and flags change that, each over the one before;
--show-config prints what comes of them.`,
		Example: `  rialto serve
  rialto serve --database postgres://rialto@db/rialto --address https://rialto.example.org --config serve.yaml
  rialto serve --show-config`,
		Args: args(0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := serve.Load(path, s.Getenv)
			if err != nil {
				return usage{err}
			}
			c.Override(listen, address, database, s.networks)
			if show {
				return c.Show(s.Out)
			}
			debug.SetMemoryLimit(serveMemory)
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return s.serveUntil(ctx, c)
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "a `file` in YAML")
	cmd.Flags().StringVar(&listen, "listen", "", "where to serve, `HOST:PORT`")
	cmd.Flags().StringVar(&address, "address", "", "the `URL` under which people reach it")
	cmd.Flags().StringVar(&database, "database", "", "a PostgreSQL database, `postgres://…`, instead of files")
	cmd.Flags().BoolVar(&show, "show-config", false, "print the configuration, with its secrets masked, and end")
	return cmd
}

func (s *shell) serveUntil(ctx context.Context, c serve.Config) error {
	log := slog.New(slog.NewJSONHandler(s.Err, nil))
	server, err := serve.Open(ctx, c, app.Config{Connectors: s.Connectors, StateDir: s.state, Version: s.Version, Getenv: s.Getenv,
		Unconfined: s.unconfined, Failpoint: s.Failpoint}, s.Out, log)
	if err != nil {
		return err
	}
	s.say("Rialto is at %s/", server.Base())
	if c.Mail.Host == "" {
		s.say("No mail server is configured: letters are shown here.")
	}
	err = server.Serve(ctx)
	if closed := server.Close(); err == nil {
		err = closed
	}
	return err
}
