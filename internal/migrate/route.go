package migrate

import (
	"strings"

	"github.com/rialto-migrate/rialto/item"
)

// archiveSuffix ends the ids of what is made for archived items: a container
// of their own with copies of what frames them.
const archiveSuffix = "~archive"

// A routed bundle says which container it goes to.
type routed struct {
	archive bool
	bundle  item.Bundle
	skip    bool // left out by the archived policy
	lost    []lost
}

// A router parts a listing: archived items go where the policy says, and what
// a board says about itself becomes a task where the target has no place for
// it. It is deterministic, so that forecast, run and verify see the same.
type router struct {
	spec        *Spec
	keepsTask   bool // the target can hold an archived task as one
	keepsList   bool
	keepsText   bool // the target's boards have a description
	needsList   bool // the target has no task without a list
	lists       map[item.Ref]bool
	unsorted    bool // the list for tasks without one was sent
	frame       []item.Bundle
	closedLists map[item.Ref]bool
	opened      bool // the archive's frame was sent
	bucket      bool // the list for archived tasks was sent
	about       *item.Bundle
}

func (e *Engine) newRouter() *router {
	return &router{spec: &e.Spec, closedLists: map[item.Ref]bool{}, lists: map[item.Ref]bool{},
		needsList: e.To.Caps.Kinds[item.Task].Fields[item.InList.Name].Needed,
		keepsTask: e.To.Caps.Keeps(item.Task, item.Closed.Name),
		keepsList: e.To.Caps.Keeps(item.List, item.Closed.Name),
		keepsText: e.To.Caps.Keeps(item.Board, item.Description.Name)}
}

// route says where the bundles of a page go, in order.
func (r *router) route(bundles []item.Bundle) []routed {
	var out []routed
	for _, b := range bundles {
		out = append(out, r.one(b)...)
	}
	return out
}

// end returns what a listing still owes after its last page.
func (r *router) end() []routed {
	var out []routed
	if len(r.closedLists) > 0 && r.spec.Policies.Archived == "plan" {
		out = append(out, r.open()...)
	}
	return append(out, r.flushAbout()...)
}

func (r *router) one(b item.Bundle) []routed {
	switch b.Item.Kind {
	case item.Board:
		r.frame = append(r.frame, b)
		if text := item.Description.Get(b.Item); text != "" && !r.keepsText && r.spec.Policies.BoardDescription == "task" {
			r.about = aboutTask(b.Item)
		}
	case item.Label, item.CustomField:
		r.frame = append(r.frame, b)
		if r.opened {
			return []routed{{bundle: b}, {bundle: archived(b), archive: true}}
		}
	case item.List:
		r.frame = append(r.frame, b)
		r.lists[b.Item.Ref] = true
		if r.about != nil && item.InList.Get(r.about.Item).Zero() && !item.Closed.Get(b.Item) {
			item.InList.Set(&r.about.Item, b.Item.Ref)
		}
		if item.Closed.Get(b.Item) && !r.keepsList && r.spec.Policies.Archived == "plan" {
			r.closedLists[b.Item.Ref] = true
			if r.opened {
				return []routed{{bundle: archived(b), archive: true}}
			}
			return nil
		}
		if r.opened {
			return []routed{{bundle: b}, {bundle: archived(b), archive: true}}
		}
	case item.Task:
		out := r.flushAbout()
		if r.needsList && !r.lists[item.InList.Get(b.Item)] {
			out = append(out, r.sort(&b)...)
		}
		return append(out, r.task(b)...)
	}
	return []routed{{bundle: b}}
}

func (r *router) flushAbout() []routed {
	if r.about == nil {
		return nil
	}
	b := *r.about
	r.about = nil
	var out []routed
	if r.needsList && !r.lists[item.InList.Get(b.Item)] {
		out = r.sort(&b)
	}
	return append(out, routed{bundle: b})
}

// unsortedSuffix ends the id of the list for tasks without one.
const unsortedSuffix = "~unsorted"

// sort puts a task that stands in no list, or in one that the source does not
// give, into a list made for such tasks.
func (r *router) sort(b *item.Bundle) []routed {
	list := item.Ref{Kind: item.List, ID: b.Item.Parent.ID + unsortedSuffix}
	b.Item = b.Item.Clone()
	item.InList.Set(&b.Item, list)
	if r.unsorted {
		return nil
	}
	r.unsorted, r.lists[list] = true, true
	it := item.Item{Ref: list, Parent: b.Item.Parent}
	item.Name.Set(&it, "Unsorted")
	item.Position.Set(&it, "~")
	made := item.Bundle{Item: it, CheckItems: -1}
	r.frame = append(r.frame, made)
	out := []routed{{bundle: made}}
	if r.opened {
		out = append(out, routed{bundle: archived(made), archive: true})
	}
	return out
}

func (r *router) task(b item.Bundle) []routed {
	inClosed := r.closedLists[item.InList.Get(b.Item)]
	if !(item.Closed.Get(b.Item) && !r.keepsTask) && !inClosed {
		return []routed{{bundle: b}}
	}
	switch r.spec.Policies.Archived {
	case "skip":
		return []routed{{bundle: b, skip: true, lost: []lost{{kind: item.Task, field: item.Closed.Name, policy: "skip", why: "left out by the archived policy", id: b.Item.ID}}}}
	case "bucket":
		var out []routed
		list := item.Ref{Kind: item.List, ID: b.Item.Parent.ID + archiveSuffix}
		if !r.bucket {
			r.bucket = true
			it := item.Item{Ref: list, Parent: b.Item.Parent}
			item.Name.Set(&it, "Archived")
			item.Position.Set(&it, "~")
			out = append(out, routed{bundle: item.Bundle{Item: it, CheckItems: -1}})
		}
		b.Item = b.Item.Clone()
		item.InList.Set(&b.Item, list)
		return append(out, routed{bundle: b})
	}
	return append(r.open(), routed{bundle: archived(b), archive: true})
}

// open sends the archive's own frame, once.
func (r *router) open() []routed {
	if r.opened {
		return nil
	}
	r.opened = true
	var out []routed
	for _, b := range r.frame {
		out = append(out, routed{bundle: archived(b), archive: true})
	}
	return out
}

// archived returns a bundle as it stands in the archive's container. A task
// keeps its id: it is in one container or the other.
func archived(b item.Bundle) item.Bundle {
	b.Item = b.Item.Clone()
	there := func(r item.Ref) item.Ref {
		if r.Zero() || r.Kind == item.Task {
			return r
		}
		r.ID += archiveSuffix
		return r
	}
	b.Item.Parent = there(b.Item.Parent)
	switch b.Item.Kind {
	case item.Task:
		if l := item.InList.Get(b.Item); !l.Zero() {
			item.InList.Set(&b.Item, there(l))
		}
		labels := item.Labels.Get(b.Item)
		for i := range labels {
			labels[i] = there(labels[i])
		}
		values := item.FieldValues.Get(b.Item)
		for i := range values {
			values[i].Field += archiveSuffix
		}
		return b
	case item.Board:
		item.Name.Set(&b.Item, item.Name.Get(b.Item)+" (archive)")
		delete(b.Item.Fields, item.Description.Name)
		delete(b.Item.Fields, item.Closed.Name)
	}
	b.Item.Ref = there(b.Item.Ref)
	b.Unknown = nil // told of the original
	b.Item.Aliases = nil
	if b.Item.URL != "" {
		b.Item.URL += "#archive"
	}
	return b
}

// aboutTask carries a board's description where boards have none.
func aboutTask(board item.Item) *item.Bundle {
	it := item.Item{Ref: item.Ref{Kind: item.Task, ID: board.ID + "~about"}, Parent: board.Ref}
	if board.URL != "" {
		it.URL = strings.TrimSuffix(board.URL, "/") + "#about"
	}
	item.Title.Set(&it, "About "+item.Name.Get(board))
	item.Description.Set(&it, item.Description.Get(board))
	return &item.Bundle{Item: it, CheckItems: -1}
}
