package cli

import "github.com/spf13/cobra"

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
