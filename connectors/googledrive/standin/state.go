package standin

import (
	"crypto/md5" //nolint:gosec // what Drive tells of a file
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

const (
	folderType   = "application/vnd.google-apps.folder"
	shortcutType = "application/vnd.google-apps.shortcut"
)

// A node is a file, a folder or a shortcut.
type node struct {
	id, name, mime    string
	parent            *node   // nil for the top of a drive, and for an orphan
	drive             *node   // the top of the shared drive that it lies in, nil in My Drive
	owner             *person // nil in a shared drive
	trashed           bool
	created, modified time.Time
	description       string
	properties        map[string]string
	private           map[string]string
	starred           bool
	content           []byte
	revision          string
	version           int64
	grants            []*grant // given right here
	leadsTo           string
	exports           map[string][]byte // of a document, by type
	seq               int
	sights            map[*person]bool // who saw it when it changed
	drives            map[*node]bool   // the shared drives in which it lay then
}

// A grant is a permission that was given right at a node.
type grant struct {
	to      *person // nil for a link
	kind    string  // user, group, domain or anyone
	role    string
	domain  string
	expires time.Time
}

func (g *grant) id() string {
	switch g.kind {
	case "anyone":
		return "anyoneWithLink"
	case "domain":
		return "domain" + strings.ReplaceAll(g.domain, ".", "")
	}
	return g.to.id
}

func (n *node) path() string {
	if n.parent == nil {
		return "/" + n.name
	}
	return n.parent.path() + "/" + n.name
}

// binned reports whether a node lies in the bin, itself or with a folder above it.
func (n *node) binned() bool { return n.trashed || n.parent != nil && n.parent.binned() }

var ranks = []string{"reader", "commenter", "writer", "fileOrganizer", "organizer", "owner"}

func rank(role string) int { return slices.Index(ranks, role) }

// A right is what somebody may do at a node, and where that was given.
type right struct {
	*grant
	from *node
}

// rights are all that hold at a node, the nearest first.
func (n *node) rights() []right {
	var out []right
	for at := n; at != nil; at = at.parent {
		for _, g := range at.grants {
			out = append(out, right{g, at})
		}
	}
	return out
}

// role is the highest role that somebody has at a node; -1 for none.
func (n *node) role(p *person) int {
	best := -1
	for _, r := range n.rights() {
		if r.kind == "anyone" || r.to == p || slices.Contains(p.in, r.to) || r.kind == "domain" && strings.HasSuffix(p.email, "@"+r.domain) {
			best = max(best, rank(r.role))
		}
	}
	return best
}

// add makes a node known. The caller holds the lock.
func (s *Server) add(n *node) *node {
	if n.id == "" {
		n.id = "1" + s.word(32)
	}
	if n.created.IsZero() {
		n.created = s.tick()
	}
	if n.modified.IsZero() {
		n.modified = n.created
	}
	n.seq = len(s.order) + 1
	n.version = 1
	s.nodes[n.id] = n
	s.order = append(s.order, n)
	s.touch(n)
	return n
}

// write gives a node other bytes.
func (s *Server) write(n *node, content []byte) {
	n.content, n.revision = content, "0B"+s.word(40)
	n.version++
	s.touch(n)
}

func (n *node) bytes() bool { return !strings.HasPrefix(n.mime, "application/vnd.google-apps.") }

func sumMD5(b []byte) string {
	sum := md5.Sum(b) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

func sum256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// used is how many bytes somebody owns.
func (s *Server) used(p *person) (n int64) {
	for _, f := range s.order {
		if f.owner == p && s.nodes[f.id] == f {
			n += int64(len(f.content))
		}
	}
	return n
}
