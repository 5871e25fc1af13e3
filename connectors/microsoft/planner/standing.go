package planner

import (
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// standingFields say what an account is: whether anybody can sign in with it,
// whether it is of the tenant, and its licences.
// https://learn.microsoft.com/en-us/graph/api/resources/user
const standingFields = "accountEnabled,userType,assignedLicenses"

// withStanding asks about people with the fields that say what their accounts
// are. A connection that has User.ReadBasic.All and no more is refused when it
// asks for them, and asks again without.
// https://learn.microsoft.com/en-us/graph/permissions-reference#userreadbasicall
func (c *cloud) withStanding(ask func(fields string) error) error {
	if !c.basic.Load() {
		err := ask(userFields + "," + standingFields)
		if !microsoft.IsForbidden(err) {
			return err
		}
		c.basic.Store(true)
	}
	return ask(userFields)
}

// standing is what the directory tells of an account. Guests use the licences
// of their own tenant.
func (u user) standing() string {
	switch {
	case u.Enabled != nil && !*u.Enabled:
		return item.Disabled
	case u.Relation == "Guest":
		return item.Guest
	case u.Licences != nil && len(*u.Licences) == 0:
		return item.Unlicensed
	case u.Enabled != nil:
		return item.Active
	}
	return ""
}
