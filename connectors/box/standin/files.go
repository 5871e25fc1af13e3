package standin

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func (s *Server) getFile(c *call) answer {
	e := s.find(c.user, "file", c.vars[0])
	if e == nil {
		return notFound()
	}
	return answer{status: http.StatusOK, json: s.tell(c, e)}
}

func (s *Server) updateFile(c *call) answer { return s.update(c, "file") }
func (s *Server) deleteFile(c *call) answer { return s.remove(c, "file") }

// download sends whoever asks to an address that needs no token, as Box does with
// dl.boxcloud.com.
func (s *Server) download(c *call) answer {
	e := s.find(c.user, "file", c.vars[0])
	if e == nil {
		return notFound()
	}
	if s.limits.Unready > 0 {
		s.limits.Unready--
		return answer{status: http.StatusAccepted, head: http.Header{"Retry-After": {"2"}}}
	}
	version := e.version
	if v := c.URL.Query().Get("version"); v != "" {
		if _, older := e.older[v]; v != e.version && !older {
			return notFound()
		}
		version = v
	}
	return answer{status: http.StatusFound, head: http.Header{"Location": {"/dl/" + e.id + "/" + version}}}
}

// direct serves a download's own address.
func (s *Server) direct(w http.ResponseWriter, r *http.Request) {
	id, version, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/dl/"), "/")
	s.mu.Lock()
	e := s.items[key("file", id)]
	var content []byte
	ok := false
	if e != nil {
		if content, ok = e.older[version]; !ok && version == e.version {
			content, ok = e.content, true
		}
	}
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// attributes are those of an upload.
type attributes struct {
	Name    string  `json:"name"`
	Parent  *idOnly `json:"parent"`
	Created string  `json:"content_created_at"`
	Changed string  `json:"content_modified_at"`
}

func moment(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	t, err := time.Parse(time.RFC3339, text)
	return t.Truncate(time.Second), err == nil
}

// multi reads the two parts of an upload: the attributes first, then the file.
func multi(c *call) (attributes, []byte, answer, bool) {
	var at attributes
	typ, args, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if typ != "multipart/form-data" {
		return at, nil, bad("bad_request", "Bad Request"), false
	}
	parts := multipart.NewReader(bytes.NewReader(c.body), args["boundary"])
	var file []byte
	seen := map[string]bool{}
	for {
		p, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		var data []byte
		if err == nil {
			data, err = io.ReadAll(p)
		}
		if err != nil {
			return at, nil, bad("bad_request", "Bad Request"), false
		}
		switch p.FormName() {
		case "attributes":
			if seen["file"] {
				return at, nil, bad("metadata_after_file_contents", "The attributes come after the file"), false
			}
			if json.Unmarshal(data, &at) != nil {
				return at, nil, bad("bad_request", "Bad Request"), false
			}
		case "file":
			file = data
		}
		seen[p.FormName()] = true
	}
	if !seen["attributes"] || !seen["file"] {
		return at, nil, bad("bad_request", "Bad Request"), false
	}
	if want := c.Header.Get("Content-Md5"); want != "" && want != sum(file) {
		return at, nil, bad("bad_digest", "The specified content-md5 did not match what we received"), false
	}
	return at, file, answer{}, true
}

func (s *Server) upload(c *call) answer {
	at, content, a, ok := multi(c)
	if !ok {
		return a
	}
	if at.Parent == nil {
		return bad("bad_request", "Bad Request")
	}
	return s.create(c, at, content)
}

// create makes a file of its bytes.
func (s *Server) create(c *call, at attributes, content []byte) answer {
	parent, a, ok := s.into(c, at.Parent.ID, at.Name, nil)
	if !ok {
		return a
	}
	if s.full(parent.owner, int64(len(content))) {
		return noSpace()
	}
	created, ok1 := moment(at.Created)
	changed, ok2 := moment(at.Changed)
	if !ok1 || !ok2 {
		return bad("bad_request", "Bad Request")
	}
	e := s.add(c.user, "file", at.Name, parent)
	if e.contentCreated = created; created.IsZero() {
		e.contentCreated = e.created
	}
	s.fill(e, content, changed)
	return answer{status: http.StatusCreated, json: object{"total_count": 1, "entries": []any{s.tell(c, e)}}}
}

func (s *Server) uploadVersion(c *call) answer {
	at, content, a, ok := multi(c)
	if !ok {
		return a
	}
	e := s.find(c.user, "file", c.vars[0])
	switch {
	case e == nil:
		return notFound()
	case !s.may(c.user, e):
		return forbidden()
	}
	return s.replace(c, e, at, content, http.StatusOK)
}

// replace gives a file a new version.
func (s *Server) replace(c *call, e *entry, at attributes, content []byte, status int) answer {
	if a, ok := matches(c, e); !ok {
		return a
	}
	if s.full(e.owner, int64(len(content))) {
		return noSpace()
	}
	if at.Name != "" && at.Name != e.name {
		if a, ok := named(at.Name); !ok {
			return a
		}
		if there := s.taken(e.parent, at.Name, e); there != nil {
			return s.inUse(there)
		}
		e.name = at.Name
	}
	changed, ok := moment(at.Changed)
	if !ok {
		return bad("bad_request", "Bad Request")
	}
	s.fill(e, content, changed)
	return answer{status: status, json: object{"total_count": 1, "entries": []any{s.tell(c, e)}}}
}

// preflight tells whether an upload would be taken.
func (s *Server) preflight(c *call) answer {
	var in struct {
		Name   string `json:"name"`
		Size   int64  `json:"size"`
		Parent idOnly `json:"parent"`
	}
	if !c.read(&in) {
		return bad("bad_request", "Bad Request")
	}
	parent, a, ok := s.into(c, in.Parent.ID, in.Name, nil)
	switch {
	case !ok:
		return a
	case s.full(parent.owner, in.Size):
		return noSpace()
	}
	return answer{status: http.StatusOK, json: object{"upload_url": "https://upload.box.com/api/2.0/files/content?upload_session_id=" + strconv.Itoa(s.next), "upload_token": "none"}}
}
