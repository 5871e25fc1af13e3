package planner

import (
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

// A plan is seen by those who see its group; a person who is connected is told of
// the groups that they are not in.
func TestSight(t *testing.T) {
	for name, delegated := range map[string]bool{"app": false, "person": true} {
		t.Run(name, func(t *testing.T) {
			r := tenant(t, standin.Options{}, false)
			groups := map[string]string{"Marketing": r.group}
			groups["Open"] = r.srv.AddGroup("Open", r.people[0], r.people[1])
			groups["Secret"] = r.srv.AddGroup("Secret", r.people[1], r.people[2])
			groups["Empty"] = r.srv.AddGroup("Empty", r.people[0])
			for _, group := range []string{"Marketing", "Open", "Secret"} {
				dst, err := r.cloud.Target(t.Context(), "group:"+group)
				if err != nil {
					t.Fatal(err)
				}
				r.dst = dst
				it := item.Item{Ref: item.Ref{Kind: item.Board}}
				item.Name.Set(&it, "Plan of "+group)
				r.write(connector.Change{Op: connector.Create, Item: it})
			}
			for group, visibility := range map[string]string{"Open": "Public", "Secret": "HiddenMembership"} {
				if err := r.srv.SetVisibility(groups[group], visibility); err != nil {
					t.Fatal(err)
				}
			}
			r.connect(delegated)
			want := map[string]connector.Shard{
				"Plan of Marketing": {People: 1, Owner: "Marketing", Visibility: connector.ForGroup},
				"Plan of Open":      {People: 2, Owner: "Open", Visibility: connector.ForOrganisation},
				"Plan of Secret":    {People: -1, Owner: "Secret", Visibility: connector.ForGroup},
			}
			hidden := -1
			if delegated {
				delete(want, "Plan of Secret")
				hidden = 1
			}
			got := collect(t, r.src.Shards(r.ctx()))
			if len(got) != len(want) {
				t.Errorf("%d plans, want %d", len(got), len(want))
			}
			for _, sh := range got {
				w := want[sh.Name]
				if sh.People != w.People || sh.Owner != w.Owner || sh.Visibility != w.Visibility {
					t.Errorf("%s: seen by %d of %q, %s; want %d of %q, %s", sh.Name, sh.People, sh.Owner, sh.Visibility, w.People, w.Owner, w.Visibility)
				}
			}
			out := collect(t, r.src.(connector.Blind).Unseen(r.ctx()))
			if delegated != (len(out) == 3) || out[0].Count != hidden {
				t.Errorf("out of sight: %+v", out)
			}
		})
	}
}
