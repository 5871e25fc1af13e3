package cli

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/report"
)

// toTell reads a migration file for a run that is to tell people, and refuses one
// that has no such step. Without tell it returns nil.
func toTell(path string, tell bool) (*migrate.File, error) {
	if !tell {
		return nil, nil
	}
	f, err := migrate.ReadFile(path)
	if err != nil {
		return nil, usage{err}
	}
	if !f.NotifiesLast() {
		return nil, usage{fmt.Errorf("%s says notify: %s, which leaves nothing to --notify; run without it, or say notify: last", path, f.Policies.Notify)}
	}
	return f, nil
}

func nothingToDo(m migrate.Messages) string {
	if m.Last != nil && m.Last.All+len(m.Last.Uncounted) > 0 {
		return "Nothing to do, but for what tells people."
	}
	return "Nothing to do: the target has it all."
}

// showMessages says how many messages a run sends to people.
func (s *shell) showMessages(m migrate.Messages) {
	head := s.paint(bold, "Messages")
	steps := []struct {
		name string
		step *migrate.Step
	}{{"A run", &m.Step}, {"rialto run --notify", m.Last}}
	for _, of := range steps {
		switch {
		case of.step == nil || of.step.All+len(of.step.Uncounted) == 0 && m.Last != nil && m.Last.All+len(m.Last.Uncounted) == 0:
			continue
		case of.step.All == 0:
			s.say("%s  %s tells nobody by name.", head, of.name)
		case of.step.Days > 1:
			s.say("%s  %s sends at most %d to one person, about %d on one day, and %d in all.", head, of.name, of.step.Most, of.step.Day, of.step.All)
		default:
			s.say("%s  %s sends at most %d to one person, and %d in all.", head, of.name, of.step.Most, of.step.All)
		}
		for _, u := range of.step.Uncounted {
			why, _ := report.Why(u.Why)
			s.say("%s", wrap(fmt.Sprintf("  not counted: %d %s writes may tell others (%s): %s", u.Writes, u.Kind, u.To, why), "    "))
		}
	}
	if m.Quiet != "" {
		s.say("%s", s.paint(dim, wrap("  "+m.Quiet, "  ")))
	}
}

// showToCome says what the step that tells people has yet to write.
func (s *shell) showToCome(fields map[string]int) {
	for i, name := range slices.Sorted(maps.Keys(fields)) {
		if i == 0 {
			s.say("\n  Still to come with rialto run FILE --notify, and no difference:")
		}
		s.say("    %d  %s", fields[name], name)
	}
}
