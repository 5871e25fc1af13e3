package migrate

import (
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Why a grant does not go to the target.
const (
	noLinkMade = "a link has an address that cannot move: share it again where that is wanted"
	noRole     = "the target has no role that allows no more"
)

// grants fits who was let at something: each by their counterpart, with a role that
// allows no more than theirs did. Whoever has none, and every link, is a loss.
func (w *fitting) grants(from item.Item, field item.Field, limits connector.FieldCaps, grants []item.Grant) any {
	best := map[string]int{} // by the target's member, the role's place among all
	var order []string
	for _, g := range grants {
		to, known := w.people.target(g.To)
		switch {
		case g.To == "":
			w.loseFor(from.Kind, field.Name, asDropped, from.ID, "a link for "+forWhom(g.Link)+": "+noLinkMade)
			continue
		case !known:
			w.others(from, field, []string{g.To})
			continue
		case w.people.owns(to):
			continue // it is theirs there anyway
		}
		role := w.role(limits, g.Role)
		if role < 0 {
			w.loseFor(from.Kind, field.Name, asDropped, from.ID, noRole)
			continue
		}
		if item.Roles()[role] != g.Role {
			w.lose(from.Kind, field.Name, asNearest, from.ID)
		}
		had, twice := best[to]
		if !twice {
			order = append(order, to)
		}
		if !twice || role > had {
			best[to] = role
		}
	}
	var out []item.Grant
	for _, to := range order {
		if limits.MaxCount > 0 && len(out) == limits.MaxCount {
			w.hit(from.Kind, field.Name, limits.MaxCount)
			w.lose(from.Kind, field.Name, asDropped, from.ID)
			break
		}
		out = append(out, item.Grant{To: to, Role: item.Roles()[best[to]]})
	}
	return out
}

// role is the place of the highest role of the target's that allows no more than the
// given one; -1 if there is none.
func (w *fitting) role(limits connector.FieldCaps, role string) int {
	all := item.Roles()
	for i := slices.Index(all, role); i >= 0; i-- {
		if limits.Values == nil || slices.Contains(limits.Values, all[i]) {
			return i
		}
	}
	return -1
}

// forWhom says in words who may use a link.
func forWhom(link string) string {
	switch link {
	case connector.ForEverybody:
		return "whoever has it"
	case connector.ForOrganisation:
		return "everybody in the organisation"
	}
	return "a group of people"
}

// owns reports whether everything in the place belongs to a member of the target.
func (p *peopleMap) owns(target string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return item.OwnsPlace.Get(p.targets[target])
}
