package account

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// One-time passwords are those of RFC 6238 as all apps know them: six digits of
// HMAC-SHA-1, another one each 30 seconds.
const (
	period       = 30 // seconds
	skew         = 1  // steps that a clock may be off, either way (RFC 6238, 5.2)
	seedSize     = 20 // bytes (RFC 4226, 4, R6)
	recoverySize = 10 // bytes of a recovery code
	Recoveries   = 10 // recovery codes that a person gets
)

var plain32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// A Seed is what one-time passwords are made of, before it is the person's: an app
// has to show that it has it.
type Seed struct {
	Key    string // as people type it, in groups of four
	Link   string // as apps read it from a picture: otpauth://
	Sealed string // for the browser to hold on to
}

func seedKind(s Signed) string { return "seed\x00" + s.Person.ID }

// OfferSeed returns the seed that a browser holds, or a fresh one where it holds
// none that can still be taken.
func (a *Accounts) OfferSeed(ctx context.Context, s Signed, sealed string) (Seed, error) {
	var key string
	if err := a.Unseal(ctx, seedKind(s), sealed, &key); err != nil {
		b := make([]byte, seedSize)
		rand.Read(b)
		key = plain32.EncodeToString(b)
		if sealed, err = a.Seal(ctx, seedKind(s), key); err != nil {
			return Seed{}, err
		}
	}
	// https://github.com/google/google-authenticator/wiki/Key-Uri-Format
	link := url.URL{Scheme: "otpauth", Host: "totp", Path: "/Rialto:" + s.Person.Address,
		RawQuery: "secret=" + key + "&issuer=Rialto"}
	return Seed{Key: grouped(key), Link: link.String(), Sealed: sealed}, nil
}

// grouped puts a space behind each four characters.
func grouped(text string) string {
	var b strings.Builder
	for i, r := range text {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// TakeSeed makes a seed the person's, once a password of it shows that an app has it. It
// returns the token under which the session goes on, and recovery codes if the
// person had none.
func (a *Accounts) TakeSeed(ctx context.Context, place Place, s Signed, sealed, code string) (token string, codes []string, err error) {
	if err := a.slow(count{perFactor, s.Person.ID}); err != nil {
		return "", nil, err
	}
	var key string
	if err := a.Unseal(ctx, seedKind(s), sealed, &key); err != nil {
		return "", nil, err
	}
	err = a.Store.ChangePerson(ctx, s.Person.ID, func(p *store.Person) error {
		if !p.Seed.IsZero() {
			return refuse("", "an app is set up already: remove it first")
		}
		step, ok := stepOf(key, code, 0, a.Now())
		if !ok {
			return refuse("code", "this is not the code that the app shows now: check the clock of your device")
		}
		p.Seed, p.Step = vault.NewSecret(key), step
		return nil
	})
	if err != nil {
		return "", nil, err
	}
	return a.added(ctx, place, s)
}

// added is what follows a new factor: recovery codes with the first one, a letter, and
// a session that was proved by it.
func (a *Accounts) added(ctx context.Context, place Place, s Signed) (token string, codes []string, err error) {
	left, err := a.Store.RecoveryCodes(ctx, s.Person.ID)
	if err != nil {
		return "", nil, err
	}
	if left == 0 {
		if codes, err = a.NewRecoveryCodes(ctx, s); err != nil {
			return "", nil, err
		}
	}
	if err := a.factorLetter(ctx, s); err != nil {
		return "", nil, err
	}
	token, err = a.renew(ctx, place, s, true)
	return token, codes, err
}

func (a *Accounts) factorLetter(ctx context.Context, s Signed) error {
	return a.Post.Send(ctx, Letter{To: s.Person.Address, Kind: NewFactor, Link: a.Base + "/account/second-factor"})
}

// stepOf finds the time step whose password a code is: the one of now, or one beside it
// that comes after the last one used. A password serves once (RFC 6238, 5.2).
func stepOf(key, code string, used int64, now time.Time) (step int64, ok bool) {
	code = strings.Join(strings.Fields(code), "")
	for d := int64(-skew); d <= skew; d++ {
		at := now.Unix()/period + d
		want, err := totp.GenerateCode(key, time.Unix(at*period, 0))
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && at > used {
			step, ok = at, true
		}
	}
	return step, ok
}

// GiveCode takes a one-time password for the second factor. The session goes on under a new
// token; how long ago its password was given does not change by it.
func (a *Accounts) GiveCode(ctx context.Context, place Place, s Signed, code string) (token string, err error) {
	if err := a.slow(count{perFactor, s.Person.ID}); err != nil {
		return "", err
	}
	err = a.Store.ChangePerson(ctx, s.Person.ID, func(p *store.Person) error {
		if p.Seed.IsZero() {
			return refuse("code", "your account has no app for codes")
		}
		step, ok := stepOf(p.Seed.Reveal(), code, p.Step, a.Now())
		if !ok {
			return refuse("code", "this is not the code that your app shows now, or it was used already: wait for the next one")
		}
		p.Step = step
		return nil
	})
	if err != nil {
		return "", err
	}
	return a.second(ctx, place, s)
}

// GiveRecoveryCode takes a recovery code for the second factor: each serves once.
func (a *Accounts) GiveRecoveryCode(ctx context.Context, place Place, s Signed, code string) (token string, err error) {
	if err := a.slow(count{perFactor, s.Person.ID}); err != nil {
		return "", err
	}
	hash, err := a.recoveryHash(ctx, s.Person.ID, code)
	if err != nil {
		return "", err
	}
	ok, err := a.Store.UseRecoveryCode(ctx, s.Person.ID, hash)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", refuse("recovery", "this is not one of your recovery codes, or it was used already")
	}
	return a.second(ctx, place, s)
}

// second gives a session its second factor, and with it a new token.
func (a *Accounts) second(ctx context.Context, place Place, s Signed) (string, error) {
	return a.become(ctx, s, store.Session{Fresh: s.Session.Fresh, Second: a.Now(), About: about(place)})
}

// NewRecoveryCodes gives a person new recovery codes in place of all earlier ones. Only
// their hashes are kept.
func (a *Accounts) NewRecoveryCodes(ctx context.Context, s Signed) (codes []string, err error) {
	var hashes [][]byte
	for range Recoveries {
		b := make([]byte, recoverySize)
		rand.Read(b)
		code := strings.ToLower(strings.ReplaceAll(grouped(plain32.EncodeToString(b)), " ", "-"))
		hash, err := a.recoveryHash(ctx, s.Person.ID, code)
		if err != nil {
			return nil, err
		}
		codes, hashes = append(codes, code), append(hashes, hash)
	}
	return codes, a.Store.SetRecoveryCodes(ctx, s.Person.ID, hashes)
}

// recoveryHash is keyed: from a copy of the database alone no code is found by
// trying.
func (a *Accounts) recoveryHash(ctx context.Context, person, code string) ([]byte, error) {
	key, err := a.Store.ServiceKey(ctx, "recovery codes")
	if err != nil {
		return nil, err
	}
	code = strings.ToUpper(strings.NewReplacer("-", "", " ", "", "\t", "").Replace(code))
	h := hmac.New(sha256.New, key)
	h.Write([]byte(person + "\x00" + code))
	return h.Sum(nil), nil
}

// RemoveSeed takes one-time passwords away from an account.
func (a *Accounts) RemoveSeed(ctx context.Context, s Signed) error {
	if !s.Factors.TOTP {
		return nil
	}
	if err := a.mayLose(ctx, s); err != nil {
		return err
	}
	err := a.Store.ChangePerson(ctx, s.Person.ID, func(p *store.Person) error { p.Seed, p.Step = vault.Secret{}, 0; return nil })
	if err != nil {
		return err
	}
	return a.removed(ctx, s)
}

// mayLose refuses to take away the last factor of somebody whose organisation
// demands one.
func (a *Accounts) mayLose(ctx context.Context, s Signed) error {
	left := s.Factors.Passkeys
	if s.Factors.TOTP {
		left++
	}
	if left > 1 {
		return nil
	}
	in, err := a.Store.Memberships(ctx, s.Person.ID)
	if err != nil {
		return err
	}
	for _, m := range in {
		if m.Organisation.SecondFactor {
			return refuse("", "an organisation that you are in asks for a second factor, and this is your last one: add another one first")
		}
	}
	return nil
}

// removed is what follows a factor that is gone: without any, recovery codes stand
// for nothing.
func (a *Accounts) removed(ctx context.Context, s Signed) error {
	p, err := a.Store.Person(ctx, s.Person.ID)
	if err != nil {
		return err
	}
	f, err := a.factors(ctx, p)
	if err != nil {
		return err
	}
	if !f.Any() {
		if err := a.Store.SetRecoveryCodes(ctx, p.ID, nil); err != nil {
			return err
		}
	}
	return a.factorLetter(ctx, s)
}
