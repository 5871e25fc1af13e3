package trello

import (
	"context"

	"github.com/rialto-migrate/rialto/connector"
)

// Audience implements connector.Seen: boards are made private, for those who are
// added to them; the administrators of a paid workspace see them too (see paid).
func (t *target) Audience(ctx context.Context) (connector.Audience, error) {
	me, err := t.self(ctx)
	if err != nil {
		return connector.Audience{}, err
	}
	a := connector.Audience{Visibility: connector.ForPeople, Writer: me}
	if t.owner.ID == "" || !t.owner.paid() {
		return a, nil
	}
	for _, m := range t.owner.Memberships {
		if m.admin() && !bool(m.Deactivated) && m.Member != "" {
			a.People = append(a.People, string(m.Member))
		}
	}
	return a, nil
}
