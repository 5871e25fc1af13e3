package trello

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// freshFor is how long a whole board that was read for a fetch answers the next
// fetch too. Writing drops it at once.
const freshFor = 15 * time.Second

// A target writes boards into a workspace.
type target struct {
	api   *api
	place workspace
	owner organization // the workspace as it was found; empty if it was not there

	mu      sync.Mutex
	me      string                   // the member's id, once asked
	tails   map[string]sibling       // by list: the card that stands last, as we wrote it
	fields  map[string][]customField // by board
	closing map[string]bool          // boards to close in Finish
	joined  map[string][]string      // by board: who is known to be its member
	boards  map[string]string        // by card that was written: its board
	read    map[string]*reading      // by board
}

// A reading is a whole board as it was a moment ago.
type reading struct {
	snap *snapshot
	at   time.Time
}

// A workspace is where boards are made. wanted is the name that was asked for
// while it is not there yet; with neither, boards go where Trello puts them.
type workspace struct{ id, wanted string }

// newTarget finds the workspace that a place names: "workspace:NAME" or
// "workspace:ID". A workspace that is not there is made with the first board:
// until then nothing is written.
func newTarget(ctx context.Context, a *api, place string) (*target, error) {
	t := &target{api: a, tails: map[string]sibling{}, fields: map[string][]customField{}, closing: map[string]bool{}, read: map[string]*reading{},
		joined: map[string][]string{}, boards: map[string]string{}}
	if place == "" {
		return t, nil
	}
	name, ok := strings.CutPrefix(place, "workspace:")
	if name = strings.TrimSpace(name); !ok || name == "" {
		return nil, connector.Errorf(connector.Permanent, "a place in Trello is written workspace:NAME").
			WithHint("name a workspace or give its id, or leave place away for the member's own")
	}
	orgs, err := a.workspaces(ctx)
	if err != nil {
		return nil, err
	}
	t.place = pick(orgs, name)
	if i := slices.IndexFunc(orgs, func(o organization) bool { return string(o.ID) == t.place.id }); i >= 0 {
		t.owner = orgs[i]
	}
	return t, nil
}

func pick(orgs []organization, name string) workspace {
	for _, same := range []func(organization) bool{
		func(o organization) bool { return string(o.ID) == name || string(o.Name) == name },
		func(o organization) bool { return strings.EqualFold(string(o.DisplayName), name) },
	} {
		if i := slices.IndexFunc(orgs, same); i >= 0 {
			return workspace{id: string(orgs[i].ID)}
		}
	}
	return workspace{wanted: name}
}

// home returns the id of the workspace, which it makes if it is not there.
func (t *target) home(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.place.id != "" || t.place.wanted == "" {
		return t.place.id, nil
	}
	orgs, err := t.api.organizations(ctx)
	if err != nil {
		return "", err
	}
	if t.place = pick(orgs, t.place.wanted); t.place.id != "" {
		return t.place.id, nil
	}
	var made organization
	if err := t.api.send(ctx, http.MethodPost, "/organizations", params{"displayName": t.place.wanted}, &made); err != nil {
		return "", err
	}
	t.place = workspace{id: string(made.ID)}
	return t.place.id, nil
}

// self returns the id of the member who writes.
func (t *target) self(ctx context.Context) (string, error) {
	t.mu.Lock()
	me := t.me
	t.mu.Unlock()
	if me != "" {
		return me, nil
	}
	m, err := t.api.me(ctx)
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	t.me = string(m.ID)
	t.mu.Unlock()
	return string(m.ID), nil
}

// fieldsOf returns the custom fields of a board; afresh asks Trello again.
func (t *target) fieldsOf(ctx context.Context, boardID string, afresh bool) ([]customField, error) {
	t.mu.Lock()
	have, ok := t.fields[boardID]
	t.mu.Unlock()
	if ok && !afresh {
		return have, nil
	}
	fields, err := t.api.customFields(ctx, boardID)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.fields[boardID] = fields
	t.mu.Unlock()
	return fields, nil
}

// closes reports whether Finish will close the board.
func (t *target) closes(boardID string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closing[boardID]
}

// written drops what was read: it may have changed.
func (t *target) written() {
	t.mu.Lock()
	clear(t.read)
	t.mu.Unlock()
}

// whole returns the board as it is, or was at most freshFor ago.
func (t *target) whole(ctx context.Context, boardID string) (*snapshot, error) {
	t.mu.Lock()
	r := t.read[boardID]
	t.mu.Unlock()
	if r != nil && time.Since(r.at) < freshFor {
		return r.snap, nil
	}
	src := &source{api: t.api}
	at := time.Now()
	snap, err := src.snapshot(ctx, boardID)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	clear(t.read) // one board at a time: a board may be large
	t.read[boardID] = &reading{snap: snap, at: at}
	t.mu.Unlock()
	return snap, nil
}

// stored strips a bundle to what this target holds in it: nothing is embedded
// in anything, and children are items of their own.
func stored(it item.Item) item.Bundle { return item.Bundle{Item: it, CheckItems: -1} }

func (t *target) Fetch(ctx context.Context, container item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		if len(refs) >= fetchWhole {
			snap, err := t.whole(ctx, container.ID)
			if found, err := maybe(err); err != nil || !found {
				if err != nil {
					yield(item.Bundle{}, err)
				}
				return
			}
			for b := range snap.fetch(refs) {
				if b.Item.Kind == item.Board && t.closes(b.Item.ID) {
					item.Closed.Set(&b.Item, true)
				}
				if !yield(stored(b.Item), nil) {
					return
				}
			}
			return
		}
		for _, r := range refs {
			it, found, err := t.one(ctx, container, r)
			if err != nil {
				yield(item.Bundle{}, err)
				return
			}
			if found && !yield(stored(it), nil) {
				return
			}
		}
	}
}

// one reads one item afresh.
func (t *target) one(ctx context.Context, container, r item.Ref) (it item.Item, found bool, err error) {
	id := url.PathEscape(r.ID)
	switch r.Kind {
	case item.Board:
		var b board
		b, err = t.api.boardHead(ctx, r.ID)
		b.Closed = b.Closed || flag(t.closes(r.ID))
		it = boardItem(&b)
	case item.List:
		var l column
		err = t.api.one(ctx, "/lists/"+id, &l)
		it = listItem(l)
	case item.Label:
		var l label
		err = t.api.one(ctx, "/labels/"+id, &l)
		it = labelItem(l)
	case item.CustomField:
		var f customField
		err = t.api.one(ctx, "/customFields/"+id, &f)
		it = fieldItem(f)
	case item.Member:
		var m member
		err = t.api.get(ctx, "/members/"+id, url.Values{"fields": {"id,username,fullName"}}, &m)
		it = memberItem(m, text(container.ID), "")
	case item.Task:
		it, err = t.oneTask(ctx, r.ID)
	case item.Checklist:
		var l checklist
		l, err = t.api.checklist(ctx, r.ID)
		it = checklistItem(l)
	case item.Comment:
		var a action
		a, err = t.api.comment(ctx, r.ID)
		it = commentItem(a)
	case item.Attachment:
		card, att, ok := splitAttachment(r.ID)
		if !ok {
			return it, false, nil
		}
		var a attachment
		a, err = t.api.attachment(ctx, card, att)
		it = t.attachmentItem(text(card), a)
	default:
		return it, false, connector.Errorf(connector.Unsupported, "Trello holds no %s", r.Kind)
	}
	if found, err = maybe(err); err != nil || !found {
		return item.Item{}, false, err
	}
	return it, true, nil
}

func (t *target) attachmentItem(cardID text, a attachment) item.Item {
	if !a.uploaded() {
		return attachmentItem(cardID, a, nil)
	}
	b, _ := t.api.blob(cardID, a)
	return attachmentItem(cardID, a, b)
}

func (t *target) oneTask(ctx context.Context, id string) (item.Item, error) {
	c, err := t.api.card(ctx, id)
	if err != nil {
		return item.Item{}, err
	}
	return t.taskItem(ctx, &c)
}

// taskItem converts a card; the options of list fields are asked for only if it
// has values of such.
func (t *target) taskItem(ctx context.Context, c *card) (item.Item, error) {
	var fields []customField
	for _, v := range c.FieldItems {
		if v.OptionID == "" {
			continue
		}
		var err error
		if fields, err = t.fieldsOf(ctx, string(c.Board), false); err != nil {
			return item.Item{}, err
		}
		if optionTexts(fields)(v.OptionID) == "" {
			if fields, err = t.fieldsOf(ctx, string(c.Board), true); err != nil {
				return item.Item{}, err
			}
		}
	}
	return taskItem(c, optionTexts(fields)), nil
}

// slack is how much earlier than asked Find begins: clocks differ.
const slack = 2 * time.Hour

func (t *target) Find(ctx context.Context, container item.Ref, since time.Time) iter.Seq2[connector.Found, error] {
	return func(yield func(connector.Found, error) bool) {
		if !since.IsZero() {
			since = since.Add(-slack)
		}
		if container.Zero() {
			t.findBoards(ctx, since, yield)
			return
		}
		me, err := t.self(ctx)
		if err != nil {
			yield(connector.Found{}, err)
			return
		}
		b, err := t.api.boardWhole(ctx, container.ID)
		if err == nil {
			b.Actions, err = t.api.history(ctx, string(b.ID), "", "", since)
		}
		if found, err := maybe(err); err != nil || !found {
			if err != nil {
				yield(connector.Found{}, err)
			}
			return
		}
		newSnapshot(b, t.api).found(me, since, yield)
	}
}

// found yields what a member made in the board since a time. Of lists, labels
// and fields Trello does not tell who made them.
func (s *snapshot) found(me string, since time.Time, yield func(connector.Found, error) bool) {
	give := func(it item.Item, id, by, mark string) bool {
		made := born(id)
		if by != "" && by != me || made.Before(since) {
			return true
		}
		return yield(connector.Found{Bundle: stored(it), Mark: mark, Made: made}, nil)
	}
	for _, b := range s.frame() {
		if k := b.Item.Kind; k != item.Board && k != item.Member && !give(b.Item, b.Item.ID, "", "") {
			return
		}
	}
	for _, c := range s.cards {
		b := s.task(c)
		if !give(b.Item, string(c.ID), string(c.Creator), markOf(c)) {
			return
		}
		for _, child := range b.Children {
			id := child.ID
			if _, att, ok := splitAttachment(id); ok {
				id = att
			}
			if !give(child, id, item.Author.Get(child), "") {
				return
			}
		}
	}
}

func (t *target) findBoards(ctx context.Context, since time.Time, yield func(connector.Found, error) bool) {
	all, err := t.api.boards(ctx)
	if err != nil {
		yield(connector.Found{}, err)
		return
	}
	t.mu.Lock()
	place := t.place
	t.mu.Unlock()
	for i := range all {
		b := &all[i]
		made := born(string(b.ID))
		if made.Before(since) || place.wanted != "" || place.id != "" && string(b.Organization) != place.id {
			continue
		}
		if !yield(connector.Found{Bundle: stored(boardItem(b)), Made: made}, nil) {
			return
		}
	}
}

func (t *target) Carrier(k item.Kind, mark string) string {
	if k != item.Task || mark == "" {
		return ""
	}
	return carry(mark)
}

// Finish closes a board that is closed at the source: a closed board takes
// nothing, so that this comes last.
func (t *target) Finish(ctx context.Context, container item.Ref) error {
	t.mu.Lock()
	due := t.closing[container.ID]
	clear(t.read)
	t.mu.Unlock()
	if !due {
		return nil
	}
	if err := t.api.send(ctx, http.MethodPut, "/boards/"+url.PathEscape(container.ID), params{"closed": true}, nil); err != nil {
		return err
	}
	t.mu.Lock()
	delete(t.closing, container.ID)
	t.mu.Unlock()
	return nil
}

// Link returns a card's or board's address by its full id, to which Trello
// answers as it does to the short link.
func (t *target) Link(r, _ item.Ref) string {
	switch r.Kind {
	case item.Board:
		return t.api.web + "/b/" + url.PathEscape(r.ID)
	case item.Task:
		return t.api.web + "/c/" + url.PathEscape(r.ID)
	}
	return ""
}

func (t *target) Members(ctx context.Context) iter.Seq2[item.Item, error] {
	return func(yield func(item.Item, error) bool) {
		me, err := t.api.me(ctx)
		if err != nil {
			yield(item.Item{}, err)
			return
		}
		all := []member{me}
		t.mu.Lock()
		place := t.place
		t.mu.Unlock()
		var homes []string
		switch {
		case place.id != "":
			homes = []string{place.id}
		case place.wanted == "":
			orgs, err := t.api.organizations(ctx)
			if err != nil {
				yield(item.Item{}, err)
				return
			}
			for _, o := range orgs {
				homes = append(homes, string(o.ID))
			}
		}
		told := map[text]string{me.ID: item.Active}
		for _, h := range homes {
			memberships, err := t.api.organizationMemberships(ctx, h)
			if err != nil {
				yield(item.Item{}, err)
				return
			}
			maps.Copy(told, standings(memberships))
			more, err := t.api.organizationMembers(ctx, h)
			if err != nil {
				yield(item.Item{}, err)
				return
			}
			all = append(all, more...)
		}
		seen := map[text]bool{}
		for _, m := range all {
			if m.ID == "" || seen[m.ID] {
				continue
			}
			seen[m.ID] = true
			if !yield(memberItem(m, "", told[m.ID]), nil) {
				return
			}
		}
	}
}
