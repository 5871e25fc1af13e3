package migrate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/richtext"
	"github.com/rialto-migrate/rialto/item"
)

// A Role is as what a person appears in the source.
type Role string

const (
	asAssignee  Role = "assigned"  // to tasks
	asEntry     Role = "entries"   // of checklists that are theirs
	asAuthor    Role = "created"   // tasks that they made
	asCommenter Role = "comments"  // that they wrote
	asAttacher  Role = "files"     // and links that they attached
	asMentioned Role = "mentioned" // in texts
	asMember    Role = "boards"    // that they belong to
	asVoter     Role = "votes"     // that they cast
	asWatcher   Role = "watches"   // tasks that they are told of
)

// roles are all of them, as a people file has them in columns.
var roles = [...]Role{asAssignee, asEntry, asAuthor, asCommenter, asAttacher, asMentioned, asMember, asVoter, asWatcher}

// A census counts as what people appear in the tasks and boards of a listing,
// for each place of the target that they go to.
type census struct {
	mention string // what stands before a mention; "" does not look for any
	places  []*headcount
}

// at returns the headcount of a place, by its people.
func (c *census) at(people *peopleMap) *headcount {
	for _, h := range c.places {
		if h.people == people {
			return h
		}
	}
	h := &headcount{people: people, mention: c.mention, as: map[string]map[Role]int{}}
	c.places = append(c.places, h)
	return h
}

// as sums what a person appears as, over all places.
func (c *census) as(id string) map[Role]int {
	var out map[Role]int
	for _, h := range c.places {
		for r, n := range h.as[id] {
			if out == nil {
				out = map[Role]int{}
			}
			out[r] += n
		}
	}
	return out
}

// A headcount is the part of a census that goes to one place.
type headcount struct {
	people  *peopleMap
	mention string
	as      map[string]map[Role]int // by the person's id
}

func (c *headcount) count(r Role, ids ...string) {
	for _, id := range ids {
		if id == "" {
			continue
		}
		if c.as[id] == nil {
			c.as[id] = map[Role]int{}
		}
		c.as[id][r]++
	}
}

// add counts the people of one task or board.
func (c *headcount) add(b item.Bundle) {
	it := b.Item
	switch it.Kind {
	case item.Board:
		c.count(asMember, item.Members.Get(it)...)
	case item.Task:
		c.count(asAssignee, item.Assignees.Get(it)...)
		c.count(asAuthor, item.Author.Get(it))
		c.count(asVoter, item.Votes.Get(it)...)
		c.count(asWatcher, item.Watchers.Get(it)...)
	default:
		return
	}
	c.text(item.Description.Get(it))
	for _, child := range b.Children {
		switch child.Kind {
		case item.Comment:
			c.count(asCommenter, item.Author.Get(child))
			c.text(item.Body.Get(child))
		case item.Attachment:
			c.count(asAttacher, item.Author.Get(child))
		case item.Checklist:
			for _, entry := range item.Entries.Get(child) {
				c.count(asEntry, entry.Assignee)
			}
		}
	}
}

// text counts whom a text mentions.
func (c *headcount) text(s string) {
	if c.mention == "" {
		return
	}
	richtext.Mentions(s, c.mention, func(user string) (string, bool) {
		id, ok := c.people.called(user)
		c.count(asMentioned, id)
		return "", ok
	})
}

// assigned is how many tasks and entries of checklists a person works on, of
// those whose assignees the target keeps.
func (c *headcount) assigned(caps connector.Capabilities, id string) (n int) {
	if caps.Keeps(item.Task, item.Assignees.Name) {
		n += c.as[id][asAssignee]
	}
	if caps.Keeps(item.Checklist, item.EntryAssignee.Name) {
		n += c.as[id][asEntry]
	}
	return n
}

// everybody lists the people who were met, over all places, by id: with the
// counterpart that one of the places has. A census tells how much they are
// assigned.
func (e *Engine) everybody(c *census) []Person {
	by := map[string]Person{}
	for _, there := range e.entered() {
		h := c.at(there.people)
		for _, p := range there.people.all() {
			p.Assigned = h.assigned(e.To.Caps, p.Source)
			by[p.Source] = together(by[p.Source], p)
		}
	}
	return slices.SortedFunc(maps.Values(by), func(a, b Person) int { return compare(a.Source, b.Source) })
}

// together joins what two places tell of a person. Undecided is who is so where
// they are assigned, or everywhere.
func together(a, b Person) Person {
	if a.Source == "" {
		return b
	}
	out := a
	if a.Target == "" && b.Target != "" {
		out = b
	}
	switch {
	case a.Assigned == 0 && b.Assigned == 0:
		out.Undecided = a.Undecided && b.Undecided
	default:
		out.Undecided = a.Undecided && a.Assigned > 0 || b.Undecided && b.Assigned > 0
	}
	out.Assigned = a.Assigned + b.Assigned
	return out
}

// meetAll lists containers once, so that all their people are known, and counts
// as what they appear, without what the archived policy leaves out.
func (e *Engine) meetAll(ctx context.Context, shards []connector.Shard, c *census) error {
	for _, s := range shards {
		there, err := e.at(ctx, s.Ref)
		if err != nil {
			return err
		}
		r, h := there.newRouter(), c.at(there.people)
		count := func(all []routed) {
			for _, d := range all {
				if !d.skip && !(d.archive && d.bundle.Item.Kind == item.Board) {
					h.add(d.bundle)
				}
			}
		}
		for page, err := range pagesOf(ctx, e.source, s) {
			if err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("stopped: %w", err)
			}
			if e.stopped() {
				return ErrStopped
			}
			there.meet(s.Ref, page.Bundles)
			count(r.route(page.Bundles))
		}
		count(r.end())
	}
	for _, there := range e.entered() {
		there.people.again()
	}
	return nil
}

// foreknow meets people before anything is fitted: those of the target in all
// places, where decisions name them, and those of the source in all containers,
// where what becomes of one depends on what any container tells.
func (e *Engine) foreknow(ctx context.Context) error {
	if len(e.Spec.People.Rows) > 0 {
		for _, s := range e.all {
			if _, err := e.at(ctx, s.Ref); err != nil {
				return err
			}
		}
	}
	if e.Spec.People.Left == "" {
		return nil
	}
	return e.meetAll(ctx, e.all, &census{})
}

// decided refuses a run whose people are not decided: decisions that cannot be
// carried out, and somebody who is assigned and of whom nobody knows who they
// are at the target. It lists the source for that, unless the migration says
// what becomes of the rest, or nobody is assigned to anything there.
func (e *Engine) decided(ctx context.Context, shards []connector.Shard) error {
	if err := e.foreknow(ctx); err != nil {
		return err
	}
	if err := refusal(e.checkPeople().wrong()); err != nil {
		return err // before the listing, which takes its time
	}
	if e.Spec.People.Others != "" || !e.From.Caps.Peopled() {
		return nil
	}
	c := &census{}
	if err := e.meetAll(ctx, shards, c); err != nil {
		return err
	}
	if err := refusal(e.checkPeople().wrong()); err != nil {
		return err
	}
	if u := undecided(e.everybody(c)); len(u) > 0 {
		return connector.Errorf(connector.Permanent, "%s; nothing was written", sayUndecided(u)).WithHint(howToDecide)
	}
	return nil
}

// undecided lists who is assigned and undecided, the busiest first.
func undecided(people []Person) []Person {
	out := slices.DeleteFunc(slices.Clone(people), func(p Person) bool { return p.Assigned == 0 || !p.Undecided })
	slices.SortStableFunc(out, func(a, b Person) int { return b.Assigned - a.Assigned })
	return out
}

const howToDecide = "rialto people FILE.yaml --out people.csv lists everybody with a suggestion: fill in the column target and name the file in the YAML, " +
	"people: {file: people.csv}; or say there what becomes of the rest, people: {others: name-in-text}, or drop"

func sayUndecided(people []Person) string {
	return fmt.Sprintf("%s assigned to tasks and undecided: %s", counted(len(people), "person is", "people are"),
		sayIDs(people, func(p Person) string { return fmt.Sprintf("%s (%d)", p.Source, p.Assigned) }))
}

// mostIDs is how many people or lines a message names.
const mostIDs = 20

// sayIDs names people by their ids, the first of them.
func sayIDs[T any](people []T, say func(T) string) string {
	var out []string
	for i, p := range people {
		if i == mostIDs {
			out = append(out, fmt.Sprintf("and %d more", len(people)-i))
			break
		}
		out = append(out, say(p))
	}
	return strings.Join(out, ", ")
}

// foresee tells a forecast about the people that were met: who they become, and
// what a person should look at before the run.
func (e *Engine) foresee(c *census) (people []Person, notices []string) {
	people = e.everybody(c)
	if who := undecided(people); len(who) > 0 && e.Spec.People.Others == "" {
		notices = append(notices, "A run refuses: "+sayUndecided(who)+"; "+howToDecide+".")
	}
	check := e.checkPeople()
	if wrong := refusal(check.wrong()); wrong != nil {
		notices = append(notices, "A run refuses: "+wrong.Error())
	}
	for _, state := range []struct{ prefix, what string }{
		{item.Disabled, "whose account at the target is disabled"}, {item.Unlicensed, "who has no licence at the target"},
	} {
		who := slices.DeleteFunc(slices.Clone(people), func(p Person) bool { return p.Assigned == 0 || !strings.HasPrefix(p.State, state.prefix) })
		if len(who) > 0 {
			notices = append(notices, fmt.Sprintf("Tasks will be assigned to %s %s: %s. rialto people FILE.yaml shows them.", counted(len(who), "person", "people"), state.what,
				sayIDs(who, func(p Person) string { return fmt.Sprintf("%s → %s (%d)", p.Source, p.Target, p.Assigned) })))
		}
	}
	if merged := e.together(); len(merged) > 0 {
		notices = append(notices, "Several people of the source become one: "+sayIDs(merged, Together.String)+".")
	}
	if lines := check.idle(); len(lines) > 0 {
		notices = append(notices, e.sayIdle(lines)+".")
	}
	return people, notices
}

func (e *Engine) sayIdle(lines []int) string {
	return fmt.Sprintf("%s: %s about nobody in the scope: line %s", e.Spec.People.File, counted(len(lines), "decision is", "decisions are"), sayIDs(lines, strconv.Itoa))
}
