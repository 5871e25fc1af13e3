package standin

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
)

type idOnly struct {
	ID string `json:"id"`
}

func (s *Server) getFolder(c *call) answer {
	e := s.find(c.user, "folder", c.vars[0])
	if e == nil {
		return notFound()
	}
	return answer{status: http.StatusOK, json: s.tell(c, e)}
}

// listItems pages by markers alone: offsets are not asked for here.
func (s *Server) listItems(c *call) answer {
	e := s.find(c.user, "folder", c.vars[0])
	if e == nil {
		return notFound()
	}
	q := c.URL.Query()
	limit, _ := strconv.Atoi(q.Get("limit"))
	if limit == 0 {
		limit = 100
	}
	if limit > 1000 || q.Get("usemarker") != "true" {
		return bad("bad_request", "Bad Request")
	}
	all := s.visible(c.user, e)
	from := 0
	if m := q.Get("marker"); m != "" {
		raw, err := base64.RawURLEncoding.DecodeString(m)
		if err != nil {
			return bad("invalid_marker", "The marker is invalid")
		}
		from = 1 + slices.IndexFunc(all, func(k *entry) bool { return key(k.kind, k.id) == string(raw) })
		if from == 0 {
			return bad("invalid_marker", "The marker is invalid")
		}
	}
	to := min(from+limit, len(all))
	out := object{"limit": limit, "entries": []any{}}
	for _, k := range all[from:to] {
		out["entries"] = append(out["entries"].([]any), s.tell(c, k))
	}
	if to < len(all) {
		out["next_marker"] = base64.RawURLEncoding.EncodeToString([]byte(key(all[to-1].kind, all[to-1].id)))
	}
	return answer{status: http.StatusOK, json: out}
}

func (s *Server) createFolder(c *call) answer {
	var in struct {
		Name   string `json:"name"`
		Parent idOnly `json:"parent"`
	}
	if !c.read(&in) {
		return bad("bad_request", "Bad Request")
	}
	parent, a, ok := s.into(c, in.Parent.ID, in.Name, nil)
	if !ok {
		return a
	}
	return answer{status: http.StatusCreated, json: s.tell(c, s.add(c.user, "folder", in.Name, parent))}
}

// into finds the folder that something goes to by a name, and refuses what Box does.
func (s *Server) into(c *call, id, name string, self *entry) (*entry, answer, bool) {
	parent := s.find(c.user, "folder", id)
	switch {
	case parent == nil:
		return nil, notFound(), false
	case !s.may(c.user, parent):
		return nil, forbidden(), false
	case s.locked(parent):
		return nil, blocked(), false
	}
	if a, ok := named(name); !ok {
		return nil, a, false
	}
	if there := s.taken(parent, name, self); there != nil {
		return nil, s.inUse(there), false
	}
	return parent, answer{}, true
}

// A patch is what a PUT of a file, folder or web link may change.
type patch struct {
	Name        *string   `json:"name"`
	Description *string   `json:"description"`
	Tags        *[]string `json:"tags"`
	URL         *string   `json:"url"`
	Parent      *idOnly   `json:"parent"`
	// Changed is not in the contract, and taken by Box all the same: rclone sets the
	// times of files so (backend/box/box.go, setModTime).
	Changed *string `json:"content_modified_at"`
}

func (s *Server) update(c *call, kind string) answer {
	e := s.find(c.user, kind, c.vars[0])
	var in patch
	switch {
	case e == nil:
		return notFound()
	case e.parent == nil || !s.may(c.user, e):
		return forbidden()
	case !c.read(&in):
		return bad("bad_request", "Bad Request")
	}
	if a, ok := matches(c, e); !ok {
		return a
	}
	parent, name := e.parent, e.name
	if in.Name != nil {
		name = *in.Name
	}
	if in.Parent != nil || in.Name != nil {
		to := e.parent.id
		if in.Parent != nil {
			to = in.Parent.ID
		}
		var a answer
		var ok bool
		if parent, a, ok = s.into(c, to, name, e); !ok {
			return a
		}
		for at := parent; at != nil; at = at.parent {
			if at == e {
				return bad("cyclical_folder_structure", "Folder move creates cyclical folder structure")
			}
		}
	}
	if in.Tags != nil && len(*in.Tags) > 100 {
		return bad("bad_request", "Bad Request")
	}
	e.parent, e.name = parent, name
	if in.Description != nil {
		e.description = *in.Description
	}
	if in.Tags != nil {
		e.tags = *in.Tags
	}
	if in.URL != nil {
		e.url = *in.URL
	}
	if in.Changed != nil {
		at, ok := moment(*in.Changed)
		if !ok {
			return bad("bad_request", "Bad Request")
		}
		e.contentChanged = at
	}
	s.touch(e)
	return answer{status: http.StatusOK, json: s.tell(c, e)}
}

func (s *Server) updateFolder(c *call) answer { return s.update(c, "folder") }

func (s *Server) remove(c *call, kind string) answer {
	e := s.find(c.user, kind, c.vars[0])
	switch {
	case e == nil:
		return notFound()
	case e.parent == nil || !s.may(c.user, e):
		return forbidden()
	case s.locked(e):
		return blocked()
	}
	if a, ok := matches(c, e); !ok {
		return a
	}
	if kind == "folder" && len(s.children(e)) > 0 && c.URL.Query().Get("recursive") != "true" {
		return bad("folder_not_empty", "Cannot delete - folder not empty")
	}
	s.drop(e)
	return answer{status: http.StatusNoContent}
}

func (s *Server) deleteFolder(c *call) answer { return s.remove(c, "folder") }
