package standin

import (
	"maps"
	"slices"
	"strings"
)

// A state is what stands at a path.
type state struct {
	id, rev, name string
	at            *node
}

// below are what lies in a folder, at any depth, by path.
func (c *call) below(n *node) map[string]state {
	out := map[string]state{}
	for _, k := range n.kids {
		if !c.visible(k) {
			continue
		}
		if path, ok := c.path(k); ok {
			out[fold(path)] = state{k.id, k.rev, path, k}
			maps.Copy(out, c.below(k))
		}
	}
	return out
}

// latestCursor answers files/list_folder/get_latest_cursor for recursive listings.
func latestCursor(c *call) (any, *refusal) {
	var arg struct {
		Path      string `json:"path"`
		Recursive bool   `json:"recursive"`
		Limit     int    `json:"limit"`
		Explicit  bool   `json:"include_has_explicit_shared_members"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	n, why := c.find(arg.Path)
	switch {
	case why != "":
		return nil, conflict(tagged("path", why))
	case !n.folder:
		return nil, conflict(tagged("path", "not_folder"))
	case !arg.Recursive:
		return nil, badRequest("this stand-in keeps such cursors of recursive listings alone")
	}
	return object{"cursor": c.keep(&cursor{at: n, explicit: arg.Explicit, limit: arg.Limit, below: c.below(n)})}, nil
}

func (c *call) keep(cur *cursor) string {
	key := "AA" + c.s.random(60)
	c.s.cursors[key] = cur
	return key
}

// recent tells what changed below a folder: the path of what is gone, without those
// below it, and what came, with all that lies in it, children before their folders.
// What replaced something else at its path is told alone.
func (c *call) recent(was *cursor) any {
	cur := *was
	if len(cur.rest) == 0 {
		now := c.below(cur.at)
		for _, path := range slices.Sorted(maps.Keys(cur.below)) {
			up := path[:strings.LastIndexByte(path, '/')]
			_, here := now[path]
			_, had := cur.below[up]
			_, has := now[up]
			if !here && (!had || has) {
				name := cur.below[path].name
				cur.rest = append(cur.rest, object{".tag": "deleted", "name": name[strings.LastIndexByte(name, '/')+1:], "path_lower": path, "path_display": name})
			}
		}
		for _, path := range slices.Backward(slices.Sorted(maps.Keys(now))) {
			if cur.below[path] != now[path] {
				cur.rest = append(cur.rest, c.metadata(now[path].at, cur.explicit))
			}
		}
		cur.below = now
	}
	n := len(cur.rest)
	if cur.limit > 0 {
		n = min(n, cur.limit)
	}
	entries := append([]object{}, cur.rest[:n]...)
	cur.rest = cur.rest[n:]
	return object{"entries": entries, "cursor": c.keep(&cur), "has_more": len(cur.rest) > 0}
}
