package standin

import (
	"strings"
	"time"
)

// AddTeam puts the accounts into a team with a team space: their homes become
// folders of it.
func (s *Server) AddTeam(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.teamName = name
	s.teamRoot = s.newNode(nil, name, true)
	s.teamRoot.ns = s.namespace(s.teamRoot)
	for _, a := range s.accounts {
		s.hang(a.home, s.teamRoot)
	}
}

// AddMember adds a person, and returns their account's id.
func (s *Server) AddMember(name, email string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addAccount(name, email).id
}

// MemberID is the id of a member in their team.
func (s *Server) MemberID(email string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accountBy(email).member
}

// AccountID is the id of the account with an address.
func (s *Server) AccountID(email string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accountBy(email).id
}

// AddGroup adds a group of accounts, and returns its id.
func (s *Server) AddGroup(name string, accounts ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &group{id: "g:" + strings.ToLower(s.random(28)), name: name, members: accounts}
	s.groups = append(s.groups, g)
	return g.id
}

// AddTeamFolder adds a folder of the team's, and returns its namespace.
func (s *Server) AddTeamFolder(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.newNode(s.teamRoot, name, true)
	n.team, n.ns = true, s.namespace(n)
	return n.ns
}

// at walks a path: below the first account's home, or below "team:".
func (s *Server) at(path string) *node {
	at := s.accounts[0].home
	if rest, ok := strings.CutPrefix(path, "team:"); ok {
		at, path = s.teamRoot, rest
	}
	for name := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if name == "" {
			continue
		}
		next := at.kids[fold(name)]
		if next == nil {
			next = s.newNode(at, name, true)
		}
		at = next
	}
	return at
}

// Put writes a file at a path below the first account's home, or below the team's
// space ("team:/Sales/plan.txt"), and returns its id.
func (s *Server) Put(path string, data []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := strings.LastIndexByte(path, '/')
	dir, name := s.at(path[:i]), path[i+1:]
	n := dir.kids[fold(name)]
	if n == nil {
		n = s.newNode(dir, name, false)
	}
	s.fill(n, data, time.Time{})
	return n.id
}

// Folder makes a folder, and returns its id.
func (s *Server) Folder(path string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at(path).id
}

// Remove deletes what is at a path.
func (s *Server) Remove(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.at(path)
	s.cut(n)
	s.forget(n)
}

// RemoveID deletes something by its id, with all that lies in it.
func (s *Server) RemoveID(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nodes[id]
	s.cut(n)
	s.forget(n)
}

// HomeSpace is the namespace of the first account's home.
func (s *Server) HomeSpace() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accounts[0].home.ns
}

// Rename gives what is at a path another one.
func (s *Server) Rename(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.at(from)
	i := strings.LastIndexByte(to, '/')
	parent := s.at(to[:i])
	s.cut(n)
	n.name = to[i+1:]
	s.hang(n, parent)
}

// Bytes are what a file at a path holds; nil if nothing is there.
func (s *Server) Bytes(path string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at(path).bytes
}

// Share lets members at a folder or a file: their access by account id, group id or
// address.
func (s *Server) Share(path string, access map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.at(path)
	all := n.owned()
	for id, role := range access {
		all[id] = role
	}
	if !n.folder {
		n.people = all
		return
	}
	n.share = &share{id: s.namespace(n), members: all}
}

// Access is who was let at a folder or a file.
func (s *Server) Access(path string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.at(path)
	if n.share != nil {
		return n.share.members
	}
	return n.people
}

// AddLink makes a shared link for an audience: "public", "team" or "members".
func (s *Server) AddLink(path, audience string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at(path).link = audience
}

// Restrict lets Dropbox refuse to serve a file.
func (s *Server) Restrict(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at(path).restricted = true
}

// Paper makes a file one that cannot be downloaded.
func (s *Server) Paper(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at(path).paper = true
}

// Fill lets no more than so many bytes be kept.
func (s *Server) Fill(space int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.space = space
}

// ForgetCursors lets each listing begin anew.
func (s *Server) ForgetCursors() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursors = map[string]*cursor{}
}

// Revoke ends what was given to apps.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access, s.refresh = map[string]*token{}, map[string]*token{}
}

// Suspend lets a member sign in no more.
func (s *Server) Suspend(email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accountBy(email).suspended = true
}

// Files are what lies below a path: the bytes of each file, and "/" for a folder, by
// the path below.
func (s *Server) Files(path string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]string{}
	var walk func(n *node, at string)
	walk = func(n *node, at string) {
		for _, k := range n.kids {
			if k.folder {
				out[at+k.name] = "/"
				walk(k, at+k.name+"/")
				continue
			}
			out[at+k.name] = string(k.bytes)
		}
	}
	walk(s.at(path), "")
	return out
}
