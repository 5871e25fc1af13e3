package planner

import (
	"slices"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft/standin"
)

// The audience of a place is its group's; a group that is not there is made
// private. After Members was asked, it takes no request but for who writes.
func TestAudience(t *testing.T) {
	for _, delegated := range []bool{false, true} {
		for place, c := range map[string]struct {
			visibility string // of the group; "" for one that is not there
			want       string
			people     int
			hidden     bool
		}{
			"Nowhere": {"", connector.ForGroup, 0, false},
			"Closed":  {"Private", connector.ForGroup, 2, false},
			"Open":    {"Public", connector.ForOrganisation, 2, false},
			"Secret":  {"HiddenMembership", connector.ForGroup, 2, !delegated},
		} {
			name := place + " as an app"
			if delegated {
				name = place + " as a person"
			}
			t.Run(name, func(t *testing.T) {
				r := tenant(t, standin.Options{}, delegated)
				if c.visibility != "" {
					if err := r.srv.SetVisibility(r.srv.AddGroup(place, r.people[0], r.people[1]), c.visibility); err != nil {
						t.Fatal(err)
					}
				}
				dst, err := r.cloud.Target(r.ctx(), "group:"+place)
				if err != nil {
					t.Fatal(err)
				}
				unasked, err := dst.(connector.Seen).Audience(r.ctx()) // before Members, it asks by itself
				if err != nil {
					t.Fatal(err)
				}
				collect(t, dst.Members(r.ctx()))
				before := r.stats.Requests.Load()
				a, err := dst.(connector.Seen).Audience(r.ctx())
				if err != nil {
					t.Fatal(err)
				}
				asked, most := r.stats.Requests.Load()-before, int64(0)
				if delegated || c.hidden {
					most = 1
				}
				if asked != most {
					t.Errorf("%d requests, want %d", asked, most)
				}
				if !slices.Equal(a.People, unasked.People) || a.Hidden != unasked.Hidden {
					t.Errorf("%+v after Members, %+v before", a, unasked)
				}
				writer := ""
				if delegated {
					writer = r.people[0]
				}
				people := c.people
				if c.hidden {
					people = 0
				}
				if a.Visibility != c.want || len(a.People) != people || a.Hidden != c.hidden || a.Writer != writer || !a.Joins {
					t.Errorf("%+v", a)
				}
				if (len(a.Gains) > 0) != (c.visibility != "") {
					t.Errorf("who joins gains %q", a.Gains)
				}
			})
		}
	}
}
