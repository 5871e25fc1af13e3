//go:build linux

package account

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/store"
)

// code is what the app of a key shows so many steps from now.
func (s *stage) code(t *testing.T, key string, steps int) string {
	t.Helper()
	code, err := totp.GenerateCode(strings.ReplaceAll(key, " ", ""), s.now.Add(time.Duration(steps)*period*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// withApp sets up one-time passwords, and returns their key and the recovery codes.
func (s *stage) withApp(t *testing.T, who Signed) (_ Signed, key string, codes []string) {
	t.Helper()
	seed, err := s.OfferSeed(t.Context(), who, "")
	if err != nil {
		t.Fatal(err)
	}
	token, codes, err := s.TakeSeed(t.Context(), here, who, seed.Sealed, s.code(t, seed.Key, 0))
	if err != nil {
		t.Fatal(err)
	}
	s.mail.last(t, NewFactor, who.Person.Address)
	return s.signed(t, token), seed.Key, codes
}

// half signs in by the password alone.
func (s *stage) half(t *testing.T, address string) Signed {
	t.Helper()
	token, err := s.SignIn(t.Context(), here, address, secret(good))
	if err != nil {
		t.Fatal(err)
	}
	who := s.signed(t, token)
	if !who.Half {
		t.Fatal("the password alone was enough")
	}
	return who
}

func TestSettingUpAnApp(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ctx := t.Context()
		ana, bo := s.founded(t, "ana@example.org"), s.founded(t, "bo@example.org")
		seed, err := s.OfferSeed(ctx, ana, "")
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.OfferSeed(ctx, ana, seed.Sealed)
		if err != nil || again.Key != seed.Key {
			t.Errorf("a reload shows another key: %v", err)
		}
		link, err := url.Parse(seed.Link)
		if err != nil || link.Query().Get("secret") != strings.ReplaceAll(seed.Key, " ", "") || link.Path != "/Rialto:ana@example.org" || link.Query().Get("issuer") != "Rialto" {
			t.Errorf("the link is %s: %v", seed.Link, err)
		}
		take := func(who Signed, sealed, code string) error {
			_, _, err := s.TakeSeed(ctx, here, who, sealed, code)
			return err
		}
		refusal(t, take(ana, seed.Sealed, s.code(t, seed.Key, 2)), "code", "not the code")
		refusal(t, take(bo, seed.Sealed, s.code(t, seed.Key, 0)), "", "another window")
		refusal(t, take(ana, seed.Sealed+"A", s.code(t, seed.Key, 0)), "", "another window")
		s.now = s.now.Add(FlightWithin + time.Second)
		refusal(t, take(ana, seed.Sealed, s.code(t, seed.Key, 0)), "", "took too long")
		before := ana.Session.TokenHash
		ana, _, codes := s.withApp(t, ana)
		if string(before) == string(ana.Session.TokenHash) || ana.Half || ana.Session.Second.IsZero() || !ana.Factors.TOTP || ana.Factors.Codes != Recoveries || len(codes) != Recoveries {
			t.Errorf("got %+v, %d codes", ana, len(codes))
		}
		other, err := s.OfferSeed(ctx, ana, "")
		if err != nil {
			t.Fatal(err)
		}
		refusal(t, take(ana, other.Sealed, s.code(t, other.Key, 0)), "", "already")
	})
}

func TestOneTimePasswords(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ctx := t.Context()
		_, key, _ := s.withApp(t, s.founded(t, "ana@example.org"))
		give := func(code string) error {
			t.Helper()
			who := s.half(t, "ana@example.org")
			token, err := s.GiveCode(ctx, here, who, code)
			if err != nil {
				return err
			}
			if got := s.signed(t, token); got.Half || string(got.Session.TokenHash) == string(who.Session.TokenHash) {
				t.Errorf("after the code: %+v", got.Session)
			}
			if _, err := s.Store.Session(ctx, who.Session.TokenHash); !gone(err) {
				t.Errorf("the half session goes on: %v", err)
			}
			return nil
		}
		refusal(t, give(s.code(t, key, 0)), "code", "used already") // by the setting up
		s.now = s.now.Add(10 * time.Minute)
		for _, c := range []struct {
			what string
			step int // beside that of now
			ok   bool
		}{
			{"a clock two steps behind", -2, false}, {"one step behind", -1, true}, {"the same again", -1, false}, {"right", 0, true}, {"right, again", 0, false},
			{"one step ahead", 1, true}, {"an earlier one after it", 0, false}, {"two steps ahead", 2, false},
		} {
			t.Run(c.what, func(t *testing.T) {
				s.tries = newTries(func() time.Time { return s.now }) // the pace has a test of its own
				err := give(s.code(t, key, c.step))
				if c.ok && err != nil {
					t.Error(err)
				}
				if !c.ok {
					refusal(t, err, "code", "not the code")
				}
			})
		}
		refusal(t, give("000000 "), "code", "not the code")
		refusal(t, give(""), "code", "not the code")
	})
}

// Whoever knows the password does not get the second factor by trying.
func TestGuessingCodesIsSlow(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.withApp(t, s.founded(t, "ana@example.org"))
		s.now = s.now.Add(time.Hour)
		who := s.half(t, "ana@example.org")
		var slow *TooMany
		n := 0
		for ; n < 20 && slow == nil; n++ {
			var err error
			if n%2 == 0 {
				_, err = s.GiveCode(t.Context(), here, who, "123456")
			} else {
				_, err = s.GiveRecoveryCode(t.Context(), here, who, "abcd")
			}
			slow, _ = errors.AsType[*TooMany](err)
		}
		if n != perFactor.burst+1 {
			t.Errorf("stopped at try %d", n)
		}
	})
}

// An old password is not made fresh by a code.
func TestACodeIsNoRecentProof(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		_, key, _ := s.withApp(t, s.founded(t, "ana@example.org"))
		who := s.half(t, "ana@example.org")
		s.now = s.now.Add(FreshFor)
		token, err := s.GiveCode(t.Context(), here, who, s.code(t, key, 0))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.signed(t, token); got.Half || got.Fresh(s.now) {
			t.Errorf("got %+v", got.Session)
		}
	})
}

func TestRecoveryCodes(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ctx := t.Context()
		ana, _, codes := s.withApp(t, s.founded(t, "ana@example.org"))
		bo, _, others := s.withApp(t, s.founded(t, "bo@example.org"))
		s.now = s.now.Add(time.Hour)
		give := func(address, code string) error {
			_, err := s.GiveRecoveryCode(ctx, here, s.half(t, address), code)
			return err
		}
		if err := give("ana@example.org", " "+strings.ToUpper(strings.ReplaceAll(codes[3], "-", " "))); err != nil {
			t.Error(err)
		}
		refusal(t, give("ana@example.org", codes[3]), "recovery", "used already")
		refusal(t, give("ana@example.org", others[0]), "recovery", "not one of your")
		if n, err := s.Store.RecoveryCodes(ctx, ana.Person.ID); err != nil || n != Recoveries-1 {
			t.Errorf("%d are left: %v", n, err)
		}
		fresh, err := s.NewRecoveryCodes(ctx, bo)
		if err != nil {
			t.Fatal(err)
		}
		refusal(t, give("bo@example.org", others[1]), "recovery", "not one of your")
		if err := give("bo@example.org", fresh[1]); err != nil {
			t.Error(err)
		}
	})
}

func TestRemovingFactors(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ctx := t.Context()
		ana, _, _ := s.withApp(t, s.founded(t, "ana@example.org"))
		in, err := s.Store.Memberships(ctx, ana.Person.ID)
		if err != nil {
			t.Fatal(err)
		}
		demand := func(yes bool) {
			t.Helper()
			if err := s.Change(ctx, in[0].Organisation, "Workshop", yes); err != nil {
				t.Fatal(err)
			}
		}
		demand(true)
		refusal(t, s.RemoveSeed(ctx, ana), "", "your last one")
		// With a second one, either may go, and then the other may not.
		k := s.device()
		token, codes := k.made(t, ana)
		if codes != nil {
			t.Error("recovery codes were made anew")
		}
		ana = s.signed(t, token)
		keys, err := s.Passkeys(ctx, ana.Person.ID)
		if err != nil || len(keys) != 1 || keys[0].Name != here.Device {
			t.Fatalf("got %+v, %v", keys, err)
		}
		if err := s.RemoveSeed(ctx, ana); err != nil {
			t.Fatal(err)
		}
		ana = s.signed(t, token)
		refusal(t, s.RemovePasskey(ctx, ana, keys[0].ID), "", "your last one")
		demand(false)
		bo := s.founded(t, "bo@example.org")
		if err := s.RemovePasskey(ctx, bo, keys[0].ID); connector.ClassOf(err) != connector.Gone {
			t.Errorf("somebody else's: %v", err)
		}
		if err := s.RemovePasskey(ctx, ana, keys[0].ID); err != nil {
			t.Fatal(err)
		}
		s.mail.last(t, NewFactor, "ana@example.org")
		if n, err := s.Store.RecoveryCodes(ctx, ana.Person.ID); err != nil || n != 0 {
			t.Errorf("%d recovery codes stand for nothing: %v", n, err)
		}
		if got := s.signed(t, token); got.Factors.Any() || got.Half {
			t.Errorf("got %+v", got.Factors)
		}
	})
}

func TestFlights(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ctx := t.Context()
		sealed, err := s.Seal(ctx, "a", "cargo")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(sealed, "cargo") {
			t.Error("it can be read")
		}
		var got string
		// Another process of the same service goes on with it.
		twin := New(Config{Store: s.Store, Now: s.Now})
		if err := twin.Unseal(ctx, "a", sealed, &got); err != nil || got != "cargo" {
			t.Errorf("got %q, %v", got, err)
		}
		for what, bad := range map[string][2]string{"another kind": {"b", sealed}, "nothing": {"a", ""}, "altered": {"a", sealed[:20] + strings.Map(func(r rune) rune { return 'A' + 'B' - max('A', min(r, 'B')) }, sealed[20:21]) + sealed[21:]}, "cut": {"a", sealed[:20]}, "no base64": {"a", "%"}} {
			t.Run(what, func(t *testing.T) { refusal(t, s.Unseal(ctx, bad[0], bad[1], &got), "", "once more") })
		}
		p := store.Person{ID: newID(), Address: "x@example.org", Name: "x", Created: s.now}
		if err := s.Store.AddPerson(ctx, p); err != nil {
			t.Fatal(err)
		}
		for _, challenge := range []string{"one", "two"} {
			if err := s.spend(ctx, p.ID, challenge); err != nil {
				t.Error(err)
			}
		}
		refusal(t, s.spend(ctx, p.ID, "one"), "", "once more")
		s.now = s.now.Add(FlightWithin + time.Second)
		refusal(t, s.Unseal(ctx, "a", sealed, &got), "", "took too long")
	})
}
