package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/report"
)

// verb carries one verb out on a migration file and shows it while it runs. The
// outcome is never nil without an error.
func (s *shell) verb(ctx context.Context, r app.Request, path string) (*job.Outcome, error) {
	f, err := r.File, error(nil)
	if f == nil {
		f, err = migrate.ReadFile(path)
	}
	if err != nil {
		return nil, usage{err}
	}
	a, err := s.app(ctx)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	view := s.newView(r.Verb, 0)
	view.path = path
	defer view.close()
	r.File, r.Events = f, view.event
	ran := watchMover(&r)
	out, err := a.Do(ctx, r)
	view.close()
	s.sayMover(ran)
	if err != nil {
		return nil, err
	}
	if out.Error != nil && out.Error.Stopped {
		s.say("Stopped. What was under way is remembered; rialto %s %s goes on from here.", r.Verb, path)
		if s.json {
			s.done(map[string]any{"status": "failed", "reason": "stopped"})
		}
		return nil, exit(ExitFailed)
	}
	return out, nil
}

// onMigration is a command on a migration's file that starts no mover.
func (s *shell) onMigration(use, short, long string, do func(ctx context.Context, a *app.App, f *migrate.File, path string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Long: long, Args: args(1, "a migration file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := migrate.ReadFile(args[0])
			if err != nil {
				return usage{err}
			}
			a, err := s.app(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			return do(cmd.Context(), a, f, args[0])
		}}
}

// choose adds the flags that narrow a verb to some of a migration's containers.
func choose(cmd *cobra.Command, sel *migrate.Selection) *cobra.Command {
	cmd.Flags().IntVar(&sel.Wave, "wave", 0, "only the containers of this `wave` of the map")
	cmd.Flags().StringSliceVar(&sel.Only, "only", nil, "only this container, by its `id` (or name or address) at the source; may be repeated")
	cmd.Flags().IntVar(&sel.Limit, "limit", 0, "only the first `n` containers: a pilot")
	check := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case cmd.Flags().Changed("wave") && sel.Wave < 1:
			return usage{fmt.Errorf("--wave takes a number from 1 on")}
		case cmd.Flags().Changed("limit") && sel.Limit < 1:
			return usage{fmt.Errorf("--limit takes a number from 1 on")}
		case check != nil:
			return check(cmd, args)
		}
		return nil
	}
	return cmd
}

func (s *shell) forecast() *cobra.Command {
	var sel migrate.Selection
	return choose(&cobra.Command{
		Use:   "forecast FILE.yaml",
		Short: "Say what a run would move, what would be lost, and how long it takes; reads only",
		Args:  args(1, "a migration file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			out, err := s.verb(cmd.Context(), app.Request{Verb: job.Forecast, Select: sel}, args[0])
			if err != nil {
				return err
			}
			if out.Error != nil {
				return out.Error
			}
			if s.json {
				s.done(out.Forecast)
				return nil
			}
			s.showForecast(out.Forecast)
			return nil
		},
	}, &sel)
}

func (s *shell) runCmd() *cobra.Command {
	var sel migrate.Selection
	var tell bool
	cmd := choose(&cobra.Command{
		Use:   "run FILE.yaml",
		Short: "Move; again: apply what changed since. Ctrl-C stops cleanly, a killed run goes on",
		Long: `Moves; again: applies what changed since. Ctrl-C stops cleanly, and a killed run
goes on.

Where the file says notify: last, what tells people by mail or push, such as
assignments, waits for --notify. rialto forecast says how many messages a run
sends.`,
		Args: args(1, "a migration file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := toTell(args[0], tell)
			if err != nil {
				return err
			}
			out, err := s.verb(cmd.Context(), app.Request{Verb: job.Run, File: file, Select: sel, Tell: tell}, args[0])
			if err != nil {
				return err
			}
			return s.ran(out)
		},
	}, &sel)
	cmd.Flags().BoolVar(&tell, "notify", false, "after everything else, write what tells people")
	return cmd
}

// ran shows how a run ended, and chooses the exit code.
func (s *shell) ran(out *job.Outcome) error {
	if out.Run != nil {
		if s.json {
			s.done(struct {
				*migrate.Report
				Reason string `json:"reason,omitempty"`
			}{out.Run, reason(out)})
		} else {
			s.showRun(out.Run)
		}
	}
	switch {
	case out.Error != nil && out.Run != nil && s.json:
		fmt.Fprintf(s.Err, "rialto: %v\n", out.Error)
		return exit(ExitFailed)
	case out.Error != nil:
		return out.Error
	case out.Run.Status == "partial":
		return exit(ExitPartial)
	}
	return nil
}

func reason(out *job.Outcome) string {
	if out.Error == nil {
		return ""
	}
	return out.Error.Reason
}

func (s *shell) verify() *cobra.Command {
	var names bool
	var dir string
	var sel migrate.Selection
	cmd := &cobra.Command{
		Use:   "verify FILE.yaml",
		Short: "Read both sides back and compare them field by field and file by file",
		Long: `Reads both sides back and compares them field by field, and files by their hash.
What is named as a loss in the forecast is no difference; everything else is.

With --report it writes a page for people (report.html), the same as JSON and as
tables, and a record of processing for a data protection officer (record.html).
Reports hold ids, fields, counts and links, and who decided what as the migration
file says it; names of what moved only with --with-names.`,
		Args: args(1, "a migration file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			out, err := s.verb(cmd.Context(), app.Request{Verb: job.Verify, Names: names, Select: sel}, args[0])
			if err != nil {
				return err
			}
			if out.Error != nil {
				return out.Error
			}
			if dir != "" {
				if err := s.writeReport(cmd.Context(), dir, args[0], out.Verdict, sel); err != nil {
					return err
				}
			}
			if s.json {
				s.done(out.Verdict)
			} else {
				s.showVerdict(out.Verdict)
				if dir != "" {
					s.say("\nThe report is in %s.", dir)
				}
			}
			if out.Verdict.Status == "differs" {
				return exit(ExitDiffers)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&names, "with-names", false, "put names and titles of what differs into the report")
	cmd.Flags().StringVar(&dir, "report", "", "the `folder` to write the report and the record of processing to")
	return choose(cmd, &sel)
}

// writeReport writes what verify found, and the record of processing.
func (s *shell) writeReport(ctx context.Context, dir, path string, v *migrate.Verdict, sel migrate.Selection) error {
	title := path
	if sel.Wave > 0 {
		title = fmt.Sprintf("%s, wave %d", path, sel.Wave)
	}
	f, err := migrate.ReadFile(path)
	if err != nil {
		return usage{err}
	}
	if err := report.Write(dir, title, v, f.Decisions()); err != nil {
		return err
	}
	a, err := s.app(ctx)
	if err != nil {
		return err
	}
	defer a.Close()
	record, err := a.Record(ctx, f, v)
	if err != nil {
		return err
	}
	return report.WriteRecord(dir, record)
}

func (s *shell) undo() *cobra.Command {
	var dry bool
	var sel migrate.Selection
	cmd := &cobra.Command{
		Use:   "undo FILE.yaml",
		Short: "Remove exactly what the migration wrote; what people changed since stays and is listed",
		Args:  args(1, "a migration file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			out, err := s.verb(cmd.Context(), app.Request{Verb: job.Undo, DryRun: dry, Select: sel}, args[0])
			if err != nil {
				return err
			}
			if out.Error != nil {
				return out.Error
			}
			if s.json {
				s.done(out.Undo)
			} else {
				s.showUndo(out.Undo)
			}
			if out.Undo.Failed > 0 {
				return exit(ExitPartial)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "ask the same questions and remove nothing")
	return choose(cmd, &sel)
}

func (s *shell) ledger() *cobra.Command {
	cmd := &cobra.Command{Use: "ledger", Short: "Look at what a migration remembers, or recover it"}
	cmd.AddCommand(
		s.onMigration("show FILE.yaml", "Count what the ledger holds", "", func(ctx context.Context, a *app.App, f *migrate.File, _ string) error {
			l, err := a.Ledger(ctx, f.Name)
			if err != nil {
				return err
			}
			defer l.Close()
			sum, err := l.Summary(ctx)
			if err != nil {
				return err
			}
			if s.json {
				s.done(sum)
				return nil
			}
			s.showLedger(sum)
			return nil
		}),
		s.onMigration("export FILE.yaml", "Print the ledger as JSON lines: ids, versions, states and times", "", func(ctx context.Context, a *app.App, f *migrate.File, _ string) error {
			l, err := a.Ledger(ctx, f.Name)
			if err != nil {
				return err
			}
			defer l.Close()
			if err := l.Export(ctx, s.Out); err != nil {
				return err
			}
			if s.json {
				s.done(map[string]any{"status": "exported"})
			}
			return nil
		}),
		&cobra.Command{Use: "rebuild FILE.yaml", Short: "Recover a lost ledger from the marks on the target", Args: args(1, "a migration file"),
			RunE: func(cmd *cobra.Command, args []string) error {
				out, err := s.verb(cmd.Context(), app.Request{Verb: job.Rebuild}, args[0])
				if err != nil {
					return err
				}
				if out.Error != nil {
					return out.Error
				}
				if s.json {
					s.done(out.Rebuild)
				} else {
					s.showRebuild(out.Rebuild)
				}
				if out.Rebuild.Status != "rebuilt" {
					return exit(ExitPartial)
				}
				return nil
			}})
	return group(cmd)
}
