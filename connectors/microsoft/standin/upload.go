package standin

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An upload is a session (docs: driveitem-createuploadsession).
type upload struct {
	drive, parent, item string // item if a file is replaced by its id
	name, behavior      string
	by                  caller
	total               int64 // -1 until the first chunk tells
	in                  *sponge
	busy                bool
	expires             time.Time
	dates               driveItem // fileSystemInfo and description
	deferred            bool      // the file is made by a request of its own
}

const uploadLife = 15 * time.Minute // docs: "expirationDateTime"; each chunk moves it on

func (s *Server) createUploadSession(c *call) (answer, error) {
	d, it, parent, name, err := s.item(c)
	if err != nil {
		return answer{}, err
	}
	if it != nil && it.parent == "" {
		return answer{}, refuse(http.StatusBadRequest, "invalidRequest", "A file needs a name.")
	}
	u := &upload{drive: d.id, name: name, by: c.who, total: -1, in: &sponge{}, expires: s.now().Add(uploadLife), behavior: "fail"}
	p := optional(c, "microsoft.graph.driveItem")
	var size int64 = -1
	if in := p.nested("item", "microsoft.graph.driveItemUploadableProperties"); in != nil {
		u.behavior = conflictBehavior(in)
		var given string
		if in.text("name", &given) && given != name {
			in.fail("The name in the body is not the one in the address.")
		}
		in.text("description", &u.dates.description)
		if v, ok := in.take("fileSize"); ok {
			if size, err = strconv.ParseInt(string(v), 10, 64); err != nil || size < 0 {
				in.wrong("fileSize", "Edm.Int64")
			}
		}
		in.take("driveItemSource")
		in.take("mediaSource")
		fileSystemInfo(in, &u.dates)
		if err := in.end(); err != nil && p.err == nil {
			p.err = err
		}
	}
	p.boolean("deferCommit", &u.deferred)
	if err := p.end(); err != nil {
		return answer{}, asDrive(err)
	}
	if it != nil {
		if err := ifMatch(c.header, d, it, s); err != nil {
			return answer{}, err
		}
		if it.folder {
			return answer{}, nameTaken()
		}
		if c.vars["path"] == "" { // an existing file by its id
			u.item, u.behavior = it.id, "replace"
		}
	}
	if u.behavior == "fail" && it != nil {
		return answer{}, nameTaken()
	}
	u.parent = parent.id
	if err := s.pathFits(c, d, parent.id, name); err != nil {
		return answer{}, err
	}
	if s.limits.DriveBytes > 0 && size > 0 && d.used+size > s.limits.DriveBytes {
		return answer{}, refuse(http.StatusInsufficientStorage, "quotaLimitReached", "Insufficient Space Available")
	}
	id := s.random(32)
	s.uploads[id] = u
	o := u.object()
	o["@odata.context"] = c.base + "/v1.0/$metadata#microsoft.graph.uploadSession"
	o["uploadUrl"] = c.base + "/upload/" + id + "?tempauth=" + s.random(24)
	return ok(o)
}

func (u *upload) object() object {
	next := []string{fmt.Sprintf("%d-", u.in.out.size)}
	if u.in.out.size == u.total {
		next = []string{}
	}
	return object{"expirationDateTime": stamp(u.expires), "nextExpectedRanges": next}
}

// complete makes the file of a session with deferCommit: a POST of nothing, once
// the last byte is there, which the OneDrive of a private person does not know. The
// caller holds mu.
func (s *Server) complete(c *call, id string, u *upload) (answer, error) {
	if d := s.drives[u.drive]; d != nil && s.driveType(d) == personal {
		return answer{}, refuse(http.StatusMethodNotAllowed, "invalidRequest", "Method not allowed")
	}
	return s.finish(c, id, u)
}

// commitFrom makes the file of a session in a folder: a PUT with the session's address
// as the item's source (docs: driveitem-createuploadsession, "Handle upload errors").
func (s *Server) commitFrom(c *call) (answer, error) {
	d, folder, _, _, err := s.item(c)
	if err == nil && folder == nil {
		err = itemNotFound()
	}
	if err != nil {
		return answer{}, err
	}
	p := parse(c, "microsoft.graph.driveItem")
	var name, source string
	p.text("name", &name)
	p.text("@microsoft.graph.sourceUrl", &source)
	behavior := conflictBehavior(p)
	if err := p.end(); err != nil {
		return answer{}, asDrive(err)
	}
	_, id, _ := strings.Cut(source, "/upload/")
	id, _, _ = strings.Cut(id, "?")
	u := s.uploads[id]
	if u == nil || u.drive != d.id {
		return answer{}, itemNotFound()
	}
	if err := fileName(name); err != nil {
		return answer{}, err
	}
	u.parent, u.name, u.behavior = folder.id, name, behavior
	return s.finish(c, id, u)
}

// finish makes the file of a session whose bytes are all there. The caller holds mu.
func (s *Server) finish(c *call, id string, u *upload) (answer, error) {
	if !u.deferred || u.busy || u.in.out.size != u.total {
		return answer{}, badRange("The upload session cannot be completed: bytes are missing, or it is completed by itself")
	}
	if s.uploads[id] != u {
		return answer{}, itemNotFound()
	}
	return s.commit(c, id, u)
}

// serveUpload is the upload address: it carries its own right, and refuses an
// Authorization header.
func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	c := &call{method: r.Method, header: r.Header, base: baseOf(r), query: url.Values{}, id: s.guid()}
	s.counts[r.Method+" /upload/{}"]++
	u := s.uploads[id]
	s.mu.Unlock()
	var a answer
	var err error
	switch {
	case r.Header.Get("Authorization") != "":
		err = refuse(http.StatusUnauthorized, "unauthenticated", "The upload address is pre-authenticated: do not send an Authorization header.")
	case u == nil || !s.now().Before(u.expires):
		err = itemNotFound()
	case r.Method == http.MethodGet:
		s.mu.Lock()
		a, err = ok(u.object())
		s.mu.Unlock()
	case r.Method == http.MethodDelete:
		s.mu.Lock()
		delete(s.uploads, id)
		s.mu.Unlock()
		a, err = noContent()
	case r.Method == http.MethodPut:
		a, err = s.chunk(c, r, id, u)
	case r.Method == http.MethodPost:
		s.mu.Lock()
		a, err = s.complete(c, id, u)
		s.mu.Unlock()
	default:
		err = refuse(http.StatusMethodNotAllowed, "invalidRequest", "Method not allowed")
	}
	s.asAnswer(c, a, err).write(w)
}

// parseRange reads "bytes 0-25/128".
func parseRange(in string) (first, last, total int64, ok bool) {
	rest, ok := strings.CutPrefix(in, "bytes ")
	span, all, ok2 := strings.Cut(rest, "/")
	from, to, ok3 := strings.Cut(span, "-")
	if !ok || !ok2 || !ok3 {
		return 0, 0, 0, false
	}
	var err [3]error
	first, err[0] = strconv.ParseInt(from, 10, 64)
	last, err[1] = strconv.ParseInt(to, 10, 64)
	total, err[2] = strconv.ParseInt(all, 10, 64)
	ok = err[0] == nil && err[1] == nil && err[2] == nil && first >= 0 && last >= first && total > last
	return first, last, total, ok
}

func badRange(format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, "invalidRequest", format, args...)
}

func (s *Server) chunk(c *call, r *http.Request, id string, u *upload) (answer, error) {
	first, last, total, ok := parseRange(r.Header.Get("Content-Range"))
	if !ok {
		return answer{}, badRange("Invalid Content-Range header")
	}
	size := last - first + 1
	s.mu.Lock()
	have := u.in.out.size
	var err error
	switch {
	case u.busy:
		err = refuse(http.StatusConflict, "conflict", "Another fragment of this file is being uploaded.")
	case u.total >= 0 && total != u.total:
		err = badRange("The total size of the file differs from that of an earlier fragment")
	case first < have:
		err = refuse(http.StatusRequestedRangeNotSatisfiable, "invalidRange", "Optimistic concurrency failure during fragmented upload")
	case first > have:
		err = refuse(http.StatusRequestedRangeNotSatisfiable, "invalidRange", "The uploaded fragment is out of order")
	case s.limits.ChunkMaxBytes > 0 && size >= s.limits.ChunkMaxBytes:
		err = refuse(http.StatusRequestEntityTooLarge, "invalidRequest", "The fragment is too large")
	case s.limits.ChunkBytes > 0 && last+1 < total && size%s.limits.ChunkBytes != 0:
		err = badRange("The size of a fragment must be a multiple of %d bytes", s.limits.ChunkBytes)
	case r.ContentLength >= 0 && r.ContentLength != size:
		err = badRange("Content-Length does not match Content-Range")
	}
	if err == nil {
		u.busy = true
	}
	s.mu.Unlock()
	if err != nil {
		return answer{}, err
	}
	// A fragment that breaks off is forgotten (docs: "all bytes in that request
	// are ignored"): it goes into a copy of what came before.
	next := u.in.copy()
	n, err := io.Copy(next, io.LimitReader(r.Body, size+1))
	s.mu.Lock()
	defer s.mu.Unlock()
	u.busy = false
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if n != size {
		return answer{}, badRange("The fragment has not the size that Content-Range says")
	}
	if s.uploads[id] != u {
		return answer{}, itemNotFound()
	}
	u.in, u.total, u.expires = next, total, s.now().Add(uploadLife)
	if last+1 < total || u.deferred {
		return answer{status: http.StatusAccepted, body: u.object()}, nil
	}
	return s.commit(c, id, u)
}

// copy goes on from the same bytes, apart. It shares full blocks.
func (w *sponge) copy() *sponge {
	n := *w
	n.part = slices.Clone(w.part)
	n.out.blocks = slices.Clone(w.out.blocks)
	return &n
}

// commit makes the file. The caller holds mu.
func (s *Server) commit(c *call, id string, u *upload) (answer, error) {
	d := s.drives[u.drive]
	if d == nil || d.items[u.parent] == nil {
		return answer{}, itemNotFound()
	}
	it, status := d.child(u.parent, u.name), http.StatusCreated
	if u.item != "" {
		if it = d.items[u.item]; it == nil {
			return answer{}, itemNotFound()
		}
	}
	if it != nil {
		switch u.behavior {
		case "rename":
			u.name, it = d.freeName(u.parent, u.name), nil
		case "replace":
			status = http.StatusOK
		default:
			r := nameTaken()
			r.message = "Another file exists with the same name as the uploaded session. You can redirect the upload session to use a new filename by calling PUT with the new metadata and @microsoft.graph.sourceUrl attribute."
			return answer{}, r
		}
	}
	it, err := s.store(d, it, d.items[u.parent], u.name, u.by, u.in.done(), "")
	if err != nil {
		return answer{}, err
	}
	if !u.dates.fsCreated.IsZero() {
		it.fsCreated = u.dates.fsCreated
	}
	if !u.dates.fsModified.IsZero() {
		it.fsModified = u.dates.fsModified
	}
	if u.dates.description != "" {
		it.description = u.dates.description
	}
	delete(s.uploads, id)
	return s.entity(c, status, "drives('"+d.id+"')/items", s.itemObject(c, d, it))
}

// A download is an address that carries its own right for a few minutes.
type download struct {
	drive, item string
	expires     time.Time
}

const downloadLife = 10 * time.Minute

func (s *Server) downloadLink(base string, d *drive, it *driveItem) string {
	for id, l := range s.links { // they are made with every listing: keep the map small
		if len(s.links) < 1000 || s.now().Before(l.expires) {
			break
		}
		delete(s.links, id)
	}
	id := s.random(24)
	s.links[id] = download{d.id, it.id, s.now().Add(downloadLife)}
	return base + "/download/" + id + "?tempauth=" + s.random(12)
}

// getContent is docs: driveitem-get-content: a redirect to the address that
// serves the bytes. Range belongs to the second request.
func (s *Server) getContent(c *call) (answer, error) {
	d, it, _, _, err := s.item(c)
	if err == nil && it == nil {
		err = itemNotFound()
	}
	if err != nil {
		return answer{}, err
	}
	if it.folder {
		return answer{}, refuse(http.StatusBadRequest, "notSupported", "Only files have content.")
	}
	return answer{status: http.StatusFound, header: http.Header{"Location": {s.downloadLink(c.base, d, it)}}}, nil
}

func (s *Server) serveDownload(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	s.counts[r.Method+" /download/{}"]++
	l, known := s.links[id]
	var it *driveItem
	if d := s.drives[l.drive]; known && d != nil && s.now().Before(l.expires) {
		if live := d.items[l.item]; live != nil {
			c := *live
			it = &c
		}
	}
	c := &call{header: r.Header, id: s.guid()}
	s.mu.Unlock()
	if it == nil {
		s.asAnswer(c, answer{}, itemNotFound()).write(w)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.asAnswer(c, answer{}, refuse(http.StatusMethodNotAllowed, "invalidRequest", "Method not allowed")).write(w)
		return
	}
	s.serveBytes(w, r, it)
}

func (s *Server) serveBytes(w http.ResponseWriter, r *http.Request, it *driveItem) {
	w.Header().Set("Content-Type", it.media)
	w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(it.name))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Etag", fmt.Sprintf("\"{%s},%d\"", it.id, it.version))
	http.ServeContent(w, r, "", it.modified, &reader{c: it.data})
}

// A reader reads a file's bytes for http.ServeContent, which knows ranges.
type reader struct {
	c  content
	at int64
}

func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.c.size
	}
	r.at = offset
	return offset, nil
}

func (r *reader) Read(p []byte) (int, error) {
	if r.at >= r.c.size {
		return 0, io.EOF
	}
	n := copy(p, r.c.blocks[r.at/blockBytes].Value()[r.at%blockBytes:])
	r.at += int64(n)
	return n, nil
}

// serveSite is a file's own address, for people who click a reference on the
// board page.
func (s *Server) serveSite(w http.ResponseWriter, r *http.Request) {
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/sites/"), "/", 3)
	s.mu.Lock()
	var found *driveItem
	if len(parts) == 3 && parts[1] == "Shared Documents" {
		for _, g := range s.groups {
			if d := s.drives[g.drive]; d != nil && g.nickname == parts[0] {
				at := d.items[d.root]
				for part := range strings.SplitSeq(parts[2], "/") {
					if at != nil {
						at = d.child(at.id, part)
					}
				}
				if at != nil && !at.folder {
					c := *at
					found = &c
				}
			}
		}
	}
	s.mu.Unlock()
	if found == nil {
		http.NotFound(w, r)
		return
	}
	s.serveBytes(w, r, found)
}

// webURL is a file's address for people.
func webURL(site, below string) string { return site + "/Shared%20Documents" + escapePath(below) }

func escapePath(p string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}
