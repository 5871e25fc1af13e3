package cli

import (
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rialto-migrate/rialto/internal/audit"
)

func (s *shell) audit() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "Check exports of the audit log"}
	cmd.AddCommand(s.auditVerify())
	return group(cmd)
}

func (s *shell) auditVerify() *cobra.Command {
	var since, key string
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check that an export of the audit log is whole; needs no database and no network",
		Long: `Checks that all entries of an export, in their order, are what its checkpoint was
signed for. It reads the file alone: no database, no network, no state.

With --since, also that the log begins with exactly what it held at an earlier
checkpoint: nothing of that was changed or taken away. Keep the checkpoint, or the
whole export, of today for the next time.

With --key, the export must be signed by that key, as the service gave it out.
Without it the key in the file is taken: then the file is of one piece, but
somebody else may have made it.`,
		Args: args(1, "an export of the audit log"),
		RunE: func(cmd *cobra.Command, args []string) error {
			with := audit.Trust{Key: key}
			if since != "" {
				b, err := os.ReadFile(since)
				if err != nil {
					return usage{err}
				}
				with.Since = b
			}
			in, err := os.Open(args[0])
			if err != nil {
				return usage{err}
			}
			defer in.Close()
			f, err := audit.Check(in, with)
			if err != nil {
				return err
			}
			s.showAudit(f, key != "")
			return nil
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "a `file` with an earlier checkpoint of the same log, or an earlier export")
	cmd.Flags().StringVar(&key, "key", "", "the `key` that the service gave out for its audit logs")
	return cmd
}

func (s *shell) showAudit(f *audit.Finding, given bool) {
	c := f.Checkpoint
	if s.json {
		report := map[string]any{"status": "whole", "organisation": c.Organisation, "entries": c.Size, "root": c.Root, "key": f.Key, "key_given": given,
			"first": f.First, "last": f.Last, "without_outcome": f.Open}
		if f.Since != nil {
			report["since"] = f.Since.Size
		}
		s.done(report)
		return
	}
	s.say("The log of %q is whole: %d entries, from %s to %s.", c.Organisation, c.Size, f.First.Format(time.RFC3339), f.Last.Format(time.RFC3339))
	if f.Since != nil {
		s.say("It begins with exactly the %d entries of the earlier checkpoint.", f.Since.Size)
	}
	if f.Open > 0 {
		s.say("What came of %d intended actions is not in it: they were under way, or cut off.", f.Open)
	}
	if given {
		s.say("It is signed by the key that you gave.")
	} else {
		s.say("It is signed by the key %s.\nCompare that with the key that the service gave out, or pass it with --key.", f.Key)
	}
	s.say("Root: %s", c.Root)
}
