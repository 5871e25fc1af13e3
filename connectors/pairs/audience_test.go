package pairs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	shared "github.com/rialto-migrate/rialto/connector/standin"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	trellocloud "github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/internal/migrate"
)

// TestWhoSeesAnOrganisation compares who sees the boards of a generated
// organisation with who will: all in one new group, each in a group of its own, and
// all in one that is open.
func TestWhoSeesAnOrganisation(t *testing.T) {
	t.Parallel()
	from, to := newTrello(t, 9), newPlanner(t, microsoft.Options{}, false)
	srv := trellocloud.New(trellocloud.Options{Seed: 9, Rates: &trellocloud.Rates{}})
	staff, err := srv.Generate(trellocloud.Organisation{Boards: 30, People: 40, Cards: 300, Left: 3, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	from.trello, from.set = srv, srv.Settings(trelloBase)
	from.bare, from.wire = shared.Transport{Handler: srv}, shared.Transport{Handler: srv}
	for _, p := range staff.People() {
		to.tenant.AddUser(microsoft.User{Name: p.FullName, Mail: p.Username + "@example.test"})
	}
	open := to.tenant.AddGroup("Open")
	if err := to.tenant.SetVisibility(open, "Public"); err != nil {
		t.Fatal(err)
	}
	sight := map[string]connector.Shard{}
	src, err := from.side().Cloud.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	everybody := map[string]bool{}
	for s, err := range src.Shards(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Closed {
			continue
		}
		sight[s.Ref.ID] = s
		for _, id := range s.Members {
			everybody[id] = true
		}
	}
	forecast := func(place string, rows ...migrate.MapRow) *migrate.Audience {
		t.Helper()
		m := newMove(t, from, to, "*")
		m.spec.Place, m.spec.Map, m.spec.Accept = place, rows, migrate.Accept{}
		m.spec.People = migrate.People{Match: []string{"username", "name"}, Others: "name-in-text"}
		f, err := m.engine().Forecast(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Audience.Containers) != len(sight) {
			t.Fatalf("%d containers, want %d", len(f.Audience.Containers), len(sight))
		}
		if f.Audience.Wider > 0 {
			if err := m.fails(); !strings.Contains(err.Error(), fmt.Sprintf("%d containers would be seen by more people than today", f.Audience.Wider)) {
				t.Errorf("the run: %v", err)
			}
			if left := to.left(); len(left) > 0 {
				t.Errorf("the run wrote %v", left)
			}
		}
		return f.Audience
	}
	closed := func(s connector.Shard) bool {
		return s.Visibility == connector.ForPeople || s.Visibility == connector.ForGroup
	}

	// One group for all: who is on any board sees every board.
	wider := 0
	for _, c := range forecast("group:Everybody").Containers {
		s := sight[c.Source]
		gain := len(everybody)
		for _, id := range s.Viewers {
			if everybody[id] {
				gain--
			}
		}
		if !closed(s) {
			gain = 0
		}
		got := 0
		if c.Class == "wider" {
			wider++
			got = c.Why[0].People
		}
		if got != gain {
			t.Errorf("%s, visible to %s: %d people gain sight, want %d: %+v", c.Source, s.Visibility, got, gain, c)
		}
	}
	if wider == 0 {
		t.Error("nothing is wider")
	}

	// A group for each: nothing is wider, and what was open is narrower.
	var rows []migrate.MapRow
	for id := range sight {
		rows = append(rows, migrate.MapRow{Source: id, Place: "group:Team of " + id, Where: "m.csv:2"})
	}
	for _, c := range forecast("group:Everybody", rows...).Containers {
		if s := sight[c.Source]; c.Class == "wider" || !closed(s) && c.Class != "narrower" {
			t.Errorf("%s, visible to %s, is %s in a group of its own: %+v", c.Source, s.Visibility, c.Class, c)
		}
	}

	// An open group: closed boards are wider, whoever is on them.
	for _, c := range forecast("group:Open").Containers {
		s := sight[c.Source]
		if opened := len(c.Why) > 0 && c.Why[0].Code == migrate.OpenToOrganisation; opened != closed(s) {
			t.Errorf("%s, visible to %s, goes to an open group: %+v", c.Source, s.Visibility, c)
		}
	}
}
