//go:build linux

package account

import (
	"testing"
	"time"
)

func TestOtherProviders(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ctx := t.Context()
		in := func(who Identity) (Signed, error) {
			who.Provider = "Mock"
			token, err := s.SignInOutside(ctx, here, who)
			if err != nil {
				return Signed{}, err
			}
			return s.signed(t, token), nil
		}
		bo, err := in(Identity{Issuer: "i", Subject: "1", Address: "bo@example.org", Verified: true, Name: "Bo \u202e"})
		if err != nil || bo.Person.Name != "bo" || bo.Person.Confirmed.IsZero() || !bo.Person.Password.IsZero() {
			t.Fatalf("got %+v, %v", bo.Person, err)
		}
		// Who it is, issuer and subject tell together, whatever the address has become.
		if same, err := in(Identity{Issuer: "i", Subject: "1", Address: "other@example.org"}); err != nil || same.Person.ID != bo.Person.ID {
			t.Errorf("got %+v, %v", same.Person, err)
		}
		for what, who := range map[string]Identity{
			"another issuer":  {Issuer: "j", Subject: "1", Address: "bo@example.org", Verified: true},
			"another subject": {Issuer: "i", Subject: "2", Address: "BO@example.org", Verified: true},
		} {
			t.Run(what, func(t *testing.T) { refusal(t, second(in(who)), "", "has an account already") })
		}
		refusal(t, second(in(Identity{Issuer: "i", Subject: "3", Address: "ed@example.org"})), "", "does not vouch")

		// Somebody else's sign-up that nobody confirmed is not taken over, nor given away.
		if err := s.SignUp(ctx, founder("ed@example.org")); err != nil {
			t.Fatal(err)
		}
		refusal(t, second(in(Identity{Issuer: "i", Subject: "3", Address: "ed@example.org", Verified: true})), "", "has an account already")

		ana := s.founded(t, "ana@example.org")
		refusal(t, s.Link(ctx, ana, Identity{Issuer: "i", Subject: "1"}), "", "another account")
		if err := s.Link(ctx, ana, Identity{Issuer: "i", Subject: "4"}); err != nil {
			t.Fatal(err)
		}
		s.mail.last(t, NewWay, "ana@example.org")
		if same, err := in(Identity{Issuer: "i", Subject: "4"}); err != nil || same.Person.ID != ana.Person.ID {
			t.Errorf("got %+v, %v", same.Person, err)
		}
		s.now = s.now.Add(time.Hour)
		refusal(t, second(s.ProveOutside(ctx, here, ana, Identity{Issuer: "i", Subject: "1"}, time.Time{})), "", "not linked")
		refusal(t, second(s.ProveOutside(ctx, here, ana, Identity{Issuer: "i", Subject: "4"}, s.now.Add(-FreshFor-time.Second))), "", "a while ago")
		token, err := s.ProveOutside(ctx, here, ana, Identity{Issuer: "i", Subject: "4"}, s.now)
		if err != nil || !s.signed(t, token).Fresh(s.now) {
			t.Errorf("no proof: %v", err)
		}
		if err := s.Unlink(ctx, ana); err != nil {
			t.Fatal(err)
		}
		refusal(t, second(in(Identity{Issuer: "i", Subject: "4"})), "", "does not vouch")
		refusal(t, s.Unlink(ctx, bo), "", "no longer sign in")
	})
}
