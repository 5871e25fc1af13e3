package standin

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// newAttachment makes an attachment of the file or the address that a call
// brings. The caller adds it to the card.
func (s *Server) newAttachment(q *call, c *card, address string) (*attachment, error) {
	a := &attachment{member: s.me, date: q.at, mime: q.str("mimeType"), bytes: -1}
	if err := q.text("mimeType", &a.mime, false, s.limits.AttachmentNameChars); err != nil {
		return nil, err
	}
	switch {
	case q.file != nil:
		a.upload, a.name, a.bytes, a.content = true, path.Base(q.file.name), int64(len(q.file.data)), bytes.NewReader(q.file.data)
		if a.mime == "" {
			a.mime = q.file.mime
		}
		if a.mime == "" {
			a.mime = mime.TypeByExtension(path.Ext(a.name))
		}
		a.file = fileSlug(a.name)
	case strings.HasPrefix(address, "http://"), strings.HasPrefix(address, "https://"):
		a.url, a.name = address, address
	default:
		return nil, invalid("url")
	}
	if q.str("name") != "" && q.r.Pattern != "POST /1/cards" {
		if err := q.text("name", &a.name, true, s.limits.AttachmentNameChars); err != nil {
			return nil, err
		}
	}
	if err := check(s.limits.AttachmentsPerCard, len(c.attachments), "CARD_TOO_MANY_ATTACHMENTS"); err != nil {
		return nil, err
	}
	var all []float64
	for _, x := range c.attachments {
		all = append(all, x.pos)
	}
	var err error
	if q.r.Pattern == "POST /1/cards" {
		a.pos = 16384
	} else if a.pos, err = q.pos("pos", all, 16384, 0); err != nil {
		return nil, err
	}
	a.id = s.newID(q.at)
	return a, nil
}

func (s *Server) addAttachment(q *call) (any, error) {
	c, err := s.writableCard(q)
	if err != nil {
		return nil, err
	}
	var cover bool
	if err := q.flag("setCover", &cover); err != nil {
		return nil, err
	}
	a, err := s.newAttachment(q, c, q.str("url"))
	if err != nil {
		return nil, err
	}
	c.attachments = append(c.attachments, a)
	if cover {
		c.cover = cover0(c.cover, a.id)
	}
	c.touch(q.at)
	s.note(q, &action{typ: "addAttachmentToCard", board: c.board, card: c, data: map[string]any{"card": briefCard(c), "list": briefList(c.list),
		"attachment": map[string]any{"id": a.id, "name": a.name, "url": s.showAttachment(q, c, a)["url"]}}})
	m := s.showAttachment(q, c, a)
	m["limits"] = map[string]any{}
	return m, nil
}

// cover0 is a cover that shows an attachment.
func cover0(old cover, id string) cover {
	old.attachment, old.color = id, ""
	return old
}

func (s *Server) attachmentsOf(q *call, c *card, fields string) []any {
	out := []any{}
	for _, a := range c.attachments {
		m := s.showAttachment(q, c, a)
		if fields != "" {
			m = q.fields(fields, m, nil)
		}
		out = append(out, m)
	}
	return out
}

func (s *Server) cardAttachments(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	if q.str("filter") == "cover" {
		if a := c.attachment(c.cover.attachment); a != nil {
			return []any{q.fields("fields", s.showAttachment(q, c, a), nil)}, nil
		}
		return []any{}, nil
	}
	return s.attachmentsOf(q, c, "fields"), nil
}

func (s *Server) attachment(q *call) (*card, *attachment, error) {
	c, err := q.card()
	if err != nil {
		return nil, nil, err
	}
	if a := c.attachment(q.r.PathValue("x")); a != nil {
		return c, a, nil
	}
	return nil, nil, missing()
}

func (s *Server) getAttachment(q *call) (any, error) {
	c, a, err := s.attachment(q)
	if err != nil {
		return nil, err
	}
	return q.fields("fields", s.showAttachment(q, c, a), nil), nil
}

// updateAttachment renames or moves an attachment, as Trello's own pages do;
// the contract does not list it.
func (s *Server) updateAttachment(q *call) (any, error) {
	c, a, err := s.attachment(q)
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(c.board); err != nil {
		return nil, err
	}
	n := *a
	if err := q.text("name", &n.name, true, s.limits.AttachmentNameChars); err != nil && q.str("name") != "" {
		return nil, err
	}
	var all []float64
	for _, x := range c.attachments {
		if x != a {
			all = append(all, x.pos)
		}
	}
	if n.pos, err = q.pos("pos", all, 16384, a.pos); err != nil {
		return nil, err
	}
	*a = n
	return s.showAttachment(q, c, a), nil
}

func (s *Server) deleteAttachment(q *call) (any, error) {
	c, a, err := s.attachment(q)
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(c.board); err != nil {
		return nil, err
	}
	c.attachments = remove(c.attachments, a)
	if c.cover.attachment == a.id {
		c.cover.attachment = ""
	}
	c.touch(q.at)
	s.note(q, &action{typ: "deleteAttachmentFromCard", board: c.board, card: c, data: map[string]any{"card": briefCard(c), "attachment": map[string]any{"id": a.id, "name": a.name}}})
	return removed(), nil
}

// download serves an upload's bytes, or a range of them. Key and token must
// come in the Authorization header; in the query Trello refuses them here. That
// is known from use: the contract does not list the route.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "OAuth ") {
		s.fail(w, denied("unauthorized permission requested"))
		return
	}
	q := &call{r: r, s: s, vals: map[string]string{}}
	s.mu.Lock()
	done := s.as(r)
	_, a, err := s.attachment(q)
	done()
	var content io.ReadSeeker
	var tag, mediaType string
	var date time.Time
	switch {
	case err != nil:
	case !a.upload:
		err = missing()
	default:
		content, tag, mediaType, date = io.NewSectionReader(a.content, 0, max(a.bytes, 0)), `"`+a.id+`"`, a.mime, a.date
	}
	s.mu.Unlock()
	if err != nil {
		s.fail(w, err)
		return
	}
	if mediaType == "" {
		mediaType = "application/octet-stream"
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", "attachment")
	h.Set("Etag", tag)
	http.ServeContent(w, r, "", date, content)
}

// made are a file's bytes where nobody gave any: random by the attachment's
// id, and any part of them can be read by itself.
type made struct {
	seed uint64
	size int64
}

func newMade(id string, size int64) made {
	sum := sha256.Sum256([]byte(id))
	return made{seed: binary.LittleEndian.Uint64(sum[:]), size: size}
}

// ReadAt implements io.ReaderAt.
func (m made) ReadAt(p []byte, off int64) (int, error) {
	if off >= m.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), m.size-off))
	var word [8]byte
	for i := 0; i < n; {
		at := off + int64(i)
		x := rand.NewPCG(m.seed, uint64(at/8)).Uint64()
		binary.LittleEndian.PutUint64(word[:], x)
		i += copy(p[i:n], word[at%8:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// repeated are bytes over and over, up to a size.
type repeated struct {
	part []byte
	size int64
}

// ReadAt implements io.ReaderAt.
func (r repeated) ReadAt(p []byte, off int64) (int, error) {
	if off >= r.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), r.size-off))
	for i := 0; i < n; {
		i += copy(p[i:n], r.part[(off+int64(i))%int64(len(r.part)):])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// AddBlob gives an upload its bytes. It sets its size too.
func (s *Server) AddBlob(attachmentID string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.uploads()[attachmentID]
	if !ok {
		return fmt.Errorf("there is no uploaded attachment %s: load its board first", attachmentID)
	}
	a.bytes, a.content = int64(len(data)), bytes.NewReader(bytes.Clone(data))
	return nil
}

func (s *Server) uploads() map[string]*attachment {
	out := map[string]*attachment{}
	for _, b := range s.boards {
		for _, c := range b.cards {
			for _, a := range c.attachments {
				if a.upload {
					out[a.id] = a
				}
			}
		}
	}
	return out
}

// LoadAttachments gives uploads of loaded boards their bytes from a folder in
// which each file lies in a folder of its own, named by the SHA-256 of its
// address in hex. It returns how many it found. Files are read when they are
// downloaded; fsys must stay readable.
func (s *Server) LoadAttachments(fsys fs.FS) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := 0
	for _, a := range s.uploads() {
		dir := fmt.Sprintf("%x", sha256.Sum256([]byte(a.url)))
		files, err := fs.ReadDir(fsys, dir)
		if err != nil || len(files) != 1 {
			continue
		}
		name := path.Join(dir, files[0].Name())
		info, err := fs.Stat(fsys, name)
		if err != nil {
			return found, fmt.Errorf("attachment %s: %w", a.id, err)
		}
		a.bytes, a.content = info.Size(), lazy{fsys, name}
		found++
	}
	return found, nil
}

// lazy is a file that is opened for each read.
type lazy struct {
	fsys fs.FS
	name string
}

// ReadAt implements io.ReaderAt.
func (l lazy) ReadAt(p []byte, off int64) (int, error) {
	f, err := l.fsys.Open(l.name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if at, ok := f.(io.ReaderAt); ok {
		return at.ReadAt(p, off)
	}
	if _, err := io.CopyN(io.Discard, f, off); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(f, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}
