package pairs_test

import (
	"fmt"
	"net/http"
	"testing"

	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/internal/migrate"
)

// whoSeesProjects compares who sees projects, by name or through a group, with who
// will in groups of the target: a forecast says it, and a run that would show one
// to more people does not begin.
func whoSeesProjects(t *testing.T, srv *server) {
	from, to := newRedmine(t, srv.Server, "sight"), newPlanner(t, microsoft.Options{}, false)
	if err := to.tenant.SetVisibility(to.tenant.AddGroup("Open"), "Public"); err != nil {
		t.Fatal(err)
	}
	bob := idOf(srv.call(t, "", http.MethodPost, "/groups.json", object{"group": object{"name": "Sales", "user_ids": []int{srv.users["bobost"].ID}}}), "group")
	project := func(name string, public bool, members ...int) string {
		id := idOf(srv.call(t, "", http.MethodPost, "/projects.json", object{"project": object{"name": name, "identifier": name, "is_public": public}}), "project")
		for _, m := range members {
			srv.call(t, "", http.MethodPost, fmt.Sprintf("/projects/%d/memberships.json", id), object{"membership": object{"user_id": m, "role_ids": []int{4}}})
		}
		return fmt.Sprint(id)
	}
	ann := srv.users["annlee"].ID
	alone, both, public := project("sight-alone", false, ann), project("sight-both", false, ann, bob), project("sight-public", true, ann)
	for _, c := range []struct {
		place, project, class, code string
		people                      int // who gain by it
	}{
		{"Marketing", alone, "wider", migrate.MorePeople, 1}, // Bob is in it
		{"Marketing", both, "same", "", 0},
		{"Marketing", public, "narrower", "", 0},
		{"Open", both, "wider", migrate.OpenToOrganisation, -1},
		{"Open", public, "wider", migrate.PlaceGained, 1}, // everybody saw it, and Ann joins the group
		{"Of its own", alone, "same", "", 0},
		{"Of its own", both, "same", "", 0},
	} {
		m := newMove(t, from, to, c.project)
		m.spec.Place, m.spec.Accept = "group:"+c.place, migrate.Accept{}
		m.spec.People = migrate.People{Match: []string{"username", "name"}, Others: "name-in-text"}
		f := m.forecast()
		if n := len(f.Audience.Containers); n != 1 {
			t.Fatalf("%d containers", n)
		}
		got := f.Audience.Containers[0]
		code, people := "", 0
		if len(got.Why) > 0 {
			code, people = got.Why[0].Code, got.Why[0].People
		}
		if got.Class != c.class || code != c.code || people != c.people {
			t.Errorf("project %s to the group %s: %+v, want %s %s %d", c.project, c.place, got, c.class, c.code, c.people)
		}
		if c.class == "wider" {
			if err := m.fails(); to.writes.Load() > 0 {
				t.Errorf("the run wrote: %v", err)
			}
		}
	}
}
