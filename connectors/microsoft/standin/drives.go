package standin

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unique"
)

// A drive is a document library of a group or a site, or somebody's OneDrive.
type drive struct {
	id, name          string
	group, user, site string // whose it is: one of them
	created           time.Time
	root              string
	items             map[string]*driveItem
	kids              map[string]map[string]*driveItem // by parent and name in lower case
	used              int64
	seq               uint64 // the last change
	gone              []tombstone
	ended             uint64                  // delta tokens from before are not taken any more
	bin               map[string][]*driveItem // by the item that was deleted, with all that lay in it
}

type driveItem struct {
	id, parent, name, description string // parent is "" for the root
	folder                        bool
	created, modified             time.Time
	fsCreated, fsModified         time.Time // fileSystemInfo: settable
	by, changedBy                 caller
	data                          content
	media                         string
	version                       int
	seq                           uint64 // of the drive, when it last changed
	grants                        []*driveGrant
	pack                          string // what a package is: "oneNote"
	remote                        *remote
}

// content is a file's bytes, in blocks that equal ones share: a bench may
// upload the same gigabytes under many names.
type content struct {
	blocks []unique.Handle[string]
	size   int64
	hash   string // quickXorHash, base64
}

const blockBytes = 64 << 10

// A sponge takes a file's bytes in.
type sponge struct {
	out   content
	part  []byte
	cycle quickXor
}

func (w *sponge) Write(p []byte) (int, error) {
	n := len(p)
	w.cycle.Write(p)
	w.out.size += int64(n)
	for len(p) > 0 {
		room := blockBytes - len(w.part)
		take := min(room, len(p))
		w.part = append(w.part, p[:take]...)
		p = p[take:]
		if len(w.part) == blockBytes {
			w.flush()
		}
	}
	return n, nil
}

func (w *sponge) flush() {
	if len(w.part) == 0 {
		return
	}
	w.out.blocks = append(w.out.blocks, unique.Make(string(w.part)))
	w.part = w.part[:0]
}

// done returns what came in so far. More may follow.
func (w *sponge) done() content {
	w.flush()
	w.out.hash = w.cycle.sum(w.out.size)
	return w.out
}

// quickXor is OneDrive's own checksum (docs: quickxorhash, with a reference
// implementation): a 160-bit ring, each byte 11 bits further on, and the length
// over its end.
// Bytes that are 160 apart lie in the same place, and are laid over one another first.
type quickXor struct {
	lanes [160]byte
	at    int
}

func (q *quickXor) Write(p []byte) {
	for len(p) > 0 {
		n := subtle.XORBytes(q.lanes[q.at:], q.lanes[q.at:], p)
		p, q.at = p[n:], (q.at+n)%len(q.lanes)
	}
}

func (q *quickXor) sum(size int64) string {
	var out [20]byte
	for lane, b := range q.lanes {
		at := lane * 11 % 160
		out[at/8] ^= b << (at % 8)
		out[(at/8+1)%20] ^= byte(uint16(b) >> (8 - at%8))
	}
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(size))
	for i, b := range n {
		out[12+i] ^= b
	}
	return base64.StdEncoding.EncodeToString(out[:])
}

func itemNotFound() *refusal {
	return refuse(http.StatusNotFound, "itemNotFound", "The resource could not be found.")
}

func nameTaken() *refusal {
	return refuse(http.StatusConflict, "nameAlreadyExists", "The specified item name already exists.")
}

// driveOfGroup turns /groups/{id}/drive… into /drives/{id}…, once the drive is
// there: before, Graph answers what microsoft-graph-docs#631 shows.
func (s *Server) driveOfGroup(c *call) error {
	c.vars = map[string]string{"group": c.segs[1]}
	g, err := s.group(c)
	if err != nil {
		return err
	}
	if !slices.Contains(g.types, "Unified") {
		return itemNotFound()
	}
	if s.now().Before(g.driveReady) {
		return refuse(http.StatusNotFound, "ResourceNotFound", "Resource provisioning is in progress. Please try again.")
	}
	if g.drive == "" {
		s.addDrive(g)
	}
	c.segs = append([]string{"drives", g.drive}, c.segs[3:]...)
	return nil
}

func (s *Server) addDrive(g *group) {
	d := s.newDrive("Documents")
	d.group, g.drive = g.id, d.id
}

func (s *Server) newDrive(name string) *drive {
	d := &drive{id: "b!" + s.random(48), name: name, created: s.now(), items: map[string]*driveItem{}, kids: map[string]map[string]*driveItem{}}
	root := &driveItem{id: s.driveItemID(), name: "root", folder: true, created: s.now(), modified: s.now(), by: caller{app: s.client}}
	root.changedBy = root.by
	d.root, d.items[root.id] = root.id, root
	s.drives[d.id] = d
	return d
}

func (s *Server) dropDrive(id string) { delete(s.drives, id) }

func (s *Server) drive(c *call) (*drive, error) {
	d := s.drives[c.vars["drive"]]
	if d == nil {
		return nil, itemNotFound()
	}
	if c.who.delegated() && !s.reaches(c.who.user, d) {
		return nil, refuse(http.StatusForbidden, "accessDenied", "Access denied")
	}
	return d, nil
}

// item finds what a path names: /root, /items/{item}, each with a path below it
// or without. missing says that the last name of the path is not there, which
// is where a file would be made: parent and name are set then.
func (s *Server) item(c *call) (d *drive, found, parent *driveItem, name string, err error) {
	if d, err = s.drive(c); err != nil {
		return
	}
	at := d.items[c.vars["item"]]
	if c.vars["item"] == "" {
		at = d.items[d.root]
	}
	if at == nil {
		return d, nil, nil, "", itemNotFound()
	}
	below, ok := strings.CutPrefix(c.vars["path"], ":")
	if !ok || below == "" {
		return d, at, d.items[at.parent], at.name, nil
	}
	parts := strings.Split(strings.Trim(below, "/"), "/")
	for i, part := range parts {
		if err := fileName(part); err != nil {
			return d, nil, nil, "", err
		}
		next := d.child(at.id, part)
		if next == nil {
			if i == len(parts)-1 {
				return d, nil, at, part, nil
			}
			if c.method == http.MethodGet {
				return d, nil, nil, "", itemNotFound()
			}
			next = s.addItem(d, at, part, c.who) // uploads make the folders on their way
		}
		parent, at = at, next
	}
	return d, at, parent, at.name, nil
}

// fileName holds a name against what SharePoint refuses (support page
// "Restrictions and limitations in OneDrive and SharePoint").
func fileName(name string) error {
	bad := name == "" || name == "." || name == ".." || strings.ContainsAny(name, `"*:<>?/\|`) || strings.Trim(name, " ") != name ||
		strings.HasSuffix(name, ".") || strings.HasPrefix(name, "~$") || strings.Contains(name, "_vti_") || len(utf16.Encode([]rune(name))) > 255
	for _, r := range name {
		bad = bad || r < 32
	}
	switch strings.ToUpper(name) {
	case ".LOCK", "CON", "PRN", "AUX", "NUL", "DESKTOP.INI":
		bad = true
	}
	if bad {
		return refuse(http.StatusBadRequest, "invalidRequest", "The provided name cannot contain illegal characters.")
	}
	return nil
}

func (d *drive) child(parent, name string) *driveItem { return d.kids[parent][strings.ToLower(name)] }

func (d *drive) link(it *driveItem) {
	d.touch(it)
	if d.kids[it.parent] == nil {
		d.kids[it.parent] = map[string]*driveItem{}
	}
	d.kids[it.parent][strings.ToLower(it.name)] = it
	d.items[it.id] = it
}

func (d *drive) unlink(it *driveItem) {
	delete(d.kids[it.parent], strings.ToLower(it.name))
	delete(d.items, it.id)
}

func (s *Server) addItem(d *drive, parent *driveItem, name string, by caller) *driveItem {
	now := s.now()
	it := &driveItem{id: s.driveItemID(), parent: parent.id, name: name, folder: true, created: now, modified: now, fsCreated: now, fsModified: now, by: by, changedBy: by, version: 1}
	d.link(it)
	return it
}

func (d *drive) pathOf(it *driveItem) string {
	if it.parent == "" {
		return ""
	}
	return d.pathOf(d.items[it.parent]) + "/" + it.name
}

func (s *Server) siteOf(c *call, d *drive) string {
	name := "sites/site"
	if g := s.groups[d.group]; g != nil {
		name = "sites/" + g.nickname
	}
	if at := s.sites[d.site]; at != nil {
		name = at.path
	}
	if u := s.users[d.user]; u != nil {
		name = "personal/" + strings.NewReplacer("@", "_", ".", "_").Replace(u.upn)
	}
	return c.base + "/" + name
}

func (s *Server) itemObject(c *call, d *drive, it *driveItem) object {
	o := object{
		"id": it.id, "name": it.name, "createdDateTime": stampSeconds(it.created), "lastModifiedDateTime": stampSeconds(it.modified),
		"createdBy": s.named(it.by), "lastModifiedBy": s.named(it.changedBy), "size": it.data.size,
		"eTag": fmt.Sprintf("\"{%s},%d\"", it.id, it.version), "cTag": fmt.Sprintf("\"c:{%s},%d\"", it.id, it.version),
		"webUrl": s.webURL(c, d, d.pathOf(it)),
	}
	if it.description != "" {
		o["description"] = it.description
	}
	ref := object{"driveId": d.id, "driveType": s.driveType(d)}
	if it.parent == "" {
		o["root"] = object{}
	} else {
		ref["id"] = it.parent
		ref["path"] = "/drives/" + d.id + "/root:" + escapePath(d.pathOf(d.items[it.parent]))
		o["fileSystemInfo"] = object{"createdDateTime": stampSeconds(it.fsCreated), "lastModifiedDateTime": stampSeconds(it.fsModified)}
	}
	o["parentReference"] = ref
	if it.parent != "" && d.granted(it) {
		o["shared"] = object{"scope": "users"}
	}
	if it.remote != nil {
		delete(o, "size")
		o["remoteItem"] = it.remote.object()
		return o
	}
	if it.pack != "" {
		o["package"] = object{"type": it.pack}
		return o
	}
	if it.folder {
		var size int64
		for _, kid := range d.kids[it.id] {
			size += kid.data.size
		}
		o["size"], o["folder"] = size, object{"childCount": len(d.kids[it.id])}
		return o
	}
	o["file"] = object{"mimeType": it.media, "hashes": object{"quickXorHash": it.data.hash}}
	o["@microsoft.graph.downloadUrl"] = s.downloadLink(c.base, d, it)
	return o
}

func (s *Server) driveObject(c *call, d *drive) object {
	total := s.limits.DriveBytes
	if total == 0 {
		total = 25 << 40
	}
	return object{
		"id": d.id, "name": d.name, "driveType": s.driveType(d), "description": "", "createdDateTime": stampSeconds(d.created), "lastModifiedDateTime": stampSeconds(d.created),
		"webUrl": s.webURL(c, d, ""),
		"owner":  s.driveOwner(d),
		"quota":  object{"deleted": 0, "remaining": total - d.used, "state": "normal", "total": total, "used": d.used},
	}
}

func (s *Server) getDrive(c *call) (answer, error) {
	d, err := s.drive(c)
	if err != nil {
		return answer{}, err
	}
	return s.entity(c, http.StatusOK, "drives", s.driveObject(c, d))
}

func (s *Server) getItem(c *call) (answer, error) {
	d, it, _, _, err := s.item(c)
	if err == nil && it == nil {
		err = itemNotFound()
	}
	if err != nil {
		return answer{}, err
	}
	return s.entity(c, http.StatusOK, "drives('"+d.id+"')/items", s.itemObject(c, d, it))
}

func (s *Server) listChildren(c *call) (answer, error) {
	d, it, _, _, err := s.item(c)
	if err == nil && it == nil {
		err = itemNotFound()
	}
	if err != nil {
		return answer{}, err
	}
	var all []object
	for name, kid := range d.kids[it.id] {
		o := s.itemObject(c, d, kid)
		o[sortKey] = name // SharePoint lists by name
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b object) int { return strings.Compare(key(a), key(b)) })
	page, err := top(c, s.limits.DrivePage, 1000)
	if err != nil {
		return answer{}, err
	}
	return s.listing(c, "drives('"+d.id+"')/items('"+it.id+"')/children", all, page)
}

// createFolder is docs: driveitem-post-children.
func (s *Server) createFolder(c *call) (answer, error) {
	d, parent, _, _, err := s.item(c)
	if err == nil && (parent == nil || !parent.folder) {
		err = itemNotFound()
	}
	if err != nil {
		return answer{}, err
	}
	p := parse(c, "microsoft.graph.driveItem")
	var name, description string
	p.text("name", &name)
	p.text("description", &description)
	folder := p.nested("folder", "microsoft.graph.folder")
	behavior := conflictBehavior(p)
	if folder == nil {
		p.fail("Property folder or file must be specified.")
	}
	if err := p.end(); err != nil {
		return answer{}, asDrive(err)
	}
	if err := fileName(name); err != nil {
		return answer{}, err
	}
	if err := s.pathFits(c, d, parent.id, name); err != nil {
		return answer{}, err
	}
	if old := d.child(parent.id, name); old != nil {
		switch behavior {
		case "rename":
			name = d.freeName(parent.id, name)
		case "replace":
			return s.entity(c, http.StatusOK, "drives('"+d.id+"')/items", s.itemObject(c, d, old))
		default:
			return answer{}, nameTaken()
		}
	}
	it := s.addItem(d, parent, name, c.who)
	it.description = description
	return s.entity(c, http.StatusCreated, "drives('"+d.id+"')/items", s.itemObject(c, d, it))
}

func asDrive(err error) error {
	if r, ok := errors.AsType[*refusal](err); ok && r.code == "" {
		r.code = "invalidRequest"
		r.message = strings.TrimPrefix(r.message, "The request is invalid:\r\n")
	}
	return err
}

// conflictBehavior is fail unless the request says otherwise.
func conflictBehavior(p *patch) string {
	var b string
	if p.text("@microsoft.graph.conflictBehavior", &b) && !slices.Contains([]string{"fail", "replace", "rename"}, b) {
		p.wrong("@microsoft.graph.conflictBehavior", "microsoft.graph.conflictBehavior")
	}
	if b == "" {
		return "fail"
	}
	return b
}

// freeName is "report 1.pdf" for a second "report.pdf".
func (d *drive) freeName(parent, name string) string {
	ext := path.Ext(name)
	for i := 1; ; i++ {
		if n := fmt.Sprintf("%s %d%s", strings.TrimSuffix(name, ext), i, ext); d.child(parent, n) == nil {
			return n
		}
	}
}

// patchItem renames a file, puts it into another folder of its drive, describes it,
// or sets its dates
// (docs: driveitem-update).
func (s *Server) patchItem(c *call) (answer, error) {
	d, it, _, _, err := s.item(c)
	if err == nil && (it == nil || it.parent == "") {
		err = itemNotFound()
	}
	if err != nil {
		return answer{}, err
	}
	if err := ifMatch(c.header, d, it, s); err != nil {
		return answer{}, err
	}
	p, n := parse(c, "microsoft.graph.driveItem"), *it
	p.text("name", &n.name)
	p.text("description", &n.description)
	if in := p.nested("parentReference", "microsoft.graph.itemReference"); in != nil {
		in.text("id", &n.parent)
		if err := in.end(); err != nil && p.err == nil {
			p.err = err
		}
	}
	conflictBehavior(p)
	fileSystemInfo(p, &n)
	if err := p.end(); err != nil {
		return answer{}, asDrive(err)
	}
	if err := fileName(n.name); err != nil {
		return answer{}, err
	}
	if err := d.mayLieIn(it, n.parent); err != nil {
		return answer{}, err
	}
	if err := s.pathFits(c, d, n.parent, n.name); err != nil {
		return answer{}, err
	}
	if other := d.child(n.parent, n.name); other != nil && other != it {
		return answer{}, nameTaken()
	}
	n.version++
	n.modified, n.changedBy = s.now(), c.who
	d.unlink(it)
	*it = n
	d.link(it)
	return s.entity(c, http.StatusOK, "drives('"+d.id+"')/items", s.itemObject(c, d, it))
}

func fileSystemInfo(p *patch, it *driveItem) {
	if in := p.nested("fileSystemInfo", "microsoft.graph.fileSystemInfo"); in != nil {
		in.when("createdDateTime", &it.fsCreated)
		in.when("lastModifiedDateTime", &it.fsModified)
		var ignored time.Time
		in.when("lastAccessedDateTime", &ignored)
		if err := in.end(); err != nil && p.err == nil {
			p.err = err
		}
	}
}

func (s *Server) deleteItem(c *call) (answer, error) {
	d, it, _, _, err := s.item(c)
	if err == nil && it == nil {
		err = itemNotFound()
	}
	if err != nil {
		return answer{}, err
	}
	if it.parent == "" {
		return answer{}, refuse(http.StatusForbidden, "accessDenied", "The root cannot be deleted.")
	}
	if err := ifMatch(c.header, d, it, s); err != nil {
		return answer{}, err
	}
	s.discard(d, it)
	return noContent()
}

// discard puts an item into the bin.
func (s *Server) discard(d *drive, it *driveItem) {
	if d.bin == nil {
		d.bin = map[string][]*driveItem{}
	}
	d.bin[it.id] = nil
	d.drop(it, it.id, s.opts.SparseDelta)
}

func (d *drive) drop(it *driveItem, top string, sparse bool) {
	d.bin[top] = append(d.bin[top], it)
	for _, kid := range d.kids[it.id] {
		d.drop(kid, top, sparse)
	}
	delete(d.kids, it.id)
	d.used -= it.data.size
	d.unlink(it)
	if it.id == top || !sparse {
		d.bury(it)
	}
}

// ifMatch holds an optional If-Match against a file's eTag or cTag.
func ifMatch(h http.Header, d *drive, it *driveItem, s *Server) error {
	in := h.Get("If-Match")
	if in == "" || in == "*" {
		return nil
	}
	if in != fmt.Sprintf("\"{%s},%d\"", it.id, it.version) && in != fmt.Sprintf("\"c:{%s},%d\"", it.id, it.version) {
		return refuse(http.StatusPreconditionFailed, "notAllowed", "ETag does not match current item's value")
	}
	return nil
}

// store puts a file's bytes under a name; it, if not nil, is there already.
func (s *Server) store(d *drive, it, parent *driveItem, name string, by caller, data content, media string) (*driveItem, error) {
	was := int64(0)
	if it != nil {
		was = it.data.size
	}
	if s.limits.DriveBytes > 0 && d.used-was+data.size > s.limits.DriveBytes {
		return nil, refuse(http.StatusInsufficientStorage, "quotaLimitReached", "Insufficient Space Available")
	}
	if it == nil {
		it = s.addItem(d, parent, name, by)
		it.folder, it.version = false, 0
	}
	now := s.now()
	it.data, it.modified, it.fsModified, it.changedBy = s.promoted(d, name, data), now, now, by
	it.version++
	d.touch(it)
	if it.media = media; media == "" || strings.HasPrefix(media, "application/json") {
		it.media = mime.TypeByExtension(path.Ext(name))
	}
	if it.media == "" {
		it.media = "application/octet-stream"
	}
	d.used += it.data.size - was
	return it, nil
}

// putContent is docs: driveitem-put-content. The bytes come before the lock.
func (s *Server) putContent(c *call, r *http.Request) (answer, error) {
	s.mu.Lock()
	who, err := s.authorize(r.Header.Get("Authorization"))
	s.mu.Unlock()
	if err != nil {
		return answer{}, err
	}
	c.who = who
	in := &sponge{}
	n, err := io.Copy(in, io.LimitReader(r.Body, s.limits.SimpleUploadBytes+1))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if n > s.limits.SimpleUploadBytes {
		return answer{}, refuse(http.StatusRequestEntityTooLarge, "invalidRequest", "The file is too large for a simple upload. Use an upload session.")
	}
	data := in.done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[c.method+" "+shape(c.segs)]++
	told, err := s.throttle(c)
	if err != nil {
		return answer{header: told}, err
	}
	if err := s.driveOf(c); err != nil {
		return answer{}, err
	}
	for _, parts := range [][]string{{"drives", "{drive}", "root", "{path}", "content"}, {"drives", "{drive}", "items", "{item}", "{path}", "content"}, {"drives", "{drive}", "items", "{item}", "content"}} {
		if vars, ok := match(parts, c.segs); ok {
			c.vars = vars
			a, err := s.finishContent(c, data)
			a.header = told
			return a, err
		}
	}
	return answer{}, refuse(http.StatusBadRequest, "BadRequest", "Resource not found for the segment 'content'.")
}

func (s *Server) finishContent(c *call, data content) (answer, error) {
	d, it, parent, name, err := s.item(c)
	if err != nil {
		return answer{}, err
	}
	status := http.StatusCreated
	if err := s.pathFits(c, d, parent.id, name); err != nil {
		return answer{}, err
	}
	if it != nil {
		if it.folder {
			return answer{}, nameTaken()
		}
		if err := ifMatch(c.header, d, it, s); err != nil {
			return answer{}, err
		}
		status = http.StatusOK
		switch c.query.Get("@microsoft.graph.conflictBehavior") {
		case "fail":
			return answer{}, nameTaken()
		case "rename":
			name, it, status = d.freeName(parent.id, name), nil, http.StatusCreated
		}
	}
	it, err = s.store(d, it, parent, name, c.who, data, c.header.Get("Content-Type"))
	if err != nil {
		return answer{}, err
	}
	return s.entity(c, status, "drives('"+d.id+"')/items", s.itemObject(c, d, it))
}

// optional reads an optional body.
func optional(c *call, typ string) *patch {
	if len(c.body) == 0 {
		return &patch{typ: typ, used: map[string]bool{}, props: map[string]json.RawMessage{}}
	}
	return parse(c, typ)
}
