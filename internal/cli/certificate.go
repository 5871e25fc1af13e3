package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/rialto-migrate/rialto/internal/certificate"
)

func (s *shell) certificate() *cobra.Command {
	cmd := &cobra.Command{Use: "certificate", Short: "Check certificates of migrations"}
	cmd.AddCommand(s.certificateVerify())
	return group(cmd)
}

func (s *shell) certificateVerify() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check that a certificate holds; needs no database and no network",
		Long: `Checks that a certificate, as the service gives it out, is signed, and that the
rows in it, all of them and in their order, are those that it was signed for. It
reads the file alone: no database, no network, no state.

With --key, it must be signed by that key, as the service gave it out. Without it
the key in the file is taken: then the file is of one piece, but somebody else may
have made it.`,
		Args: args(1, "a certificate"),
		RunE: func(_ *cobra.Command, args []string) error {
			in, err := os.Open(args[0])
			if err != nil {
				return usage{err}
			}
			defer in.Close()
			f, err := certificate.Check(in, key)
			if err != nil {
				return err
			}
			if s.json {
				s.done(map[string]any{"status": "holds", "organisation": f.Organisation, "migration": f.Migration, "made": f.Made, "from": f.From, "to": f.To,
					"passes": f.Passes, "items": f.Items, "failed": f.Failed, "bytes": f.Bytes, "rows": f.Size, "root": f.Root.String(), "key": f.Key, "key_given": key != ""})
				return nil
			}
			fmt.Fprint(s.Out, f.Text)
			s.say("\nThe certificate holds: its %d rows are those that it was signed for.", f.Size)
			if key != "" {
				s.say("It is signed by the key that you gave.")
			} else {
				s.say("It is signed by the key %s.\nCompare that with the key that the service gave out, or pass it with --key.", f.Key)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the `key` that the service gave out for its certificates")
	return cmd
}
