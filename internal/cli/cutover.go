package cli

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
)

func (s *shell) cutover() *cobra.Command {
	var dry, revert, yes bool
	var sel migrate.Selection
	cmd := &cobra.Command{
		Use:   "cutover FILE.yaml",
		Short: "End the work at the source: last delta, verify, a note with the new link, close. --revert takes it back",
		Long: `Moves what changed last and compares both sides. Only if nothing is missing it
writes to the source: it leaves a note with the new link at the old place of each
container and closes it there, as far as the cloud allows it; then it moves once
more what changed until that moment. What people changed at the target is no
difference, and what they deleted there stays deleted and is listed. Where the
cloud or the rights do not allow it, it prints the steps for a person. Safe to
repeat: what was cut off goes on.

A later run leaves what is cut over alone, unless --only names it. --revert reopens
what was closed, removes the notes, and leaves everything else as it is.

No other verb ever writes to a source.`,
		Args: args(1, "a migration file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := migrate.ReadFile(args[0]); err != nil {
				return usage{err}
			}
			if !dry && !yes {
				if err := s.confirm(question(args[0], sel, revert)); err != nil {
					return err
				}
			}
			out, err := s.verb(cmd.Context(), app.Request{Verb: job.Cutover, DryRun: dry, Revert: revert, Select: sel}, args[0])
			if err != nil {
				return err
			}
			if out.Error != nil {
				return out.Error
			}
			if s.json {
				s.done(out.Cutover)
			} else {
				s.showCutover(out.Cutover)
			}
			switch out.Cutover.Status {
			case "differs":
				return exit(ExitDiffers)
			case "not-moved", "to-come", "partial":
				return exit(ExitPartial)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&revert, "revert", false, "reopen what was closed and remove the notes")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would be closed or reopened, and change nothing at either side")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask; needed where nobody sits at a terminal")
	return choose(cmd, &sel)
}

func question(path string, sel migrate.Selection, revert bool) string {
	what := "everything in " + path
	switch {
	case len(sel.Only) > 0:
		what = strings.Join(sel.Only, ", ")
	case sel.Wave > 0:
		what = fmt.Sprintf("wave %d of %s", sel.Wave, path)
	case sel.Limit > 0:
		what = fmt.Sprintf("the first %d containers of %s", sel.Limit, path)
	}
	if revert {
		return "This reopens the old places of " + what + " and removes the notes there."
	}
	return "This closes the old places of " + what + " for the people who work there, and leaves notes with the new links."
}

// confirm asks at a terminal; where there is none, somebody has to have said yes
// before.
func (s *shell) confirm(what string) error {
	in, ok := s.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) || !s.terminal() || s.json {
		return usage{fmt.Errorf("cutover asks before it writes to a source: give --yes where nobody can answer")}
	}
	return s.asked(what)
}

// asked puts the question and reads the answer.
func (s *shell) asked(what string) error {
	fmt.Fprintf(s.Out, "%s\nType yes to go on: ", wrap(what, ""))
	answer, _ := bufio.NewReader(s.In).ReadString('\n')
	if strings.TrimSpace(strings.ToLower(answer)) != "yes" {
		s.say("Nothing was done.")
		return exit(ExitFailed)
	}
	return nil
}

func (s *shell) showCutover(r *migrate.CutoverReport) {
	switch r.Status {
	case "not-moved":
		s.showRun(r.Run)
		s.say("%s", s.paint(bad, "The source was not touched: some items have not moved. Run again, or see to them first."))
		return
	case "to-come":
		s.showToCome(r.Verdict.ToCome)
		s.say("%s", s.paint(bad, "The source was not touched: what tells people is still to come. rialto run FILE --notify writes it."))
		return
	case "differs":
		s.showVerdict(r.Verdict)
		s.say("%s", s.paint(bad, "The source was not touched: the two sides differ. rialto verify lists it all."))
		return
	}
	if len(r.Containers) > 0 {
		rows := [][]string{{"wave", "container", "state", "new link"}}
		for _, c := range r.Containers {
			wave := nothing
			if c.Wave > 0 {
				wave = num(c.Wave)
			}
			rows = append(rows, []string{wave, c.Source, strings.ReplaceAll(c.State, "-", " "), c.Link})
		}
		s.table(rows)
	}
	for _, c := range r.Containers {
		if c.Open != "" {
			s.say("\n%s", wrap(c.Source+" has its note and can still be changed: "+c.Open, "  "))
		}
		if c.State == "failed" {
			s.say("\n%s", wrap(s.paint(bad, c.Source)+" "+c.Reason, "  "))
		}
		if len(c.Steps) > 0 {
			s.say("\n%s", s.paint(warn, c.Source+": a person has to"))
			for i, step := range c.Steps {
				s.say("  %d. %s", i+1, step)
			}
		}
	}
	for _, k := range r.Kept {
		s.say("%s was cut over on %s; --only %s does it again.", k.Source, stamp(k.At), k.Source)
	}
	switch {
	case r.DryRun:
		s.say("\nA dry run: nothing was changed.")
	case r.Status == "cut-over":
		s.say("\n%s", s.paint(good, "Cut over."))
	case r.Status == "reverted":
		s.say("\n%s", s.paint(good, "Taken back: the old places are open as before."))
	case r.Status == "steps":
		s.say("\n%s", s.paint(warn, "Done, but for the steps above, which need a person."))
	case r.Status == "partial":
		s.say("\n%s", s.paint(warn, "Some failed; the same command tries them again."))
	default:
		s.say("Nothing to do.")
	}
}

// state is a container's state for people, a cut-over with its date.
func state(c app.ContainerStatus) string {
	if c.CutOver.IsZero() {
		return c.State
	}
	return c.State + " " + stamp(c.CutOver)
}
