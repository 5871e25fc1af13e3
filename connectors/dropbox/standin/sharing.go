package standin

import (
	"maps"
	"slices"
	"strings"

	shared "github.com/rialto-migrate/rialto/connector/standin"
)

// A share is a folder that several people see.
type share struct {
	id      string
	members map[string]string // access by account or group id, or by address of who is invited
}

// A selector names a member.
type selector struct {
	Tag   string `json:".tag"`
	ID    string `json:"dropbox_id"`
	Email string `json:"email"`
}

// who is the id of a member, "" if there is none such.
func (c *call) who(s selector) string {
	if s.Tag == "email" {
		if a := c.s.accountBy(s.Email); a != nil {
			return a.id
		}
		return s.Email
	}
	if a := c.s.accountBy(s.ID); a != nil {
		return a.id
	}
	for _, g := range c.s.groups {
		if g.id == s.ID {
			return g.id
		}
	}
	return ""
}

// tell notes what Dropbox would send to a member.
func (c *call) tell(kind, about, to string) {
	c.s.outbox.Send(shared.Notice{Kind: kind, To: to, About: about})
}

// folderOf is the folder that is shared under an id.
func (c *call) folderOf(id string) *node {
	for _, n := range c.s.nodes {
		if n.share != nil && n.share.id == id || n.team && n.ns == id {
			return n
		}
	}
	return nil
}

// members tells who is let at something, in the form of SharedFolderMembers.
func (c *call) members(access map[string]string, inherited bool) object {
	users, groups, invitees := []object{}, []object{}, []object{}
	for _, id := range slices.Sorted(maps.Keys(access)) {
		o := object{"access_type": tagged(access[id]), "is_inherited": inherited}
		if a := c.s.accountBy(id); a != nil {
			user := object{"account_id": a.id, "email": a.email, "display_name": a.name, "same_team": c.s.teamRoot != nil}
			if c.s.teamRoot != nil {
				user["team_member_id"] = a.member
			}
			o["user"] = user
			users = append(users, o)
			continue
		}
		if i := slices.IndexFunc(c.s.groups, func(g *group) bool { return g.id == id }); i >= 0 {
			g := c.s.groups[i].summary()
			g["group_type"], g["is_member"], g["is_owner"], g["same_team"] = tagged("user_managed"), false, false, true
			o["group"] = g
			groups = append(groups, o)
			continue
		}
		o["invitee"] = object{".tag": "email", "email": id}
		invitees = append(invitees, o)
	}
	return object{"users": users, "groups": groups, "invitees": invitees}
}

func folderMembers(c *call) (any, *refusal) {
	var arg struct {
		ID string `json:"shared_folder_id"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	n := c.folderOf(arg.ID)
	if n == nil {
		return nil, conflict(tagged("invalid_id"))
	}
	if n.share == nil {
		return c.members(nil, false), nil
	}
	return c.members(n.share.members, false), nil
}

func fileMembersBatch(c *call) (any, *refusal) {
	var arg struct {
		Files []string `json:"files"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	out := []object{}
	for _, path := range arg.Files {
		n, why := c.find(path)
		if why != "" || n.folder {
			out = append(out, object{"file": path, "result": tagged("access_error", "invalid_file")})
			continue
		}
		out = append(out, object{"file": path, "result": object{".tag": "result", "members": c.members(n.people, false), "member_count": len(n.people)}})
	}
	return out, nil
}

func fileMembers(c *call) (any, *refusal) {
	var arg struct {
		File string `json:"file"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	n, why := c.find(arg.File)
	if why != "" || n.folder {
		return nil, conflict(tagged("access_error", "invalid_file"))
	}
	return c.members(n.people, false), nil
}

func (c *call) sharedFolder(n *node) object {
	o := object{"access_type": tagged("owner"), "is_inside_team_folder": false, "is_team_folder": n.team, "name": n.name, "policy": object{"acl_update_policy": tagged("owner"), "shared_link_policy": tagged("anyone")},
		"preview_url": "https://www.dropbox.com/scl/fo/x", "shared_folder_id": n.ns, "time_invited": c.s.now().UTC().Format(stamp), "folder_id": n.id}
	if n.share != nil {
		o["shared_folder_id"] = n.share.id
	}
	if path, ok := c.path(n); ok {
		o["path_lower"], o["path_display"] = fold(path), path
	}
	return o
}

func listShared(c *call) (any, *refusal) {
	all := []object{}
	for _, id := range slices.Sorted(maps.Keys(c.s.nodes)) {
		if n := c.s.nodes[id]; (n.share != nil || n.team) && c.sees(n) {
			all = append(all, c.sharedFolder(n))
		}
	}
	return object{"entries": all}, nil
}

func shareFolder(c *call) (any, *refusal) {
	var arg struct {
		Path  string `json:"path"`
		Async bool   `json:"force_async"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	n, why := c.find(arg.Path)
	switch {
	case why != "":
		return nil, conflict(tagged("bad_path", "invalid_path"))
	case !n.folder:
		return nil, conflict(tagged("bad_path", "is_file"))
	case n.share != nil || n.team:
		already := c.sharedFolder(n)
		already[".tag"] = "already_shared"
		return nil, conflict(object{".tag": "bad_path", "bad_path": already})
	}
	for at := n.parent; at != nil; at = at.parent {
		if at.share != nil {
			return nil, conflict(tagged("bad_path", "inside_shared_folder"))
		}
	}
	if n.shares() {
		return nil, conflict(tagged("bad_path", "contains_shared_folder"))
	}
	n.share = &share{id: c.s.namespace(n), members: map[string]string{c.me.id: "owner"}}
	n.seq = c.s.next()
	result := c.sharedFolder(n)
	result[".tag"] = "complete"
	if arg.Async || c.s.opts.AsyncFrom <= 1 {
		return c.job(result), nil
	}
	return result, nil
}

func addFolderMember(c *call) (any, *refusal) {
	var arg struct {
		ID      string `json:"shared_folder_id"`
		Members []struct {
			Member selector `json:"member"`
			Access struct {
				Tag string `json:".tag"`
			} `json:"access_level"`
		} `json:"members"`
		Quiet bool `json:"quiet"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	n := c.folderOf(arg.ID)
	if n == nil || n.share == nil {
		return nil, conflict(tagged("access_error", "invalid_id"))
	}
	for _, m := range arg.Members {
		id := c.who(m.Member)
		if id == "" {
			return nil, conflict(object{".tag": "bad_member", "bad_member": object{".tag": "invalid_dropbox_id", "invalid_dropbox_id": m.Member.ID}})
		}
		if m.Access.Tag == "owner" {
			return nil, conflict(tagged("no_permission"))
		}
		n.share.members[id] = m.Access.Tag
		if !arg.Quiet {
			c.tell("share", n.id, id)
		}
	}
	n.seq = c.s.next()
	return nil, nil
}

// A memberArg names one member of a folder or a file.
type memberArg struct {
	Folder string   `json:"shared_folder_id"`
	File   string   `json:"file"`
	Member selector `json:"member"`
	Access struct {
		Tag string `json:".tag"`
	} `json:"access_level"`
}

func updateFolderMember(c *call) (any, *refusal) {
	var arg memberArg
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	n := c.folderOf(arg.Folder)
	if n == nil || n.share == nil {
		return nil, conflict(tagged("access_error", "invalid_id"))
	}
	id := c.who(arg.Member)
	if n.share.members[id] == "" || n.share.members[id] == "owner" {
		return nil, conflict(tagged("member_error", "not_a_member"))
	}
	n.share.members[id], n.seq = arg.Access.Tag, c.s.next()
	return object{"access_level": tagged(arg.Access.Tag)}, nil
}

func removeFolderMember(c *call) (any, *refusal) {
	var arg memberArg
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	n := c.folderOf(arg.Folder)
	if n == nil || n.share == nil {
		return nil, conflict(tagged("access_error", "invalid_id"))
	}
	id := c.who(arg.Member)
	switch n.share.members[id] {
	case "":
		return nil, conflict(tagged("member_error", "not_a_member"))
	case "owner":
		return nil, conflict(tagged("folder_owner"))
	}
	delete(n.share.members, id)
	n.seq = c.s.next()
	return c.job(tagged("complete")), nil
}

func addFileMember(c *call) (any, *refusal) {
	var arg struct {
		File    string     `json:"file"`
		Members []selector `json:"members"`
		Quiet   bool       `json:"quiet"`
		Access  struct {
			Tag string `json:".tag"`
		} `json:"access_level"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	n, why := c.find(arg.File)
	if why != "" || n.folder {
		return nil, conflict(tagged("access_error", "invalid_file"))
	}
	if len(n.people) == 0 {
		n.people = n.owned()
	}
	out := []object{}
	for _, m := range arg.Members {
		id := c.who(m)
		told := object{".tag": "dropbox_id", "dropbox_id": m.ID}
		if m.Tag == "email" {
			told = object{".tag": "email", "email": m.Email}
		}
		if id == "" {
			out = append(out, object{"member": told, "result": tagged("member_error", "invalid_member")})
			continue
		}
		n.people[id] = arg.Access.Tag
		if !arg.Quiet {
			c.tell("share", n.id, id)
		}
		out = append(out, object{"member": told, "result": tagged("success", arg.Access.Tag)})
	}
	n.seq = c.s.next()
	return out, nil
}

// owned is the access of whose home a node lies in: nobody's, in a team folder.
func (n *node) owned() map[string]string {
	for at := n; at != nil; at = at.parent {
		if at.owner != nil {
			return map[string]string{at.owner.id: "owner"}
		}
	}
	return map[string]string{}
}

func updateFileMember(c *call) (any, *refusal) {
	var arg memberArg
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	n, why := c.find(arg.File)
	if why != "" {
		return nil, conflict(tagged("access_error", "invalid_file"))
	}
	id := c.who(arg.Member)
	if n.people[id] == "" {
		return nil, conflict(tagged("invalid_member"))
	}
	n.people[id], n.seq = arg.Access.Tag, c.s.next()
	return object{"access_level": tagged(arg.Access.Tag)}, nil
}

func removeFileMember(c *call) (any, *refusal) {
	var arg memberArg
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	n, why := c.find(arg.File)
	if why != "" {
		return nil, conflict(tagged("access_error", "invalid_file"))
	}
	id := c.who(arg.Member)
	if n.people[id] == "" || n.people[id] == "owner" {
		return object{".tag": "member_error", "member_error": tagged("invalid_member")}, nil
	}
	delete(n.people, id)
	if len(n.people) == len(n.owned()) {
		n.people = nil
	}
	n.seq = c.s.next()
	return object{".tag": "success"}, nil
}

// listLinks tells the shared links of whoever calls, of all that lies in the home.
func listLinks(c *call) (any, *refusal) {
	all := []object{}
	for _, id := range slices.Sorted(maps.Keys(c.s.nodes)) {
		n := c.s.nodes[id]
		if n.link == "" || !c.sees(n) {
			continue
		}
		tag := "file"
		if n.folder {
			tag = "folder"
		}
		o := object{".tag": tag, "url": "https://www.dropbox.com/scl/fi/" + strings.TrimPrefix(id, "id:"), "id": id, "name": n.name,
			"link_permissions": object{"can_revoke": true, "effective_audience": tagged(n.link), "visibility_policies": []object{}, "can_set_expiry": true, "can_remove_expiry": true,
				"allow_download": true, "can_allow_download": true, "can_disallow_download": true, "allow_comments": true, "team_restricts_comments": false, "link_access_level": tagged("viewer")}}
		if !n.folder {
			o["client_modified"], o["server_modified"], o["rev"], o["size"] = n.client.UTC().Format(stamp), n.server.Format(stamp), n.rev, len(n.bytes)
		}
		all = append(all, o)
	}
	return object{"links": all, "has_more": false}, nil
}
