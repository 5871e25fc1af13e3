package migrate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// someone is a member of either side.
func someone(id, name, user, email string, more ...func(*item.Item)) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Member, ID: id}}
	item.Name.Set(&it, name)
	item.UserName.Set(&it, user)
	item.Email.Set(&it, email)
	for _, f := range more {
		f(&it)
	}
	return it
}

func standing(s string) func(*item.Item) {
	return func(it *item.Item) { item.Standing.Set(it, s) }
}

func outside(it *item.Item) { item.Outside.Set(it, true) }

func TestDecide(t *testing.T) {
	targets := []item.Item{
		someone("t-ann", "Ann Lee", "ann@new.com", "ann.lee@new.com"),
		someone("t-bob", "Bob Øst", "bob@new.com", "bob@new.com"),
		someone("t-kim1", "Kim Lee", "kim.lee@new.com", "kim.lee@new.com"),
		someone("t-kim2", "Kim Lee", "kim.lee2@new.com", "kim.lee2@new.com"),
		someone("t-twin1", "Twin One", "twin@a.com", "shared@new.com"),
		someone("t-twin2", "Twin Two", "twin@b.com", "shared@new.com"),
		someone("t-off", "Olga Off", "olga@new.com", "olga@new.com", standing(item.Disabled)),
	}
	for name, c := range map[string]struct {
		spec       People
		who        item.Item
		target, by string
	}{
		"e-mail, whatever its case":         {People{}, someone("1", "x", "x", "Bob@NEW.com"), "t-bob", "email"},
		"name, composed otherwise":          {People{}, someone("1", "bob  O\u0338st", "x", ""), "", ""},
		"name":                              {People{}, someone("1", "BOB  øst", "x", ""), "t-bob", "name"},
		"two at the target share the name":  {People{}, someone("1", "Kim Lee", "kim", ""), "", ""},
		"two share an address":              {People{}, someone("1", "x", "x", "shared@new.com"), "", ""},
		"user name is not asked for":        {People{}, someone("1", "x", "ann", ""), "", ""},
		"user name":                         {People{Match: []string{"username"}}, someone("1", "x", "Ann", ""), "t-ann", "username"},
		"a user name that two begin with":   {People{Match: []string{"username"}}, someone("1", "x", "twin", ""), "", ""},
		"a whole user name of these":        {People{Match: []string{"username"}}, someone("1", "x", "twin@b.com", ""), "t-twin2", "username"},
		"domain change":                     {People{Domains: map[string]string{"Old.com": "new.com"}}, someone("1", "x", "x", "bob@OLD.com"), "t-bob", "domain"},
		"domain change of the sign-in name": {People{Domains: map[string]string{"old.com": "new.com"}}, someone("1", "x", "ann@old.com", ""), "t-ann", "domain"},
		"domain of somebody else":           {People{Domains: map[string]string{"old.com": "new.com"}}, someone("1", "x", "", "bob@other.com"), "", ""},
		"the address itself comes first":    {People{Domains: map[string]string{"new.com": "old.com"}}, someone("1", "x", "", "bob@new.com"), "t-bob", "email"},
		"by hand: id":                       {People{Rows: []PersonRow{{"1", "t-kim2", 2}}}, someone("1", "Kim Lee", "", ""), "t-kim2", "hand"},
		"by hand: e-mail":                   {People{Rows: []PersonRow{{"Kim Lee", "kim.lee@new.com", 2}}}, someone("1", "Kim Lee", "", ""), "t-kim1", "hand"},
		"by hand: nobody":                   {People{Rows: []PersonRow{{"1", "-", 2}}}, someone("1", "Bob Øst", "", ""), "", "hand"},
		"by hand comes before the rules":    {People{Rows: []PersonRow{{"bob@new.com", "ann@new.com", 2}}}, someone("1", "x", "", "bob@new.com"), "t-ann", "hand"},
		"a number of which zeros are lost":  {People{Rows: []PersonRow{{"42", "t-ann", 2}}}, someone("0042", "x", "", ""), "t-ann", "hand"},
		"who left":                          {People{Left: "drop"}, someone("1", "x", "", "", standing(item.Disabled)), "", "left"},
		"a program's account":               {People{Left: "drop"}, someone("1", "x", "", "", standing(item.Bot)), "", "left"},
		"who left, and is still there":      {People{Left: "drop"}, someone("1", "Bob Øst", "", "", standing(item.Disabled)), "t-bob", "name"},
		"who left at the target":            {People{Left: "drop"}, someone("1", "x", "", "olga@new.com"), "", "left"},
		"who left, and nothing is said":     {People{}, someone("1", "x", "", "olga@new.com"), "t-off", "email"},
		"who left, by hand":                 {People{Left: "drop", Rows: []PersonRow{{"1", "t-off", 2}}}, someone("1", "x", "", "", standing(item.Disabled)), "t-off", "hand"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.spec.validate(); err != nil {
				t.Fatal(err)
			}
			p := newPeopleMap(c.spec, targets, &standings{by: map[string]string{}})
			p.meet(item.Ref{}, c.who)
			if got := p.mapped[c.who.ID]; got != (decision{target: c.target, by: c.by}) {
				t.Errorf("%+v, want %s by %s", got, c.target, c.by)
			}
		})
	}
}

func TestPeopleSpec(t *testing.T) {
	for want, p := range map[string]People{
		`people.match cannot be "mail"`:        {Match: []string{"mail"}},
		`people.others cannot be "ignore"`:     {Others: "ignore"},
		`people.left cannot be "-"`:            {Left: "-"},
		`people.domains cannot hold "a@b.com"`: {Domains: map[string]string{"a@b.com": "c.com"}},
		`people.match names domain; say which`: {Match: []string{"domain"}},
		`people.domains cannot hold ""`:        {Domains: map[string]string{"old.com": ""}},
	} {
		if err := p.validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", p, err, want)
		}
	}
}

// TestSaltOfPeople: the order of the lines and where they stand change no
// version; a decision does.
func TestSaltOfPeople(t *testing.T) {
	a := People{Rows: []PersonRow{{"ann", "x", 2}, {"bob", "y", 3}}, File: "a.csv"}
	b := People{Rows: []PersonRow{{"Bob", "y", 7}, {"ann", "x", 9}}, File: "b.csv", Others: "name-in-text"}
	if a.salt() != b.salt() {
		t.Errorf("%s\n%s", a.salt(), b.salt())
	}
	b.Rows[0].Target = "-"
	if a.salt() == b.salt() {
		t.Error("another decision, and the same salt")
	}
}

func listings(m *memory) *int {
	n := 0
	m.listing = func() { n++ }
	return &n
}

// TestRunRefusesUndecided: nothing is written, to the target or the ledger,
// while somebody who is assigned is undecided; what a migration says about the
// rest costs no listing.
func TestRunRefusesUndecided(t *testing.T) {
	for name, c := range map[string]struct {
		people   People
		refused  string
		listings int
	}{
		"nothing is said":      {People{}, "1 person is assigned to tasks and undecided: bob (10); nothing was written", 1},
		"others are named":     {People{Others: "name-in-text"}, "", 2},
		"others are dropped":   {People{Others: "drop"}, "", 2},
		"decided by hand":      {People{Rows: []PersonRow{{"bob", "-", 2}}}, "", 3},
		"the target is nobody": {People{File: "p.csv", Rows: []PersonRow{{"bob", "who", 2}}}, `p.csv:2: nobody at the target is "who"`, 0},
		"the same, with others": {People{File: "p.csv", Others: "drop", Rows: []PersonRow{{"bob", "who", 2}}},
			`p.csv:2: nobody at the target is "who"`, 0},
		"two lines, id and name": {People{File: "p.csv", Rows: []PersonRow{{"bob", "-", 2}, {"Bob Ray", "ann", 3}}},
			`p.csv:3: "Bob Ray" is the person of line 2, who is mapped to another target there`, 1},
		"two lines, id and user": {People{File: "p.csv", Rows: []PersonRow{{"u-ann", "-", 2}, {"ann", "ann", 3}, {"bob", "-", 4}}},
			`p.csv:3: "ann" is the person of line 2, who is mapped to another target there`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, likePlanner())
			b.spec.People = c.people
			if strings.Contains(name, "id and user") {
				item.UserName.Set(&b.from.people[0], "u-ann")
			}
			n := listings(b.from)
			_, err := b.engine().Run(context.Background())
			if got := fmt.Sprint(err); c.refused == "" && err != nil || !strings.Contains(got, c.refused) {
				t.Fatalf("%v, want %q", err, c.refused)
			}
			if *n != c.listings {
				t.Errorf("the source was listed %d times, want %d", *n, c.listings)
			}
			if err == nil {
				return
			}
			var ce *connector.Error
			if !errors.As(err, &ce) || ce.Class != connector.Permanent {
				t.Errorf("the error has no class: %#v", err)
			}
			shards, _ := b.led.Shards(context.Background())
			if b.to.writes != 0 || len(shards) != 0 {
				t.Errorf("%d writes, %d shards in the ledger", b.to.writes, len(shards))
			}
			f := b.forecast()
			if !slices.ContainsFunc(f.Notices, func(n string) bool { return strings.Contains(n, "A run refuses") }) {
				t.Errorf("the forecast does not say that a run refuses: %q", f.Notices)
			}
		})
	}
}

// TestForecastTellsOfAccounts warns of assignments that nobody will see, and of
// people who become one.
func TestForecastTellsOfAccounts(t *testing.T) {
	b := newBench(t, likePlanner())
	b.spec.People = People{Others: "drop", File: "p.csv", Rows: []PersonRow{{"bob", "t-ann", 4}, {"nobody here", "t-ann", 9}}}
	for what, c := range map[string]struct {
		target item.Item
		want   string
	}{
		"disabled":   {someone("t-ann", "Ann Lee", "", "", standing(item.Disabled), outside), "whose account at the target is disabled: ann → t-ann (20), bob → t-ann (10)"},
		"unlicensed": {someone("t-ann", "Ann Lee", "", "", standing(item.Unlicensed)), "who has no licence at the target: ann → t-ann (20)"},
		"guest":      {someone("t-ann", "Ann Lee", "", "", standing(item.Guest)), "Several people of the source become one: ann + bob → t-ann"},
		"idle":       {someone("t-ann", "Ann Lee", "", ""), "p.csv: 1 decision is about nobody in the scope: line 9"},
	} {
		t.Run(what, func(t *testing.T) {
			b.to.people = []item.Item{c.target}
			f := b.forecast()
			if !strings.Contains(strings.Join(f.Notices, "\n"), c.want) {
				t.Errorf("%q\nwant %s", f.Notices, c.want)
			}
			for _, n := range f.Notices {
				if strings.Contains(n, "Ann Lee") || strings.Contains(n, "refuses") {
					t.Errorf("the notice says too much: %s", n)
				}
			}
		})
	}
}

// TestCensus counts as what people appear.
func TestCensus(t *testing.T) {
	b := newBench(t, likePlanner())
	b.spec.People = People{}
	b.to.people = []item.Item{someone("t1", "Ann Lee", "x", "ann@new.com", outside), someone("t2", "Bob", "bob@new.com", "bob@new.com", standing(item.Guest))}
	b.from.edit(item.Ref{Kind: item.Board, ID: "b1"}, func(it *item.Item) { item.Members.Set(it, []string{"ann", "bob"}) })
	b.from.edit(item.Ref{Kind: item.Task, ID: "c1"}, func(it *item.Item) {
		item.Votes.Set(it, []string{"bob"})
		item.Watchers.Set(it, []string{"ann", "bob"})
	})
	for _, names := range []bool{false, true} {
		l, err := b.engine().People(context.Background(), names)
		if err != nil {
			t.Fatal(err)
		}
		want := []PersonLine{
			{Source: "ann", As: map[Role]int{"assigned": 20, "created": 20, "mentioned": 30, "boards": 1, "watches": 1}, Suggestion: "t1", Reason: "name", State: "outside",
				Target: "t1", Status: "matched", UserName: "ann", Name: "Ann Lee", SuggestedName: "Ann Lee", SuggestedEmail: "ann@new.com"},
			{Source: "bob", As: map[Role]int{"assigned": 10, "comments": 30, "files": 4, "mentioned": 20, "boards": 1, "watches": 1, "votes": 1}, Suggestion: "t2", Reason: "username",
				State: "guest", Status: "suggested", UserName: "bob", Name: "Bob Ray", SuggestedName: "Bob", SuggestedEmail: "bob@new.com"},
		}
		if !names {
			want = PeopleList{People: want}.WithoutNames().People
		}
		if got, want := fmt.Sprintf("%+v", l.People), fmt.Sprintf("%+v", want); got != want {
			t.Errorf("names %v:\n%s\nwant\n%s", names, got, want)
		}
		if l.Status != "undecided" || l.Undecided != 1 || l.Refused != 1 {
			t.Errorf("%s, %d undecided, %d refused", l.Status, l.Undecided, l.Refused)
		}
	}
	if b.to.writes != 0 {
		t.Error("it wrote")
	}
}

// TestArchivedAreNotAsked: who is assigned only to what the archived policy
// leaves out need not be decided.
func TestArchivedAreNotAsked(t *testing.T) {
	b := newBench(t, likePlanner())
	b.spec.People = People{}
	b.spec.Policies.Archived = "skip"
	for i := range 20 {
		b.from.edit(item.Ref{Kind: item.Task, ID: fmt.Sprintf("c%d", i)}, func(it *item.Item) {
			if !item.Closed.Get(*it) && item.InList.Get(*it).ID != "list2" {
				item.Assignees.Set(it, []string{"ann"})
			}
		})
	}
	b.run("complete")
	b.spec.Policies.Archived = "bucket"
	if _, err := b.engine().Run(context.Background()); err == nil || !strings.Contains(err.Error(), "undecided: bob") {
		t.Errorf("the archived tasks move now, and the run says %v", err)
	}
}

// TestLeftIsKnownBefore: what one board tells of an account holds for all
// boards, whichever is listed first.
func TestLeftIsKnownBefore(t *testing.T) {
	b := newBench(t, likePlanner())
	b.spec.Scope, b.spec.People = []string{"*"}, People{Others: "name-in-text", Left: "drop"}
	second := item.Item{Ref: item.Ref{Kind: item.Board, ID: "b2"}}
	item.Name.Set(&second, "Later")
	b.from.put(second)
	b.from.people[1].Parent = item.Ref{Kind: item.Board, ID: "b1"}
	bob := b.from.people[1].Clone()
	bob.Parent = second.Ref
	item.Standing.Set(&bob, item.Disabled)
	b.from.people = append(b.from.people, bob)
	f := b.forecast()
	b.run("complete")
	v := b.verify("equal-with-losses")
	for what, losses := range map[string][]Loss{"forecast": f.Losses, "verify": v.LossList} {
		i := slices.IndexFunc(losses, func(l Loss) bool { return l.Kind == item.Task && l.Field == item.Assignees.Name })
		if i < 0 || losses[i].Policy != "drop" || losses[i].Count != 10 {
			t.Errorf("%s: %+v", what, losses)
		}
	}
	for ref, it := range b.to.items {
		if ref.Kind == item.Task && strings.Contains(item.Description.Get(it), "Bob Ray") && strings.Contains(item.Description.Get(it), "Assignees there") {
			t.Errorf("%s names somebody who left", ref)
		}
	}
}

// TestPeopleOfPlaces: a migration into several places asks each of them for its
// people, and refuses for the sake of those that the selection goes to.
func TestPeopleOfPlaces(t *testing.T) {
	b := newBench(t, likePlanner())
	another(b.from, "b2", "Sales")
	b.from.edit(item.Ref{Kind: item.Task, ID: "b2-c0"}, func(it *item.Item) { item.Assignees.Set(it, []string{"bob"}) })
	b.to.people = []item.Item{someone("t-ann", "Ann Lee", "", ""), someone("t-bob", "Bob Ray", "", "bob@new.com")}
	b.to.only = map[string]string{"t-bob": "group:Sales"}
	b.spec.Scope, b.spec.Place, b.spec.People = []string{"*"}, "group:All", People{}
	b.spec.Map = []MapRow{{Source: "b1", Wave: 1, Where: "m.csv:2"}, {Source: "b2", Place: "group:Sales", Wave: 2, Where: "m.csv:3"}}
	run := func(wave int) error {
		e := b.engine()
		e.Select.Wave = wave
		_, err := e.Run(context.Background())
		return err
	}
	if err := run(2); err != nil {
		t.Errorf("bob is known where wave 2 goes: %v", err)
	}
	if err := run(1); err == nil || !strings.Contains(err.Error(), "undecided: bob (10)") {
		t.Errorf("bob is nobody where wave 1 goes: %v", err)
	}
	l, err := b.engine().People(context.Background(), false)
	if err != nil || len(l.People) != 2 || l.Refused != 1 {
		t.Fatalf("%+v %v", l, err)
	}
	if bob := l.People[1]; bob.As["assigned"] != 11 || bob.Suggestion != "t-bob" || bob.Status == "matched" {
		t.Errorf("%+v", bob)
	}
	b.spec.People = People{File: "p.csv", Rows: []PersonRow{{"bob", "bob@new.com", 2}}}
	if l, err = b.engine().People(context.Background(), false); err != nil || len(l.Notices) > 0 {
		t.Errorf("a decision that holds in one place is refused: %+v %v", l, err)
	}
	if err := run(1); err == nil || !strings.Contains(err.Error(), "undecided: bob (10)") {
		t.Errorf("bob is to be somebody who is not where wave 1 goes: %v", err)
	}
	b.spec.People = People{Others: "drop"}
	if err := run(0); err != nil {
		t.Error(err)
	}
}

// TestSameNames: of generated people of whom many share a name, a name alone
// decides nobody who is not the only one, on either side.
func TestSameNames(t *testing.T) {
	first, last := []string{"Kim", "Ann", "Li", "Bo"}, []string{"Lee", "Øst", "Wang"}
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 3))
		name := func() string { return first[r.IntN(len(first))] + " " + last[r.IntN(len(last))] }
		var targets, sources []item.Item
		at, here := map[string]int{}, map[string]int{}
		for i := range 12 {
			n := name()
			at[n]++
			targets = append(targets, someone(fmt.Sprintf("t%d", i), n, "", ""))
			n = name()
			here[n]++
			sources = append(sources, someone(fmt.Sprintf("s%d", i), n, "", ""))
		}
		spec := People{}
		if err := spec.validate(); err != nil {
			t.Fatal(err)
		}
		p := newPeopleMap(spec, targets, &standings{by: map[string]string{}})
		for _, s := range sources {
			p.meet(item.Ref{}, s)
		}
		for _, got := range p.all() {
			n := item.Name.Get(p.source[got.Source])
			if sure := at[n] == 1 && here[n] == 1; sure == got.Undecided {
				t.Errorf("seed %d: %s, %d at the target and %d here: %+v", seed, n, at[n], here[n], got)
			}
		}
	}
}

// TestMentionFollowsThePeople: a text is written again when somebody whom it
// mentions comes to the board, although it did not change itself.
func TestMentionFollowsThePeople(t *testing.T) {
	b := newBench(t, likePlanner())
	c0 := item.Ref{Kind: item.Task, ID: "c0"}
	b.from.edit(c0, func(it *item.Item) { item.Description.Set(it, "Ask @newcomer first.") })
	b.run("complete")
	if d := item.Description.Get(titled(t, b.to, "Task 0")); !strings.Contains(d, "@newcomer") {
		t.Fatalf("nobody is called so yet: %q", d)
	}
	m := item.Item{Ref: item.Ref{Kind: item.Member, ID: "new"}, Fields: item.Fields{}}
	item.Name.Set(&m, "Nina Comer")
	item.UserName.Set(&m, "newcomer")
	b.from.people = append(b.from.people, m)
	b.run("complete")
	if d := item.Description.Get(titled(t, b.to, "Task 0")); !strings.Contains(d, "Ask Nina Comer first.") {
		t.Errorf("the mention stays as it was: %q", d)
	}
	b.verify("equal-with-losses")
}
