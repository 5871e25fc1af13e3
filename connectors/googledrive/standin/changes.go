package standin

import (
	"slices"
	"strconv"
)

// An entry of the log of changes says that a node changed; how it is by now is told
// when the log is read.
type entry struct{ of *node }

// touch notes that a node changed: itself alone, whatever lies in it.
func (s *Server) touch(n *node) {
	if n.sights == nil {
		n.sights, n.drives = map[*person]bool{}, map[*node]bool{}
	}
	for _, p := range s.people {
		if n.role(p) >= 0 {
			n.sights[p] = true
		}
	}
	if n.drive != nil {
		n.drives[n.drive] = true
	}
	s.log = append(s.log, entry{n})
}

// within reports whether a node is another, or lies in it.
func (n *node) within(up *node) bool {
	for at := n; at != nil; at = at.parent {
		if at == up {
			return true
		}
	}
	return false
}

// ForgetChanges refuses all page tokens of changes that were given so far.
func (s *Server) ForgetChanges() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, entry{s.people[0].root})
	s.lost = len(s.log)
}

// logOf finds the shared drive whose log is asked for; nil for that of the caller.
func (c *call) logOf() (*node, *failure) {
	id := c.q.Get("driveId")
	if id == "" {
		return nil, nil
	}
	d := c.nodes[id]
	switch {
	case c.q.Get("supportsAllDrives") != "true":
		return nil, fail(403, "teamDrivesNotSupported", "The client does not support shared drives.")
	case d == nil || d.drive != d || d.role(c.who) < 0:
		return nil, fail(404, "notFound", "Shared drive not found: %s", id)
	}
	return d, nil
}

func (c *call) startPageToken() *failure {
	return c.locked(func() *failure {
		if _, err := c.logOf(); err != nil {
			return err
		}
		return c.give(200, map[string]any{"kind": "drive#startPageToken", "startPageToken": strconv.Itoa(len(c.log))})
	})
}

// changesList answers changes.list
// (https://developers.google.com/workspace/drive/api/reference/rest/v3/changes/list).
func (c *call) changesList() *failure {
	size := 100
	if v := c.q.Get("pageSize"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return fail(400, "invalidParameter", "Invalid value '%s' for pageSize", v)
		}
		size = min(n, 1000)
	}
	return c.locked(func() *failure {
		drive, bad := c.logOf()
		if bad != nil {
			return bad
		}
		all := c.q.Get("includeItemsFromAllDrives") == "true"
		if drive != nil && !all {
			return fail(403, "teamDrivesNotSupported", "The includeItemsFromAllDrives parameter is required with a driveId.")
		}
		at, err := strconv.Atoi(c.q.Get("pageToken"))
		if err != nil || at < c.lost || at > len(c.log) {
			return fail(400, "invalid", "Invalid Value")
		}
		list := []any{}
		for ; at < len(c.log) && len(list) < size; at++ {
			n := c.log[at].of
			if !c.o.Repeats && slices.Contains(c.log[at+1:], entry{n}) {
				continue // it is told where it changed last
			}
			here := c.nodes[n.id] == n && n.role(c.who) >= 0
			if drive == nil && (!n.sights[c.who] && !here || n.drive != nil && !all) || drive != nil && !n.drives[drive] {
				continue
			}
			if drive != nil {
				here = here && n.drive == drive
			}
			one := map[string]any{"kind": "drive#change", "changeType": "file", "type": "file", "time": stamp(c.now()), "fileId": n.id, "removed": !here}
			if here {
				one["file"] = c.fileOf(n)
			} else if c.q.Get("includeRemoved") == "false" {
				continue
			}
			list = append(list, one)
		}
		out := map[string]any{"kind": "drive#changeList", "changes": list}
		if at < len(c.log) {
			out["nextPageToken"] = strconv.Itoa(at)
		} else {
			out["newStartPageToken"] = strconv.Itoa(at)
		}
		return c.give(200, out)
	})
}
