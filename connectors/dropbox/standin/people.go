package standin

import "strings"

// An account is a person.
type account struct {
	id, member  string // dbid:…, and dbmid:… of a team's member
	name, email string
	home        *node
	suspended   bool
}

// A group is several people of a team.
type group struct {
	id, name string
	members  []string // account ids
}

func (s *Server) addAccount(name, email string) *account {
	a := &account{id: "dbid:" + s.random(35), member: "dbmid:" + s.random(35), name: name, email: email}
	a.home = s.newNode(s.teamRoot, name, true)
	a.home.owner, a.home.ns = a, s.namespace(a.home)
	s.accounts = append(s.accounts, a)
	return a
}

func (s *Server) namespace(n *node) string {
	ns := ""
	for range 10 {
		ns += string(rune('1' + s.dice.IntN(9)))
	}
	s.spaces[ns] = n
	return ns
}

func (s *Server) accountBy(email string) *account {
	for _, a := range s.accounts {
		if a.email == email || a.id == email {
			return a
		}
	}
	return nil
}

func (s *Server) memberBy(id string) *account {
	for _, a := range s.accounts {
		if a.member == id && s.teamRoot != nil {
			return a
		}
	}
	return nil
}

// rootOf is where an account's paths begin in the mode root.
func (s *Server) rootOf(a *account) *node {
	if s.teamRoot != nil {
		return s.teamRoot
	}
	return a.home
}

func (s *Server) rootInfo(a *account) object {
	o := object{".tag": "user", "root_namespace_id": s.rootOf(a).ns, "home_namespace_id": a.home.ns}
	if s.teamRoot != nil {
		o[".tag"], o["home_path"] = "team", "/"+a.home.name
	}
	return o
}

func (a *account) nameObject() object {
	given, sur, _ := strings.Cut(a.name, " ")
	return object{"given_name": given, "surname": sur, "familiar_name": given, "display_name": a.name, "abbreviated_name": given[:1]}
}

func currentAccount(c *call) (any, *refusal) {
	a := c.me
	o := object{"account_id": a.id, "name": a.nameObject(), "email": a.email, "email_verified": true, "disabled": false, "locale": "en",
		"referral_link": "https://db.tt/x", "is_paired": false, "account_type": tagged("pro"), "root_info": c.s.rootInfo(a)}
	if c.s.teamRoot != nil {
		o["account_type"], o["team_member_id"] = tagged("business"), a.member
		o["team"] = object{"id": "dbtid:AAFdgehTzw7WlXhZJsbGCLePe8RvQGYDr-I", "name": c.s.teamName, "office_addin_policy": tagged("disabled"), "top_level_content_policy": tagged("admin_only"),
			"sharing_policies": object{"shared_folder_member_policy": tagged("anyone"), "shared_folder_join_policy": tagged("from_anyone"), "shared_link_create_policy": tagged("team_only"),
				"group_creation_policy": tagged("admins_only"), "shared_folder_link_restriction_policy": tagged("anyone"), "enforce_link_password_policy": tagged("optional"),
				"default_link_expiration_days_policy": tagged("none"), "shared_link_default_permissions_policy": tagged("default")}}
	}
	return o, nil
}

func spaceUsage(c *call) (any, *refusal) {
	room := c.s.space
	if room == 0 {
		room = 2 << 40
	}
	return object{"used": c.s.used(), "allocation": object{".tag": "individual", "allocated": room}}, nil
}

func (s *Server) profile(a *account) object {
	status := "active"
	o := object{"team_member_id": a.member, "account_id": a.id, "email": a.email, "email_verified": true, "name": a.nameObject(),
		"membership_type": tagged("full"), "groups": []string{}, "member_folder_id": a.home.ns, "root_folder_id": s.rootOf(a).ns}
	if a.suspended {
		status = "suspended"
	}
	o["status"] = tagged(status)
	return o
}

func authenticatedAdmin(c *call) (any, *refusal) {
	return object{"admin_profile": c.s.profile(c.s.accounts[0])}, nil
}

func teamMembers(c *call) (any, *refusal) {
	all := []object{}
	for _, a := range c.s.accounts {
		all = append(all, object{"profile": c.s.profile(a)})
	}
	return object{"members": all, "cursor": "end", "has_more": false}, nil
}

func teamGroups(c *call) (any, *refusal) {
	all := []object{}
	for _, g := range c.s.groups {
		all = append(all, g.summary())
	}
	return object{"groups": all, "cursor": "end", "has_more": false}, nil
}

func (g *group) summary() object {
	return object{"group_name": g.name, "group_id": g.id, "member_count": len(g.members), "group_management_type": tagged("company_managed")}
}

func teamFolders(c *call) (any, *refusal) {
	all := []object{}
	for _, n := range c.s.teamRoot.sorted() {
		if n.team {
			all = append(all, object{"team_folder_id": n.ns, "name": n.name, "status": tagged("active"), "is_team_shared_dropbox": false, "sync_setting": tagged("default"), "content_sync_settings": []object{}})
		}
	}
	return object{"team_folders": all, "cursor": "end", "has_more": false}, nil
}

// noMore answers for cursors that this stand-in gives out nowhere.
func noMore(*call) (any, *refusal) { return nil, conflict(tagged("invalid_cursor")) }
