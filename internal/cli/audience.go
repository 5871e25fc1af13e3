package cli

import (
	"fmt"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/migrate"
)

// mostWidened is how many containers that become wider are listed on the screen;
// --json has them all.
const mostWidened = 20

// showAudience says how many containers will be seen by the same people, by fewer
// and by more.
func (s *shell) showAudience(a *migrate.Audience) {
	if a == nil || a.Same+a.Narrower+a.Wider == 0 {
		return
	}
	var parts []string
	for _, c := range []struct {
		n    int
		what string
	}{{a.Same, "the same people as now"}, {a.Narrower, "fewer people"}, {a.Wider, "more people"}, {a.Untold, "people whom the clouds do not tell"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d by %s", c.n, c.what))
		}
	}
	s.say("%s   Containers will be seen: %s.", s.paint(bold, "Sight"), strings.Join(parts, ", "))
	s.wider(a.Containers)
}

// showWidened lists what more people see than at the source.
func (s *shell) showWidened(all []migrate.Sighted) {
	if len(all) == 0 {
		return
	}
	s.heading("Seen by more people than at the source")
	s.wider(all)
}

func (s *shell) wider(all []migrate.Sighted) {
	shown := 0
	for _, c := range all {
		if len(c.Why) == 0 {
			continue
		}
		if shown++; shown > mostWidened {
			continue
		}
		state := s.paint(bad, "not accepted")
		if c.Accepted {
			state = s.paint(warn, "accepted")
		}
		s.say("  %s  %s", c.Source, state)
		s.say("    %s", wrap(fmt.Sprintf("%s → %s: %s", sight(c.Before), sight(c.After), c.Because()), "    "))
	}
	if shown > mostWidened {
		s.say("  and %d more; --json lists them", shown-mostWidened)
	}
}

// sight says who sees a container, in few words.
func sight(v migrate.Sight) string {
	words := map[string]string{connector.ForPeople: "added people", connector.ForGroup: "its group", connector.ForOrganisation: "the organisation", connector.ForEverybody: "everybody"}
	who := words[v.Visibility]
	switch {
	case who == "" && v.People < 0:
		return "nobody knows who"
	case who == "":
		return fmt.Sprintf("%d people", v.People)
	case v.People >= 0:
		return fmt.Sprintf("%s (%d)", who, v.People)
	}
	return who
}
