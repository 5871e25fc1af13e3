package standin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// A node is a file or a folder.
type node struct {
	id, name string
	folder   bool
	parent   *node
	kids     map[string]*node // by folded name
	seq      int64            // when it came here or changed
	ns       string           // its namespace's id, if it begins one
	owner    *account         // of a home
	team     bool             // a team folder

	bytes          []byte
	rev, hash      string
	client, server time.Time
	restricted     bool // Dropbox refuses to serve it
	paper          bool // cannot be downloaded

	share  *share            // of a folder
	people map[string]string // of a file: explicit members, their access by id
	link   string            // the audience of a shared link, "" for none
}

// fold is what names are compared by: case and Unicode forms are the same.
func fold(name string) string { return norm.NFC.String(cases.Fold().String(norm.NFC.String(name))) }

func (s *Server) newNode(parent *node, name string, folder bool) *node {
	n := &node{id: "id:" + s.random(22), name: name, folder: folder, kids: map[string]*node{}}
	s.nodes[n.id] = n
	s.hang(n, parent)
	return n
}

// hang puts a node below another.
func (s *Server) hang(n, parent *node) {
	n.parent, n.seq = parent, s.next()
	if parent != nil {
		parent.kids[fold(n.name)] = n
	}
}

// cut takes a node out of the tree, for good or to hang it elsewhere.
func (s *Server) cut(n *node) {
	delete(n.parent.kids, fold(n.name))
	for _, c := range s.cursors {
		if c.at == n.parent {
			c.gone = append(c.gone, n.name)
		}
	}
}

// forget drops a node with all below it.
func (s *Server) forget(n *node) {
	for _, k := range n.kids {
		s.forget(k)
	}
	delete(s.nodes, n.id)
	delete(s.spaces, n.ns)
}

// fill gives a file its bytes.
func (s *Server) fill(n *node, data []byte, client time.Time) {
	n.bytes, n.server, n.seq = data, s.now().UTC().Truncate(time.Second), s.next()
	n.client = client
	if client.IsZero() {
		n.client = n.server
	}
	n.hash = contentHash(data)
	n.rev = fmt.Sprintf("%015x", s.next()<<20|int64(s.dice.IntN(1<<20)))
	s.revs[n.rev] = n
}

// contentHash is SHA-256 of the SHA-256 of blocks of 4 MiB
// (https://www.dropbox.com/developers/reference/content-hash).
func contentHash(data []byte) string {
	whole := sha256.New()
	for block := range slices.Chunk(data, 4<<20) {
		sum := sha256.Sum256(block)
		whole.Write(sum[:])
	}
	return hex.EncodeToString(whole.Sum(nil))
}

// space is the node that begins the namespace in which a node lies.
func (n *node) space() *node {
	for n.parent != nil && n.ns == "" && n.share == nil {
		n = n.parent
	}
	return n
}

// sees reports whether who calls may see a node.
func (c *call) sees(n *node) bool {
	for ; n != nil; n = n.parent {
		switch {
		case n.owner == c.me, n.team, n == c.s.teamRoot, n.share != nil && n.share.members[c.me.id] != "":
			return true
		case n.owner != nil:
			return false
		}
	}
	return false
}

// path is a node's path from what the call begins at; ok is false for a node that
// does not lie there.
func (c *call) path(n *node) (path string, ok bool) {
	for at := n; at != nil; at = at.parent {
		if at == c.base {
			return path, c.sees(n) || c.r.Header.Get("Dropbox-API-Select-Admin") != ""
		}
		path = "/" + at.name + path
	}
	return "", false
}

// find resolves a path, an id or a revision; why is a LookupError's tag.
func (c *call) find(path string) (n *node, why string) {
	parent, name, why := c.place(path)
	switch {
	case why != "":
		return nil, why
	case name == "":
		return parent, ""
	}
	n = parent.kids[fold(name)]
	if n == nil || !c.visible(n) {
		return nil, "not_found"
	}
	return n, ""
}

func (c *call) visible(n *node) bool {
	_, ok := c.path(n)
	return ok
}

// place resolves all of a path but its last name: "" where the path names a node by
// its id alone.
func (c *call) place(path string) (parent *node, name, why string) {
	at := c.base
	rest := path
	switch {
	case strings.HasPrefix(path, "id:"):
		id, below, _ := strings.Cut(path, "/")
		if at = c.s.nodes[id]; at == nil || !c.visible(at) {
			return nil, "", "not_found"
		}
		rest = below
	case strings.HasPrefix(path, "rev:"):
		if at = c.s.revs[path[4:]]; at == nil || at.rev != path[4:] || c.s.nodes[at.id] == nil || !c.visible(at) {
			return nil, "", "not_found"
		}
		rest = ""
	case strings.HasPrefix(path, "ns:"):
		ns, below, _ := strings.Cut(path[3:], "/")
		if at = c.s.spaces[ns]; at == nil || !c.visible(at) {
			return nil, "", "not_found"
		}
		rest = below
	case path != "" && path[0] != '/' || path == "/":
		return nil, "", "malformed_path"
	}
	rest = strings.TrimPrefix(rest, "/")
	if rest == "" {
		return at, "", ""
	}
	names := strings.Split(rest, "/")
	for i, name := range names {
		if !wellFormed(name) {
			return nil, "", "malformed_path"
		}
		if i == len(names)-1 {
			return at, name, ""
		}
		next := at.kids[fold(name)]
		if next == nil {
			return nil, "", "not_found"
		}
		at = next
	}
	return nil, "", "malformed_path"
}

// wellFormed reports whether a path may hold a name: it ends with no blank, holds no
// backslash, and is not too long
// (https://help.dropbox.com/organize/file-names, and what clients of Dropbox met).
func wellFormed(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "\\\x7f\x00\r\n") && strings.TrimRight(name, " \t") == name && len(utf16.Encode([]rune(name))) <= 255
}

// disallowed reports whether Dropbox keeps no file of a name
// (https://help.dropbox.com/installs-integrations/sync-uploads/files-not-syncing).
func disallowed(name string) bool {
	low := strings.ToLower(name)
	return slices.Contains([]string{"desktop.ini", "thumbs.db", ".ds_store", "icon\r", ".dropbox", ".dropbox.attr", ".dropbox.cache"}, low) ||
		strings.HasPrefix(low, "~$") || strings.HasPrefix(low, ".~") || strings.HasPrefix(low, "~") && strings.HasSuffix(low, ".tmp")
}

const stamp = "2006-01-02T15:04:05Z"

// metadata is what Dropbox tells of a node.
func (c *call) metadata(n *node, explicit bool) object {
	tag := "file"
	if n.folder {
		tag = "folder"
	}
	o := c.plain(n, explicit)
	o[".tag"] = tag
	return o
}

// plain is metadata without its tag: of a FileMetadata or FolderMetadata alone.
func (c *call) plain(n *node, explicit bool) object {
	o := object{"name": n.name, "id": n.id}
	if path, ok := c.path(n); ok {
		o["path_lower"], o["path_display"] = fold(path), path
	}
	inside := ""
	for at := n.parent; at != nil; at = at.parent {
		if at.share != nil {
			inside = at.share.id
			break
		}
		if at.team {
			inside = at.ns
			break
		}
	}
	if n.folder {
		info := object{"read_only": false}
		if inside != "" {
			info["parent_shared_folder_id"] = inside
		}
		switch {
		case n.share != nil:
			info["shared_folder_id"] = n.share.id
		case n.ns != "" && c.s.teamRoot != nil:
			info["shared_folder_id"] = n.ns
		}
		if len(info) > 1 {
			o["sharing_info"] = info
		}
		return o
	}
	o["client_modified"], o["server_modified"] = n.client.UTC().Format(stamp), n.server.Format(stamp)
	o["rev"], o["size"], o["content_hash"], o["is_downloadable"] = n.rev, len(n.bytes), n.hash, !n.paper
	if n.paper {
		delete(o, "content_hash")
		o["export_info"] = object{"export_as": "html"}
	}
	if inside != "" {
		o["sharing_info"] = object{"read_only": false, "parent_shared_folder_id": inside}
	}
	if explicit {
		o["has_explicit_shared_members"] = len(n.people) > 0
	}
	return o
}

func getMetadata(c *call) (any, *refusal) {
	var arg struct {
		Path     string `json:"path"`
		Explicit bool   `json:"include_has_explicit_shared_members"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	n, why := c.find(arg.Path)
	if why != "" {
		return nil, conflict(tagged("path", why))
	}
	if arg.Path == "" || n == c.base {
		return nil, badRequest("path: The root folder is unsupported.")
	}
	return c.metadata(n, arg.Explicit), nil
}

// A cursor is how far a listing came.
type cursor struct {
	at       *node
	explicit bool
	limit    int
	seq      int64            // what changed since comes again
	left     []string         // ids that are still to be told
	gone     []string         // names of what was deleted there meanwhile
	below    map[string]state // of a recursive listing: what was told
	rest     []object         // and what is to be told next
}

func listFolder(c *call) (any, *refusal) {
	var arg struct {
		Path      string `json:"path"`
		Recursive bool   `json:"recursive"`
		Limit     int    `json:"limit"`
		Explicit  bool   `json:"include_has_explicit_shared_members"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	if arg.Recursive {
		return nil, badRequest("this stand-in lists one folder at a time")
	}
	n, why := c.find(arg.Path)
	switch {
	case why != "":
		return nil, conflict(tagged("path", why))
	case !n.folder:
		return nil, conflict(tagged("path", "not_folder"))
	}
	cur := &cursor{at: n, explicit: arg.Explicit, limit: arg.Limit, seq: c.s.seq}
	if cur.limit == 0 {
		cur.limit = 500
	}
	for _, k := range n.sorted() {
		if c.visible(k) {
			cur.left = append(cur.left, k.id)
		}
	}
	return c.turn(cur), nil
}

// sorted are what lies in a folder, in the order in which it came there.
func (n *node) sorted() []*node {
	all := make([]*node, 0, len(n.kids))
	for _, k := range n.kids {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b *node) int { return int(a.seq - b.seq) })
	return all
}

func listContinue(c *call) (any, *refusal) {
	var arg struct {
		Cursor string `json:"cursor"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	was := c.s.cursors[arg.Cursor]
	if was == nil {
		return nil, conflict(tagged("reset"))
	}
	if c.s.nodes[was.at.id] == nil && was.at.ns == "" {
		return nil, conflict(tagged("path", "not_found"))
	}
	if was.below != nil {
		return c.recent(was), nil
	}
	cur := *was // a cursor can be used again
	if len(cur.left) == 0 {
		for _, k := range cur.at.sorted() {
			if k.seq > cur.seq && c.visible(k) {
				cur.left = append(cur.left, k.id)
			}
		}
		cur.seq = c.s.seq
	}
	return c.turn(&cur), nil
}

// turn tells the next page of a listing.
func (c *call) turn(cur *cursor) any {
	entries := []object{}
	for _, name := range cur.gone {
		if cur.at.kids[fold(name)] == nil {
			entries = append(entries, object{".tag": "deleted", "name": name})
		}
	}
	cur.gone = nil
	n := min(len(cur.left), cur.limit)
	for _, id := range cur.left[:n] {
		if k := c.s.nodes[id]; k != nil && k.parent == cur.at {
			entries = append(entries, c.metadata(k, cur.explicit))
		}
	}
	cur.left = cur.left[n:]
	key := "AA" + c.s.random(60)
	c.s.cursors[key] = cur
	return object{"entries": entries, "cursor": key, "has_more": len(cur.left) > 0}
}
