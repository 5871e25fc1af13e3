package standin

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// stamp is a time as Box writes it: with an offset, in seconds.
func stamp(t time.Time) string {
	return t.In(time.FixedZone("", -8*3600)).Format("2006-01-02T15:04:05-07:00")
}

func (s *Server) mini(id string) object {
	u := s.users[id]
	if u == nil {
		return nil
	}
	return object{"type": "user", "id": u.id, "name": u.name, "login": u.login}
}

// render is all that Box tells of an entry.
func (s *Server) render(e *entry) object {
	o := object{"type": e.kind, "id": e.id, "name": e.name, "etag": strconv.Itoa(e.etag), "sequence_id": strconv.Itoa(e.etag), "description": e.description, "item_status": "active",
		"owned_by": s.mini(e.owner), "shared_link": nil, "parent": nil}
	if e.parent == nil {
		o["etag"], o["sequence_id"], o["created_at"] = nil, nil, nil
		return o
	}
	o["parent"] = pick(s.render(e.parent), "")
	o["created_at"], o["modified_at"] = stamp(e.created), stamp(e.modified)
	o["created_by"], o["modified_by"] = s.mini(e.by), s.mini(e.by)
	if l := e.link; l != nil {
		o["shared_link"] = object{"url": "https://app.box.com/s/" + e.id, "access": l.access, "effective_access": l.access, "effective_permission": l.permission,
			"is_password_enabled": l.password, "download_count": 0, "preview_count": 0, "unshared_at": nil}
	}
	switch e.kind {
	case "file":
		o["sha1"], o["size"] = e.sum, len(e.content)
		o["file_version"] = object{"type": "file_version", "id": e.version, "sha1": e.sum}
		o["content_created_at"], o["content_modified_at"] = stamp(e.contentCreated), stamp(e.contentChanged)
		o["comment_count"], o["version_number"] = e.comments, strconv.Itoa(len(e.older)+1)
		o["lock"] = nil
	case "web_link":
		o["url"] = e.url
		delete(o, "shared_link")
	}
	if e.kind != "web_link" {
		o["has_collaborations"] = s.shared(e)
		if len(e.tags) > 0 {
			o["tags"] = slices.Clone(e.tags)
		}
	}
	return o
}

// shared reports whether somebody was let at an entry, there or above.
func (s *Server) shared(e *entry) bool {
	for at := e; at != nil; at = at.parent {
		for _, c := range s.collabs {
			if c.item == at {
				return true
			}
		}
	}
	return false
}

// pick leaves of an object what was asked for, and what the mini form always has.
// "" is the mini form alone.
func pick(o object, fields string) object {
	always := map[string][]string{
		"file":     {"type", "id", "etag", "sequence_id", "sha1", "name", "file_version"},
		"folder":   {"type", "id", "etag", "sequence_id", "name"},
		"web_link": {"type", "id", "etag", "sequence_id", "name", "url"},
	}
	keep := slices.Concat([]string{"type", "id"}, always[o["type"].(string)], strings.Split(fields, ","))
	out := object{}
	for k, v := range o {
		if slices.Contains(keep, k) {
			out[k] = v
		}
	}
	return out
}

// tell renders an entry for a call: with the fields that it asks for, or Box's
// standard ones.
func (s *Server) tell(c *call, e *entry) object {
	o := s.render(e)
	if f := c.URL.Query().Get("fields"); f != "" {
		return pick(o, f)
	}
	for _, k := range []string{"tags", "has_collaborations", "comment_count", "version_number", "lock"} {
		delete(o, k) // those of the full form are to be asked for
	}
	return o
}
