package cli

import (
	"fmt"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/job"
)

// sightLine says who sees a shard and since when nothing happened there: "seen by
// people who were added (12), in Marketing, last active 2025-11-02".
func sightLine(sh job.Shard) string {
	var parts []string
	who := map[string]string{connector.ForPeople: "people who were added", connector.ForGroup: "everybody in its workspace or group",
		connector.ForOrganisation: "the whole organisation", connector.ForEverybody: "everybody who has the address"}[sh.Visibility]
	switch {
	case who != "" && sh.Viewers >= 0:
		parts = append(parts, fmt.Sprintf("seen by %s (%d)", who, sh.Viewers))
	case who != "":
		parts = append(parts, "seen by "+who)
	case sh.Viewers >= 0:
		parts = append(parts, fmt.Sprintf("seen by %d", sh.Viewers))
	}
	if sh.Owner != "" {
		parts = append(parts, "in "+sh.Owner)
	}
	if !sh.Active.IsZero() {
		parts = append(parts, "last active "+sh.Active.Format("2006-01-02"))
	}
	return strings.Join(parts, ", ")
}

// unseen prints what a connection cannot see.
func (s *shell) unseen(all []job.Unseen) {
	for i, u := range all {
		if s.json {
			s.line(map[string]any{"event": "unseen", "unseen": u})
			continue
		}
		if i == 0 {
			s.say("")
			s.say("Out of sight of this connection:")
		}
		what := u.What
		if u.Where != "" {
			what += " in " + u.Where
		}
		if u.Count >= 0 {
			what = fmt.Sprintf("%d %s", u.Count, what)
		} else {
			what += ", if there are any"
		}
		s.say("  %s", what)
		s.say("    to see them: %s", u.How)
		if len(u.IDs) > 0 {
			s.say("    ids: %s", strings.Join(u.IDs, ", "))
		}
	}
	if len(all) > 0 && !s.json {
		s.say("")
	}
}
