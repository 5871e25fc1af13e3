package account

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/store"
)

// A Passkey is a passkey as its person knows it.
type Passkey struct {
	store.Passkey
	Name   string // the device that it was made with
	Synced bool   // it may be on other devices, too (its backup flags)
}

// kept is what is sealed of a passkey.
type kept struct {
	Name       string
	Credential webauthn.Credential
}

// A holder is a person as package webauthn wants it.
type holder struct {
	person store.Person
	keys   []kept
}

func (h holder) WebAuthnID() []byte          { return []byte(h.person.ID) }
func (h holder) WebAuthnName() string        { return h.person.Address }
func (h holder) WebAuthnDisplayName() string { return h.person.Name }
func (h holder) WebAuthnCredentials() (out []webauthn.Credential) {
	for _, k := range h.keys {
		out = append(out, k.Credential)
	}
	return out
}

// errNoPasskeys says why the service takes none.
var errNoPasskeys = &Refusal{"", "passkeys need a service that is reached by a name, like localhost, and not by a number"}

var errWrongPasskey = &Refusal{"", "this passkey does not open this account"}

// relying is this service as authenticators know it: by its name. Keys are found without
// asking who it is, and recognise their person, so that one counts as both factors.
func (a *Accounts) relying() (*webauthn.WebAuthn, error) {
	u, err := url.Parse(a.Base)
	if err != nil {
		return nil, errNoPasskeys
	}
	if err := protocol.ValidateRPID(u.Hostname()); err != nil || strings.Trim(u.Hostname(), "0123456789.:") == "" {
		return nil, errNoPasskeys
	}
	yes := true
	return webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: "Rialto", RPOrigins: []string{a.Base},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: &yes, ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
	})
}

// TakesPasskeys reports whether the service is reached by a name: browsers give no
// passkeys to numbers (https://www.w3.org/TR/webauthn-3/#rp-id).
func (a *Accounts) TakesPasskeys() bool {
	_, err := a.relying()
	return err == nil
}

func (a *Accounts) holder(ctx context.Context, p store.Person) (holder, error) {
	h := holder{person: p}
	all, err := a.Store.Passkeys(ctx, p.ID)
	for _, one := range all {
		var k kept
		if err := json.Unmarshal(one.Credential, &k); err != nil {
			return h, err
		}
		h.keys = append(h.keys, k)
	}
	return h, err
}

// Passkeys returns a person's passkeys, the oldest first.
func (a *Accounts) Passkeys(ctx context.Context, person string) (out []Passkey, err error) {
	all, err := a.Store.Passkeys(ctx, person)
	for _, one := range all {
		var k kept
		if err := json.Unmarshal(one.Credential, &k); err != nil {
			return nil, err
		}
		out = append(out, Passkey{Passkey: one, Name: k.Name, Synced: k.Credential.Flags.BackupEligible})
	}
	return out, err
}

func newPasskeyKind(s Signed) string { return "new passkey\x00" + s.Person.ID }

// OfferPasskey begins to make a passkey: options are for the browser's authenticator
// (https://www.w3.org/TR/webauthn-3/#dictdef-publickeycredentialcreationoptionsjson),
// and sealed is for the browser to hold on to.
func (a *Accounts) OfferPasskey(ctx context.Context, s Signed) (options []byte, sealed string, err error) {
	w, err := a.relying()
	if err != nil {
		return nil, "", err
	}
	h, err := a.holder(ctx, s.Person)
	if err != nil {
		return nil, "", err
	}
	var known []protocol.CredentialDescriptor
	for _, k := range h.keys {
		known = append(known, k.Credential.Descriptor())
	}
	made, session, err := w.BeginRegistration(h, webauthn.WithExclusions(known))
	if err != nil {
		return nil, "", err
	}
	return a.offer(ctx, newPasskeyKind(s), made, session)
}

func (a *Accounts) offer(ctx context.Context, kind string, question any, session *webauthn.SessionData) (options []byte, sealed string, err error) {
	if options, err = json.Marshal(question); err != nil {
		return nil, "", err
	}
	sealed, err = a.Seal(ctx, kind, session)
	return options, sealed, err
}

// TakePasskey keeps a passkey that was made. It returns the token under which the
// session goes on, and recovery codes if the person had none.
func (a *Accounts) TakePasskey(ctx context.Context, place Place, s Signed, sealed, answer string) (token string, codes []string, err error) {
	w, err := a.relying()
	if err != nil {
		return "", nil, err
	}
	var session webauthn.SessionData
	if err := a.Unseal(ctx, newPasskeyKind(s), sealed, &session); err != nil {
		return "", nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return "", nil, refuse("", "the device made no passkey that we can read: try once more")
	}
	made, err := w.CreateCredential(holder{person: s.Person}, session, parsed)
	if err != nil {
		return "", nil, refuse("", "the device made no passkey that recognises you: try once more, or with another device")
	}
	if err := a.spend(ctx, s.Person.ID, session.Challenge); err != nil {
		return "", nil, err
	}
	owner, err := a.Store.PasskeyOwner(ctx, made.ID)
	if err != nil {
		return "", nil, err
	}
	if owner != "" {
		return "", nil, refuse("", "this passkey is known already")
	}
	made.Attestation = webauthn.CredentialAttestation{} // none was asked for
	text, err := json.Marshal(kept{place.Device, *made})
	if err != nil {
		return "", nil, err
	}
	now := a.Now()
	if err := a.Store.AddPasskey(ctx, store.Passkey{ID: made.ID, Person: s.Person.ID, Credential: text, Created: now, Used: now}); err != nil {
		return "", nil, err
	}
	return a.added(ctx, place, s)
}

// askKind binds a question to who is asked; "" is whoever comes in.
func askKind(person string) string { return "passkey\x00" + person }

// AskPasskey asks for a passkey: for any, where s is nobody, and else for one of
// that person's.
func (a *Accounts) AskPasskey(ctx context.Context, s Signed) (options []byte, sealed string, err error) {
	w, err := a.relying()
	if err != nil {
		return nil, "", err
	}
	if s.Person.ID == "" {
		question, session, err := w.BeginDiscoverableLogin()
		if err != nil {
			return nil, "", err
		}
		return a.offer(ctx, askKind(""), question, session)
	}
	h, err := a.holder(ctx, s.Person)
	if err != nil {
		return nil, "", err
	}
	if len(h.keys) == 0 {
		return nil, "", refuse("", "your account has no passkey")
	}
	question, session, err := w.BeginLogin(h)
	if err != nil {
		return nil, "", err
	}
	return a.offer(ctx, askKind(s.Person.ID), question, session)
}

// SignInByPasskey begins a session of whoever a passkey belongs to. It needs nothing
// else: the key is the one factor, and its device recognised the person by the other.
func (a *Accounts) SignInByPasskey(ctx context.Context, place Place, sealed, answer string) (token string, err error) {
	p, err := a.answered(ctx, Signed{}, sealed, answer)
	if err != nil {
		return "", err
	}
	return a.Begin(ctx, p.ID, place, true)
}

// GivePasskey takes a passkey of whoever is signed in, for the second factor or for a
// recent proof. The session goes on under a new token.
func (a *Accounts) GivePasskey(ctx context.Context, place Place, s Signed, sealed, answer string) (token string, err error) {
	if err := a.slow(count{perFactor, s.Person.ID}); err != nil {
		return "", err
	}
	if _, err := a.answered(ctx, s, sealed, answer); err != nil {
		return "", err
	}
	return a.renew(ctx, place, s, true)
}

// answered checks a passkey's answer and keeps its counter. The challenge is spent.
func (a *Accounts) answered(ctx context.Context, s Signed, sealed, answer string) (store.Person, error) {
	w, err := a.relying()
	if err != nil {
		return store.Person{}, err
	}
	var session webauthn.SessionData
	if err := a.Unseal(ctx, askKind(s.Person.ID), sealed, &session); err != nil {
		return store.Person{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return store.Person{}, errWrongPasskey
	}
	owner, err := a.Store.PasskeyOwner(ctx, parsed.RawID)
	if err != nil {
		return store.Person{}, err
	}
	if owner == "" || s.Person.ID != "" && owner != s.Person.ID {
		return store.Person{}, errWrongPasskey
	}
	p, err := a.Store.Person(ctx, owner)
	if err != nil {
		return p, err
	}
	h, err := a.holder(ctx, p)
	if err != nil {
		return p, err
	}
	var now *webauthn.Credential
	if s.Person.ID != "" {
		now, err = w.ValidateLogin(h, session, parsed)
	} else {
		_, now, err = w.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
			if string(handle) != p.ID {
				return nil, errors.New("account: the passkey names somebody else")
			}
			return h, nil
		}, session, parsed)
	}
	if err != nil {
		return p, errWrongPasskey
	}
	if err := a.spend(ctx, p.ID, session.Challenge); err != nil {
		return p, err
	}
	if now.Authenticator.CloneWarning {
		return p, refuse("", "this passkey was used less often than we know of: it may have been copied. Sign in another way and remove it")
	}
	return p, a.used(ctx, h, now)
}

// used keeps a passkey's counter and flags.
func (a *Accounts) used(ctx context.Context, h holder, now *webauthn.Credential) error {
	for _, k := range h.keys {
		if string(k.Credential.ID) != string(now.ID) {
			continue
		}
		text, err := json.Marshal(kept{k.Name, *now})
		if err != nil {
			return err
		}
		return a.Store.SetPasskey(ctx, store.Passkey{ID: now.ID, Person: h.person.ID, Credential: text, Used: a.Now()})
	}
	return connector.Errorf(connector.Gone, "account: there is no such passkey")
}

// RemovePasskey takes a passkey away from an account. One that is not there is Gone.
func (a *Accounts) RemovePasskey(ctx context.Context, s Signed, id []byte) error {
	owner, err := a.Store.PasskeyOwner(ctx, id)
	if err != nil {
		return err
	}
	if owner != s.Person.ID {
		return connector.Errorf(connector.Gone, "account: there is no such passkey")
	}
	if err := a.mayLose(ctx, s); err != nil {
		return err
	}
	if err := a.Store.RemovePasskey(ctx, s.Person.ID, id); err != nil {
		return err
	}
	return a.removed(ctx, s)
}
