package standin

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// AddUser makes a person, and returns their id.
func (s *Server) AddUser(name, login string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addUser(s.id(), name, login, "user").id
}

// AddStranger makes a person of another enterprise, and returns their id.
func (s *Server) AddStranger(name, login string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.addUser(s.id(), name, login, "user")
	u.stranger = true
	return u.id
}

// AddGroup makes a group of people, and returns its id.
func (s *Server) AddGroup(name string, members ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &group{id: s.id(), name: name, members: members}
	s.groups[g.id] = g
	return g.id
}

// Put writes a file below a person's root folder, as they would; a path that ends
// with a slash is a folder. It returns its id.
func (s *Server) Put(owner, path string, content []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.roots[owner]
	parts := strings.Split(path, "/")
	for _, name := range parts[:len(parts)-1] {
		next := s.taken(at, name, nil)
		if next == nil {
			next = s.add(s.users[owner], "folder", name, at)
		}
		at = next
	}
	name := parts[len(parts)-1]
	if name == "" {
		return at.id
	}
	e := s.taken(at, name, nil)
	if e == nil {
		e = s.add(s.users[owner], "file", name, at)
		e.contentCreated = e.created
	}
	s.fill(e, content, time.Time{})
	return e.id
}

// Link gives a file or folder a shared link.
func (s *Server) Link(kind, id, access, permission string, password bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[key(kind, id)].link = &sharedLink{access, permission, password}
}

// Share lets a user or a group at a file or folder, as its owner would.
func (s *Server) Share(kind, id, to, role string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := &collaboration{id: s.id(), item: s.items[key(kind, id)], role: role, user: to}
	if s.groups[to] != nil {
		k.user, k.grp = "", to
	}
	s.collabs[k.id] = k
}

// Bookmark puts a web link into a person's root folder, and returns its id.
func (s *Server) Bookmark(owner, name, url string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.add(s.users[owner], "web_link", name, s.roots[owner])
	e.url = url
	return e.id
}

// Note describes a file, tags it and has people comment on it.
func (s *Server) Note(id, description string, comments int, tags ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.items[key("file", id)]
	e.description, e.tags, e.comments = description, tags, comments
}

// Busy refuses the next requests that put something into a folder: another operation
// holds it.
func (s *Server) Busy(folder string, requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy[folder] = requests
}

// Told are the messages that were sent.
func (s *Server) Told() []Invitation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told)
}

// Counts tells how often each operation was carried out or refused by its handler.
func (s *Server) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// Sessions tells how many upload sessions are open.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Roles are who was let at a file or folder, there alone.
func (s *Server) Roles(kind, id string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]string{}
	for _, k := range s.collabs {
		if k.item == s.items[key(kind, id)] {
			out[k.user+k.grp] = k.role
		}
	}
	return out
}

// SignIn hands out another refresh token of a person.
func (s *Server) SignIn(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens.signIn(user)
}

// AppSettings let a connection act as the app's own account.
func (s *Server) AppSettings(base string) map[string]string {
	return map[string]string{"url": base, "client-id": ClientID, "client-secret": ClientSecret, "enterprise": Enterprise}
}

// Rename gives a file, folder or web link another name, as its owner would.
func (s *Server) Rename(kind, id, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.items[key(kind, id)]
	e.name = name
	s.touch(e)
}

// Delete removes a file, folder or web link, as its owner would.
func (s *Server) Delete(kind, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(s.items[key(kind, id)])
}
