package onedrive

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// pageSize is about how many items a page of a listing holds.
const pageSize = 1000

// A reading is a listing under way: what it has to know of folders and people, so that
// they come before what refers to them.
type reading struct {
	*cloud
	tree    tree
	known   map[string]bool // folders that were given
	closed  map[string]bool // packages, and the folders in them
	met     map[string]bool // members that were given
	unknown []string        // told with the next item
	whole   bool
	changes *changes // nil where everything is listed
}

func (c *cloud) begin(t tree) *reading {
	return &reading{cloud: c, tree: t, known: map[string]bool{}, closed: map[string]bool{}, met: map[string]bool{}, whole: true}
}

// delta lists a whole drive, a folder before what lies in it. What delta tells twice,
// because it changed meanwhile, is given twice.
func (c *cloud) delta(ctx context.Context, t tree, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		first := c.graph.URL("/drives/"+url.PathEscape(t.drive)+"/root/delta", url.Values{"$top": {"1000"}})
		address, since := strings.CutPrefix(string(from), sincePrefix)
		at, fresh := first, from == "" || since
		if from != "" {
			rest, ok := strings.CutPrefix(address, "/drives/"+url.PathEscape(t.drive)+"/")
			if !ok {
				yield(connector.Page{}, unreadableCursor())
				return
			}
			at = c.graph.URL("/drives/"+url.PathEscape(t.drive)+"/"+rest, nil)
		}
		r := c.begin(t)
		if since {
			r.changes = newChanges()
		}
		for at != "" {
			var told page
			cost := costWrite
			if at != first {
				cost = costOne
			}
			_, err := c.graph.JSON(ctx, connector.Request{Method: http.MethodGet, URL: at, Class: microsoft.ClassFiles, Cost: cost,
				Header: http.Header{"Prefer": {"hierarchicalsharing, deltashowremovedasdeleted"}}}, &told)
			if refused(err, http.StatusGone) && at != first { // the token has ended: from the beginning
				at, fresh = first, true
				r = c.begin(t)
				continue
			}
			if err != nil {
				yield(connector.Page{}, err)
				return
			}
			p, err := r.page(ctx, told.Value, fresh)
			if err == nil {
				fresh = false
				var next string
				if next, err = c.follow(told.Next); err == nil {
					if at = ""; next != "" {
						at = told.Next
						if r.changes == nil {
							p.Next = connector.Cursor(next)
						}
					}
				}
			}
			if err != nil {
				yield(connector.Page{}, err)
				return
			}
			if at == "" {
				if err := r.last(&p, told.Delta); err != nil {
					yield(connector.Page{}, err)
					return
				}
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// last makes the page that ends a listing, with the cursor from which changes are told
// that came since it began.
func (r *reading) last(p *connector.Page, delta string) error {
	if r.changes != nil {
		p.Same, p.Alone = []item.Ref{r.tree.ref}, r.changes.alone()
	}
	if !r.whole {
		return nil
	}
	p.Whole = []item.Kind{item.Drive, item.Folder, item.File, item.Shortcut}
	link, err := r.follow(delta)
	if err == nil && link != "" {
		p.Since = connector.Cursor(sincePrefix + link)
	}
	return err
}

func unreadableCursor() error {
	return connector.Errorf(connector.Permanent, "the cursor of a listing cannot be read").WithHint("run again: the listing begins anew")
}

// page makes a page of what was told. fresh says that it is the first: the container
// comes before everything else.
func (r *reading) page(ctx context.Context, told []driveItem, fresh bool) (connector.Page, error) {
	var p connector.Page
	var all []driveItem
	last := make(map[string]int, len(told)) // of what comes twice, the last is how it is now
	for n, i := range told {
		last[i.ID] = n
	}
	for n, i := range told {
		if last[i.ID] != n {
			continue
		}
		if i.ID == r.tree.root || i.Root != nil {
			continue
		}
		if i.Deleted != nil {
			p.Gone = append(p.Gone, r.went(i)...)
			continue
		}
		r.changes.count(i)
		above, ok, err := r.above(ctx, i)
		if err != nil {
			return p, err
		}
		if !ok {
			if r.changes != nil { // it lies in a package by now, or in what is deleted
				p.Gone = append(p.Gone, r.went(i)...)
			}
			continue
		}
		for _, a := range append(above, i) {
			if r.take(a) {
				all = append(all, a)
			}
		}
	}
	bundles, err := r.bundles(ctx, all)
	if err != nil {
		return p, err
	}
	if fresh {
		i, err := r.container(ctx, r.tree)
		if err != nil {
			return p, err
		}
		bundles = slices.Insert(bundles, 0, bundle(r.tree.item(i, nil)))
	}
	if len(bundles) > 0 {
		bundles[0].Unknown = append(bundles[0].Unknown, r.unknown...)
		r.unknown = nil
	}
	p.Bundles = bundles
	return p, nil
}

// above reads the folders that an item lies in and that were not given yet, the
// outermost first. ok is false for what lies in a package, or was deleted meanwhile.
func (r *reading) above(ctx context.Context, i driveItem) (out []driveItem, ok bool, err error) {
	for at := i.Parent.ID; at != r.tree.root && !r.known[at]; {
		if r.closed[at] {
			if i.Folder != nil {
				r.closed[i.ID] = true
			}
			return nil, false, nil
		}
		some, err := r.items(ctx, r.tree, []string{at})
		if err != nil {
			return nil, false, err
		}
		if len(some) == 0 {
			return nil, false, nil
		}
		if some[0].Package != nil {
			r.closed[at] = true
			continue
		}
		out = slices.Insert(out, 0, some[0])
		at = some[0].Parent.ID
	}
	return out, true, nil
}

// take notes an item, and reports whether it moves.
func (r *reading) take(i driveItem) bool {
	switch {
	case i.Package != nil:
		r.closed[i.ID] = true
		r.unknown = append(r.unknown, "folder.package") // a notebook of OneNote
		return false
	case i.kind() == "":
		r.unknown = append(r.unknown, "file.facet")
		return false
	case i.kind() == item.Folder:
		r.known[i.ID] = true
	}
	return true
}

// bundles are items with who was let at them, after the members that they name.
func (r *reading) bundles(ctx context.Context, all []driveItem) ([]item.Bundle, error) {
	shared, err := r.sharings(ctx, r.tree, all)
	if err != nil {
		return nil, err
	}
	var members []item.Item
	bundles := make([]item.Bundle, 0, len(all))
	for _, i := range all {
		of := shared[i.ID]
		b := bundle(r.tree.item(i, of.grants))
		if of.unknown {
			b.Unknown = append(b.Unknown, string(i.kind())+".permissions")
		}
		bundles = append(bundles, b)
		for _, m := range of.people {
			if !r.met[m.ID] {
				r.met[m.ID] = true
				members = append(members, m)
			}
		}
	}
	if err := r.know(ctx, members); err != nil {
		return nil, err
	}
	out := make([]item.Bundle, 0, len(members)+len(bundles))
	for _, m := range members {
		m.Parent = r.tree.ref
		out = append(out, bundle(m))
	}
	return append(out, bundles...), nil
}
