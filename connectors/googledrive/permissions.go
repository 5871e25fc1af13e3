package googledrive

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/item"
)

// roleOf is a role of Drive's as all clouds have it; "" for one that is none. A
// shared drive's managers and content managers write
// (https://developers.google.com/workspace/drive/api/guides/ref-roles).
func roleOf(role string) string {
	return map[string]string{"owner": item.Owns, "organizer": item.Writes, "fileOrganizer": item.Writes, "writer": item.Writes, "commenter": item.Comments, "reader": item.Reads}[role]
}

// driveRole is what gives a role of all clouds.
func driveRole(role string) string {
	return map[string]string{item.Reads: "reader", item.Comments: "commenter", item.Writes: "writer"}[role]
}

// direct are the permissions that were given right at a file, with the role that was:
// Drive lists inherited ones among them, and tells which those are. Where it does not
// tell, one that the folder above has as well counts as inherited.
func direct(all, above []permission) []permission {
	var out []permission
	for _, p := range all {
		switch {
		case p.View != "" || p.Deleted || roleOf(p.Role) == "":
			continue
		case len(p.Details) > 0:
			right := false
			for _, d := range p.Details {
				if !d.Inherited && roleOf(d.Role) != "" {
					right, p.Role = true, d.Role
				}
			}
			if !right {
				continue
			}
		case p.Role != "owner" && slices.ContainsFunc(above, func(a permission) bool { return a.ID == p.ID && a.Role == p.Role }):
			continue
		}
		out = append(out, p)
	}
	return out
}

// grants are who was let at a file, as an item has it, and what of it is not carried.
// Nobody is told to own what belongs to the drive's own person.
func (t *tree) grants(f file, above []permission) (out []item.Grant, unknown []string) {
	for _, p := range direct(f.Permissions, above) {
		if p.Role == "owner" && (t.drive != "" || f.Mine) {
			continue
		}
		g := item.Grant{To: memberID(p.Email, p.ID), Role: roleOf(p.Role)}
		switch p.Type {
		case "domain":
			g.To, g.Link = "", "organisation"
		case "anyone":
			g.To, g.Link = "", "everybody"
		}
		if !p.Expires.IsZero() {
			unknown = append(unknown, "permissions.expires")
		}
		out = append(out, g)
	}
	return out, unknown
}

// memberID is what somebody is known by: their address, by which Drive lets people in,
// or, where it is kept from us, the id that permissions have for them.
func memberID(email, id string) string { return cmp.Or(strings.ToLower(email), id) }

// member is somebody whom a permission names; ok is false for a link.
func (p permission) member(container item.Ref) (it item.Item, ok bool) {
	if p.Type != "user" && p.Type != "group" || p.ID == "" && p.Email == "" {
		return it, false
	}
	standing := ""
	if p.Type == "group" {
		standing = item.Group
	}
	return member(container, memberID(p.Email, p.ID), p.Name, p.Email, standing), true
}

// member is an item for somebody.
func member(container item.Ref, id, name, email, standing string) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Member, ID: id}, Parent: container}
	item.Name.Set(&it, cmp.Or(name, email))
	item.Email.Set(&it, strings.ToLower(email))
	item.Standing.Set(&it, standing)
	return it
}
