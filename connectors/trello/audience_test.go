package trello

import (
	"slices"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Boards are made private: in a paid workspace its administrators see them too.
func TestAudience(t *testing.T) {
	l, _ := community(t)
	orgs, err := l.cloud.(*cloud).api.workspaces(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	paid := map[bool]int{}
	for i := range orgs {
		o := &orgs[i]
		paid[o.paid()]++
		target, err := l.cloud.Target(t.Context(), "workspace:"+string(o.ID))
		if err != nil {
			t.Fatal(err)
		}
		a, err := target.(connector.Seen).Audience(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if a.Visibility != connector.ForPeople || a.Joins || a.Writer == "" || len(a.Gains) > 0 {
			t.Errorf("%s: %+v", o.ID, a)
		}
		if (len(a.People) > 0) != o.paid() || o.paid() && !slices.Contains(a.People, a.Writer) {
			t.Errorf("%s, paid %t: administrators %q", o.ID, o.paid(), a.People)
		}
		if len(a.People) >= len(o.Memberships) {
			t.Errorf("%s: all %d members see its private boards", o.ID, len(a.People))
		}
	}
	if paid[true] == 0 || paid[false] == 0 {
		t.Errorf("workspaces by whether they are paid: %v", paid)
	}
	for _, place := range []string{"", "workspace:Made for it"} {
		target, err := l.cloud.Target(t.Context(), place)
		if err != nil {
			t.Fatal(err)
		}
		a, err := target.(connector.Seen).Audience(t.Context())
		if err != nil || len(a.People) > 0 || a.Visibility != connector.ForPeople {
			t.Errorf("%q: %+v, %v", place, a, err)
		}
	}
}

// A scan names the people of each board, those who belong to it and those who see
// it, as far as there is an end to them.
func TestShardsNamePeople(t *testing.T) {
	l, _ := community(t)
	for id, sh := range shards(t, l.source()) {
		closed := sh.Visibility == connector.ForPeople || sh.Visibility == connector.ForGroup
		if closed && len(sh.Viewers) != sh.People || !closed && sh.Viewers != nil {
			t.Errorf("%s, visible to %s: %d people, %d viewers", id, sh.Visibility, sh.People, len(sh.Viewers))
		}
		for _, m := range sh.Members {
			if closed && !slices.Contains(sh.Viewers, m) {
				t.Errorf("%s: %s belongs to it and does not see it", id, m)
			}
		}
		if len(sh.Members) == 0 {
			t.Errorf("%s has no members", id)
		}
		b, err := l.cloud.(*cloud).api.boardHead(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range sh.Members {
			if !slices.Contains(item.Members.Get(boardItem(&b)), m) {
				t.Errorf("%s: %s is no member", id, m)
			}
		}
	}
}
