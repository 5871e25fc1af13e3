package standin

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // Box's own
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A session is an upload in parts
// (https://developer.box.com/guides/uploads/chunked).
type session struct {
	id       string
	user     string
	size     int64
	part     int64
	at       attributes
	replaces *entry // nil for a new file
	parts    map[int64]part
	waits    int
}

type part struct {
	id      string
	content []byte
}

func (s *Server) partBytes(size int64) int64 {
	if s.limits.PartBytes > 0 {
		return s.limits.PartBytes
	}
	if size >= 1_000_000_000 {
		return 32 << 20
	}
	return 8 << 20
}

func (s *Server) openSession(c *call) answer {
	var in struct {
		Folder string `json:"folder_id"`
		Size   int64  `json:"file_size"`
		Name   string `json:"file_name"`
	}
	if !c.read(&in) {
		return bad("bad_request", "Bad Request")
	}
	parent, a, ok := s.into(c, in.Folder, in.Name, nil)
	if !ok {
		return a
	}
	return s.begin(c, session{size: in.Size, at: attributes{Name: in.Name, Parent: &idOnly{in.Folder}}}, parent.owner)
}

func (s *Server) openVersionSession(c *call) answer {
	var in struct {
		Size int64  `json:"file_size"`
		Name string `json:"file_name"`
	}
	e := s.find(c.user, "file", c.vars[0])
	switch {
	case e == nil:
		return notFound()
	case !s.may(c.user, e):
		return forbidden()
	case !c.read(&in):
		return bad("bad_request", "Bad Request")
	}
	return s.begin(c, session{size: in.Size, at: attributes{Name: in.Name}, replaces: e}, e.owner)
}

func (s *Server) begin(c *call, u session, owner string) answer {
	if u.size < s.limits.SessionLeast {
		return bad("file_size_too_small", "The file is too small for an upload session")
	}
	if s.full(owner, u.size) {
		return noSpace()
	}
	u.id, u.user, u.part, u.parts, u.waits = "F971964745A5CD0C"+s.id(), c.user.id, s.partBytes(u.size), map[int64]part{}, s.limits.Commits
	s.sessions[u.id] = &u
	return answer{status: http.StatusCreated, json: s.tellSession(c, &u)}
}

func (s *Server) tellSession(c *call, u *session) object {
	at := "http://" + c.Host + "/api/2.0/files/upload_sessions/" + u.id
	return object{"id": u.id, "type": "upload_session", "session_expires_at": stamp(s.now().Add(7 * 24 * time.Hour)), "part_size": u.part,
		"total_parts": (u.size + u.part - 1) / u.part, "num_parts_processed": len(u.parts),
		"session_endpoints": object{"upload_part": at, "status": at, "abort": at, "list_parts": at + "/parts", "commit": at + "/commit", "log_event": at + "/log"}}
}

func (s *Server) session(c *call) *session {
	u := s.sessions[c.vars[0]]
	if u == nil || u.user != c.user.id {
		return nil
	}
	return u
}

func (s *Server) getSession(c *call) answer {
	u := s.session(c)
	if u == nil {
		return notFound()
	}
	return answer{status: http.StatusOK, json: s.tellSession(c, u)}
}

func (s *Server) uploadPart(c *call) answer {
	u := s.session(c)
	if u == nil {
		return notFound()
	}
	var first, last, size int64
	if _, err := fmt.Sscanf(c.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &size); err != nil {
		return bad("bad_request", "Bad Request")
	}
	n := int64(len(c.body))
	switch {
	case size != u.size || first%u.part != 0 || last >= size || last-first+1 != n || n != min(u.part, size-first):
		return refuse(http.StatusRequestedRangeNotSatisfiable, "range_invalid", "The range is not one of the session's parts")
	case c.Header.Get("Digest") != digest(c.body):
		return bad("bad_digest", "The specified digest did not match what we received")
	}
	if there, ok := u.parts[first]; ok && sum(there.content) != sum(c.body) {
		return refuse(http.StatusConflict, "overlapping_range", "The part overlaps with one that is there")
	}
	if _, ok := u.parts[first]; !ok {
		u.parts[first] = part{id: fmt.Sprintf("%08X", s.next), content: c.body}
		s.next++
	}
	return answer{status: http.StatusOK, json: object{"part": tellPart(first, u.parts[first])}}
}

func digest(content []byte) string {
	h := sha1.Sum(content) //nolint:gosec // Box's own
	return "sha=" + base64.StdEncoding.EncodeToString(h[:])
}

func tellPart(offset int64, p part) object {
	return object{"part_id": p.id, "offset": offset, "size": len(p.content), "sha1": sum(p.content)}
}

func (u *session) offsets() []int64 {
	var out []int64
	for at := range u.parts {
		out = append(out, at)
	}
	slices.Sort(out)
	return out
}

func (s *Server) listParts(c *call) answer {
	u := s.session(c)
	if u == nil {
		return notFound()
	}
	from, _ := strconv.Atoi(c.URL.Query().Get("offset"))
	limit, _ := strconv.Atoi(c.URL.Query().Get("limit"))
	limit = cmp.Or(min(limit, 1000), 100)
	all := u.offsets()
	out := []any{}
	for i := from; i < min(from+limit, len(all)); i++ {
		out = append(out, tellPart(all[i], u.parts[all[i]]))
	}
	return answer{status: http.StatusOK, json: object{"entries": out, "total_count": len(all), "offset": from, "limit": limit}}
}

func (s *Server) abortSession(c *call) answer {
	u := s.session(c)
	if u == nil {
		return notFound()
	}
	delete(s.sessions, u.id)
	s.dropped++
	return answer{status: http.StatusNoContent}
}

func (s *Server) commitSession(c *call) answer {
	u := s.session(c)
	if u == nil {
		return notFound()
	}
	var in struct {
		Parts []struct {
			ID     string `json:"part_id"`
			Offset int64  `json:"offset"`
			Size   int64  `json:"size"`
		} `json:"parts"`
		Attributes attributes `json:"attributes"`
	}
	if !c.read(&in) || len(in.Parts) != len(u.parts) {
		return bad("parts_mismatch", "The parts do not match what was uploaded")
	}
	var whole []byte
	for _, p := range in.Parts {
		have, ok := u.parts[p.Offset]
		if !ok || have.id != p.ID || p.Offset != int64(len(whole)) {
			return bad("parts_mismatch", "The parts do not match what was uploaded")
		}
		whole = append(whole, have.content...)
	}
	switch {
	case int64(len(whole)) != u.size:
		return bad("parts_mismatch", "The parts do not make the whole file")
	case strings.TrimSpace(c.Header.Get("Digest")) != digest(whole):
		return bad("bad_digest", "The specified digest did not match what we received")
	case u.waits > 0:
		u.waits--
		return answer{status: http.StatusAccepted, head: http.Header{"Retry-After": {"1"}}}
	}
	at := u.at
	at.Created, at.Changed = in.Attributes.Created, in.Attributes.Changed
	var a answer
	if u.replaces != nil {
		a = s.replace(c, u.replaces, at, whole, http.StatusCreated)
	} else {
		a = s.create(c, at, whole)
	}
	if a.status == http.StatusCreated {
		delete(s.sessions, u.id)
	}
	return a
}
