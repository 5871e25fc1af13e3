package dropbox

import (
	"context"
	"iter"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// teamMembers yields the members of the team.
func (c *cloud) teamMembers(ctx context.Context) iter.Seq2[profile, error] {
	return func(yield func(profile, error) bool) {
		type page struct {
			Members []struct {
				Profile profile `json:"profile"`
			} `json:"members"`
			Cursor string `json:"cursor"`
			More   bool   `json:"has_more"`
		}
		route, arg := "team/members/list_v2", any(map[string]any{"limit": 1000})
		for {
			var p page
			if err := c.api.rpc(ctx, view{}, route, arg, &p, read); err != nil {
				yield(profile{}, err)
				return
			}
			for _, m := range p.Members {
				if !yield(m.Profile, nil) {
					return
				}
			}
			if !p.More {
				return
			}
			route, arg = "team/members/list/continue_v2", cursorArg{Cursor: p.Cursor}
		}
	}
}

// teamGroups yields the groups of the team.
func (c *cloud) teamGroups(ctx context.Context) iter.Seq2[item.Item, error] {
	return func(yield func(item.Item, error) bool) {
		type page struct {
			Groups []struct {
				ID   string `json:"group_id"`
				Name string `json:"group_name"`
			} `json:"groups"`
			Cursor string `json:"cursor"`
			More   bool   `json:"has_more"`
		}
		route, arg := "team/groups/list", any(map[string]any{"limit": 1000})
		for {
			var p page
			if err := c.api.rpc(ctx, view{}, route, arg, &p, read); err != nil {
				yield(item.Item{}, err)
				return
			}
			for _, g := range p.Groups {
				if !yield(person(g.ID, g.Name, "", item.Group), nil) {
					return
				}
			}
			if !p.More {
				return
			}
			route, arg = "team/groups/list/continue", cursorArg{Cursor: p.Cursor}
		}
	}
}

// mine is to whom what lies in the place belongs: "" for a team folder.
func (t *target) mine() string {
	if !t.home {
		return ""
	}
	return t.me.account.ID
}

// Members yields who can be let at what is written: with a team's app, the team's
// members and groups; else the account itself, and those with whom it shares
// something already, for Dropbox tells an account of no others.
func (t *target) Members(ctx context.Context) iter.Seq2[item.Item, error] {
	return func(yield func(item.Item, error) bool) {
		told := map[string]bool{}
		give := func(it item.Item) bool {
			if told[it.ID] || it.ID == "" {
				return true
			}
			told[it.ID] = true
			if it.ID == t.mine() {
				item.OwnsPlace.Set(&it, true)
			}
			return yield(it, nil)
		}
		if !give(person(t.me.account.ID, t.me.account.Name.Display, t.me.account.Email, item.Active)) {
			return
		}
		if t.me.view.user == "" {
			t.known(ctx, give, yield)
			return
		}
		for m, err := range t.teamMembers(ctx) {
			if err != nil {
				yield(item.Item{}, err)
				return
			}
			if !give(person(m.Account, m.Name.Display, m.Email, standing(m.Status.Tag))) {
				return
			}
		}
		for g, err := range t.teamGroups(ctx) {
			if err != nil {
				yield(item.Item{}, err)
				return
			}
			if !give(g) {
				return
			}
		}
	}
}

// standing is that of a member of the team.
func standing(status string) string {
	switch status {
	case "active":
		return item.Active
	case "invited", "suspended", "removed":
		return item.Disabled
	}
	return ""
}

// known gives those with whom the account shares folders.
func (t *target) known(ctx context.Context, give func(item.Item) bool, yield func(item.Item, error) bool) {
	route, arg := "sharing/list_folders", any(map[string]any{"limit": 1000})
	for {
		var p struct {
			Entries []struct {
				Shared string `json:"shared_folder_id"`
			} `json:"entries"`
			Cursor string `json:"cursor"`
		}
		if err := t.api.rpc(ctx, t.me.view, route, arg, &p, shares); err != nil {
			if connector.ClassOf(err) != connector.Forbidden { // without the right to read shares nobody is known
				yield(item.Item{}, err)
			}
			return
		}
		for _, f := range p.Entries {
			of, err := t.folderGrants(ctx, container{view: t.me.view}, f.Shared)
			if err != nil {
				yield(item.Item{}, err)
				return
			}
			for _, m := range of.members {
				if !give(m) {
					return
				}
			}
		}
		if p.Cursor == "" {
			return
		}
		route, arg = "sharing/list_folders/continue", cursorArg{Cursor: p.Cursor}
	}
}
