package cli

import "github.com/spf13/cobra"

func (s *shell) keys() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "Look after the root key that seals every secret"}
	cmd.AddCommand(&cobra.Command{
		Use:   "rotate",
		Short: "Replace the root key and seal everything anew",
		Long: `Replaces the root key and seals every organisation's key anew under it.

A root key in a file is replaced by a random one. For one in the environment, put
the new key before the old one in RIALTO_ROOT_KEY, with a comma between them,
rotate, and then take the old one away. No other rialto may run meanwhile.`,
		Args: args(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := s.app(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			if err := a.RotateRoot(cmd.Context()); err != nil {
				return err
			}
			if s.json {
				s.done(map[string]any{"status": "rotated"})
			}
			s.say("The root key is new, and everything is sealed under it.")
			return nil
		},
	})
	return cmd
}
