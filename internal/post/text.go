package post

import (
	"fmt"

	"github.com/rialto-migrate/rialto/internal/account"
)

// text is what a letter says: its subject, and a body of plain text.
func text(l account.Letter) (subject, body string) {
	switch l.Kind {
	case account.Confirm:
		return "Confirm your address", fmt.Sprintf(`Somebody, you we hope, made a Rialto account with this address.

To confirm that it is yours, open this link within a day:

%s

If it was not you, do nothing: without this link nobody gets in.
`, l.Link)
	case account.Known:
		return "You have an account already", fmt.Sprintf(`Somebody tried to make a Rialto account with this address. It has one already.

If it was you, sign in here, or ask for a new password there:

%s

If it was not you, do nothing: nothing was changed.
`, l.Link)
	case account.Reset:
		return "Set a new password", fmt.Sprintf(`Somebody, you we hope, asked for a new password for your Rialto account.

To set one, open this link within an hour:

%s

If it was not you, do nothing: your password stays as it is.
`, l.Link)
	case account.NoAccount:
		return "There is no account with this address", fmt.Sprintf(`Somebody, you perhaps, asked for a new Rialto password for this address. It has no account.

If you have an account with another address, ask with that one. To make a new account:

%s
`, l.Link)
	case account.Changed:
		return "Your password was changed", fmt.Sprintf(`The password of your Rialto account was changed, and all other sessions have ended.

If it was not you, set a new one at once:

%s
`, l.Link)
	case account.NewFactor:
		return "Your second factor was changed", fmt.Sprintf(`A second factor of your Rialto account was added or taken away.

If it was not you, look at your account at once, and set a new password:

%s
`, l.Link)
	case account.NewWay:
		return "A way to sign in was changed", fmt.Sprintf(`Signing in by another provider was linked to your Rialto account, or unlinked from it.

If it was not you, look at your account at once, and set a new password:

%s
`, l.Link)
	case account.NewAddress:
		return "The address of your account was changed", fmt.Sprintf(`The address of your Rialto account was changed. Letters go to the new one from now on.

If it was not you, ask whoever runs this service for help:

%s
`, l.Link)
	case account.Invitation:
		return "Join " + oneLine(l.Organisation) + " on Rialto", fmt.Sprintf(`%s invites you to join %s on Rialto, where it moves its data from one cloud to another.

To join, open this link within two weeks:

%s

If you do not know what this is about, do nothing.
`, oneLine(l.By), oneLine(l.Organisation), l.Link)
	}
	return "A letter from Rialto", l.Link + "\n"
}
