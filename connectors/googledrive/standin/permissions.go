package standin

import (
	"slices"

	shared "github.com/rialto-migrate/rialto/connector/standin"
)

func (c *call) permissionsList(id string) *failure {
	n, err := c.seen(id)
	if err != nil {
		return err
	}
	if n.role(c.who) < rank("writer") {
		return fail(403, "insufficientFilePermissions", "The user does not have sufficient permissions for file %s.", id)
	}
	return c.give(200, map[string]any{"kind": "drive#permissionList", "permissions": c.permissionsOf(n)})
}

// share gives a permission, or changes the role of one.
func (c *call) share(id, of string) *failure {
	var p struct {
		Type         string `json:"type"`
		Role         string `json:"role"`
		EmailAddress string `json:"emailAddress"`
		Domain       string `json:"domain"`
	}
	if err := c.body(&p); err != nil {
		return err
	}
	return c.locked(func() *failure {
		n, err := c.writable(id)
		if err != nil {
			return err
		}
		if rank(p.Role) < 0 {
			return fail(400, "badRequest", "The permission role field is required.")
		}
		if p.Role == "owner" && c.q.Get("transferOwnership") != "true" {
			return fail(403, "forbidden", "The transferOwnership parameter must be enabled when the permission role is 'owner'.")
		}
		if (p.Role == "organizer" || p.Role == "fileOrganizer") && n != n.drive {
			return fail(403, "invalidPermissionRole", "The role is for shared drives.")
		}
		g := &grant{kind: p.Type, role: p.Role, domain: p.Domain}
		if of != "" {
			at := slices.IndexFunc(n.grants, func(g *grant) bool { return g.id() == of })
			if at < 0 {
				return fail(404, "notFound", "Permission not found: %s.", of)
			}
			g = n.grants[at]
			g.role = p.Role
		} else {
			switch p.Type {
			case "user", "group":
				g.to = c.person(p.EmailAddress)
				if g.to == nil || kindOf(g.to) != p.Type {
					return fail(400, "invalidSharingRequest", "Bad Request. User message: \"There is no Google account associated with this email address.\"")
				}
				if c.q.Get("sendNotificationEmail") != "false" {
					c.Send(shared.Notice{Kind: "shared", To: g.to.id, About: n.id})
				}
			case "domain", "anyone":
			default:
				return fail(400, "badRequest", "The permission type field is required.")
			}
			if at := slices.IndexFunc(n.grants, func(h *grant) bool { return h.id() == g.id() }); at >= 0 {
				n.grants[at].role = p.Role
			} else {
				n.grants = append(n.grants, g)
			}
		}
		n.version++
		c.touch(n)
		return c.give(200, map[string]any{"kind": "drive#permission", "id": g.id(), "type": g.kind, "role": g.role})
	})
}

func (c *call) unshare(id, of string) *failure {
	n, err := c.writable(id)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(n.grants, func(g *grant) bool { return g.id() == of })
	switch {
	case at < 0:
		return fail(404, "notFound", "Permission not found: %s.", of)
	case n.grants[at].role == "owner":
		return fail(403, "insufficientFilePermissions", "The owner of a file cannot be removed.")
	}
	n.grants = slices.Delete(n.grants, at, at+1)
	n.version++
	c.touch(n)
	c.w.WriteHeader(204)
	return nil
}
