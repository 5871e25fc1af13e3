package planner

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// A target writes into one group.
type target struct {
	*cloud
	wanted string // the group, by name or id

	making  *semaphore.Weighted // held while the group is made or people join it
	mu      sync.Mutex
	groupID string // "" until it is made
	joined  map[string]bool
	found   group               // as it was when the target was opened; without an id if it was not there
	inside  []string            // the group's members, once Members asked; nil if they are hidden
	deep    learned             // whether a new task may bring its details
	formats learned             // whether a new task stands on the board where its orderHint says
	tails   map[string]tail     // by bucket: what stands last, as we wrote it
	threads map[string]string   // by mark of the task: threads of ours in the group, as far as they are known
	listed  bool                // the group's threads were read
	folders map[string][]string // by plan: those of its tasks' files, as they were when first asked for
	// reclaimed names the plans whose folders were searched for files without a task.
	reclaimed map[string]bool
}

// learned is what a connection found out about its cloud.
type learned int

const (
	unknown learned = iota
	yes
	no
)

// A tail is the last item of an order that we wrote ourselves.
type tail struct{ id, hint string }

// group returns the target group, which is made if it is not there.
func (t *target) group(ctx context.Context) (string, error) {
	if err := t.making.Acquire(ctx, 1); err != nil {
		return "", waitedInVain(ctx)
	}
	defer t.making.Release(1)
	if id := t.known(); id != "" {
		return id, nil
	}
	g, err := t.findGroup(ctx, t.wanted)
	if err == nil && g.ID == "" {
		g, err = t.makeGroup(ctx, t.wanted)
	}
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.groupID = g.ID
	return g.ID, nil
}

// waitedInVain is the error of who waited for the group when the work ended.
func waitedInVain(ctx context.Context) error {
	return &connector.Error{Class: connector.Transient, Reason: "it was waiting for the group", Err: context.Cause(ctx)}
}

func (t *target) known() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.groupID
}

// admit makes people members of the group: only members can be assigned and
// see the plan.
func (t *target) admit(ctx context.Context, groupID string, ids []string) error {
	if err := t.making.Acquire(ctx, 1); err != nil {
		return waitedInVain(ctx)
	}
	defer t.making.Release(1)
	if t.joined == nil {
		now, err := t.members(ctx, groupID)
		if err != nil {
			return err
		}
		t.joined = map[string]bool{}
		for _, u := range now {
			t.joined[u.ID] = true
		}
	}
	var missing []string
	for _, id := range ids {
		if !t.joined[id] && !slices.Contains(missing, id) {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := t.join(ctx, groupID, missing); err != nil {
		return err
	}
	for _, id := range missing {
		t.joined[id] = true
	}
	return nil
}

// Write implements connector.Target.
func (t *target) Write(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	if len(changes) == 0 {
		return func(func(connector.Result, error) bool) {}
	}
	switch kind := changes[0].Item.Kind; kind {
	case item.Board:
		return each(changes, func(ch connector.Change) connector.Result { return t.writeBoard(ctx, ch) })
	case item.Label:
		return results(func() []connector.Result { return t.writeLabels(ctx, changes) })
	case item.List:
		return results(func() []connector.Result { return t.writeLists(ctx, changes) })
	case item.Task:
		return results(func() []connector.Result { return t.writeTasks(ctx, changes, open) })
	case item.Comment:
		return t.writeComments(ctx, changes)
	default:
		return each(changes, func(connector.Change) connector.Result {
			return connector.Result{Err: connector.Errorf(connector.Unsupported, "Planner does not hold items of the kind %s by themselves", kind)}
		})
	}
}

func each(changes []connector.Change, write func(connector.Change) connector.Result) iter.Seq2[connector.Result, error] {
	return func(yield func(connector.Result, error) bool) {
		for _, ch := range changes {
			if !yield(write(ch), nil) {
				return
			}
		}
	}
}

func results(write func() []connector.Result) iter.Seq2[connector.Result, error] {
	return func(yield func(connector.Result, error) bool) {
		for _, r := range write() {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// dirty reports whether an update has to write any of these fields.
func dirty(ch connector.Change, names ...string) bool {
	return len(ch.Dirty) == 0 || slices.ContainsFunc(names, func(n string) bool { return slices.Contains(ch.Dirty, n) })
}

// tries is how often a write is tried whose etag went stale meanwhile.
const tries = 4

// withEtag changes a resource of Planner with its fresh etag, again if it
// changed between reading and writing: 409 and 412 mean that.
// https://learn.microsoft.com/en-us/graph/api/resources/planner-overview#planner-resource-versioning
func (t *target) withEtag(ctx context.Context, path string, body any) error {
	return t.guarded(ctx, path, func(etag string) error { return t.patchOnce(ctx, path, etag, body) })
}

func (t *target) guarded(ctx context.Context, path string, write func(etag string) error) error {
	var err error
	for range tries {
		var now struct {
			Etag string `json:"@odata.etag"`
		}
		if err = t.graph.Get(ctx, path, nil, &now); err != nil {
			return err
		}
		if err = write(now.Etag); err == nil || connector.ClassOf(err) != connector.Conflict {
			return err
		}
	}
	return err
}

func (t *target) writeBoard(ctx context.Context, ch connector.Change) (r connector.Result) {
	fail := func(err error) connector.Result { return connector.Result{Err: err} }
	groupID, err := t.group(ctx)
	if err != nil {
		return fail(err)
	}
	people := item.Members.Get(ch.Item)
	if ch.Op == connector.Create || dirty(ch, item.Members.Name) {
		if err := t.admit(ctx, groupID, people); err != nil {
			return fail(err)
		}
	}
	id := ch.Item.ID
	if ch.Op == connector.Create {
		var made plan
		_, err := t.graph.JSON(ctx, connector.Request{Method: http.MethodPost, URL: t.graph.URL("/planner/plans", nil),
			JSON: map[string]any{"container": map[string]string{"url": t.graph.Base() + "/groups/" + groupID}, "title": item.Name.Get(ch.Item)}}, &made)
		if err != nil {
			return fail(err)
		}
		id = made.ID
	} else if dirty(ch, item.Name.Name) {
		if err := t.withEtag(ctx, "/planner/plans/"+url.PathEscape(id), map[string]any{"title": item.Name.Get(ch.Item)}); err != nil {
			return fail(err)
		}
	}
	// From here on a new plan is there: what fails leaves the write in doubt.
	if ch.Op == connector.Create && len(people) > 0 || ch.Op == connector.Update && dirty(ch, item.Members.Name) {
		if err := t.share(ctx, id, people); err != nil {
			if ch.Op == connector.Create {
				err = inDoubt(err)
			}
			return fail(err)
		}
	}
	stored, err := t.board(ctx, id)
	if err != nil {
		return fail(inDoubt(err))
	}
	r.Stored = stored
	return r
}

// share makes exactly these people the ones that the plan is shared with.
func (t *target) share(ctx context.Context, planID string, people []string) error {
	path := "/planner/plans/" + url.PathEscape(planID) + "/details"
	var now planDetails
	if err := t.graph.Get(ctx, path, nil, &now); err != nil {
		return err
	}
	with := map[string]any{"@odata.type": "#microsoft.graph.plannerUserIds"}
	for _, id := range now.SharedWith.set() {
		if !slices.Contains(people, id) {
			with[id] = false
		}
	}
	for _, id := range people {
		if !slices.Contains(now.SharedWith.set(), id) {
			with[id] = true
		}
	}
	if len(with) == 1 {
		return nil
	}
	return t.withEtag(ctx, path, map[string]any{"sharedWith": with})
}

func (t *target) board(ctx context.Context, id string) (item.Bundle, error) {
	path := "/planner/plans/" + url.PathEscape(id)
	var p plan
	var d planDetails
	answers := t.graph.Batch(ctx, []microsoft.BatchCall{{Method: http.MethodGet, Path: path}, {Method: http.MethodGet, Path: path + "/details"}})
	if err := answers[0].Decode(&p); err != nil {
		return item.Bundle{}, err
	}
	if err := answers[1].Decode(&d); err != nil {
		return item.Bundle{}, err
	}
	return item.Bundle{Item: t.boardItem(p, d.SharedWith.set()), CheckItems: -1}, nil
}

// writeLabels names the slots of one plan in one request.
func (t *target) writeLabels(ctx context.Context, changes []connector.Change) []connector.Result {
	out := make([]connector.Result, len(changes))
	byPlan := map[string][]int{}
	for i, ch := range changes {
		byPlan[ch.Item.Parent.ID] = append(byPlan[ch.Item.Parent.ID], i)
	}
	for planID, places := range byPlan {
		path := "/planner/plans/" + url.PathEscape(planID) + "/details"
		var now planDetails
		err := t.graph.Get(ctx, path, nil, &now)
		names := map[string]any{}
		for _, i := range places {
			ch := changes[i]
			slot := slotOf(item.Color.Get(ch.Item))
			if ch.Op == connector.Update {
				_, slot = splitID(ch.Item.ID)
			}
			name := item.Name.Get(ch.Item)
			if err != nil {
				out[i].Err = err
				continue
			}
			if slot == "" {
				out[i].Err = connector.Errorf(connector.Permanent, "a label has a colour that no category of Planner has")
				continue
			}
			if has := now.Categories.text(slot); ch.Op == connector.Create && has != "" {
				if has != name {
					out[i].Err = connector.Errorf(connector.Conflict, "%s of the plan has another name already", slot)
					continue
				}
				out[i].Adopted = true
			}
			names[slot] = orNull(name)
			out[i].Stored = item.Bundle{Item: labelItem(planID, slot, name), CheckItems: -1}
		}
		if err == nil && len(names) > 0 {
			err = t.withEtag(ctx, path, map[string]any{"categoryDescriptions": names})
		}
		for _, i := range places {
			if err != nil && out[i].Err == nil {
				out[i] = connector.Result{Err: err}
			}
		}
	}
	return out
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Carrier implements connector.Target.
func (t *target) Carrier(k item.Kind, mark string) string {
	if k != item.Task {
		return ""
	}
	return carrier(mark)
}

// Finish implements connector.Target.
func (t *target) Finish(context.Context, item.Ref) error { return nil }

// Link implements connector.Target.
func (t *target) Link(ref, container item.Ref) string { return t.link(ref, container) }

// Members implements connector.Target: the people of the directory, all of
// whom can be made members of the group; else those of the group.
func (t *target) Members(ctx context.Context) iter.Seq2[item.Item, error] {
	return func(yield func(item.Item, error) bool) {
		var inGroup []user
		groupID := t.known()
		if groupID != "" {
			var err error
			inGroup, err = t.members(ctx, groupID)
			switch {
			case microsoft.IsForbidden(err), microsoft.IsGone(err):
				groupID = "" // nobody knows who is outside
			case err != nil:
				yield(item.Item{}, err)
				return
			}
		}
		joined := map[string]bool{}
		for _, u := range inGroup {
			joined[u.ID] = true
		}
		t.tell(groupID, inGroup)
		var all []user
		err := t.withStanding(func(fields string) (err error) {
			all, err = microsoft.All(microsoft.List[user](ctx, t.graph, "/users", url.Values{"$select": {fields}, "$top": {"999"}}))
			return err
		})
		switch {
		case microsoft.IsForbidden(err):
			all = inGroup // the directory is closed to this connection
		case err != nil:
			yield(item.Item{}, err)
			return
		}
		for _, u := range all {
			it := memberItem(u, "")
			if groupID != "" && !joined[u.ID] {
				item.Outside.Set(&it, true)
			}
			if !yield(it, nil) {
				return
			}
		}
	}
}

// patchOnce changes a resource whose etag is at hand; a Conflict means that it
// went stale.
func (t *target) patchOnce(ctx context.Context, path, etag string, body any) error {
	_, err := t.graph.JSON(ctx, connector.Request{Method: http.MethodPatch, URL: t.graph.URL(path, nil),
		Header: http.Header{"If-Match": {etag}}, JSON: body, Repeatable: true}, nil)
	return err
}
