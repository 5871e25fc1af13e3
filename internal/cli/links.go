package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/internal/migrate"
)

// showLinks says which links of each wave a run leaves as they are.
func (s *shell) showLinks(all []migrate.WaveLinks) {
	head := s.paint(bold, "Links")
	for _, w := range all {
		var parts []string
		for _, later := range slices.SortedFunc(maps.Keys(w.Waiting), migrate.InOrder) {
			where := fmt.Sprintf("wave %d", later)
			if later == 0 {
				where = "what has no wave"
			}
			parts = append(parts, fmt.Sprintf("%d into %s, mended when that lands", w.Waiting[later], where))
		}
		if w.Unread > 0 {
			parts = append(parts, fmt.Sprintf("%d out of what was read here; a forecast of all waves tells where to", w.Unread))
		}
		if w.Stay > 0 {
			parts = append(parts, fmt.Sprintf("%d to what does not move, left as they are", w.Stay))
		}
		of := ""
		if w.Wave > 0 {
			of = fmt.Sprintf("wave %d: ", w.Wave)
		}
		s.say("%s", wrap(head+"   "+of+strings.Join(parts, "; ")+".", "        "))
		head = "     "
	}
}
