package migrate

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// Messages are those that the target cloud sends to people because of a
// migration: at most, since each person may have switched them off.
type Messages struct {
	Notify string `json:"notify"` // the policy
	Step          // what the next run sends
	// Last is what the step that tells people sends, with notify: last.
	Last *Step `json:"last,omitempty"`
	// Quiet says how the target's people keep away what no way of writing prevents.
	Quiet string `json:"quiet,omitempty"`
}

// A Step counts the messages of one way of running. Ids of the target only.
type Step struct {
	All  int `json:"all"`
	Most int `json:"most"` // to one person
	// Days is how many days the step takes at the least, and Day how many messages
	// one person then gets on one of them.
	Days   int              `json:"days"`
	Day    int              `json:"day"`
	People []PersonMessages `json:"people,omitempty"` // those with the most first
	// Uncounted are writes of which nobody can tell how many people hear.
	Uncounted []Uncounted `json:"uncounted,omitempty"`
}

// PersonMessages counts the messages to one person.
type PersonMessages struct {
	Target   string `json:"target"`
	Messages int    `json:"messages"`
}

// Uncounted are the writes of a kind that tell people of whom the cloud does not
// say who they are.
type Uncounted struct {
	Kind   item.Kind       `json:"kind"`
	To     connector.Reach `json:"to"`
	Writes int             `json:"writes"`
	Why    string          `json:"why"`
}

// tells counts while a forecast is made.
type tells struct {
	run, last tally
	// working are the people who are told of what lies in the latest task, in the
	// next run and in the last step.
	working []string
	talkers []string // who commented on it so far
	// formerly says that others may work on it at the target as yet: who they are
	// changed, and the last step writes it.
	formerly bool
}

type tally struct {
	self      string // who is not told of what they do themselves: the target's id
	to        map[string]int
	uncounted map[Uncounted]int // by all but Writes
	greeted   map[[2]string]bool
	writes    int
}

func (t *tally) tell(people ...string) {
	if t.to == nil {
		t.to = map[string]int{}
	}
	for _, p := range people {
		if p != t.self {
			t.to[p]++
		}
	}
	t.writes++
}

// talk notes who commented on the task at hand.
func (t *tells) talk(author string) {
	if !slices.Contains(t.talkers, author) {
		t.talkers = append(t.talkers, author)
	}
}

// owner tells the connection's own account.
func (t *tally) owner() {
	if t.to == nil {
		t.to = map[string]int{}
	}
	t.to[t.self]++
	t.writes++
}

// once tells people who were not told for the same reason before.
func (t *tally) once(why string, people ...string) {
	if t.greeted == nil {
		t.greeted = map[[2]string]bool{}
	}
	for _, p := range people {
		if k := [2]string{why, p}; !t.greeted[k] {
			t.greeted[k] = true
			t.tell(p)
		}
	}
}

func (t *tally) wonder(k item.Kind, n connector.Notice) {
	if t.uncounted == nil {
		t.uncounted = map[Uncounted]int{}
	}
	t.uncounted[Uncounted{Kind: k, To: n.To, Why: n.Why}]++
	t.writes++
}

// tellsAnybody reports whether the target's kinds give any notice.
func (e *Engine) tellsAnybody() bool {
	for _, caps := range e.To.Caps.Kinds {
		if len(caps.Notices) > 0 {
			return true
		}
	}
	return false
}

// tell counts whom the writing of one unit tells.
func (f *forecaster) tell(w *walked) {
	u, row := w.unit, w.rows[w.unit.key]
	kind := u.key.Kind
	if !u.ownKind || w.refused() {
		return
	}
	names := f.e.packedNames(kind)
	settled, ours := unpack(row.Base, names), item.Bundle{Item: u.item, Children: u.children}
	made := row.Target.Zero()
	changed := !made && (row.Version != u.version || row.State == ledger.Half)
	if author := item.Author.Get(u.item); kind == item.Comment && author != "" {
		defer f.tells.talk(author)
	}
	if kind == item.Task {
		f.tells.talkers = nil
		f.tells.working = f.working(u, settled)
	}
	for _, n := range f.e.To.Caps.Kinds[kind].Notices {
		to, writes := &f.tells.run, made || changed
		if f.e.putOff(kind, n.Field) {
			to, writes = &f.tells.last, made || settled[n.Field].given != f.e.fieldHash(ours, n.Field)
			if n.Field == "" {
				writes = row.State == 0 || row.Version != u.version
			}
		}
		// What points at something that moves later is written twice.
		again := n.Changed && n.Field == "" && len(u.wanted) > 0
		if !writes || made && n.Changed && !again || n.Field != "" && n.To != connector.ToEntries && made && item.IsZero(u.item.Fields[n.Field]) {
			continue
		}
		switch n.To {
		case connector.ToNamed:
			named, _ := u.item.Fields[n.Field].([]string)
			if n.Once {
				to.once(n.Why, f.e.outside(named)...)
				continue
			}
			to.tell(named...)
		case connector.ToAssigned:
			to.tell(f.tells.working...)
			if again && changed {
				to.tell(f.tells.working...)
			}
			if f.tells.formerly {
				to.wonder(kind, n)
			}
		case connector.ToEntries: // of a changed checklist nobody knows which are new
			for _, entry := range item.Entries.Get(u.item) {
				if entry.Assignee != "" {
					to.tell(entry.Assignee)
				}
			}
		case connector.ToSelf:
			to.owner()
		case connector.ToTalkers:
			author := item.Author.Get(u.item)
			to.tell(slices.DeleteFunc(slices.Clone(f.tells.talkers), func(p string) bool { return p == author })...)
		default:
			to.wonder(kind, n)
		}
	}
}

// outside leaves out those who are among the people of the place already.
func (e *Engine) outside(ids []string) (out []string) {
	for _, id := range ids {
		if m, known := e.people.targets[id]; !known || item.Outside.Get(m) {
			out = append(out, id)
		}
	}
	return out
}

// working are the people who work on a task, or watch it, once it is written.
func (f *forecaster) working(u *unit, settled base) (out []string) {
	f.tells.formerly = false
	for _, field := range []item.Field{item.Assignees.Field, item.Watchers.Field} {
		was := settled[field.Name].given
		if f.e.putOff(item.Task, field.Name) && was != 0 && was != short(f.e.print.Value(u.item.Fields[field.Name])) {
			f.tells.formerly = true
		}
		if f.e.putOff(item.Task, field.Name) && was == 0 {
			continue
		}
		people, _ := u.item.Fields[field.Name].([]string)
		for _, p := range people {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// messages adds up what was counted.
func (f *forecaster) messages() Messages {
	out := Messages{Notify: f.e.Spec.Policies.Notify, Step: f.tells.run.step(f.out.Least)}
	if f.e.Spec.NotifiesLast() {
		least, _ := duration(float64(f.tells.last.writes), f.e.To.Caps.Quotas)
		last := f.tells.last.step(least)
		out.Last = &last
	}
	if len(f.tells.run.to)+len(f.tells.run.uncounted)+len(f.tells.last.to)+len(f.tells.last.uncounted) > 0 {
		out.Quiet = f.e.To.Caps.Quiet
	}
	return out
}

func (t *tally) step(least time.Duration) Step {
	const day = 24 * time.Hour
	out := Step{Days: int((max(least, 1) + day - 1) / day)}
	for _, p := range slices.Sorted(maps.Keys(t.to)) {
		n := t.to[p]
		out.All += n
		out.Most = max(out.Most, n)
		out.People = append(out.People, PersonMessages{p, n})
	}
	out.Day = (out.Most + out.Days - 1) / out.Days
	slices.SortStableFunc(out.People, func(a, b PersonMessages) int { return cmp.Compare(b.Messages, a.Messages) })
	for u, n := range t.uncounted {
		u.Writes = n
		out.Uncounted = append(out.Uncounted, u)
	}
	slices.SortFunc(out.Uncounted, func(a, b Uncounted) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.To, b.To), cmp.Compare(a.Why, b.Why))
	})
	return out
}
