package standin

import (
	"fmt"
	"slices"
	"time"
)

// AddPerson adds somebody with a My Drive, and returns its id.
func (s *Server) AddPerson(email, name string) (root string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &person{id: fmt.Sprintf("%020d", s.dice.Uint64()), email: email, name: name}
	p.root = s.add(&node{id: "0A" + s.word(17), name: "My Drive", mime: folderType, owner: p, grants: []*grant{{to: p, kind: "user", role: "owner"}}})
	s.people = append(s.people, p)
	return p.root.id
}

// AddGroup adds a group of people.
func (s *Server) AddGroup(email, name string, members ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &person{id: fmt.Sprintf("%020d", s.dice.Uint64()), email: email, name: name, group: true}
	s.people = append(s.people, g)
	for _, m := range members {
		p := s.person(m)
		p.in = append(p.in, g)
	}
}

// AddDrive adds a shared drive with members by their roles, and returns its id.
func (s *Server) AddDrive(name string, roles map[string]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.add(&node{id: "0A" + s.word(17) + "PVA", name: name, mime: folderType})
	n.drive = n
	for _, p := range s.people {
		if role := roles[p.email]; role != "" {
			n.grants = append(n.grants, &grant{to: p, kind: kindOf(p), role: role})
		}
	}
	s.drives = append(s.drives, n)
	return n.id
}

func kindOf(p *person) string {
	if p.group {
		return "group"
	}
	return "user"
}

// person finds somebody by their address; nil for nobody.
func (s *Server) person(email string) *person {
	for _, p := range s.people {
		if p.email == email {
			return p
		}
	}
	return nil
}

// Root is the top folder of the first person's My Drive.
func (s *Server) Root() string { return s.people[0].root.id }

// PersonID is somebody's id, as permissions have it.
func (s *Server) PersonID(email string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.person(email).id
}

// AddFolder makes a folder in another, whose owner owns it too.
func (s *Server) AddFolder(in, name string) string { return s.put(in, name, "", folderType, nil) }

// AddFile makes a file.
func (s *Server) AddFile(in, name string, content []byte) string {
	return s.put(in, name, "", "application/octet-stream", content)
}

// AddFileOf makes a file that somebody else owns in a folder.
func (s *Server) AddFileOf(email, in, name string, content []byte) string {
	return s.put(in, name, email, "application/octet-stream", content)
}

// AddFolderOf makes a folder that somebody else owns in a folder.
func (s *Server) AddFolderOf(email, in, name string) string {
	return s.put(in, name, email, folderType, nil)
}

func (s *Server) put(in, name, owner, mime string, content []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := &node{name: name, mime: mime}
	if up := s.nodes[in]; up != nil {
		n.parent, n.drive, n.owner = up, up.drive, up.owner
	}
	if owner != "" {
		n.owner = s.person(owner)
	}
	if n.owner != nil {
		n.grants = []*grant{{to: n.owner, kind: "user", role: "owner"}}
	}
	s.add(n)
	if n.bytes() {
		s.write(n, content)
	}
	return n.id
}

// AddDocument makes a document of Google's editors ("document", "form") with what it
// is exported as, by type.
func (s *Server) AddDocument(in, name, kind string, exports map[string][]byte) string {
	id := s.put(in, name, "", "application/vnd.google-apps."+kind, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes[id].exports = exports
	return id
}

// AddShortcut makes a shortcut.
func (s *Server) AddShortcut(in, name, to string) string {
	id := s.put(in, name, "", shortcutType, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes[id].leadsTo = to
	return id
}

// Share lets somebody at a file: an address, a domain ("@example.org") or "anyone".
func (s *Server) Share(id, whom, role string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &grant{kind: "anyone", role: role}
	if p := s.person(whom); p != nil {
		g.to, g.kind = p, kindOf(p)
	} else if whom != "anyone" {
		g.kind, g.domain = "domain", whom[1:]
	}
	s.nodes[id].grants = append(s.nodes[id].grants, g)
	s.nodes[id].version++
	s.touch(s.nodes[id])
}

// Write gives a file other bytes, as somebody does behind a client's back.
func (s *Server) Write(id string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes[id].modified = s.tick()
	s.write(s.nodes[id], content)
}

// Edit changes a document.
func (s *Server) Edit(id string, at time.Time, exports map[string][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes[id].modified, s.nodes[id].exports = at.UTC().Truncate(time.Millisecond), exports
	s.touch(s.nodes[id])
}

// Orphan takes a file out of its folder.
func (s *Server) Orphan(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes[id].parent = nil
	s.touch(s.nodes[id])
}

// Trash puts a file into the bin.
func (s *Server) Trash(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes[id].trashed = true
	s.touch(s.nodes[id])
}

// Restore takes a file out of the bin.
func (s *Server) Restore(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes[id].trashed = false
	s.touch(s.nodes[id])
}

// SharedDrive is the top folder of a shared drive.
func (s *Server) SharedDrive(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.drives[slices.IndexFunc(s.drives, func(n *node) bool { return n.name == name })].id
}

// Home is the folder that a file lies in, and its name.
func (s *Server) Home(id string) (in, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nodes[id]
	return n.parent.id, n.name
}

// Names lists what lies below a folder, by path, in order.
func (s *Server) Names(in string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	top := s.nodes[in]
	for _, n := range s.order {
		for at := n.parent; at != nil && !n.binned(); at = at.parent {
			if at == top {
				out = append(out, n.path()[len(top.path())+1:])
			}
		}
	}
	slices.Sort(out)
	return out
}

// Grants lists who was let at a file right there: "writer ann@example.org".
func (s *Server) Grants(id string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, g := range s.nodes[id].grants {
		whom := g.kind
		if g.to != nil {
			whom = g.to.email
		}
		out = append(out, g.role+" "+whom)
	}
	slices.Sort(out)
	return out
}

// Uploads is how many uploads are open.
func (s *Server) Uploads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Put puts a file into another folder under another name, as somebody does behind a
// client's back.
func (s *Server) Put(id, in, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, up := s.nodes[id], s.nodes[in]
	n.parent, n.name = up, name
	n.version++
	for _, f := range s.order { // what lies in a folder goes with it
		if f.within(n) {
			f.drive = up.drive
		}
	}
	s.touch(n)
}

// Files are the bytes of what lies below a folder, by path: "/" for a folder. Of twins
// the later ones have another "=" each.
func (s *Server) Files(in string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]string{}
	top := s.nodes[in]
	for _, n := range s.order {
		for at := n.parent; at != nil && !n.binned(); at = at.parent {
			if at != top {
				continue
			}
			name := n.path()[len(top.path())+1:]
			for _, taken := out[name]; taken; _, taken = out[name] {
				name += "="
			}
			if out[name] = string(n.content); n.mime == folderType {
				out[name] = "/"
			}
		}
	}
	return out
}
