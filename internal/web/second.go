package web

import (
	"net/url"

	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// second are the doors of the second factor, and of passkeys, which need no other.
func (s *Site) second() {
	const why, half = "whoever comes in is not in yet", "whoever gives the second factor is only half in"
	s.door("GET /sign-in/passkey/options", why, func(v *visit) error { return v.question(v.Accounts.AskPasskey(v.ctx(), account.Signed{})) })
	s.door("POST /sign-in/passkey", why, (*visit).signedInByPasskey)
	s.door("GET /sign-in/second", half, func(v *visit) error { return v.giveSecond(nil) })
	s.door("POST /sign-in/second", half, (*visit).gaveSecond)
	s.door("GET /sign-in/second/options", half, (*visit).askOwnPasskey)
	s.door("POST /sign-in/second/passkey", half, (*visit).gavePasskey)
}

// askPasskey is the button that signs in by a passkey alone.
func (v *visit) askPasskey() any {
	if !v.Accounts.TakesPasskeys() {
		return nil
	}
	return look.Passkey{ID: "passkey", Text: "Sign in with a passkey", Options: "/sign-in/passkey/options", Action: "/sign-in/passkey",
		Hidden:  []look.Hidden{{Name: "to", Value: next(v.r.FormValue("to"))}},
		Without: "Passkeys need a browser that knows them, with scripts turned on. Your password does without."}
}

func (v *visit) signedInByPasskey() error {
	token, err := v.Accounts.SignInByPasskey(v.ctx(), v.place(), v.held(heldPasskey), v.typed("answer"))
	v.drop(heldPasskey)
	who := ""
	if err == nil {
		if v.signed, err = v.Accounts.Signed(v.ctx(), token); err == nil {
			who = v.signed.Person.ID
		}
	}
	if told := v.did("sign in", who, err); told != nil {
		return told
	}
	if err != nil {
		return v.signIn("", err)
	}
	v.keep(token)
	return v.to(next(v.typed("to")))
}

// askOwnPasskey asks for a passkey of whoever is signed in, half or whole.
func (v *visit) askOwnPasskey() error {
	if v.signed.Person.ID == "" {
		return errNotFound
	}
	return v.question(v.Accounts.AskPasskey(v.ctx(), v.signed))
}

// whole leads away whoever has no second factor to give.
func (v *visit) whole() (to string, ok bool) {
	to = next(v.r.FormValue("to"))
	if v.signed.Person.ID == "" {
		return "/sign-in?to=" + url.QueryEscape(to), true
	}
	return to, !v.signed.Half
}

// giveSecond asks for the second factor: each way that the person has.
func (v *visit) giveSecond(refused error) error {
	to, elsewhere := v.whole()
	if elsewhere {
		return v.to(to)
	}
	p := v.layout("Your second factor")
	p.Heading.Lead = "One more proof that it is you."
	hidden := []look.Hidden{{Name: "to", Value: to}}
	recover := v.r.FormValue("with") == "recovery"
	var ways []any
	if v.signed.Factors.Passkeys > 0 && !recover {
		ways = append(ways, look.Passkey{ID: "passkey", Text: "Use a passkey", Kind: kindIf(!v.signed.Factors.TOTP), Options: "/sign-in/second/options",
			Action: "/sign-in/second/passkey", Hidden: hidden,
			Without: "Passkeys need a browser that knows them, with scripts turned on. Without one, use a code."})
	}
	f := look.Form{Action: "/sign-in/second", Hidden: hidden, Buttons: []look.Button{{Text: "Go on", Kind: look.Primary}}}
	switch {
	case recover || !v.signed.Factors.TOTP && refused != nil:
		f.Hidden = append(f.Hidden, look.Hidden{Name: "with", Value: "recovery"})
		f.Fields = []any{look.Field{Name: "recovery", Label: "Recovery code", Mono: true, Autocomplete: "off", First: true,
			Hint: "One of those that you kept when you set up the second factor. Each serves once."}}
	case v.signed.Factors.TOTP:
		f.Fields = []any{look.Field{Name: "code", Label: "Code", Kind: look.OneTime, Short: true, MaxLength: 7, First: v.signed.Factors.Passkeys == 0,
			Hint: "The six digits that your app shows now."}}
	default:
		f = look.Form{}
	}
	if !recover {
		p.Footer = []look.Link{{Text: "Use a recovery code", Href: "/sign-in/second?with=recovery&to=" + url.QueryEscape(to)}}
	} else {
		p.Footer = []look.Link{{Text: "Use another way", Href: "/sign-in/second?to=" + url.QueryEscape(to)}}
	}
	ways = append(ways, look.Button{Text: "Sign out", Kind: look.Quiet, Post: "/sign-out"})
	if f.Action == "" { // only a passkey
		p.Body = ways
		return v.show(p)
	}
	return v.ask(form{page: p, form: f, after: ways}, refused)
}

// kindIf is that of a page's first button.
func kindIf(first bool) string {
	if first {
		return look.Primary
	}
	return ""
}

func (v *visit) gaveSecond() error {
	if to, elsewhere := v.whole(); elsewhere {
		return v.to(to)
	}
	var token string
	var err error
	if v.typed("with") == "recovery" {
		token, err = v.Accounts.GiveRecoveryCode(v.ctx(), v.place(), v.signed, v.typed("recovery"))
	} else {
		token, err = v.Accounts.GiveCode(v.ctx(), v.place(), v.signed, v.typed("code"))
	}
	return v.gave(token, err, "give the second factor", v.giveSecond)
}

func (v *visit) gavePasskey() error {
	if to, elsewhere := v.whole(); elsewhere {
		return v.to(to)
	}
	token, err := v.Accounts.GivePasskey(v.ctx(), v.place(), v.signed, v.held(heldPasskey), v.typed("answer"))
	v.drop(heldPasskey)
	return v.gave(token, err, "give the second factor", v.giveSecond)
}

// gave notes a proof and goes on under the token that came of it, or asks again.
func (v *visit) gave(token string, err error, what string, again func(error) error) error {
	if told := v.did(what, v.signed.Person.ID, err); told != nil {
		return told
	}
	if err != nil {
		return again(err)
	}
	v.keep(token)
	return v.to(next(v.typed("to")))
}
