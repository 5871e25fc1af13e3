package trello

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// What a token sees is what its member sees
// (https://support.atlassian.com/trello/docs/changing-the-visibility-of-a-board/):
// the boards that they belong to; of a workspace of theirs also the boards that
// are visible in it, and in a paid workspace that they administer every board.

// Shards yields the boards of the member, then those of their workspaces that
// they may read without belonging to them: GET /members/{id}/boards "lists the
// boards that the user is a member of" (contract). Two requests, and one for
// each workspace.
func (s *source) Shards(ctx context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		in, err := s.look(ctx)
		if err != nil {
			yield(connector.Shard{}, err)
			return
		}
		for _, sh := range in.shards {
			if !yield(sh, nil) {
				return
			}
		}
	}
}

// A sight is what the token's member sees.
type sight struct {
	workspaces []organization // those that the member belongs to
	shards     []connector.Shard
	seen       map[text]bool // the ids of the boards among them
}

func (s *source) look(ctx context.Context) (*sight, error) {
	orgs, err := s.api.workspaces(ctx)
	if err != nil {
		return nil, err
	}
	in := &sight{workspaces: orgs, seen: map[text]bool{"": true}}
	all, err := s.api.boards(ctx)
	if err != nil {
		return nil, err
	}
	in.add(all)
	for _, o := range orgs {
		if all, err = s.api.workspaceBoards(ctx, string(o.ID)); err != nil {
			return nil, err
		}
		in.add(all)
	}
	return in, nil
}

// add adds the boards that are not there yet.
func (in *sight) add(all []board) {
	for i := range all {
		b := &all[i]
		if in.seen[b.ID] {
			continue
		}
		in.seen[b.ID] = true
		var home *organization
		if j := slices.IndexFunc(in.workspaces, func(o organization) bool { return o.ID == b.Organization }); j >= 0 {
			home = &in.workspaces[j]
		}
		in.shards = append(in.shards, shardOf(b, home))
	}
}

// shardOf describes a board; o is its workspace, nil if that is none of the
// member's.
func shardOf(b *board, o *organization) connector.Shard {
	sh := connector.Shard{Ref: ref(item.Board, b.ID), Name: string(b.Name), URL: string(cmp.Or(b.ShortURL, b.URL)), Closed: bool(b.Closed),
		Bytes: -1, People: -1, Active: b.Active.Time, Visibility: visibility(b.Prefs.v.Level)}
	who := map[text]bool{}
	add := func(all []membership, only func(membership) bool) {
		for _, m := range all {
			if !bool(m.Deactivated) && m.Member != "" && only(m) {
				who[m.Member] = true
			}
		}
	}
	all := func(membership) bool { return true }
	add(b.Memberships, all)
	sh.Members = idsOf(who)
	if o != nil {
		sh.Owner = string(cmp.Or(o.DisplayName, o.Name))
	}
	switch sh.Visibility {
	case connector.ForPeople:
		if o != nil && o.paid() {
			add(o.Memberships, membership.admin)
		}
		sh.People, sh.Viewers = len(who), idsOf(who)
	case connector.ForGroup:
		if o != nil {
			add(o.Memberships, all)
			sh.People, sh.Viewers = len(who), idsOf(who)
		}
	}
	return sh
}

func idsOf(who map[text]bool) []string {
	out := make([]string, 0, len(who))
	for id := range who {
		out = append(out, string(id))
	}
	slices.Sort(out)
	return out
}

// visibility reads prefs.permissionLevel (contract: org, private, public,
// enterprise).
func visibility(level text) string {
	switch level {
	case "private":
		return connector.ForPeople
	case "org":
		return connector.ForGroup
	case "enterprise":
		return connector.ForOrganisation
	case "public":
		return connector.ForEverybody
	}
	return ""
}

func (m membership) admin() bool { return m.Type == "admin" }

// paid reports whether the administrators of a workspace see its private
// boards: "admins have admin status on all Workspace boards, including private
// boards" in Standard and Premium, not in a free one
// (https://support.atlassian.com/trello/docs/workspace-admin-capabilities/). The
// recorded answers call that one "trello.free".
func (o *organization) paid() bool { return o.Offering != "" && o.Offering != "trello.free" }

// Unseen implements connector.Blind. Trello names a workspace's boards in its
// idBoards; those that it does not list are the private boards of others. That
// idBoards has all of them is not documented, so that no difference proves
// nothing.
func (s *source) Unseen(ctx context.Context) iter.Seq2[connector.Unseen, error] {
	return func(yield func(connector.Unseen, error) bool) {
		me, err := s.api.me(ctx)
		if err != nil {
			yield(connector.Unseen{}, err)
			return
		}
		in, err := s.look(ctx)
		if err != nil {
			yield(connector.Unseen{}, err)
			return
		}
		enterprise := false
		for i := range in.workspaces {
			o := &in.workspaces[i]
			enterprise = enterprise || o.Enterprise != ""
			if u, ok := in.unseen(o, me.ID); ok && !yield(u, nil) {
				return
			}
		}
		if enterprise && !yield(connector.Unseen{What: "boards of the enterprise's workspaces that this member does not belong to", Count: -1,
			How: "have an enterprise administrator add the member to them, or connect with the token of one who is in them"}, nil) {
			return
		}
		yield(connector.Unseen{What: "boards of other people outside these workspaces, their personal ones among them", Count: -1,
			How: "have each owner move their boards into a workspace, add this member to them, or connect with a token of their own"}, nil)
	}
}

// unseen says what me does not see of a workspace; ok is false if that is
// nothing.
func (in *sight) unseen(o *organization, me text) (u connector.Unseen, ok bool) {
	u = connector.Unseen{What: "private boards of others", Where: string(cmp.Or(o.DisplayName, o.Name)), Count: -1}
	for _, id := range o.BoardIDs {
		if !in.seen[id] {
			u.Refs = append(u.Refs, ref(item.Board, id))
		}
	}
	if len(u.Refs) > 0 {
		u.Count = len(u.Refs)
	} else if o.paid() && slices.ContainsFunc(o.Memberships, func(m membership) bool { return m.Member == me && m.admin() }) {
		return u, false
	}
	const add = "have an admin of each such board add this member"
	if o.paid() {
		u.How = fmt.Sprintf("connect with the token of an administrator of %s, who sees them all, or %s", u.Where, add)
	} else {
		u.How = add + ", or connect with a token of theirs; in a free workspace its administrators do not see them either"
	}
	return u, true
}
