//go:build linux

package account

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/password"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/store/bothtest"
	"github.com/rialto-migrate/rialto/internal/vault"
)

var servers bothtest.Servers

func TestMain(m *testing.M) { servers.Main(m) }

// A mailbox keeps the letters that were sent.
type mailbox struct {
	mu      sync.Mutex
	letters []Letter
}

func (b *mailbox) Send(_ context.Context, l Letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters = append(b.letters, l)
	return nil
}

// last is the token of the last letter, which must be of a kind and to somebody.
func (b *mailbox) last(t *testing.T, kind, to string) string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.letters) == 0 {
		t.Fatal("no letter was sent")
	}
	l := b.letters[len(b.letters)-1]
	if l.Kind != kind || l.To != to {
		t.Fatalf("the last letter is %s to %s, want %s to %s", l.Kind, l.To, kind, to)
	}
	return l.Link[strings.LastIndex(l.Link, "/")+1:]
}

type stage struct {
	*Accounts
	mail *mailbox
	now  time.Time
}

func each(t *testing.T, test func(t *testing.T, s *stage)) {
	t.Helper()
	hasher, err := password.NewHasher(2)
	if err != nil {
		t.Fatal(err)
	}
	regions, err := NewRegions(DefaultRegions())
	if err != nil {
		t.Fatal(err)
	}
	servers.Each(t, func(t *testing.T, o store.Options) {
		s := &stage{mail: &mailbox{}, now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
		s.Accounts = New(Config{Store: bothtest.Open(t, o), Hasher: hasher, Post: s.mail, Regions: regions, Base: "https://rialto.example",
			Now: func() time.Time { return s.now }})
		test(t, s)
	})
}

const (
	good  = "correct tulip bridge seven"
	other = "another tulip bridge eight"
)

var here = Place{Address: "192.0.2.1", Device: "Firefox on Linux"}

func secret(text string) vault.Secret { return vault.NewSecret(text) }

func founder(address string) SignUp {
	return SignUp{Country: "DE", Organisation: "Workshop", Name: "Ana Ferreira", Address: address, Password: secret(good)}
}

// founded signs up, confirms, signs in, and returns who that is.
func (s *stage) founded(t *testing.T, address string) Signed {
	t.Helper()
	ctx := t.Context()
	if err := s.SignUp(ctx, founder(address)); err != nil {
		t.Fatal(err)
	}
	if err := s.Confirm(ctx, s.mail.last(t, Confirm, address)); err != nil {
		t.Fatal(err)
	}
	token, err := s.SignIn(ctx, here, address, secret(good))
	if err != nil {
		t.Fatal(err)
	}
	return s.signed(t, token)
}

func (s *stage) signed(t *testing.T, token string) Signed {
	t.Helper()
	got, err := s.Signed(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func refusal(t *testing.T, err error, field, reason string) {
	t.Helper()
	r, ok := errors.AsType[*Refusal](err)
	if !ok || r.Field != field || !strings.Contains(r.Reason, reason) {
		t.Errorf("got %#v, want a refusal of %q: %s", err, field, reason)
	}
}

func TestSignUp(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ctx := t.Context()
		ana := s.founded(t, "Ana@example.org")
		if ana.Person.Name != "Ana Ferreira" || ana.Half || !ana.Fresh(s.now) {
			t.Errorf("got %+v", ana)
		}
		in, err := s.Store.Memberships(ctx, ana.Person.ID)
		if err != nil || len(in) != 1 || in[0].Role != Owner || in[0].Organisation.Region != "westeurope" || in[0].Organisation.Name != "Workshop" {
			t.Errorf("got %+v, %v", in, err)
		}
		// The same again looks the same, and makes nothing.
		if err := s.SignUp(ctx, founder("ANA@example.org")); err != nil {
			t.Error(err)
		}
		s.mail.last(t, Known, "ANA@example.org")
		if ids, err := s.Store.Organisations(ctx); err != nil || len(ids) != 1 {
			t.Errorf("organisations: %v, %v", ids, err)
		}
	})
}

func TestSignUpRefuses(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		for field, c := range map[string]struct {
			change func(*SignUp)
			reason string
		}{
			"country":      {func(u *SignUp) { u.Country = "XX" }, "choose"},
			"organisation": {func(u *SignUp) { u.Organisation = " \t " }, "missing"},
			"name":         {func(u *SignUp) { u.Name = "Ana \u202e" }, "cannot be seen"},
			"address":      {func(u *SignUp) { u.Address = "Ana <ana@example.org>" }, "no address"},
			"password":     {func(u *SignUp) { u.Password = secret("anaferreira1") }, "guessed first"},
		} {
			u := founder("ana@example.org")
			c.change(&u)
			refusal(t, s.SignUp(t.Context(), u), field, c.reason)
		}
		if len(s.mail.letters) != 0 {
			t.Errorf("letters were sent: %v", s.mail.letters)
		}
	})
}

func TestSignIn(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ctx := t.Context()
		if err := s.SignUp(ctx, founder("ana@example.org")); err != nil {
			t.Fatal(err)
		}
		first := s.mail.last(t, Confirm, "ana@example.org")
		if _, err := s.SignIn(ctx, here, "ana@example.org", secret(good)); !errors.Is(err, ErrUnconfirmed) {
			t.Errorf("unconfirmed: %v", err)
		}
		refusal(t, s.Confirm(ctx, first), "", "no longer valid") // the second letter counts
		link := s.mail.last(t, Confirm, "ana@example.org")
		for range 2 {
			if err := s.Confirm(ctx, link); err != nil {
				t.Error(err)
			}
		}
		_, wrong := s.SignIn(ctx, here, "ana@example.org", secret(other))
		_, nobody := s.SignIn(ctx, here, "bo@example.org", secret(other))
		if wrong == nil || nobody == nil || wrong.Error() != nobody.Error() {
			t.Errorf("one can tell who has an account: %v, %v", wrong, nobody)
		}
		token, err := s.SignIn(ctx, here, " ANA@example.org", secret(good))
		if err != nil {
			t.Fatal(err)
		}
		ana := s.signed(t, token)
		if _, err := s.Signed(ctx, token+"x"); !errors.Is(err, ErrSignedOut) {
			t.Errorf("a wrong token: %v", err)
		}
		// A recent proof gives the session another token.
		s.now = s.now.Add(FreshFor)
		if ana.Fresh(s.now) {
			t.Error("the proof is old by now")
		}
		refusal(t, second(s.Prove(ctx, here, ana, secret(other))), "password", "not your password")
		again, err := s.Prove(ctx, here, ana, secret(good))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Signed(ctx, token); !errors.Is(err, ErrSignedOut) {
			t.Errorf("the old token still serves: %v", err)
		}
		ana = s.signed(t, again)
		if !ana.Fresh(s.now) {
			t.Error("a proof just given is not fresh")
		}
		if err := s.SignOut(ctx, ana); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Signed(ctx, again); !errors.Is(err, ErrSignedOut) {
			t.Errorf("signed out: %v", err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestSessionsEnd(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ctx := t.Context()
		ana := s.founded(t, "ana@example.org")
		token, err := s.Begin(ctx, ana.Person.ID, here, false)
		if err != nil {
			t.Fatal(err)
		}
		for range 14 { // in use, it lives on; but not for ever
			s.now = s.now.Add(IdleAfter - time.Minute)
			s.signed(t, token)
		}
		s.now = s.now.Add(15 * time.Minute)
		if _, err := s.Signed(ctx, token); !errors.Is(err, ErrSignedOut) {
			t.Errorf("after seven days: %v", err)
		}
		if token, err = s.Begin(ctx, ana.Person.ID, here, false); err != nil {
			t.Fatal(err)
		}
		s.now = s.now.Add(IdleAfter + time.Second)
		if _, err := s.Signed(ctx, token); !errors.Is(err, ErrSignedOut) {
			t.Errorf("idle: %v", err)
		}
		one, _ := s.Begin(ctx, ana.Person.ID, here, false)
		two, _ := s.Begin(ctx, ana.Person.ID, Place{"198.51.100.7", "Safari on macOS"}, false)
		mine := s.signed(t, one)
		all, err := s.Store.Sessions(ctx, ana.Person.ID)
		if err != nil || len(all) < 2 || !slices.ContainsFunc(all, func(n store.Session) bool { return n.About == "Safari on macOS\n198.51.100.7" }) {
			t.Errorf("got %+v, %v", all, err)
		}
		if err := s.EndOthers(ctx, mine); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Signed(ctx, two); !errors.Is(err, ErrSignedOut) {
			t.Errorf("the other one: %v", err)
		}
		s.signed(t, one)
		// Nobody ends somebody else's.
		bo := s.founded(t, "bo@example.org")
		if err := s.EndSession(ctx, bo, mine.Session.TokenHash); err != nil {
			t.Fatal(err)
		}
		s.signed(t, one)
	})
}

func TestGuessingIsSlow(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ctx := t.Context()
		s.founded(t, "ana@example.org")
		thief := Place{Address: "203.0.113.9"}
		var slow *TooMany
		n := 0
		for ; n < 30 && slow == nil; n++ {
			_, err := s.SignIn(ctx, thief, "ana@example.org", secret(other))
			slow, _ = errors.AsType[*TooMany](err)
		}
		if n != perBoth.burst+1 || slow.Wait <= 0 || slow.Wait > 2*time.Minute {
			t.Errorf("stopped at try %d, to wait %v", n, slow)
		}
		if _, err := s.SignIn(ctx, thief, "ana@example.org", secret(good)); err == nil {
			t.Error("the right password helps whoever guessed too often")
		}
		if _, err := s.SignIn(ctx, here, "ana@example.org", secret(good)); err != nil {
			t.Errorf("whoever guesses keeps the person out: %v", err)
		}
		s.now = s.now.Add(slow.Wait)
		if _, err := s.SignIn(ctx, thief, "ana@example.org", secret(good)); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

func TestReset(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ctx := t.Context()
		ana := s.founded(t, "ana@example.org")
		token, _ := s.Begin(ctx, ana.Person.ID, here, false)
		if err := s.AskReset(ctx, "nobody@example.org"); err != nil {
			t.Errorf("one can tell who has an account: %v", err)
		}
		s.mail.last(t, NoAccount, "nobody@example.org")
		if err := s.AskReset(ctx, "ANA@example.org"); err != nil {
			t.Fatal(err)
		}
		link := s.mail.last(t, Reset, "ana@example.org")
		refusal(t, s.SetPassword(ctx, link, secret("short")), "password", "needs 12") // and the link still holds
		refusal(t, s.SetPassword(ctx, "made-up", secret(other)), "", "no longer valid")
		if err := s.SetPassword(ctx, link, secret(other)); err != nil {
			t.Fatal(err)
		}
		s.mail.last(t, Changed, "ana@example.org")
		refusal(t, s.SetPassword(ctx, link, secret(good)), "", "no longer valid")
		if _, err := s.Signed(ctx, token); !errors.Is(err, ErrSignedOut) {
			t.Errorf("a session outlived the password: %v", err)
		}
		if _, err := s.SignIn(ctx, here, "ana@example.org", secret(good)); err == nil {
			t.Error("the old password still serves")
		}
		token, err := s.SignIn(ctx, here, "ana@example.org", secret(other))
		if err != nil {
			t.Fatal(err)
		}
		me := s.signed(t, token)
		refusal(t, s.ChangePassword(ctx, here, me, secret(good), secret(good)), "old", "not your password")
		if err := s.ChangePassword(ctx, here, me, secret(other), secret(good)); err != nil {
			t.Fatal(err)
		}
		s.signed(t, token) // the session that did it goes on
		// An old link is no longer valid, and a link for one thing serves no other.
		if err := s.AskReset(ctx, "ana@example.org"); err != nil {
			t.Fatal(err)
		}
		link = s.mail.last(t, Reset, "ana@example.org")
		refusal(t, s.Confirm(ctx, link), "", "no longer valid")
		s.now = s.now.Add(ResetWithin + time.Second)
		refusal(t, s.SetPassword(ctx, link, secret(other)), "", "no longer valid")
	})
}

func TestInvitations(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ctx := t.Context()
		ana := s.founded(t, "ana@example.org")
		in, err := s.Store.Memberships(ctx, ana.Person.ID)
		if err != nil {
			t.Fatal(err)
		}
		org := in[0].Organisation.ID
		refusal(t, s.Invite(ctx, ana.Person, org, "bo@example.org", "king"), "role", "choose")
		refusal(t, s.Invite(ctx, ana.Person, org, "Ana@Example.org", "operator"), "address", "already")
		if err := s.Invite(ctx, ana.Person, org, "bo@example.org", "auditor"); err != nil {
			t.Fatal(err)
		}
		old := s.mail.last(t, Invitation, "bo@example.org")
		if err := s.Invite(ctx, ana.Person, org, "bo@example.org", "operator"); err != nil {
			t.Fatal(err)
		}
		_, _, err = s.JoinAnew(ctx, here, old, "Bo", secret(other))
		refusal(t, err, "", "no longer valid")
		link := s.mail.last(t, Invitation, "bo@example.org")
		got, err := s.Invited(ctx, link)
		if err != nil || got.Organisation.Name != "Workshop" || got.Role != "operator" || got.Account {
			t.Errorf("got %+v, %v", got, err)
		}
		_, err = s.Join(ctx, ana, link)
		refusal(t, err, "", "another address")
		token, at, err := s.JoinAnew(ctx, here, link, "Bo", secret(other))
		if err != nil || at != org {
			t.Fatal(at, err)
		}
		bo := s.signed(t, token)
		if role, err := s.Store.Role(ctx, org, bo.Person.ID); err != nil || role != "operator" {
			t.Errorf("got %q, %v", role, err)
		}
		// An account of before joins with one click, once.
		cy := s.founded(t, "cy@example.org")
		if err := s.Invite(ctx, ana.Person, org, "cy@example.org", "auditor"); err != nil {
			t.Fatal(err)
		}
		link = s.mail.last(t, Invitation, "cy@example.org")
		if _, err := s.Join(ctx, cy, link); err != nil {
			t.Fatal(err)
		}
		_, err = s.Join(ctx, cy, link)
		refusal(t, err, "", "no longer valid")

		refusal(t, s.SetRole(ctx, org, ana.Person.ID, "auditor"), "role", "needs an owner")
		refusal(t, s.RemoveMember(ctx, org, ana.Person.ID), "", "needs an owner")
		if err := s.SetRole(ctx, org, bo.Person.ID, Owner); err != nil {
			t.Fatal(err)
		}
		if err := s.RemoveMember(ctx, org, ana.Person.ID); err != nil {
			t.Fatal(err)
		}
		refusal(t, s.SetRole(ctx, org, ana.Person.ID, Owner), "", "not in the organisation")
		if err := s.Invite(ctx, bo.Person, org, "late@example.org", "auditor"); err != nil {
			t.Fatal(err)
		}
		s.now = s.now.Add(InviteWithin + time.Second)
		_, err = s.Invited(ctx, s.mail.last(t, Invitation, "late@example.org"))
		refusal(t, err, "", "no longer valid")
	})
}

func TestRegions(t *testing.T) {
	r, err := NewRegions(DefaultRegions())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(r.Countries()); n < 230 || n > 260 {
		t.Errorf("%d countries", n)
	}
	for code, want := range map[string]string{"US": "eastus", "BR": "eastus", "CA": "eastus", "MX": "eastus", "DE": "westeurope", "PT": "westeurope",
		"NG": "westeurope", "IN": "westeurope", "ZA": "westeurope", "TR": "westeurope"} {
		if c, ok := r.Country(code); !ok || c.Region.Name != want || c.Name == "" {
			t.Errorf("%s: %+v, %v", code, c, ok)
		}
	}
	mine := append(DefaultRegions(), Region{Name: "nowhere", Title: "Nowhere", Lat: -60, Lon: 60, Countries: []string{"DE"}})
	if r, err = NewRegions(mine); err != nil {
		t.Fatal(err)
	}
	if c, _ := r.Country("DE"); c.Region.Name != "nowhere" {
		t.Errorf("got %+v", c)
	}
	for _, bad := range [][]Region{nil, {{Name: "a"}}, {{Name: "a", Title: "A", Lat: 91}}, append(DefaultRegions(), DefaultRegions()...)} {
		if _, err := NewRegions(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}
