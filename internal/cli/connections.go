package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (s *shell) connections() *cobra.Command {
	list := func(cmd *cobra.Command, _ []string) error {
		a, err := s.app(cmd.Context())
		if err != nil {
			return err
		}
		defer a.Close()
		all, err := a.Connections(cmd.Context())
		if err != nil {
			return err
		}
		for _, c := range all {
			if s.json {
				s.line(map[string]any{"event": "connection", "name": c.Name, "cloud": c.Connector, "since": c.Created})
				continue
			}
			s.say("%-24s %-10s since %s", c.Name, c.Connector, c.Created.Format("2006-01-02"))
		}
		if s.json {
			s.done(map[string]any{"status": "listed", "connections": len(all)})
		} else if len(all) == 0 {
			s.say("No connections yet. rialto connect --help says how to make one.")
		}
		return nil
	}
	cmd := &cobra.Command{Use: "connections", Short: "List, test and remove connections", Args: args(0, "no argument"), RunE: list}
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "List the connections", Args: args(0, "no argument"), RunE: list},
		&cobra.Command{Use: "test NAME", Short: "Try a connection's credentials", Args: args(1, "the name of a connection"),
			RunE: func(cmd *cobra.Command, args []string) error {
				a, err := s.app(cmd.Context())
				if err != nil {
					return err
				}
				defer a.Close()
				id, err := a.Test(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				s.identity(args[0], id)
				return nil
			}},
		&cobra.Command{Use: "remove NAME", Short: "Forget a connection and its secrets", Args: args(1, "the name of a connection"),
			RunE: func(cmd *cobra.Command, args []string) error {
				a, err := s.app(cmd.Context())
				if err != nil {
					return err
				}
				defer a.Close()
				if err := a.Remove(cmd.Context(), args[0]); err != nil {
					return err
				}
				if s.json {
					s.done(map[string]any{"status": "removed", "connection": args[0]})
				}
				s.say("%s is forgotten, and its secrets with it. Revoke them at the cloud as well.", args[0])
				return nil
			}})
	return cmd
}

func (s *shell) scan() *cobra.Command {
	return &cobra.Command{Use: "scan NAME", Short: "List what a connection can see and move, with counts and sizes", Args: args(1, "the name of a connection"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := s.app(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			shards, err := a.Scan(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			for _, sh := range shards {
				if s.json {
					s.line(map[string]any{"event": "shard", "shard": sh})
					continue
				}
				closed := ""
				if sh.Closed {
					closed = "  (closed)"
				}
				s.say("%-8s %-26s %s%s", sh.Kind, sh.ID, sh.Name, closed)
				if line := countsLine(sh.Counts, sh.Bytes); line != "" {
					s.say("%-8s %-26s %s", "", "", line)
				}
			}
			if s.json {
				s.done(map[string]any{"status": "scanned", "shards": len(shards)})
			} else {
				s.say("%s", fmt.Sprintf("%d in all. Name them in a migration file's from.scope, or say [\"*\"].", len(shards)))
			}
			return nil
		}}
}
