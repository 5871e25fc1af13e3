package standin

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // Box's own
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

type user struct {
	id, name, login, role, status string
	stranger                      bool // of another enterprise
}

type group struct {
	id, name string
	members  []string // ids of users
}

// An entry is a file, a folder or a web link.
type entry struct {
	kind, id, name string
	parent         *entry
	owner, by      string // ids of users
	etag           int
	created        time.Time
	modified       time.Time
	description    string
	tags           []string
	// of a file
	content        []byte
	sum            string
	version        string // the id of its version
	older          map[string][]byte
	contentCreated time.Time
	contentChanged time.Time
	comments       int
	// of a web link
	url string
	// of a file or folder
	link *sharedLink
}

type sharedLink struct {
	access     string // open, company or collaborators
	permission string // can_edit, can_download or can_preview
	password   bool
}

type collaboration struct {
	id   string
	item *entry
	user string // id, "" for a group
	grp  string
	role string
}

func (s *Server) addUser(id, name, login, role string) *user {
	u := &user{id: id, name: name, login: login, role: role, status: "active"}
	s.users[id] = u
	s.roots[id] = &entry{kind: "folder", id: "0", name: "All Files", owner: id}
	return u
}

func key(kind, id string) string { return kind + " " + id }

// find is a file, folder or link that a user may see; the folder 0 is their own root.
func (s *Server) find(u *user, kind, id string) *entry {
	if kind == "folder" && id == "0" {
		return s.roots[u.id]
	}
	e := s.items[key(kind, id)]
	if e == nil || s.role(u, e) == "" {
		return nil
	}
	return e
}

// role is what a user may do with an entry: the strongest that was given to them,
// or to a group of theirs, there or above; "" for nothing.
func (s *Server) role(u *user, e *entry) string {
	if e.owner == u.id {
		return "owner"
	}
	for at := e; at != nil; at = at.parent {
		for _, c := range s.collabs {
			if c.item == at && (c.user == u.id || c.grp != "" && slices.Contains(s.groups[c.grp].members, u.id)) {
				return c.role
			}
		}
	}
	return ""
}

// may reports whether a user may change an entry.
func (s *Server) may(u *user, e *entry) bool {
	return slices.Contains([]string{"owner", "co-owner", "editor"}, s.role(u, e))
}

func forbidden() answer {
	return refuse(http.StatusForbidden, "access_denied_insufficient_permissions", "Access denied - insufficient permission")
}

// children are in Box's order: folders, files, web links, each by name.
func (s *Server) children(parent *entry) []*entry {
	var out []*entry
	for _, e := range s.items {
		if e.parent == parent {
			out = append(out, e)
		}
	}
	rank := map[string]int{"folder": 1, "file": 2, "web_link": 3}
	slices.SortFunc(out, func(a, b *entry) int {
		return cmp.Or(rank[a.kind]-rank[b.kind], strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)))
	})
	return out
}

// visible are the children of a folder as a user sees them: their root shows what
// others let them at, too.
func (s *Server) visible(u *user, folder *entry) []*entry {
	out := s.children(folder)
	if folder != s.roots[u.id] {
		return out
	}
	for _, c := range s.collabs {
		if c.item.owner != u.id && c.user == u.id && !slices.Contains(out, c.item) {
			out = append(out, c.item)
		}
	}
	return out
}

// taken is what stands in a folder by a name: Box compares names without their case.
func (s *Server) taken(parent *entry, name string, but *entry) *entry {
	for _, e := range s.items {
		if e.parent == parent && e != but && strings.EqualFold(e.name, name) {
			return e
		}
	}
	return nil
}

// named holds a name against Box's rules
// (https://developer.box.com/guides/files/limitations).
func named(name string) (answer, bool) {
	control := strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f })
	switch {
	case len(utf16.Encode([]rune(name))) > 255:
		return bad("item_name_too_long", "Item name too long"), false
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, `/\`) || control || strings.Trim(name, " ") != name || !utf8.ValidString(name):
		return bad("item_name_invalid", "Item name invalid"), false
	}
	return answer{}, true
}

// inUse is Box's refusal of a name that is taken. For a file it is one conflict, and
// for a folder a list of them.
func (s *Server) inUse(e *entry) answer {
	a := refuse(http.StatusConflict, "item_name_in_use", "Item with the same name already exists")
	mini := pick(s.render(e), "")
	if e.kind == "file" {
		a.json.(object)["context_info"] = object{"conflicts": mini}
		return a
	}
	a.json.(object)["context_info"] = object{"conflicts": []any{mini}}
	return a
}

// locked counts a request against a folder that is busy.
func (s *Server) locked(e *entry) bool {
	if s.busy[e.id] == 0 {
		return false
	}
	s.busy[e.id]--
	return true
}

func blocked() answer {
	return refuse(http.StatusConflict, "operation_blocked_temporary", "The operation is blocked by another on-going operation")
}

// matches holds an If-Match against an entry's etag.
func matches(c *call, e *entry) (answer, bool) {
	if want := c.Header.Get("If-Match"); want != "" && want != strconv.Itoa(e.etag) {
		return refuse(http.StatusPreconditionFailed, "precondition_failed", "The resource has been modified. Please retrieve the resource again and retry"), false
	}
	return answer{}, true
}

func sum(content []byte) string {
	h := sha1.Sum(content) //nolint:gosec // Box's own
	return hex.EncodeToString(h[:])
}

// used is how many bytes an account holds.
func (s *Server) used(owner string) (n int64) {
	for _, e := range s.items {
		if e.owner == owner {
			n += int64(len(e.content))
		}
	}
	return n
}

func (s *Server) full(owner string, more int64) bool {
	return s.limits.Space > 0 && s.used(owner)+more > s.limits.Space
}

func noSpace() answer {
	return refuse(http.StatusForbidden, "storage_limit_exceeded", "Account storage limit reached")
}

// add puts a new entry into a folder.
func (s *Server) add(by *user, kind, name string, parent *entry) *entry {
	now := s.now()
	e := &entry{kind: kind, id: s.id(), name: name, parent: parent, owner: parent.owner, by: by.id, created: now, modified: now}
	s.items[key(kind, e.id)] = e
	return e
}

func (s *Server) drop(e *entry) {
	for _, k := range s.children(e) {
		s.drop(k)
	}
	for id, c := range s.collabs {
		if c.item == e {
			delete(s.collabs, id)
		}
	}
	delete(s.items, key(e.kind, e.id))
}

// touch notes a change.
func (s *Server) touch(e *entry) {
	e.etag++
	e.modified = s.now()
}

// fill gives a file other bytes, and a version of its own.
func (s *Server) fill(e *entry, content []byte, changed time.Time) {
	if e.version != "" {
		if e.older == nil {
			e.older = map[string][]byte{}
		}
		e.older[e.version] = e.content
		s.touch(e)
	}
	e.content, e.sum, e.version = content, sum(content), s.id()
	if e.contentChanged = changed; changed.IsZero() {
		e.contentChanged = s.now()
	}
}
