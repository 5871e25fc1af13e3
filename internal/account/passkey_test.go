//go:build linux

package account

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/rialto-migrate/rialto/internal/store"
)

// A device holds one passkey, as a telephone.
type device struct {
	*stage
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	key  virtualwebauthn.Credential
}

func (s *stage) device() *device {
	return &device{s, virtualwebauthn.RelyingParty{Name: "Rialto", ID: "rialto.example", Origin: "https://rialto.example"},
		virtualwebauthn.NewAuthenticator(), virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)}
}

// make answers an offer.
func (d *device) make(t *testing.T, options []byte) string {
	t.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	d.auth.Options.UserHandle = []byte(o.UserID)
	d.auth.AddCredential(d.key)
	return virtualwebauthn.CreateAttestationResponse(d.rp, d.auth, d.key, *o)
}

// made makes a passkey for somebody.
func (d *device) made(t *testing.T, who Signed) (token string, codes []string) {
	t.Helper()
	options, sealed, err := d.OfferPasskey(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	token, codes, err = d.TakePasskey(t.Context(), here, who, sealed, d.make(t, options))
	if err != nil {
		t.Fatal(err)
	}
	d.mail.last(t, NewFactor, who.Person.Address)
	return token, codes
}

// answer answers a question; each answer counts one on.
func (d *device) answer(t *testing.T, options []byte) string {
	t.Helper()
	o, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	d.key.Counter++
	return virtualwebauthn.CreateAssertionResponse(d.rp, d.auth, d.key, *o)
}

// asked asks for a passkey and has the device answer.
func (d *device) asked(t *testing.T, who Signed) (sealed, answer string) {
	t.Helper()
	options, sealed, err := d.AskPasskey(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	return sealed, d.answer(t, options)
}

func TestPasskeySignsInAlone(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ctx := t.Context()
		d := s.device()
		ana := s.founded(t, "ana@example.org")
		token, codes := d.made(t, ana)
		if got := s.signed(t, token); len(codes) != Recoveries || got.Half || got.Factors.Passkeys != 1 {
			t.Errorf("got %+v", got.Factors)
		}
		s.now = s.now.Add(time.Hour)
		sealed, answer := d.asked(t, Signed{})
		token, err := s.SignInByPasskey(ctx, here, sealed, answer)
		if err != nil {
			t.Fatal(err)
		}
		got := s.signed(t, token)
		if got.Person.ID != ana.Person.ID || got.Half || got.Session.Second.IsZero() || !got.Fresh(s.now) {
			t.Errorf("got %+v", got.Session)
		}
		keys, err := s.Store.Passkeys(ctx, ana.Person.ID)
		if err != nil || !keys[0].Used.Equal(s.now) || !strings.Contains(string(keys[0].Credential), `"signCount":1`) {
			t.Errorf("its counter was not kept: %+v, %v", keys, err)
		}
		// The same answer serves once, in every process.
		twin := New(s.Config)
		refusal(t, second(twin.SignInByPasskey(ctx, here, sealed, answer)), "", "once more")
	})
}

func TestPasskeyForTheSecondFactor(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ctx := t.Context()
		ana, bo := s.founded(t, "ana@example.org"), s.founded(t, "bo@example.org")
		d, other := s.device(), s.device()
		d.made(t, ana)
		other.made(t, bo)
		half := s.half(t, "ana@example.org")
		s.now = s.now.Add(FreshFor)
		sealed, answer := d.asked(t, half)
		// What was asked of one is not answered by another, nor for another.
		if _, err := s.GivePasskey(ctx, here, s.half(t, "bo@example.org"), sealed, answer); err == nil {
			t.Error("another person's answer was taken")
		}
		if _, err := s.SignInByPasskey(ctx, here, sealed, answer); err == nil {
			t.Error("a second factor signed in alone, in another browser")
		}
		o, _, err := s.AskPasskey(ctx, half)
		if err != nil {
			t.Fatal(err)
		}
		refusal(t, second(s.GivePasskey(ctx, here, half, sealed, other.answer(t, o))), "", "does not open")
		token, err := s.GivePasskey(ctx, here, half, sealed, answer)
		if err != nil {
			t.Fatal(err)
		}
		got := s.signed(t, token)
		if got.Half || !got.Fresh(s.now) {
			t.Errorf("got %+v", got.Session)
		}
		// Later it proves once more who it is.
		s.now = s.now.Add(FreshFor)
		sealed, answer = d.asked(t, got)
		if token, err = s.GivePasskey(ctx, here, got, sealed, answer); err != nil || !s.signed(t, token).Fresh(s.now) {
			t.Errorf("no recent proof: %v", err)
		}
	})
}

// What an authenticator, or somebody who pretends to be one, must not get away with.
func TestPasskeyRefused(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ana := s.founded(t, "ana@example.org")
		good := s.device()
		good.made(t, ana)
		good.key.Counter = 5
		sealed, answer := good.asked(t, Signed{})
		if _, err := s.SignInByPasskey(t.Context(), here, sealed, answer); err != nil {
			t.Fatal(err)
		}
		for what, change := range map[string]func(d *device){
			"another site":      func(d *device) { d.rp.Origin = "https://rialto.example.evil" },
			"another site's id": func(d *device) { d.rp.ID = "evil.example" },
			"not recognised":    func(d *device) { d.auth.Options.UserNotVerified = true },
			"nobody was there":  func(d *device) { d.auth.Options.UserNotPresent = true },
			"another key": func(d *device) {
				id := d.key.ID
				d.key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
				d.key.ID = id
				d.key.Counter = 50
			},
			"a key nobody knows":  func(d *device) { d.key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2) },
			"somebody else named": func(d *device) { d.auth.Options.UserHandle = []byte("somebody") },
			"nobody named":        func(d *device) { d.auth.Options.UserHandle = nil },
			"a copy that is late": func(d *device) { d.key.Counter = 2 },
		} {
			t.Run(what, func(t *testing.T) {
				d := *good
				d.key.Counter = 20
				change(&d)
				sealed, answer := d.asked(t, Signed{})
				_, err := s.SignInByPasskey(t.Context(), here, sealed, answer)
				if _, ok := errors.AsType[*Refusal](err); !ok {
					t.Errorf("got %v", err)
				}
			})
		}
		t.Run("too late", func(t *testing.T) {
			sealed, answer := good.asked(t, Signed{})
			s.now = s.now.Add(FlightWithin + time.Second)
			refusal(t, second(s.SignInByPasskey(t.Context(), here, sealed, answer)), "", "took too long")
		})
		for what, answer := range map[string]string{"nothing": "", "no answer": "{}", "hostile": `{"id":"AA","rawId":"AA","type":"public-key","response":{}}`} {
			t.Run(what, func(t *testing.T) {
				sealed, _ := good.asked(t, Signed{})
				refusal(t, second(s.SignInByPasskey(t.Context(), here, sealed, answer)), "", "does not open")
			})
		}
	})
}

func TestMakingPasskeysRefused(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ctx := t.Context()
		ana, bo := s.founded(t, "ana@example.org"), s.founded(t, "bo@example.org")
		take := func(d *device, who Signed) error {
			options, sealed, err := s.OfferPasskey(ctx, who)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = s.TakePasskey(ctx, here, ana, sealed, d.make(t, options))
			return err
		}
		for what, c := range map[string]struct {
			change func(d *device)
			reason string
		}{
			"another site":     {func(d *device) { d.rp.Origin = "https://evil.example" }, "recognises you"},
			"not recognised":   {func(d *device) { d.auth.Options.UserNotVerified = true }, "recognises you"},
			"nobody was there": {func(d *device) { d.auth.Options.UserNotPresent = true }, "recognises you"},
		} {
			t.Run(what, func(t *testing.T) {
				d := s.device()
				c.change(d)
				refusal(t, take(d, ana), "", c.reason)
			})
		}
		refusal(t, take(s.device(), bo), "", "another window") // offered to somebody else
		d := s.device()
		if err := take(d, ana); err != nil {
			t.Fatal(err)
		}
		refusal(t, take(d, ana), "", "known already")
		// What is offered next leaves out the device that has one.
		options, _, err := s.OfferPasskey(ctx, ana)
		var got struct {
			PublicKey struct{ ExcludeCredentials []struct{ ID string } }
		}
		if err := errors.Join(err, json.Unmarshal(options, &got)); err != nil || len(got.PublicKey.ExcludeCredentials) != 1 {
			t.Errorf("offered: %s, %v", options, err)
		}
	})
}

// Browsers give passkeys to names alone.
func TestTakesPasskeys(t *testing.T) {
	for base, want := range map[string]bool{"https://rialto.example": true, "http://localhost:8090": true, "http://127.0.0.1:8090": false, "http://[::1]:8090": false, "": false} {
		if got := New(Config{Base: base, Store: &store.Store{}}).TakesPasskeys(); got != want {
			t.Errorf("%s: %v", base, got)
		}
	}
}
