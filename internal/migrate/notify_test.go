package migrate

import (
	"slices"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// telling is a target whose assignments tell people.
func telling() connector.Capabilities {
	c := everything()
	k := c.Kinds[item.Task]
	k.Notices = []connector.Notice{{Field: item.Assignees.Name, To: connector.ToNamed, By: "mail", Why: "it does"}}
	c.Kinds[item.Task] = k
	return c
}

// assigned counts the tasks of a target on which somebody works.
func assigned(m *memory) (n int) {
	for _, it := range m.items {
		if it.Kind == item.Task && len(item.Assignees.Get(it)) > 0 {
			n++
		}
	}
	return n
}

func TestNotify(t *testing.T) {
	for _, c := range []struct {
		policy, status string
		now, last      bool // whether anybody is assigned by a run, and by the last step
	}{
		{"", "equal-with-losses", true, true},
		{"last", "equal-with-losses", false, true},
		{"all", "equal-with-losses", true, true},
		{"none", "equal-with-losses", false, false},
	} {
		t.Run("policy "+c.policy, func(t *testing.T) {
			b := newBench(t, telling())
			b.spec.Policies.Notify = c.policy
			f := b.forecast()
			b.run("complete")
			v := b.verify(c.status)
			if (assigned(b.to) > 0) != c.now {
				t.Errorf("%d tasks are assigned", assigned(b.to))
			}
			quiet := slices.ContainsFunc(f.Losses, func(l Loss) bool { return l.Field == item.Assignees.Name && l.Policy == lostToQuiet })
			if quiet != (c.policy == "none") {
				t.Errorf("losses: %+v", f.Losses)
			}
			later := c.last && !c.now
			if (v.ToCome["task."+item.Assignees.Name] > 0) != later || (f.Messages.All > 0) != c.now {
				t.Errorf("to come %v, the run sends %+v", v.ToCome, f.Messages)
			}
			if later {
				if r, err := b.engine().Cutover(t.Context(), false); err != nil || r.Status != "to-come" {
					t.Errorf("a cut-over before the last step: %+v, %v", r, err)
				}
			}
			e := b.engine()
			e.Tell = true
			r, err := e.Run(t.Context())
			if err != nil || r.PutOff != 0 {
				t.Fatal(r, err)
			}
			if (assigned(b.to) > 0) != c.last {
				t.Errorf("after the last step %d tasks are assigned", assigned(b.to))
			}
			if later && f.Messages.Last.All != assigned(b.to) {
				t.Errorf("%d messages were forecast for %d tasks", f.Messages.Last.All, assigned(b.to))
			}
			if v := b.verify(c.status); v.ToCome != nil {
				t.Errorf("still to come: %v", v.ToCome)
			}
			writes := b.to.writes
			b.run("complete")
			if b.to.writes != writes {
				t.Error("a further run wrote")
			}
		})
	}
}

// TestNotifyLastLeavesPeople assigns somebody at the target before the last step:
// people's choice stands, and is listed.
func TestNotifyLastLeavesPeople(t *testing.T) {
	b := newBench(t, telling())
	b.spec.Policies.Notify = tellLast
	b.run("complete")
	var ref item.Ref
	for _, it := range b.from.items {
		if it.Kind == item.Task && len(item.Assignees.Get(it)) > 0 {
			ref = item.Ref{Kind: item.Task, ID: it.ID}
		}
	}
	title := item.Title.Get(b.from.items[ref])
	to := titled(t, b.to, title)
	b.to.edit(to.Ref, func(it *item.Item) { item.Assignees.Set(it, []string{"somebody"}) })
	b.run("complete")
	e := b.engine()
	e.Tell = true
	r, err := e.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := item.Assignees.Get(titled(t, b.to, title)); !slices.Equal(got, []string{"somebody"}) {
		t.Errorf("people's assignment became %v", got)
	}
	if r.Conflicts != 1 || r.InConflict[0].Won != targetWins {
		t.Errorf("conflicts: %+v", r.InConflict)
	}
}

// TestEntriesTellTheirPeople: who is assigned to an entry of a checklist is counted
// in the step that writes the checklist, and left out of it with none.
func TestEntriesTellTheirPeople(t *testing.T) {
	for policy, want := range map[string]int{"all": 2, "last": 2, "none": 0} {
		caps := everything()
		k := caps.Kinds[item.Checklist]
		k.Notices = []connector.Notice{{Field: item.EntryAssignee.Name, To: connector.ToEntries, By: "mail", Why: "it does"}}
		caps.Kinds[item.Checklist] = k
		b := newBench(t, caps)
		b.spec.Policies.Notify = policy
		list := b.from.order[slices.IndexFunc(b.from.order, func(r item.Ref) bool { return r.Kind == item.Checklist })]
		b.from.edit(list, func(it *item.Item) {
			item.Entries.Set(it, []item.Check{{Title: "one", Assignee: "ann"}, {Title: "two", Assignee: "ann"}, {Title: "three", Assignee: "bob"}, {Title: "four"}})
		})
		f := b.forecast()
		if f.Messages.All != want {
			t.Errorf("%s: %d messages forecast, want %d: %+v", policy, f.Messages.All, want, f.Messages.People)
		}
		b.run("complete")
		there := 0
		for _, it := range b.to.items {
			for _, entry := range item.Entries.Get(it) {
				if entry.Assignee != "" {
					there++
				}
			}
		}
		if there != want {
			t.Errorf("%s: %d entries are assigned at the target, want %d", policy, there, want)
		}
		b.verify("equal-with-losses")
		if f := b.forecast(); f.Messages.All != 0 {
			t.Errorf("%s: a second run tells %d", policy, f.Messages.All)
		}
	}
}
