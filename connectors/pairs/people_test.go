package pairs_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

// TestRealPeople takes the people of a real board through the decisions of a
// move: Trello tells the address of none of them.
func TestRealPeople(t *testing.T) {
	t.Parallel()
	from, to := realExport(t, "gocd"), newPlanner(t, microsoft.Options{}, false)
	m := newMove(t, from, to, "*")
	m.spec.People = migrate.People{Match: []string{"email"}}
	people := func(names bool) *migrate.PeopleList {
		t.Helper()
		before := to.writes.Load()
		l, err := m.engine().People(t.Context(), names)
		if err != nil {
			t.Fatal(err)
		}
		if to.writes.Load() != before {
			t.Error("it wrote")
		}
		return l
	}
	l := people(true)
	if len(l.People) < 11 || l.Undecided != len(l.People) || l.Refused == 0 {
		t.Fatalf("%d people, %d undecided, %d refused", len(l.People), l.Undecided, l.Refused)
	}
	assigned, told := 0, 0
	for _, p := range l.People {
		if p.Email != "" {
			t.Errorf("%s has an address", p.Source)
		}
		if p.As["assigned"] > 0 {
			assigned++
		}
		told += len(p.As)
	}
	if assigned != l.Refused || told < len(l.People) {
		t.Errorf("%d are assigned, %d are refused, %d roles", assigned, l.Refused, told)
	}
	err := m.fails()
	if !strings.Contains(err.Error(), fmt.Sprintf("%d people are assigned to tasks and undecided", assigned)) || len(to.left()) > 0 {
		t.Errorf("%v; %v", err, to.left())
	}
	for _, p := range l.People {
		if p.Name != "" && strings.Contains(err.Error(), p.Name) {
			t.Error("the refusal names somebody")
		}
	}

	// The company has them all, some by another name; the file decides.
	for i, p := range l.People {
		u := microsoft.User{Name: p.Name, Mail: p.UserName + "@new.example"}
		switch {
		case p.Name == "": // an account that is gone: only its id is left
			continue
		case i%3 == 1:
			u.Name = fmt.Sprintf("Person %d", i)
		case i%3 == 2:
			u.Disabled = true
		}
		to.tenant.AddUser(u)
	}
	path := filepath.Join(t.TempDir(), "people.csv")
	l = people(true)
	suggested, disabled := 0, 0
	for i := range l.People {
		p := &l.People[i]
		if p.Suggestion == "" {
			p.Decision = migrate.Nobody
			continue
		}
		suggested++
		if strings.HasPrefix(p.State, item.Disabled) {
			disabled++
		}
		p.Decision = p.SuggestedEmail
	}
	if suggested < 10 || disabled == 0 {
		t.Errorf("%d have a suggestion, %d of them disabled", suggested, disabled)
	}
	if _, err := migrate.WritePeople(path, l); err != nil {
		t.Fatal(err)
	}
	table, err := migrate.ReadPeople(path)
	if err != nil {
		t.Fatal(err)
	}
	m.spec.People.File, m.spec.People.Rows = path, table.Decisions()
	if l = people(false); l.Status != "decided" || l.Undecided != 0 || len(l.Notices) > 0 {
		t.Errorf("%s, %d undecided: %q", l.Status, l.Undecided, l.Notices)
	}
	if f := m.forecast(); !strings.Contains(strings.Join(f.Notices, "\n"), "whose account at the target is disabled") {
		t.Errorf("%q", f.Notices)
	}
	m.run("complete")
	m.verify()
}
