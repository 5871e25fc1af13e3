package browsertest

import "github.com/chromedp/cdproto/webauthn"

// A Passkey is a virtual authenticator inside the browser, as the WebDriver extension
// of https://www.w3.org/TR/webauthn-3/#sctn-automation describes it: built in, with
// keys that are found without a name, and a person who agrees at once.
type Passkey struct {
	page *Page
	id   webauthn.AuthenticatorID
}

// Passkey gives the page an authenticator. Pages must be opened by the name localhost
// (see Local): to an address without a name browsers give no passkeys.
func (p *Page) Passkey() *Passkey {
	p.t.Helper()
	call(p, "turn authenticators on", webauthn.Enable, webauthn.EnableParams{})
	made := call(p, "add an authenticator", webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	return &Passkey{p, made.AuthenticatorID}
}

// Verifies says whether the authenticator recognises its person from now on.
func (k *Passkey) Verifies(yes bool) {
	k.page.t.Helper()
	call(k.page, "set who is recognised", webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: k.id, IsUserVerified: yes})
}

// Keys is how many keys the authenticator holds.
func (k *Passkey) Keys() int {
	k.page.t.Helper()
	return len(call(k.page, "count the keys", webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: k.id}).Credentials)
}

// Lose removes the authenticator with its keys, as a lost telephone.
func (k *Passkey) Lose() {
	k.page.t.Helper()
	call(k.page, "remove the authenticator", webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: k.id})
}
