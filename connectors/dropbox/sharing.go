package dropbox

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Who was let at a folder is told by the shared folder that it is, who was let at a
// file by the file: both tell what is inherited, too, which is left out
// (https://developers.dropbox.com/dbx-sharing-guide).

// An access is who was let at something.
type access struct {
	grants  []item.Grant
	members []item.Item // those whom the grants name
	unknown []string
}

// Dropbox's names of what is allowed, and ours. A viewer may comment.
const (
	asOwner  = "owner"
	asEditor = "editor"
	asViewer = "viewer"
	asReader = "viewer_no_comment"
)

// role is ours for Dropbox's, "" for one that is not carried: who may only pass through.
func role(access string) string {
	switch access {
	case asOwner:
		return item.Owns
	case asEditor:
		return item.Writes
	case asViewer:
		return item.Comments
	case asReader:
		return item.Reads
	}
	return ""
}

// level is Dropbox's for ours.
func level(role string) string {
	switch role {
	case item.Writes:
		return asEditor
	case item.Comments:
		return asViewer
	}
	return asReader
}

// sharers is sharing.SharedFolderMembers and sharing.SharedFileMembers.
type sharers struct {
	Users []struct {
		Access    tagged `json:"access_type"`
		Inherited bool   `json:"is_inherited"`
		User      struct {
			ID       string `json:"account_id"`
			Email    string `json:"email"`
			Name     string `json:"display_name"`
			SameTeam bool   `json:"same_team"`
		} `json:"user"`
	} `json:"users"`
	Groups []struct {
		Access    tagged `json:"access_type"`
		Inherited bool   `json:"is_inherited"`
		Group     struct {
			ID   string `json:"group_id"`
			Name string `json:"group_name"`
		} `json:"group"`
	} `json:"groups"`
	Invitees []struct {
		Inherited bool `json:"is_inherited"`
	} `json:"invitees"`
	Cursor string `json:"cursor"`
}

// add takes in a page of those who were let at something of a container.
func (a *access) add(of container, kind item.Kind, s sharers) {
	for _, u := range s.Users {
		r := role(u.Access.Tag)
		if u.Inherited || r == "" || r == item.Owns && u.User.ID == of.mine {
			continue
		}
		standing := ""
		if !u.User.SameTeam {
			standing = item.Guest
		}
		a.grants = append(a.grants, item.Grant{To: u.User.ID, Role: r})
		a.members = append(a.members, person(u.User.ID, u.User.Name, u.User.Email, standing))
	}
	for _, g := range s.Groups {
		if r := role(g.Access.Tag); !g.Inherited && r != "" {
			a.grants = append(a.grants, item.Grant{To: g.Group.ID, Role: r})
			a.members = append(a.members, person(g.Group.ID, g.Group.Name, "", item.Group))
		}
	}
	if slices.ContainsFunc(s.Invitees, func(i struct {
		Inherited bool `json:"is_inherited"`
	}) bool {
		return !i.Inherited
	}) {
		// Who was invited and has no account yet has an address and no id.
		a.unknown = []string{string(kind) + ".permissions.invitee"}
	}
}

// person is a member or a group.
func person(id, name, email, standing string) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Member, ID: id}}
	item.Name.Set(&it, name)
	item.Email.Set(&it, email)
	item.Standing.Set(&it, standing)
	return it
}

// folderGrants tells who was let at a shared folder.
func (c *cloud) folderGrants(ctx context.Context, of container, shared string) (access, error) {
	var out access
	for s, err := range c.folderMembers(ctx, of.view, shared) {
		if err != nil {
			if class := connector.ClassOf(err); class == connector.Gone || class == connector.Forbidden {
				return access{unknown: []string{"folder.permissions"}}, nil
			}
			return out, err
		}
		out.add(of, item.Folder, s)
	}
	return out, nil
}

func (c *cloud) folderMembers(ctx context.Context, v view, shared string) iter.Seq2[sharers, error] {
	return func(yield func(sharers, error) bool) {
		route, arg := "sharing/list_folder_members", map[string]any{"shared_folder_id": shared, "limit": 1000}
		for {
			var s sharers
			err := c.api.rpc(ctx, v, route, arg, &s, shares)
			if !yield(s, err) || err != nil || s.Cursor == "" {
				return
			}
			route, arg = "sharing/list_folder_members/continue", map[string]any{"cursor": s.Cursor}
		}
	}
}

// filesAtOnce is of how many files the members are told in one request.
const filesAtOnce = 100

// fileGrants tells who was let at files by name. Of a file with more members than one
// answer holds the rest is listed as not carried.
func (c *cloud) fileGrants(ctx context.Context, of container, ids []string) (map[string]access, error) {
	out := map[string]access{}
	for some := range slices.Chunk(ids, filesAtOnce) {
		var told []struct {
			File   string `json:"file"`
			Result struct {
				Tag     string  `json:".tag"`
				Members sharers `json:"members"`
				Count   int     `json:"member_count"`
			} `json:"result"`
		}
		if err := c.api.rpc(ctx, of.view, "sharing/list_file_members/batch", map[string]any{"files": some, "limit": 3000}, &told, shares); err != nil {
			return nil, err
		}
		if len(told) != len(some) {
			return nil, connector.Errorf(connector.Malformed, "sharing/list_file_members/batch: %d of %d files are told of", len(told), len(some))
		}
		for i, f := range told {
			var a access
			if f.Result.Tag != "result" {
				a.unknown = []string{"file.permissions"}
			}
			a.add(of, item.File, f.Result.Members)
			if n := len(f.Result.Members.Users) + len(f.Result.Members.Groups) + len(f.Result.Members.Invitees); n < f.Result.Count {
				a.unknown = []string{"file.permissions"}
			}
			out[some[i]] = a
		}
	}
	return out, nil
}

// selector names a member or a group for Dropbox.
func selector(id string) map[string]any {
	return map[string]any{".tag": "dropbox_id", "dropbox_id": id}
}

// A difference is what must be done so that a field's grants are those that stand.
type difference struct {
	add, change map[string][]string // members by level
	remove      []string
}

// differ compares grants. Who owns something stays.
func differ(want, have []item.Grant) difference {
	d := difference{add: map[string][]string{}, change: map[string][]string{}}
	held := map[string]string{}
	for _, g := range have {
		held[g.To] = g.Role
	}
	wanted := map[string]bool{}
	for _, g := range want {
		if g.To == "" || g.Role == item.Owns {
			continue
		}
		wanted[g.To] = true
		switch l := level(g.Role); {
		case held[g.To] == "":
			d.add[l] = append(d.add[l], g.To)
		case held[g.To] != g.Role && held[g.To] != item.Owns:
			d.change[l] = append(d.change[l], g.To)
		}
	}
	for _, g := range have {
		if !wanted[g.To] && g.Role != item.Owns {
			d.remove = append(d.remove, g.To)
		}
	}
	return d
}

func (d difference) none() bool { return len(d.add)+len(d.change)+len(d.remove) == 0 }

// byLevel yields members by level, in one order.
func byLevel(m map[string][]string) iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		for _, l := range []string{asReader, asViewer, asEditor} {
			if len(m[l]) > 0 && !yield(l, m[l]) {
				return
			}
		}
	}
}

// letAtFolder makes the grants of a folder those that are wanted: nobody is told by
// mail. It is safe to repeat. It returns what then stands.
func (t *target) letAtFolder(ctx context.Context, id string, want []item.Grant) (access, error) {
	of := container{view: t.me.view, mine: t.mine()}
	var m metadata
	if err := t.api.rpc(ctx, of.view, "files/get_metadata", pathArg{Path: id}, &m, read); err != nil {
		return access{}, err
	}
	var have access
	shared := m.shared()
	if shared != "" {
		var err error
		if have, err = t.folderGrants(ctx, of, shared); err != nil {
			return have, err
		}
	}
	d := differ(want, have.grants)
	if d.none() {
		return have, nil
	}
	if shared == "" {
		var err error
		if shared, err = t.share(ctx, id); err != nil {
			return have, err
		}
	}
	for l, members := range byLevel(d.add) {
		var add []map[string]any
		for _, m := range members {
			add = append(add, map[string]any{"member": selector(m), "access_level": tagged{l}})
		}
		if err := t.api.rpc(ctx, of.view, "sharing/add_folder_member", map[string]any{"shared_folder_id": shared, "members": add, "quiet": true}, nil, grants); err != nil {
			return have, err
		}
	}
	for l, members := range byLevel(d.change) {
		for _, m := range members {
			if err := t.api.rpc(ctx, of.view, "sharing/update_folder_member", map[string]any{"shared_folder_id": shared, "member": selector(m), "access_level": tagged{l}}, nil, again(grants)); err != nil {
				return have, err
			}
		}
	}
	for _, m := range d.remove {
		var job launch
		err := t.api.rpc(ctx, of.view, "sharing/remove_folder_member", map[string]any{"shared_folder_id": shared, "member": selector(m), "leave_a_copy": false}, &job, grants)
		if err == nil {
			err = t.await(ctx, "sharing/check_remove_member_job_status", job, nil, shares)
		}
		if err != nil && !has(err, "not_a_member") {
			return have, err
		}
	}
	return t.folderGrants(ctx, of, shared)
}

// again is a sort whose call may be repeated.
func again(s sort) sort {
	s.repeatable = true
	return s
}

// share makes a folder a shared one, and returns its id as that.
func (t *target) share(ctx context.Context, id string) (string, error) {
	var told struct {
		launch
		Shared string `json:"shared_folder_id"`
	}
	err := t.api.rpc(ctx, t.me.view, "sharing/share_folder", map[string]any{"path": id}, &told, grants)
	switch {
	case has(err, "already_shared") || connector.InDoubt(err):
		var m metadata
		if e := t.api.rpc(ctx, t.me.view, "files/get_metadata", pathArg{Path: id}, &m, read); e != nil || m.shared() == "" {
			return "", cmp.Or(e, err)
		}
		return m.shared(), nil
	case err != nil:
		return "", err
	case told.Tag == "async_job_id":
		err = t.await(ctx, "sharing/check_share_job_status", told.launch, &told, shares)
	}
	return told.Shared, err
}

// letAtFile makes the grants of a file those that are wanted.
func (t *target) letAtFile(ctx context.Context, id string, want []item.Grant) (access, error) {
	of := container{view: t.me.view, mine: t.mine()}
	all, err := t.fileGrants(ctx, of, []string{id})
	if err != nil {
		return access{}, err
	}
	have := all[id]
	d := differ(want, have.grants)
	if d.none() {
		return have, nil
	}
	for l, members := range byLevel(d.add) {
		for some := range slices.Chunk(members, 20) {
			var add []map[string]any
			for _, m := range some {
				add = append(add, selector(m))
			}
			var told []struct {
				Result fileResult `json:"result"`
			}
			if err := t.api.rpc(ctx, of.view, "sharing/add_file_member", map[string]any{"file": id, "members": add, "quiet": true, "access_level": tagged{l}}, &told, grants); err != nil {
				return have, err
			}
			for _, r := range told {
				if err := r.Result.failed("sharing/add_file_member"); err != nil {
					return have, err
				}
			}
		}
	}
	for l, members := range byLevel(d.change) {
		for _, m := range members {
			if err := t.api.rpc(ctx, of.view, "sharing/update_file_member", map[string]any{"file": id, "member": selector(m), "access_level": tagged{l}}, nil, again(grants)); err != nil {
				return have, err
			}
		}
	}
	for _, m := range d.remove {
		var told fileResult
		err := t.api.rpc(ctx, of.view, "sharing/remove_file_member_2", map[string]any{"file": id, "member": selector(m)}, &told, again(grants))
		if err == nil {
			err = told.failed("sharing/remove_file_member_2")
		}
		if err != nil && !has(err, "invalid_member") && !has(err, "no_explicit_access") {
			return have, err
		}
	}
	if all, err = t.fileGrants(ctx, of, []string{id}); err != nil {
		return have, err
	}
	return all[id], nil
}
