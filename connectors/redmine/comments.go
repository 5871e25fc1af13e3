package redmine

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A talk is what a batch writes to one issue: notes and files. It is read
// before and after, because Redmine answers such a write with nothing, and
// because it lets whoever writes watch the issue (app/models/journal.rb,
// add_watcher), which is undone.
type talk struct {
	*writing
	issue  int
	before apiIssue
	after  apiIssue
	actors map[string]bool // who wrote
}

// begin reads the issue; on an error every change of the talk gets it.
func (w *writing) begin(ctx context.Context, issue int, at []int) (*talk, bool) {
	t := &talk{writing: w, issue: issue, actors: map[string]bool{}}
	var err error
	if t.before, err = w.api.issue(ctx, issue, withTalk); err != nil {
		t.fail(at, err)
		return nil, false
	}
	return t, true
}

func (t *talk) fail(at []int, err error) {
	for _, i := range at {
		t.set(i)(connector.Result{}, err)
	}
}

// end reads the issue again and takes those away from its watchers who watch it
// for having written alone.
func (t *talk) end(ctx context.Context) error {
	var err error
	if t.after, err = t.api.issue(ctx, t.issue, withTalk); err != nil {
		return err
	}
	want := people(t.after.Watchers)
	watched := people(t.before.Watchers)
	want = slices.DeleteFunc(want, func(p string) bool { return t.actors[p] && !slices.Contains(watched, p) })
	if _, err := t.setWatchers(ctx, t.issue, people(t.after.Watchers), want); err != nil {
		t.warn(ctx, "somebody watches an issue for having written to it alone", t.issue, err)
	}
	return nil
}

// note is a comment on its way.
type note struct {
	change  int // which of the changes
	journal int // its number, for an update
	user    int
	text    string // as it is stored
}

// comments writes the notes of one issue in their order.
func (w *writing) comments(ctx context.Context, issue int, at []int) {
	t, ok := w.begin(ctx, issue, at)
	if !ok {
		return
	}
	var sent []note
	for k, i := range at {
		n, err := t.note(ctx, i)
		if err == nil {
			err = t.send(ctx, n)
		}
		if err == nil {
			sent = append(sent, n)
			continue
		}
		t.set(i)(connector.Result{}, err)
		if connector.InDoubt(err) {
			t.fail(at[k+1:], connector.Errorf(connector.Transient, "issue %d: not sent, because the comment before is in doubt", issue))
			break
		}
	}
	if len(sent) == 0 {
		return
	}
	if err := t.end(ctx); err != nil {
		for _, n := range sent {
			t.set(n.change)(connector.Result{}, inDoubt(err))
		}
		return
	}
	t.match(sent)
}

// note prepares one change.
func (t *talk) note(ctx context.Context, i int) (note, error) {
	it := t.changes[i].Item
	n := note{change: i, text: item.Body.Get(it), user: t.view.me}
	if strings.TrimSpace(n.text) == "" {
		return n, connector.Errorf(connector.Permanent, "issue %d: Redmine keeps no empty comment", t.issue)
	}
	author := item.Author.Get(it)
	if t.changes[i].Op == connector.Update {
		_, n.journal, _ = numbers(it.ID)
		k := slices.IndexFunc(t.before.Journals, func(j apiJournal) bool { return j.ID == n.journal })
		if k < 0 {
			return n, connector.Errorf(connector.Gone, "comment %d of issue %d is no longer there", n.journal, t.issue)
		}
		j := t.before.Journals[k]
		if j.User != nil {
			n.user = j.User.ID
		}
		if t.cfg.switchUser && n.user == t.view.me {
			_, own := readOwnNote(plainText(j.Notes))
			n.text = ownNote(n.text, own)
		}
		return n, nil
	}
	if !t.cfg.switchUser {
		return n, nil
	}
	if author != "" {
		id, ok := number(author)
		if !ok {
			return n, connector.Errorf(connector.Permanent, "an author of Redmine is a person's number")
		}
		n.user = id
	}
	if n.user == t.view.me {
		n.text = ownNote(n.text, author != "")
	}
	return n, nil
}

// send writes one note. PUT /issues/{id} with notes adds a journal each time, so
// it is sent once.
func (t *talk) send(ctx context.Context, n note) error {
	if n.journal != 0 {
		return t.api.put(ctx, "/journals/"+itoa(n.journal)+".json", map[string]any{"journal": map[string]any{"notes": n.text}})
	}
	t.actors[itoa(n.user)] = true
	q := connector.Request{Method: http.MethodPut, URL: t.api.at("/issues/"+itoa(t.issue)+".json", nil), Once: true,
		JSON: map[string]any{"issue": map[string]any{"notes": n.text}}}
	if n.user == t.view.me {
		_, err := t.api.http.JSON(ctx, q, nil)
		return err
	}
	u, err := t.facts.person(ctx, named{ID: n.user})
	if err != nil {
		return err
	}
	if u.Login == "" {
		return connector.Errorf(connector.Permanent, "person %d, the author of a comment, is not on the server", n.user).
			WithHint("map the author to somebody else")
	}
	q.Header = http.Header{"X-Redmine-Switch-User": {u.Login}}
	_, err = t.api.http.JSON(ctx, q, nil)
	if connector.ClassOf(err) != connector.Forbidden {
		return err
	}
	// The author is no member, as somebody who left the team: for this one write
	// he is made one.
	leave, err := t.join(ctx, t.before.Project.ID, n.user)
	if err != nil {
		return err
	}
	_, err = t.api.http.JSON(ctx, q, nil)
	leave()
	return err
}

// join makes somebody a member of a project; leave ends that again.
func (t *talk) join(ctx context.Context, project, user int) (leave func(), err error) {
	role, err := t.givenRole(ctx)
	if err != nil {
		return nil, err
	}
	var out struct {
		Made apiMembership `json:"membership"`
	}
	err = t.api.post(ctx, "/projects/"+itoa(project)+"/memberships.json", nil,
		map[string]any{"membership": map[string]any{"user_id": user, "role_ids": []int{role}}}, &out)
	if invalid(err) {
		return nil, connector.Errorf(connector.Forbidden, "person %d may not write comments in project %d, and cannot be made a member of it", user, project).
			WithHint("a member's role needs the right \"Add notes\" (Administration, Roles and permissions)")
	}
	if err != nil {
		// The comment itself was refused for certain; only the membership may be
		// there, which a later pass finds.
		var e *connector.Error
		errors.As(asError(err), &e) // asError makes nothing else
		sure := *e
		sure.InDoubt = false
		return nil, &sure
	}
	return func() {
		if err := t.api.delete(context.WithoutCancel(ctx), "/memberships/"+itoa(out.Made.ID)+".json"); err != nil {
			t.warn(ctx, "an author stays a member of the project", t.issue, err)
		}
	}, nil
}

// match finds the journals that the sent notes became: the newest that say the
// same, by the same person, in the same order.
func (t *talk) match(sent []note) {
	last := 0
	for _, j := range t.before.Journals {
		last = max(last, j.ID)
	}
	for _, n := range sent {
		found := false
		for _, j := range comments(t.after) {
			fresh := n.journal == 0 && j.ID > last && j.User != nil && j.User.ID == n.user && plainText(j.Notes) == plainText(n.text)
			if !fresh && (n.journal == 0 || j.ID != n.journal) {
				continue
			}
			t.results[n.change] = stored(t.view.comment(t.after, j))
			last, found = max(last, j.ID), true
			break
		}
		if !found {
			t.set(n.change)(connector.Result{}, &connector.Error{Class: connector.Malformed, InDoubt: true,
				Reason: "issue " + itoa(t.issue) + ": the server took a comment and does not show it",
				Hint:   "the key's owner may not see the notes of others in this project: give him a role that does"})
		}
	}
}
