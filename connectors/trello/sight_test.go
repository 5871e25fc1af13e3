package trello

import (
	"slices"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/item"
)

// community is an organisation of a tenth of the size that the project shows.
func community(t *testing.T) (*lab, *standin.Staff) {
	t.Helper()
	l := newLab(t, standin.Options{}, nil)
	staff, err := l.server.Generate(standin.Organisation{Boards: 30, People: 40, Cards: 600, Left: 3, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	return l, staff
}

func shards(t *testing.T, src connector.Source) map[string]connector.Shard {
	t.Helper()
	out := map[string]connector.Shard{}
	for sh, err := range src.Shards(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := out[sh.Ref.ID]; twice {
			t.Errorf("%s comes twice", sh.Ref)
		}
		out[sh.Ref.ID] = sh
	}
	return out
}

func unseen(t *testing.T, src connector.Source) []connector.Unseen {
	t.Helper()
	var out []connector.Unseen
	for u, err := range src.(connector.Blind).Unseen(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, u)
	}
	return out
}

// An administrator sees every board of the paid workspaces, joined or not, and
// is told which boards of the free one are out of sight.
func TestSightOfAnAdministrator(t *testing.T) {
	l, staff := community(t)
	hidden := staff.Hidden()
	if len(hidden) == 0 {
		t.Fatal("the organisation hides nothing")
	}
	before := l.stats.Requests.Load()
	got := shards(t, l.source())
	if n := l.stats.Requests.Load() - before; n != 4 { // the workspaces, the member's boards, and those of each workspace
		t.Errorf("%d requests for two workspaces", n)
	}
	if len(got) != 30-len(hidden) {
		t.Errorf("%d boards are in sight, want %d", len(got), 30-len(hidden))
	}
	levels := map[string]int{}
	for id, sh := range got {
		levels[sh.Visibility]++
		if slices.Contains(hidden, id) {
			t.Errorf("%s is hidden, and listed", id)
		}
		if sh.Owner == "" || sh.Active.IsZero() {
			t.Errorf("%s: owner %q, active %s", id, sh.Owner, sh.Active)
		}
		if few := sh.Visibility == connector.ForPeople || sh.Visibility == connector.ForGroup; few != (sh.People > 0) {
			t.Errorf("%s, visible to %s: %d people", id, sh.Visibility, sh.People)
		}
		for _, err := range l.source().List(t.Context(), sh, "") {
			if err != nil {
				t.Errorf("%s is listed and cannot be read: %v", id, err)
			}
		}
	}
	for _, v := range connector.Visibilities() {
		if levels[v] == 0 {
			t.Errorf("no board is visible to %s: %v", v, levels)
		}
	}
	for i, u := range unseen(t, l.source()) {
		if i > 0 {
			if u.Count != -1 {
				t.Errorf("%s: %d are told", u.What, u.Count)
			}
			continue
		}
		var ids []string
		for _, ref := range u.Refs {
			ids = append(ids, ref.ID)
		}
		slices.Sort(ids)
		slices.Sort(hidden)
		if u.Where != "Side projects" || u.Count != len(hidden) || !slices.Equal(ids, hidden) {
			t.Errorf("%d in %s: %v, want %v", u.Count, u.Where, ids, hidden)
		}
	}
}

// Each member sees the boards that are theirs, those that their workspaces show,
// and nothing that is private to others; who has left sees nothing private.
func TestSightOfMembers(t *testing.T) {
	l, staff := community(t)
	every := shards(t, l.source())
	for _, p := range staff.People()[1:] {
		token, err := l.server.TokenOf(p.Username)
		if err != nil {
			t.Fatal(err)
		}
		set := connector.Settings{connector.SettingURL: l.set[connector.SettingURL], "key": l.set["key"], "token": token}
		c, err := New().Open(t.Context(), connector.Env{Settings: set, HTTP: connector.NewClient(connector.ClientOptions{})})
		if err != nil {
			t.Fatal(err)
		}
		src, err := c.Source(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		own := shards(t, src)
		if len(own) == 0 && !p.Left {
			t.Errorf("%s sees no board", p.Username)
		}
		private := connector.Shard{}
		for id, sh := range every {
			_, sees := own[id]
			if sees && p.Left && sh.Visibility == connector.ForPeople {
				t.Errorf("%s has left, and sees the private board %s", p.Username, id)
			}
			if !sees && sh.Visibility == connector.ForPeople {
				private = sh
			}
		}
		if private.Ref == (item.Ref{}) {
			continue
		}
		for _, err := range src.List(t.Context(), private, "") {
			if connector.ClassOf(err) != connector.Forbidden {
				t.Errorf("%s reads the private board %s of others: %v", p.Username, private.Ref, err)
			}
		}
	}
}
