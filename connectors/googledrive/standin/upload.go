package standin

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
)

const chunk = 256 << 10

// A session is a resumable upload
// (https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable).
type session struct {
	draft draft
	file  string // of an update, "" for a create
	call  *call  // with the parameters it was begun with
	total int64  // -1 until it is known
	held  []byte
	done  *node
}

// receive answers an upload: multipart, or the beginning of a resumable one. id is that
// of the file that it updates.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, who *person, id string) {
	c := &call{Server: s, w: w, r: r, who: who, q: r.URL.Query()}
	var err *failure
	switch c.q.Get("uploadType") {
	case "multipart":
		err = c.multipart(id)
	case "resumable":
		err = c.begin(id)
	default:
		err = fail(400, "badContent", "Unsupported uploadType.")
	}
	if err != nil {
		refuse(w, err)
	}
}

func (c *call) multipart(id string) *failure {
	typ, args, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || typ != "multipart/related" {
		return fail(400, "badContent", "Bad multipart request.")
	}
	parts := multipart.NewReader(c.r.Body, args["boundary"])
	var d draft
	var content []byte
	for i := range 2 {
		p, err := parts.NextRawPart()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if i == 1 {
			content = append([]byte{}, b...)
			if d.MimeType == "" {
				d.MimeType = p.Header.Get("Content-Type")
			}
		} else if json.Unmarshal(b, &d) != nil {
			return fail(400, "parseError", "Parse Error")
		}
	}
	if _, err := parts.NextRawPart(); err != io.EOF {
		panic(http.ErrAbortHandler)
	}
	return c.locked(func() *failure {
		n, err := c.stored(id, d, content)
		if err != nil {
			return err
		}
		return c.give(200, c.fileOf(n))
	})
}

func (c *call) stored(id string, d draft, content []byte) (*node, *failure) {
	if id != "" {
		return c.update(id, d, content)
	}
	return c.create(d, content)
}

func (c *call) begin(id string) *failure {
	var d draft
	if err := c.body(&d); err != nil {
		return err
	}
	total := int64(-1)
	if v := c.r.Header.Get("X-Upload-Content-Length"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return fail(400, "badContent", "Invalid X-Upload-Content-Length.")
		}
		total = n
	}
	return c.locked(func() *failure {
		if id != "" {
			if _, err := c.writable(id); err != nil {
				return err
			}
		}
		if err := c.may(d, id); err != nil {
			return err
		}
		if d.MimeType == "" {
			d.MimeType = c.r.Header.Get("X-Upload-Content-Type")
		}
		key := "AEnB2U" + c.word(40)
		c.sessions[key] = &session{draft: d, file: id, call: c, total: total}
		scheme := "http"
		if c.r.URL.Scheme == "https" || c.r.TLS != nil {
			scheme = "https"
		}
		c.w.Header().Set("Location", scheme+"://"+c.r.Host+c.r.URL.Path+"?uploadType=resumable&upload_id="+key)
		c.w.WriteHeader(http.StatusOK)
		return nil
	})
}

// resume answers what is sent to a session.
func (s *Server) resume(w http.ResponseWriter, r *http.Request, key string) {
	s.mu.Lock()
	u := s.sessions[key]
	s.mu.Unlock()
	if u == nil {
		refuse(w, fail(404, "notFound", "Not Found"))
		return
	}
	if r.Method == http.MethodDelete {
		s.mu.Lock()
		if u.done == nil {
			delete(s.sessions, key)
		}
		s.mu.Unlock()
		w.WriteHeader(499)
		return
	}
	span, _ := strings.CutPrefix(r.Header.Get("Content-Range"), "bytes ")
	where, all, ok := strings.Cut(span, "/")
	if !ok || r.Method != http.MethodPut {
		refuse(w, fail(400, "badContent", "Invalid Content-Range."))
		return
	}
	body, broken := io.ReadAll(r.Body)
	if err := s.take(w, r, u, where, all, body, broken != nil); err != nil {
		refuse(w, err)
		return
	}
	if broken != nil {
		panic(http.ErrAbortHandler)
	}
}

// take adds bytes to an upload, and answers. Of a request that was cut off, Drive keeps
// what came in whole chunks.
func (s *Server) take(w http.ResponseWriter, r *http.Request, u *session, where, all string, body []byte, broken bool) *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &call{Server: s, w: w, r: r, who: u.call.who, q: u.call.q}
	if u.done != nil {
		return c.give(200, c.fileOf(u.done))
	}
	if all != "*" {
		n, err := strconv.ParseInt(all, 10, 64)
		if err != nil || u.total >= 0 && u.total != n {
			return fail(400, "badContent", "The total size does not match.")
		}
		u.total = n
	}
	if where != "*" {
		var first, last int64
		if _, err := fmt.Sscanf(where, "%d-%d", &first, &last); err != nil || first != int64(len(u.held)) {
			return fail(400, "badContent", "The range does not follow what is there.")
		}
		want := last - first + 1
		if broken || int64(len(body)) != want {
			u.held = append(u.held, body[:len(body)/chunk*chunk]...)
			return nil
		}
		if want%chunk != 0 && last+1 != u.total {
			return fail(400, "badContent", "The size of a chunk is a multiple of 256 KiB.")
		}
		u.held = append(u.held, body...)
	}
	if broken {
		return nil
	}
	if u.total == int64(len(u.held)) {
		u.call.w, u.call.r = w, r
		n, err := u.call.stored(u.file, u.draft, append([]byte{}, u.held...))
		if err != nil {
			return err
		}
		u.done, u.held = n, nil
		return c.give(200, c.fileOf(n))
	}
	if len(u.held) > 0 {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", len(u.held)-1))
	}
	if r.Header.Get("X-GUploader-No-308") == "yes" {
		w.Header().Set("X-HTTP-Status-Code-Override", "308")
		w.WriteHeader(http.StatusOK)
		return nil
	}
	w.WriteHeader(http.StatusPermanentRedirect)
	return nil
}
