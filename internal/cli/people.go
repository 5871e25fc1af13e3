package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
)

// peopleShown is how many people fit a terminal; the file lists all.
const peopleShown = 40

func (s *shell) people() *cobra.Command {
	var out string
	var names bool
	var sel migrate.Selection
	cmd := &cobra.Command{
		Use:   "people FILE.yaml",
		Short: "List who appears in the source and who they become; writes a file to decide in",
		Long: `Reads the source and lists its people: how often and as what each appears, who
they may be at the target and by what (e-mail, domain change, user name, name),
and what the target tells of that account: found, guest, disabled, unlicensed,
outside (not in the group).

With --out, or where the YAML names a people file, it writes that file for a
spreadsheet. Decide in its column target: an e-mail, a user name or an id of the
target, - for nobody, nothing to decide later. Written again, decisions stay.

With --wave, --only or --limit it lists the people of these containers alone, and
only adds to the file: what stands there stays as it is.

Names and addresses go into that file, and nowhere else without --with-names.`,
		Args: args(1, "a migration file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := migrate.ReadFileForPeople(args[0], out)
			if err != nil {
				return usage{err}
			}
			to := cmp.Or(out, f.PeopleFile)
			got, err := s.verb(cmd.Context(), app.Request{Verb: job.People, File: f, Select: sel, Names: names || to != ""}, args[0])
			if err != nil {
				return err
			}
			if got.Error != nil {
				return got.Error
			}
			var merged *migrate.Merged
			if to != "" {
				m, err := migrate.WritePeople(to, got.People)
				if err != nil {
					return err
				}
				merged = &m
			}
			list := *got.People
			if !names {
				list = list.WithoutNames()
			}
			if s.json {
				s.done(struct {
					migrate.PeopleList
					File *migrate.Merged `json:"file,omitempty"`
				}{list, merged})
				return nil
			}
			s.showPeople(list, merged, to)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the `file` to decide in, a CSV; what was decided in it stays (default: the one that the YAML names)")
	cmd.Flags().BoolVar(&names, "with-names", false, "show names and addresses here too")
	return choose(cmd, &sel)
}

func (s *shell) showPeople(l migrate.PeopleList, merged *migrate.Merged, to string) {
	people := slices.Clone(l.People)
	rank := func(p migrate.PersonLine) int { // who is to be decided first, and among them the busiest
		n := -p.As["assigned"]
		if p.Status != "undecided" && p.Status != "suggested" {
			n += 1 << 40
		}
		return n
	}
	slices.SortStableFunc(people, func(a, b migrate.PersonLine) int { return cmp.Compare(rank(a), rank(b)) })
	rows := [][]string{{"person", "assigned", "suggestion", "by", "target", "status"}}
	for i, p := range people {
		if i == peopleShown {
			break
		}
		who := strings.TrimSpace(p.Source + " " + p.Name)
		found := strings.TrimSpace(p.Suggestion + " " + p.SuggestedName)
		rows = append(rows, []string{who, num(p.As["assigned"]), found, p.Reason, p.State, p.Status})
	}
	if len(people) > 0 {
		s.table(rows)
	}
	if more := len(people) - peopleShown; more > 0 {
		s.say("  and %d more", more)
	}
	for _, t := range l.Together {
		s.say("\n%s", wrap("Several become one: "+strings.Join(t.Sources, " + ")+" → "+t.Target, ""))
	}
	for _, n := range l.Notices {
		s.say("\n%s", s.paint(warn, wrap(n, "")))
	}
	switch {
	case l.Refused > 0:
		s.say("\n%s", s.paint(warn, wrap(fmt.Sprintf("%d of %d people are undecided, %d of them assigned to tasks: a run refuses.", l.Undecided, len(people), l.Refused), "")))
	case l.Undecided > 0:
		s.say("\n%d of %d people are undecided; a run treats them as people.others says.", l.Undecided, len(people))
	default:
		s.say("\n%s", s.paint(good, fmt.Sprintf("All %d people are decided.", len(people))))
	}
	if merged != nil {
		s.say("%s: %d lines kept, %d added, %d gone. Decide in the column target.", to, merged.Kept, merged.Added, merged.Gone)
	}
}
