package connectortest

import (
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// sights checks what is told of who sees a container, and of what is out of
// sight.
func (r *rig) sights(shards []connector.Shard) {
	r.Helper()
	seen := map[item.Ref]bool{}
	for _, s := range shards {
		if seen[s.Ref] {
			r.Errorf("Shards yields %s twice", s.Ref)
		}
		seen[s.Ref] = true
		r.sight(s)
	}
	blind, ok := r.source.(connector.Blind)
	if !ok {
		return
	}
	all, err := collect(blind.Unseen(r.Context()))
	r.no(err, "Unseen")
	for _, u := range all {
		switch {
		case u.What == "" || u.How == "":
			r.Errorf("Unseen does not say what is out of sight, or how to get there: %+v", u)
		case u.Count < -1 || len(u.Refs) > max(u.Count, 0):
			r.Errorf("%s: %d are said to be out of sight, and %d are named", u.What, u.Count, len(u.Refs))
		case slices.ContainsFunc(u.Refs, func(ref item.Ref) bool { return seen[ref] || ref.Zero() }):
			r.Errorf("%s: Shards yields one of those that are said to be out of sight", u.What)
		}
	}
}

func (r *rig) sight(s connector.Shard) {
	r.Helper()
	if s.Visibility != "" && !slices.Contains(connector.Visibilities(), s.Visibility) {
		r.Errorf("%s: the visibility %q is none of %v", s.Ref, s.Visibility, connector.Visibilities())
	}
	if s.People < -1 {
		r.Errorf("%s is seen by %d people", s.Ref, s.People)
	}
	if s.Visibility == connector.ForEverybody && s.People != -1 {
		r.Errorf("%s is visible to everybody, and to %d people", s.Ref, s.People)
	}
	if !s.Active.IsZero() && s.Active.Year() < 1990 {
		r.Errorf("%s was last active at %s", s.Ref, s.Active)
	}
}
